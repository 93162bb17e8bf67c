"""Whether Ray can be started, or reached, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posebridge.engine.doctor.findings import GIGABYTE, Finding, State, Tried, ok

WANTED_LEFTOVERS = 1 * GIGABYTE
"""Bytes of dead sessions that are not worth a word."""
NAMED = 3
"""Sessions that a cure names."""
LOOPBACK = ("127.", "::1")


@dataclass(frozen=True)
class Instance:
    """A cluster whose head runs on this machine.

    Attributes:
        pid: process of the head.
        listens: addresses at which it can be reached.
        auth: RAY_AUTH_MODE with which it was started; None if that cannot be read.
    """

    pid: int
    listens: tuple[str, ...]
    auth: str | None

    @property
    def is_open(self) -> bool:
        """Whether another machine may run code on it without a token."""
        outside = any(not address.startswith(LOOPBACK) for address in self.listens)
        return outside and self.auth is not None and self.auth != "token"


@dataclass(frozen=True)
class Session:
    """What a cluster that is gone has left on the disk."""

    path: str
    size: float


def check_address(environment: Mapping[str, str], *, answers: bool, in_job: bool) -> Finding:
    """No address in the environment that some of Ray would follow and PoseBridge would not.

    Args:
        environment: of the process.
        answers: whether somebody is there.
        in_job: whether Ray has set it, for the command of a job.
    """
    address = environment.get("RAY_ADDRESS", "")
    if not address:
        return ok("RAY_ADDRESS", "not set")
    if in_job:
        return ok("RAY_ADDRESS", f"{address}, of the cluster that runs this job")
    if not answers:
        return Finding(
            "RAY_ADDRESS", State.WARN, f"{address}: nobody answers there", "unset RAY_ADDRESS"
        )
    return Finding(
        "RAY_ADDRESS",
        State.WARN,
        f"{address}: ambiguous, since a cluster is used only where --address names it",
        "unset RAY_ADDRESS, and give --address where you mean that cluster",
    )


def check_instances(instances: Sequence[Instance]) -> Finding:
    """No more than one cluster on this machine, so that `auto` means one."""
    name = "clusters on this machine"
    pids = ", ".join(str(one.pid) for one in instances)
    if len(instances) <= 1:
        return ok(name, f"one, of process {pids}" if pids else "none")
    return Finding(
        name,
        State.WARN,
        f"{len(instances)}, of processes {pids}: --address=auto may mean any of them",
        "give --address=IP:PORT; end those of yours that nobody needs (kill, not ray stop)",
    )


def check_open(instances: Sequence[Instance]) -> Finding:
    """Nobody can run code here who has no token."""
    name = "open ports"
    found = [one for one in instances if one.is_open]
    if not found:
        return ok(name, "none without a token")
    pids = ", ".join(str(one.pid) for one in found)
    return Finding(
        name,
        State.WARN,
        f"the cluster of process {pids} lets in whoever reaches this machine",
        "start it with RAY_AUTH_MODE=token (ray get-auth-token --generate), or close its ports",
    )


def check_leftovers(sessions: Sequence[Session]) -> Finding:
    """Clusters that are gone have not filled the disk.

    Args:
        sessions: of no living process.
    """
    name, size = "dead Ray sessions", sum(one.size for one in sessions)
    if not sessions:
        return ok(name, "none")
    found = f"{len(sessions)} hold {size / GIGABYTE:.1f} GB"
    if size < WANTED_LEFTOVERS:
        return ok(name, found)
    largest = sorted(sessions, key=lambda one: -one.size)[:NAMED]
    return Finding(name, State.WARN, found, f"rm -r {' '.join(one.path for one in largest)}")


def check_switches(environment: Mapping[str, str]) -> Finding:
    """Ray Train is the one that groups of workers are written for."""
    name, value = "RAY_TRAIN_V2_ENABLED", environment.get("RAY_TRAIN_V2_ENABLED", "")
    if value.lower() in ("0", "false"):
        found = f"{value}: a training on several workers does not start"
        return Finding(name, State.WARN, found, f"unset {name}")
    return ok(name, value or "not set, which is on")


def check_auth(environment: Mapping[str, str], *, has_token: bool) -> Finding:
    """Ray's authentication is one it knows, and has its token.

    Args:
        environment: of the process.
        has_token: whether there is one where Ray looks for it.
    """
    name, mode = "RAY_AUTH_MODE", environment.get("RAY_AUTH_MODE", "")
    if not mode or mode == "disabled":
        found = mode or "not set: a cluster on this machine has a token of its own"
        return ok(name, found)
    if mode != "token":
        cure = "set it to disabled on one machine, to token on a cluster"
        return Finding(name, State.WARN, f"{mode}: unknown, Ray ignores it", cure)
    if has_token:
        return ok(name, "token, and there is one")
    return Finding(
        name,
        State.FAIL,
        "token, but there is none: no cluster can be reached",
        "ray get-auth-token --generate, or set RAY_AUTH_TOKEN_PATH to the cluster's",
    )


def check_cluster(tried: Tried) -> Finding:
    """A cluster starts on this machine and runs a task."""
    if tried.error:
        cure = "free memory or ports, end other Ray processes of yours; till then use --debug"
        return Finding("local cluster", State.FAIL, tried.error, cure)
    return ok("local cluster", tried.found)
