"""What Ray there is on this machine, as its processes and folders show it; without Ray's help."""

import os
import re
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from posebridge.engine.doctor.rays import Instance, Session

HEAD = "gcs_server"
"""The process that a cluster has once, on its head."""
ANSWER_SECONDS = 2.0


def temporary_folder(environment: Mapping[str, str]) -> Path:
    """Where Ray keeps sessions, unless it is told another place when it starts."""
    return Path(environment.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray")


def has_token(environment: Mapping[str, str]) -> bool:
    """Whether Ray would find a token: in the environment, where it says, or at home."""
    if environment.get("RAY_AUTH_TOKEN"):
        return True
    path = environment.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    return Path(path).is_file() and Path(path).stat().st_size > 0


def answers(address: str) -> bool:
    """Whether anybody listens at HOST:PORT; `auto` is answered by a head on this machine."""
    if address == "auto":
        return bool(instances())
    host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if not port.isdigit():
        return False
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def instances() -> list[Instance]:
    """The clusters whose heads run here, of whomever."""
    heads = [one for one in psutil.process_iter(["name"]) if one.info["name"] == HEAD]
    found = [_instance(head) for head in heads]
    return sorted((one for one in found if one), key=lambda one: one.pid)


def dead_sessions(folder: Path) -> list[Session]:
    """Sessions on the disk that no process of this machine names.

    Args:
        folder: that holds them, as `temporary_folder` says.
    """
    if not folder.is_dir():
        return []
    found = [one for one in folder.glob("session_*") if one.is_dir() and not one.is_symlink()]
    living = _named_by_processes(found)
    return [Session(str(one), _size(one)) for one in sorted(found) if one.name not in living]


def _instance(head: psutil.Process) -> Instance | None:
    """A cluster as its head's process shows it; None if that has just ended."""
    auth: str | None = None
    listens: list[str] = []
    try:
        listens = [
            one.laddr.ip
            for one in head.net_connections(kind="inet")
            if one.status == psutil.CONN_LISTEN
        ]
        auth = head.environ().get("RAY_AUTH_MODE", "")
    except psutil.AccessDenied:  # somebody else's
        pass
    except psutil.NoSuchProcess:
        return None
    return Instance(head.pid, tuple(listens), auth)


def _named_by_processes(sessions: Sequence[Path]) -> set[str]:
    """Names of the sessions that stand in the command of some process."""
    names = {one.name for one in sessions}
    named: set[str] = set()
    for process in psutil.process_iter(["cmdline"]):
        text = " ".join(process.info["cmdline"] or ())
        named |= names & set(re.findall(r"session_[0-9_-]+", text))
    return named


def _size(folder: Path) -> float:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            # Blocks, not length: a file of Ray's may be sparse, a socket has none.
            total += os.lstat(path).st_blocks * 512 if os.path.lexists(path) else 0
    return float(total)
