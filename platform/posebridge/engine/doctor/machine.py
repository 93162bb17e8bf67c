"""Whether a machine has the cores, the memory and the disk that work takes."""

from dataclasses import dataclass

from posebridge.engine.doctor.findings import GIGABYTE, Finding, State, Tried, ok
from posebridge.engine.doctor.software import TORCH

LEAST_DISK, WANTED_DISK = 1 * GIGABYTE, 5 * GIGABYTE
LEAST_MEMORY, WANTED_MEMORY = 2 * GIGABYTE, 4 * GIGABYTE
LEAST_GPU_MEMORY = 2 * GIGABYTE
RAY_DISK_SHARE = 0.95
"""Of a full disk from which on Ray refuses to store objects."""
SHARED_MEMORY_SHARE = 0.3
"""Of the memory that Ray takes for its objects."""
SKEW_WARN_S, SKEW_FAIL_S = 5.0, 30.0
OLDEST_CLOCK = 1_767_225_600.0
"""2026-01-01: before it no release of this package existed."""


def check_cpus(*, usable: float, counted: int, threads: int, claimed: float) -> Finding:
    """There are cores for the threads of a stage and the tasks that read for it.

    Args:
        usable: cores that this process may use, by affinity and by quota.
        counted: cores that Ray gives away.
        threads: of a stage.
        claimed: cores that a stage and the tasks that read for it claim from Ray.
    """
    name, found = "CPU cores", f"{usable:g}, a stage takes {threads} threads"
    if counted < claimed:
        return Finding(
            name,
            State.FAIL,
            f"Ray has {counted}, but a stage and its readers claim {claimed:g}: they would starve",
            "--set stage.threads=1, or a larger machine",
        )
    if usable < threads:
        cure = "--set stage.threads=1 (other last bits, another key), or a larger machine"
        return Finding(name, State.WARN, f"{found}: they share cores", cure)
    if usable < counted:
        return Finding(
            name,
            State.WARN,
            f"{usable:g} may be used, but Ray counts {counted}: too much at once",
            f"ray start --head --num-cpus={max(int(usable), 1)}, then run with --address=auto",
        )
    return ok(name, found)


def check_memory(available: float) -> Finding:
    """There is memory for Ray and one training."""
    found = f"{available / GIGABYTE:.1f} GB available"
    if available >= WANTED_MEMORY:
        return ok("memory", found)
    state = State.WARN if available >= LEAST_MEMORY else State.FAIL
    return Finding("memory", state, found, "end other programs; a training and Ray take 3 GB")


def check_shared_memory(free: float | None, *, memory: float) -> Finding:
    """Ray's objects fit into shared memory.

    Args:
        free: bytes of /dev/shm; None where there is no such place.
        memory: of the machine, bytes.
    """
    if free is None:
        return ok("/dev/shm", "not used on this system")
    found, wanted = f"{free / GIGABYTE:.1f} GB free", SHARED_MEMORY_SHARE * memory
    if free < wanted:
        size = f"{wanted / GIGABYTE:.0f} GB"
        return Finding(
            "/dev/shm",
            State.WARN,
            f"{found}, of {size} that Ray wants: its objects go to the disk, slowly",
            f"docker run --shm-size={wanted / GIGABYTE:.0f}g, or mount -o remount,size=… /dev/shm",
        )
    return ok("/dev/shm", found)


def check_disk(place: str, free: float | None) -> Finding:
    """There is room for artifacts.

    Args:
        place: of the store.
        free: bytes; None for a store that is no folder.
    """
    if free is None:
        return ok("disk of the store", "not a disk of this machine")
    found = f"{free / GIGABYTE:.1f} GB free at {place}"
    if free >= WANTED_DISK:
        return ok("disk of the store", found)
    state = State.WARN if free >= LEAST_DISK else State.FAIL
    return Finding("disk of the store", state, found, "free some space, or give another --store")


def check_temporary_disk(place: str, used: float) -> Finding:
    """Ray may write its objects.

    Args:
        place: where Ray keeps them.
        used: share of the disk.
    """
    found = f"{100 * used:.0f} % of the disk at {place} is used"
    if used < RAY_DISK_SHARE:
        return ok("disk of Ray", found)
    return Finding(
        "disk of Ray",
        State.WARN,
        f"{found}: Ray stores nothing there from {100 * RAY_DISK_SHARE:.0f} % on",
        "free some space, or set RAY_TMPDIR to a folder on another disk",
    )


def check_store(uri: str, tried: Tried) -> Finding:
    """The store can be written to, and creates a file once only."""
    if tried.error:
        cure = "give a --store of your own: a folder, or an object store with conditional writes"
        return Finding("store", State.FAIL, tried.error, cure)
    return ok("store", f"{uri}: {tried.found}")


def check_clock(*, now: float, store_now: float | None) -> Finding:
    """The clock is right, and agrees with the file system's.

    Args:
        now: seconds since 1970, by this machine.
        store_now: by the file system of the store at the same moment; None where it does not tell.
    """
    cure = "let the clock follow a time server (timedatectl set-ntp true)"
    if now < OLDEST_CLOCK:
        return Finding("clock", State.FAIL, "before the year 2026", cure)
    if store_now is None:
        return ok("clock", "the store tells no time")
    skew = abs(now - store_now)
    found = f"{skew:.1f} s apart from the store's"
    if skew < SKEW_WARN_S:
        return ok("clock", found)
    state = State.WARN if skew < SKEW_FAIL_S else State.FAIL
    return Finding("clock", state, f"{found}: a living worker can pass for a dead one", cure)


@dataclass(frozen=True)
class Gpu:
    """A GPU as torch sees it: its name, its memory in bytes, and whether it computes in bf16."""

    name: str
    free: float
    total: float
    has_bf16: bool


def check_gpu(gpus: tuple[Gpu, ...], *, has_driver: bool) -> Finding:
    """What there is of GPUs can be used.

    Args:
        gpus: that torch sees.
        has_driver: whether the system has a GPU at all.
    """
    if not gpus:
        if not has_driver:
            return ok("GPU", "none: everything runs on the CPU")
        return Finding(
            "GPU",
            State.WARN,
            "there is one, but torch does not see it",
            f"install torch {TORCH} with CUDA from pytorch.org, look at CUDA_VISIBLE_DEVICES",
        )
    found = "; ".join(
        f"{one.name}, {one.free / GIGABYTE:.0f} of {one.total / GIGABYTE:.0f} GB free"
        for one in gpus
    )
    if not all(one.has_bf16 for one in gpus):
        cure = "hide it with CUDA_VISIBLE_DEVICES, or expect slow training"
        return Finding("GPU", State.WARN, f"{found}; one is without bf16", cure)
    if min(one.free for one in gpus) < LEAST_GPU_MEMORY:
        cure = "end what uses it, or choose another with CUDA_VISIBLE_DEVICES"
        return Finding("GPU", State.WARN, found, cure)
    return ok("GPU", found)
