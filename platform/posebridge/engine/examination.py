"""Gathers what the checks of `engine/doctor.py` look at, on this machine and now."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import psutil

from posebridge.engine import doctor
from posebridge.engine.artifacts import Store
from posebridge.engine.doctor import Finding, Gpu, State, Tried

CLUSTER_SECONDS = 90.0
CLUSTER_PROGRAM = """
import ray
from posebridge.engine.cluster import cluster
with cluster(None):
    assert ray.get(ray.remote(lambda: 3).remote()) == 3
"""
CGROUP = Path("/sys/fs/cgroup")


def examine(store: Store) -> Iterator[Finding]:
    """Every check, one after the other.

    What needs torch or Ray is left out where these cannot be imported.

    Args:
        store: that would be used.
    """
    environment = dict(os.environ)
    yield doctor.check_python(sys.version_info[:3])
    torch = doctor.check_library("torch", attempt(lambda: _version("torch")), wanted=doctor.TORCH)
    yield torch
    ray = doctor.check_library("ray", attempt(lambda: _version("ray")), wanted=doctor.RAY)
    yield ray
    yield doctor.check_address(environment)
    yield doctor.check_auth(environment, has_token=has_token(environment))
    yield from _machine()
    yield from storage(store)
    yield doctor.check_kernels(attempt(_kernels))
    if torch.state is not State.FAIL:
        yield doctor.check_guard(attempt(_guard))
        yield doctor.check_gpu(_gpus(), has_driver=_has_driver())
    if State.FAIL not in (torch.state, ray.state):
        yield doctor.check_weights(attempt(_weights))
        yield _cpus()
        yield doctor.check_cluster(start_cluster(CLUSTER_PROGRAM, CLUSTER_SECONDS))


def attempt(function: Callable[[], str]) -> Tried:
    """What a function gives, or in one line why it fails."""
    try:
        return Tried(function())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        first = str(error).strip().partition("\n")[0]
        return Tried(error=f"{type(error).__name__}: {first}")


def start_cluster(program: str, limit_s: float) -> Tried:
    """Start Ray in a process of its own, which can be given up.

    Args:
        program: Python, that ends well if all is well.
        limit_s: after which it is given up.
    """
    since = time.monotonic()
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env=dict(os.environ) | path,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Tried(error=f"did not start and run a task within {limit_s:g} s")
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"ended with status {ended.returncode}"]
        return Tried(error=lines[-1])
    return Tried(f"starts, runs a task and ends in {time.monotonic() - since:.0f} s")


def has_token(environment: Mapping[str, str]) -> bool:
    """Whether Ray would find a token: in the environment, where it says, or at home."""
    if environment.get("RAY_AUTH_TOKEN"):
        return True
    path = environment.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    return Path(path).is_file() and Path(path).stat().st_size > 0


@dataclass(frozen=True)
class Probe:
    """What became of a file that was put into a store.

    Attributes:
        tried: to write it, to create it once only, and to read it.
        now: when, by this machine.
        store_now: by the store; None where it does not tell.
    """

    tried: Tried
    now: float
    store_now: float | None


def probe(store: Store) -> Probe:
    """Put a file into a store, look at it, and leave nothing behind."""
    name = f"doctor-{uuid.uuid4().hex[:12]}"
    had_folder = not store.is_local or Path(_folder(store)).exists()
    now = time.time()
    times: list[float] = []

    def use() -> str:
        if not store.create(name, name.encode()):
            raise ValueError(f"{name} cannot be created, as if it were there")
        times.append(_modified(store, name))
        if store.create(name, b"another"):
            raise ValueError("a file was created twice: two workers could do the same work")
        if store.read(name) != name.encode():
            raise ValueError("a file reads other than it was written")
        return "can be written, creates a file once only"

    try:
        tried = attempt(use)
    finally:
        with suppress(Exception):  # what fails here has failed above
            store.delete(name)
            if not had_folder:
                Path(_folder(store)).rmdir()
    return Probe(tried, now, times[0] if times and times[0] else None)


def storage(store: Store) -> Iterator[Finding]:
    """The store, its disk and its clock."""
    known = attempt(lambda: f"{store.is_local}")
    if known.error:  # such as the library of an object store that is not installed
        yield doctor.check_store(store.uri, known)
        return
    free = None
    if store.is_local:
        folder = Path(_folder(store))
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = float(shutil.disk_usage(there).free)
    yield doctor.check_disk(store.uri, free)
    probed = probe(store)
    yield doctor.check_store(store.uri, probed.tried)
    yield doctor.check_clock(now=probed.now, store_now=probed.store_now)


def usable_cores(quota: str) -> float:
    """Cores that this process may use.

    Args:
        quota: content of the control group's `cpu.max`: microseconds and period, or max.
    """
    try:
        cores = float(len(os.sched_getaffinity(0)))
    except AttributeError:  # not on every system
        cores = float(os.cpu_count() or 1)
    share, _, period = quota.strip().partition(" ")
    return min(cores, float(share) / float(period)) if share.isdigit() and period else cores


def _version(library: str) -> str:
    return str(importlib.import_module(library).__version__)


def _guard() -> str:
    guard = importlib.import_module("posebridge.estimators.torchvision_guard")
    guard.import_torchvision()
    return f"timm {_version('timm')}, torchvision {_version('torchvision')}"


def _weights() -> str:
    predictors = importlib.import_module("posebridge.engine.predictors")
    for architecture in predictors.shipped().values():
        architecture.build()
    return ", ".join(predictors.shipped())


def _kernels() -> str:
    """Where the compiled kernels are kept; importing them fails where there is no such place."""
    kind = importlib.import_module("numba.core.registry").CPUDispatcher
    module = importlib.import_module("posebridge.synthesis.noise")
    kernel = next(value for value in vars(module).values() if isinstance(value, kind))
    return str(kernel.stats.cache_path)


def _machine() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    limit = _read(CGROUP / "memory.max")
    used = _read(CGROUP / "memory.current")
    total, available = float(memory.total), float(memory.available)
    if limit.isdigit() and used.isdigit():
        total = min(total, float(limit))
        available = min(available, float(limit) - float(used))
    yield doctor.check_memory(available)
    shared = Path("/dev/shm")
    free = float(shutil.disk_usage(shared).free) if shared.is_dir() else None
    yield doctor.check_shared_memory(free, memory=total)
    temporary = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    usage = shutil.disk_usage(temporary)
    yield doctor.check_temporary_disk(temporary, 1 - usage.free / usage.total)


def _cpus() -> Finding:
    stages = importlib.import_module("posebridge.stages")
    threads: int = stages.Budget(steps=1).threads
    return doctor.check_cpus(
        usable=usable_cores(_read(CGROUP / "cpu.max")),
        # As a local cluster counts them.
        counted=max(os.cpu_count() or 1, 2),
        threads=threads,
        claimed=threads,
    )


def _gpus() -> tuple[Gpu, ...]:
    torch: Any = importlib.import_module("torch")
    if not torch.cuda.is_available():
        return ()
    found = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        has_bf16 = torch.cuda.get_device_capability(index) >= (8, 0)
        found.append(Gpu(name, float(free), float(total), has_bf16))
    return tuple(found)


def _has_driver() -> bool:
    return any(Path(place).exists() for place in ("/dev/nvidia0", "/dev/kfd"))


def _folder(store: Store) -> str:
    _, folder = fsspec.core.url_to_fs(store.uri)
    return str(folder)


def _modified(store: Store, name: str) -> float:
    """When a file was written, by the clock of its file system; 0 where it does not tell."""
    filesystem, path = fsspec.core.url_to_fs(store.path(name))
    try:
        return float(filesystem.modified(path).timestamp())
    except (NotImplementedError, FileNotFoundError):
        return 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
