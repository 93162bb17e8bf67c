"""Who holds a lease, and whether they are still there.

A holder is gone when its process has ended on this very machine, or when its lease has not changed
for a minute. That minute is the watcher's own: the clocks of two hosts may differ.
"""

import functools
import hashlib
import json
import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

LEASE_SECONDS = 60.0
"""A holder that shows no sign of life for so long has lost its lease."""
LONGEST_LOOK = 5.0
"""Of a longer pause between two looks only so much counts: the watcher has slept, and perhaps its
whole machine, with the holder on it."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease, as its file says.

    Attributes:
        lease: names this holding of it; nobody else's, nor the same process's next, has it.
        host: for people.
        machine: inside which a process number means something.
        pid: the process.
        started: seconds between the start of the machine and of the process.
        since: when the lease was taken, by the holder's clock.
        beat: when the holder last said that it lives, by its clock.
        progress: how far it is.
    """

    lease: str
    host: str
    machine: str
    pid: int
    started: float
    since: float
    beat: float
    progress: dict[str, float] = field(default_factory=dict)

    @classmethod
    def here(cls) -> "Holder":
        """This process, about to take a lease."""
        now, pid = time.time(), os.getpid()
        host = socket.gethostname()
        return cls(uuid.uuid4().hex[:12], host, machine(), pid, _started(pid), now, now)

    def content(self) -> bytes:
        """What the file of the lease holds."""
        return json.dumps(asdict(self)).encode()

    def __str__(self) -> str:
        """Who, for people."""
        since = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"process {self.pid} on {self.host} (since {since})"

    def has_ended(self) -> bool:
        """Whether its process has ended; False where that cannot be seen from here."""
        if self.machine != machine():
            return False
        try:
            if psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE:
                return True
            return abs(_started(self.pid) - self.started) > 1.0
        except psutil.NoSuchProcess:
            return True

    def is_gone(self) -> bool:
        """Whether it seems gone at one look, by the clocks of two hosts.

        Good enough to show people, or to send somebody who then takes the lease with a `Watch`.
        """
        return self.has_ended() or abs(time.time() - self.beat) > LEASE_SECONDS


class Watch:
    """Looks at leases again and again, and sees which have fallen silent."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without having seen any."""
        self._clock = clock
        self._seen: dict[str, tuple[bytes, float, float]] = {}

    def is_gone(self, path: str, content: bytes) -> bool:
        """Whether nobody alive holds the lease at a path, which has this content now."""
        holder = parse_holder(content)
        return self._is_silent(path, content) or holder is None or holder.has_ended()

    def _is_silent(self, path: str, content: bytes) -> bool:
        now = self._clock()
        before, looked, silence = self._seen.get(path, (b"", now, 0.0))
        silence = silence + min(now - looked, LONGEST_LOOK) if content == before else 0.0
        self._seen[path] = content, now, silence
        return silence >= LEASE_SECONDS


def parse_holder(content: bytes) -> Holder | None:
    """The holder that the content of a lease names; None if it names none."""
    try:
        return Holder(**json.loads(content))
    except (ValueError, TypeError):
        return None


def lease_name(content: bytes) -> str:
    """Tells the holding of a lease with this content from any other."""
    holder = parse_holder(content)
    return holder.lease if holder else hashlib.sha256(content).hexdigest()[:12]


@functools.cache
def machine() -> str:
    """This host since it was started, and this process namespace.

    Containers may share the name of a host, and yet see none of each other's processes.
    """
    host = socket.gethostname()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{host}-{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return f"{host}-{uuid.getnode():x}"


def _started(pid: int) -> float:
    # psutil gives the time of day, which moves when the clock is set; this difference does not.
    return float(psutil.Process(pid).create_time() - psutil.boot_time())
