"""Gathers what the checks of `engine/doctor` look at, on this machine and now."""

import importlib
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import psutil

from posebridge.engine import ray_here
from posebridge.engine.addresses import JOB_VARIABLE
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster_examination import Demand
from posebridge.engine.cluster_examination import examine as examine_cluster
from posebridge.engine.doctor import machine, rays, software
from posebridge.engine.doctor.findings import Finding, Tried, attempt
from posebridge.engine.doctor.machine import Gpu

CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Subject:
    """What is examined.

    Attributes:
        store: that would be used.
        address: of the cluster that would be used; None for one that is started here.
        demand: the experiment that would be run, if one is meant.
    """

    store: Store
    address: str | None = None
    demand: Demand | None = None


def examine(subject: Subject) -> Iterator[Finding]:
    """Every check, one after the other.

    What needs torch or Ray is left out where these cannot be imported.
    """
    yield software.check_python(sys.version_info[:3])
    torch = attempt(lambda: _version("torch"))
    yield software.check_library("torch", torch, wanted=software.TORCH)
    ray = attempt(lambda: _version("ray"))
    yield software.check_library("ray", ray, wanted=software.RAY)
    yield from _ray_here(dict(os.environ))
    yield from _machine()
    yield from storage(subject.store)
    yield software.check_kernels(attempt(_kernels))
    if not torch.error:
        yield software.check_guard(attempt(_guard))
        yield machine.check_gpu(_gpus(), has_driver=_has_driver())
    if not torch.error and not ray.error:
        yield software.check_weights(attempt(_weights))
        yield software.check_extras(attempt(_extras))
        yield _cpus()
        yield from examine_cluster(subject.store, subject.address, subject.demand)


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
        yield machine.check_store(store.uri, known)
        return
    free = None
    if store.is_local:
        folder = Path(_folder(store))
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = float(shutil.disk_usage(there).free)
    yield machine.check_disk(store.uri, free)
    probed = probe(store)
    yield machine.check_store(store.uri, probed.tried)
    yield machine.check_clock(now=probed.now, store_now=probed.store_now)


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


def _extras() -> str:
    importlib.import_module("ray.dashboard.optional_deps")
    importlib.import_module("ray.util.state")
    return "dashboard, jobs and State API can be imported"


def _ray_here(environment: Mapping[str, str]) -> Iterator[Finding]:
    address = environment.get("RAY_ADDRESS", "")
    yield rays.check_address(
        environment,
        answers=bool(address) and ray_here.answers(address),
        in_job=JOB_VARIABLE in environment,
    )
    yield rays.check_auth(environment, has_token=ray_here.has_token(environment))
    yield rays.check_switches(environment)
    instances = ray_here.instances()
    yield rays.check_instances(instances)
    yield rays.check_open(instances)
    yield rays.check_leftovers(ray_here.dead_sessions(ray_here.temporary_folder(environment)))


def _machine() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    limit = _read(CGROUP / "memory.max")
    used = _read(CGROUP / "memory.current")
    total, available = float(memory.total), float(memory.available)
    if limit.isdigit() and used.isdigit():
        total = min(total, float(limit))
        available = min(available, float(limit) - float(used))
    yield machine.check_memory(available)
    shared = Path("/dev/shm")
    free = float(shutil.disk_usage(shared).free) if shared.is_dir() else None
    yield machine.check_shared_memory(free, memory=total)
    temporary = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    usage = shutil.disk_usage(temporary)
    yield machine.check_temporary_disk(temporary, 1 - usage.free / usage.total)


def _cpus() -> Finding:
    stages = importlib.import_module("posebridge.stages")
    threads: int = stages.Budget(steps=1).threads
    return machine.check_cpus(
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
