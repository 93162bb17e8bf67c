"""Whether the nodes of a cluster are alike, and have room for an experiment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from posebridge.engine.doctor.findings import GIGABYTE, Finding, State, Tried, ok
from posebridge.engine.doctor.machine import (
    LEAST_DISK,
    SKEW_FAIL_S,
    SKEW_WARN_S,
    WANTED_DISK,
)

LEAST_OBJECT_STORE = 0.5 * GIGABYTE


@dataclass(frozen=True)
class Visited:
    """What a node of a cluster says of itself.

    Attributes:
        name: its address.
        cpus: that Ray gives away.
        gpus: likewise.
        object_store: bytes that Ray keeps for objects.
        versions: of Python and of the libraries that must be the same everywhere.
        ahead_s: how far its clock is ahead of that of the machine that asks.
        disk_free: bytes where Ray keeps its files.
        store: why it cannot read what another machine put into the store; empty if it can.
    """

    name: str
    cpus: float
    gpus: float
    object_store: float
    versions: Mapping[str, str]
    ahead_s: float
    disk_free: float
    store: str


@dataclass(frozen=True)
class Training:
    """What one training asks of Ray: workers, each with threads."""

    workers: int
    threads: int

    @property
    def cpus(self) -> int:
        """That it holds while it runs."""
        return self.workers * self.threads


def check_answer(address: str, tried: Tried) -> Finding:
    """The cluster lets this machine in, and its nodes answer."""
    name = f"cluster {address}"
    if tried.error:
        cure = (
            "is it up (ray status --address), its token in RAY_AUTH_TOKEN_PATH, its Ray this one? "
            "From outside: posebridge submit -- doctor"
        )
        return Finding(name, State.FAIL, tried.error, cure)
    return ok(name, tried.found)


def check_state_api(tried: Tried) -> Finding:
    """The cluster tells what runs on it."""
    if tried.error:
        cure = "start the head with its dashboard (ray start --head --include-dashboard=true)"
        return Finding("State API", State.FAIL, tried.error, cure)
    return ok("State API", tried.found)


def check_versions(nodes: Sequence[Visited], *, here: Mapping[str, str]) -> Finding:
    """Every node has the software of this machine.

    Args:
        nodes: of the cluster.
        here: versions on this machine.
    """
    name = "software of the nodes"
    other = [
        f"{node.name} has {library} {node.versions.get(library, 'nowhere')}, not {version}"
        for node in nodes
        for library, version in here.items()
        if node.versions.get(library) != version
    ]
    if not other:
        return ok(name, f"the same on {len(nodes)}")
    cure = "install the same everywhere (one image, or one shared environment), start Ray again"
    return Finding(name, State.FAIL, "; ".join(other), cure)


def check_clocks(nodes: Sequence[Visited]) -> Finding:
    """The clocks agree: a lease lives by them."""
    name = "clocks of the nodes"
    worst = max(nodes, key=lambda node: abs(node.ahead_s))
    found = f"at most {abs(worst.ahead_s):.1f} s apart"
    if abs(worst.ahead_s) < SKEW_WARN_S:
        return ok(name, found)
    state = State.WARN if abs(worst.ahead_s) < SKEW_FAIL_S else State.FAIL
    cure = f"let {worst.name} follow a time server (timedatectl set-ntp true)"
    return Finding(name, state, f"{found}: a living worker can pass for a dead one", cure)


def check_object_stores(nodes: Sequence[Visited]) -> Finding:
    """Ray has room for the objects that tasks hand on."""
    worst = min(nodes, key=lambda node: node.object_store)
    found = f"at least {worst.object_store / GIGABYTE:.1f} GB"
    if worst.object_store >= LEAST_OBJECT_STORE:
        return ok("object stores", found)
    cure = "ray start --object-store-memory=2000000000 there, with as much /dev/shm"
    return Finding("object stores", State.WARN, f"{found}, on {worst.name}", cure)


def check_node_disks(nodes: Sequence[Visited]) -> Finding:
    """Every node has room for what Ray writes."""
    worst = min(nodes, key=lambda node: node.disk_free)
    found = f"at least {worst.disk_free / GIGABYTE:.1f} GB free"
    if worst.disk_free >= WANTED_DISK:
        return ok("disks of the nodes", found)
    state = State.WARN if worst.disk_free >= LEAST_DISK else State.FAIL
    cure = "free some space there, or ray start --temp-dir on another disk"
    return Finding("disks of the nodes", state, f"{found}, on {worst.name}", cure)


def check_reach(nodes: Sequence[Visited]) -> Finding:
    """Every node reads what this machine puts into the store."""
    name = "store on the nodes"
    apart = [f"{node.name}: {node.store}" for node in nodes if node.store]
    if not apart:
        return ok(name, f"the same on {len(nodes)}")
    cure = "give a --store that all nodes reach: a folder that all mount, or s3://bucket/folder"
    return Finding(name, State.FAIL, "; ".join(apart), cure)


def check_arithmetic(trainings: Sequence[Training], cpus: Sequence[float]) -> Finding:
    """There are CPUs for what an experiment would train side by side.

    Reading takes none of Ray's count.

    Args:
        trainings: that do not wait for each other.
        cpus: of each node.
    """
    name = "CPU arithmetic"
    if not trainings:
        return ok(name, "nothing to train")
    total, asked = sum(cpus), sum(one.cpus for one in trainings)
    largest = max(trainings, key=lambda one: one.cpus)
    found = f"{_summed(trainings)} + 0 for reading = {asked} of {total:g} CPUs"
    # Each worker finds its place on one node.
    places = sum(int(one // largest.threads) for one in cpus)
    if places < largest.workers:
        return Finding(
            name,
            State.FAIL,
            f"{found}: there is no place for {largest.workers} workers of {largest.threads} "
            "threads, so this would wait for ever",
            "--set stage.threads=1 or fewer workers (other last bits, another key), or more nodes",
        )
    if asked > total:
        return ok(name, f"{found}: they take turns")
    return ok(name, found)


def _summed(trainings: Sequence[Training]) -> str:
    """Trainings × workers × threads, kind by kind."""
    kinds = {(one.workers, one.threads): 0 for one in trainings}
    for one in trainings:
        kinds[one.workers, one.threads] += 1
    return " + ".join(
        f"{number} trainings × {workers} workers × {threads} threads"
        for (workers, threads), number in kinds.items()
    )


ON_NODES: tuple[Callable[[Sequence[Visited]], Finding], ...] = (
    check_clocks,
    check_object_stores,
    check_node_disks,
    check_reach,
)
"""The checks that need nothing but the nodes."""
