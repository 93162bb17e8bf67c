"""What one round disturbs: a store, commands on it, and perhaps a cluster for them."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from fault_injection import three_nodes
from fault_injection.evidence import Witness
from fault_injection.processes import bury, descendants, kill
from posebridge.engine.cluster import LOCAL_ENVIRONMENT

PATIENCE_SECONDS = 600.0
"""Far more than anything takes, for a machine that has other things to do."""
LOOK_SECONDS = 0.2
PIECES = 12
"""Fewer pieces of work than that are done before a fault."""
SOON_SECONDS = 4.0
END_SECONDS = 120.0
"""Helpers of a Ray that was killed see after up to a minute that it is gone."""
ON_NODES: Mapping[str, str] = {
    **LOCAL_ENVIRONMENT,
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
}
"""A node or a head that is lost is missed soon."""
Found = TypeVar("Found")


class HangError(RuntimeError):
    """Something did not happen that must."""


class TooLateError(Exception):
    """The command ended before it could be disturbed."""


@dataclass(frozen=True)
class Command:
    """A command that was started.

    Attributes:
        process: of it.
        log: all that it says.
        since: when it was started.
    """

    process: "subprocess.Popen[bytes]"
    log: Path
    since: float

    @property
    def pid(self) -> int:
        """Of its process."""
        return self.process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.since

    def has_ended(self) -> bool:
        """Whether it has."""
        return self.process.poll() is not None

    def said(self) -> str:
        """All that it has said."""
        return self.log.read_text(errors="replace")


class Scene:
    """A store, and what goes on there."""

    def __init__(self, experiment: Path, folder: Path, store: Path) -> None:
        """Start with nobody at work.

        Args:
            experiment: its file.
            folder: for logs.
            store: of the commands.
        """
        self.store = store
        self.commands: list[Command] = []
        self.witness = Witness(store)
        self.head: list[int] = []
        self._experiment, self._folder = experiment, folder
        self._address: str | None = None
        self._nodes: subprocess.Popen[bytes] | None = None
        # Short, for the paths of sockets; what killed commands leave there goes with it.
        self._scratch = tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)
        self._looked = 0.0

    def start(self) -> Command:
        """Run the command, on the cluster if there is one, else on one of its own."""
        program = Path(sys.executable).with_name("posebridge")
        words = ["sweep", str(self._experiment), "--store", str(self.store)]
        there = ["--address", self._address] if self._address else []
        log = self._folder / f"command-{len(self.commands):02d}.log"
        process = self._popen([str(program), *words, *there], log, subprocess.DEVNULL)
        self.commands.append(Command(process, log, time.monotonic()))
        return self.commands[-1]

    def start_nodes(self) -> None:
        """Start a cluster of three nodes, and end the one before."""
        self.end_nodes()
        program = [sys.executable, three_nodes.__file__]
        log = self._folder / "nodes.log"
        # Its environment is that of its commands.
        self._address = ""
        self._nodes = self._popen(program, log, subprocess.PIPE, subprocess.PIPE)
        assert self._nodes.stdout is not None
        told = self._nodes.stdout.readline()
        if not told:
            raise HangError(f"a cluster of three nodes must start, but did not: see {log}.")
        self._address, self.head = (json.loads(told)[name] for name in ("address", "head"))

    def end_nodes(self) -> None:
        """End the cluster, if there is one."""
        if self._nodes is None:
            return
        nodes, self._nodes = self._nodes, None
        assert nodes.stdin is not None
        nodes.stdin.close()
        self.wait(lambda: nodes.poll() is not None or None, "the cluster ends")

    def wait(
        self, until: Callable[[], Found | None], what: str, every_s: float = LOOK_SECONDS / 4
    ) -> Found:
        """Wait for something, and see meanwhile what is done.

        Args:
            until: gives it, or None as long as there is none.
            what: happens, in words.
            every_s: seconds between two looks.

        Raises:
            HangError: if it does not come.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := until()) is None:
            self._look()
            if time.monotonic() > deadline:
                raise HangError(f"{what}: that must happen, but did not; see {self._folder}.")
            time.sleep(every_s)
        return found

    def wait_for_end(self, command: Command) -> None:
        """Wait until a command ends, one way or another."""
        self.wait(lambda: command.has_ended() or None, "the command ends")

    def pause(self, command: Command, seconds: float) -> None:
        """Let a command go on for some time.

        Raises:
            TooLateError: if it ends before.
        """
        until = time.monotonic() + seconds
        self.wait(lambda: command.has_ended() or time.monotonic() > until or None, "time passes")
        if command.has_ended():
            raise TooLateError

    def let_pass(self, command: Command, random: Random) -> None:
        """Let a command go on until a random moment, wherever it is by then.

        Moments are spread over what is done, and not over time, which depends on the machine.

        Raises:
            TooLateError: if it ends before.
        """
        self.witness.look()
        pieces = len(self.witness.seen) + random.randrange(PIECES)
        self.wait(
            lambda: command.has_ended() or len(self.witness.seen) >= pieces or None,
            "work is done",
        )
        self.pause(command, random.uniform(0.0, SOON_SECONDS))

    def close(self) -> list[str]:
        """End what is meant to end, and name what goes on all the same; that is killed."""
        try:
            self.end_nodes()
            own = [command.pid for command in self.commands if not command.has_ended()]
            deadline = time.monotonic() + END_SECONDS
            while descendants() and not own and time.monotonic() < deadline:
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:
            left = descendants()
            kill(process.pid for process in left)
        self._scratch.cleanup()
        return [f"{process.pid} {process.name()}" for process in left]

    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        nodes = [self._nodes.pid] if self._nodes else []
        bury([*nodes, *(command.pid for command in self.commands)])
        self.witness.look()

    def _popen(
        self, words: list[str], log: Path, stdin: int, stdout: int | None = None
    ) -> "subprocess.Popen[bytes]":
        scratch = {"RAY_TMPDIR": self._scratch.name, "TMPDIR": self._scratch.name}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_ADDRESS")}
        environment |= scratch | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        if self._address is not None:
            environment |= ON_NODES
        with log.open("ab") as file:
            return subprocess.Popen(
                words,
                env=environment,
                stdin=stdin,
                stdout=file if stdout is None else stdout,
                stderr=file,
                start_new_session=True,
            )
