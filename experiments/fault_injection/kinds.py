"""The kinds of faults: each waits for its moment, and strikes."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fault_injection.disk import filled
from fault_injection.moments import WATCH_SECONDS, WRITES_AHEAD, anytime, cut_short, somebody
from fault_injection.processes import has_ended, kill, raylet_above, title, tree
from fault_injection.scene import Command, Scene, TooLateError
from fault_injection.work import at_work, is_whole, unfinished_checkpoints

TRIAL = "ray::ResourceTrainable"
"""How Ray calls the process of a trial, after Tune's class for one that asks for CPUs."""
FULL = re.compile(r"disk is full|No space left")


@dataclass(frozen=True)
class Fault:
    """What was done.

    Attributes:
        kind: of fault.
        struck: what it hit, in words.
        after_s: seconds since the command was started.
        inside: whether a file was being written and never was: that is seen, not assumed.
    """

    kind: str
    struck: str
    after_s: float
    inside: bool

    def __str__(self) -> str:
        """One line."""
        inside = ", inside a write" if self.inside else ""
        return f"{self.kind}: {self.struck}, after {self.after_s:.1f} s{inside}"


@dataclass(frozen=True)
class Place:
    """Where a round of a kind happens.

    Attributes:
        nodes: on a cluster of three nodes.
        small_disk: on a disk that can be full.
        renders: populations too, which are there already otherwise.
    """

    nodes: bool = False
    small_disk: bool = False
    renders: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """A kind of fault.

    Attributes:
        name: for people.
        in_a_round: faults that follow each other in one store.
    """

    name: str
    in_a_round: int = 4

    def place(self, number: int) -> Place:
        """Where a round happens; may alternate."""
        return Place()

    @abstractmethod
    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """Wait for a moment, and do it.

        Args:
            scene: where.
            command: that runs there.
            random: decides everything that chance decides.
            in_write: wait until somebody is just writing, where the kind can.

        Raises:
            TooLateError: if the command ended before.
        """


@dataclass(frozen=True, kw_only=True)
class ProcessKilled(Kind):
    """One of the processes that do the work.

    Attributes:
        wanted: tells by its title whether a process is one.
        rendering: whether every other round renders.
    """

    wanted: Callable[[str], bool]
    rendering: bool = False

    def place(self, number: int) -> Place:
        """On the command's own cluster."""
        return Place(renders=self.rendering and number % 2 == 0)

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """Kill it, and nothing else."""
        work = somebody(scene, command, random, in_write, lambda pid: self.wanted(title(pid)))
        after_s = command.age_s
        kill([work.pid])
        return Fault(self.name, str(work), after_s, cut_short(scene, work))


@dataclass(frozen=True, kw_only=True)
class DriverKilled(Kind):
    """The command: alone, so that what it started must see to its own end, or with all of it."""

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """Kill it, as a user does, or as the end of a container or of a batch job does."""
        work = anytime(scene, command, random, in_write)
        after_s, alone = command.age_s, random.random() < 0.5
        kill([command.pid] if alone else tree(command.pid))
        struck = f"{'it alone' if alone else 'all of it'}, at {work or 'any moment'}"
        return Fault(self.name, struck, after_s, cut_short(scene, work))


@dataclass(frozen=True, kw_only=True)
class NodeLost(Kind):
    """A node with all that is on it, among them somebody at work."""

    def place(self, number: int) -> Place:
        """On three nodes."""
        return Place(nodes=True)

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """End everything on it at once."""
        work = somebody(scene, command, random, in_write, lambda pid: bool(raylet_above(pid)))
        after_s, raylet = command.age_s, raylet_above(work.pid)
        kill([work.pid, *(tree(raylet) if raylet else [])])
        return Fault(self.name, f"node of {work}", after_s, cut_short(scene, work))


@dataclass(frozen=True, kw_only=True)
class HeadLost(Kind):
    """The node that knows the cluster; the others cannot go on without it."""

    def place(self, number: int) -> Place:
        """On three nodes."""
        return Place(nodes=True)

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """End everything on it, let the command see that, and start another cluster."""
        work = anytime(scene, command, random, in_write)
        after_s = command.age_s
        kill(pid for head in scene.head for pid in tree(head))
        scene.wait_for_end(command)
        scene.start_nodes()
        return Fault(self.name, str(work or "any moment"), after_s, cut_short(scene, work))


@dataclass(frozen=True, kw_only=True)
class DiskFull(Kind):
    """No room, or next to none, for what is written next."""

    def place(self, number: int) -> Place:
        """On a disk that can be full."""
        return Place(small_disk=True)

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """Fill it until the command has ended."""
        scene.let_pass(command, random)
        after_s, left = command.age_s, random.choice((0, 4096, 4096 * 64))
        with filled(scene.store.parent, left):
            scene.wait_for_end(command)
        struck = f"{left} bytes left"
        return Fault(self.name, struck, after_s, bool(FULL.search(command.said())))


@dataclass(frozen=True, kw_only=True)
class CheckpointCorrupted(Kind):
    """The newest checkpoint of a stage that is not done, while nobody is at it."""

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """End the command, wait until nobody writes any more, and damage what is newest."""
        skip, seen = random.randrange(WRITES_AHEAD), set[Path]()

        def enough() -> bool | None:
            seen.update(unfinished_checkpoints(scene.store))
            return command.has_ended() or len(seen) > skip or None

        scene.wait(enough, "checkpoints are written", WATCH_SECONDS)
        after_s = command.age_s
        kill([command.pid])
        scene.wait(lambda: not list(living(scene.store)) or None, "its processes end")
        # One that an earlier fault damaged cannot be damaged again.
        left = [path for path in unfinished_checkpoints(scene.store) if is_whole(path)]
        if not left:
            raise TooLateError
        how = damage(left[-1], random)
        return Fault(self.name, f"{how} of {len(left)}: {left[-1].name}", after_s, inside=False)


@dataclass(frozen=True, kw_only=True)
class SecondDriver(Kind):
    """The same command once more while the first is at it."""

    in_a_round: int = 1

    def place(self, number: int) -> Place:
        """Each on a cluster of its own, or both on one."""
        return Place(nodes=number % 2 == 0)

    def strike(self, scene: Scene, command: Command, random: Random, in_write: bool) -> Fault:
        """Start it, and let both come to their end."""
        scene.let_pass(command, random)
        after_s = command.age_s
        second = scene.start()
        for one in (command, second):
            scene.wait_for_end(one)
        return Fault(self.name, "the same command", after_s, inside=False)


def is_trial(title: str) -> bool:
    """Whether a process is an actor of Tune that tries a proposal."""
    return title.startswith(TRIAL)


def is_task(title: str) -> bool:
    """Whether a process does a task of the graph."""
    return title.startswith("ray::") and not is_trial(title)


def living(store: Path) -> list[int]:
    """Who holds a lease and lives."""
    return [work.pid for work in at_work(store) if not has_ended(work.pid)]


def damage(file: Path, random: Random) -> str:
    """Damage a file in one of three ways, and say in which."""
    content = bytearray(file.read_bytes())
    how = random.choice(("cut", "flipped", "emptied"))
    if how == "flipped":
        content[random.randrange(len(content))] ^= 0xFF
    kept = {"cut": random.randrange(len(content)), "emptied": 0}.get(how, len(content))
    file.write_bytes(content[:kept])
    return how


SMALL_DISK = DiskFull(name="disk")
KINDS: tuple[Kind, ...] = (
    ProcessKilled(name="worker", wanted=is_task, rendering=True),
    ProcessKilled(name="trial", wanted=is_trial),
    DriverKilled(name="driver"),
    NodeLost(name="node"),
    HeadLost(name="head"),
    SMALL_DISK,
    CheckpointCorrupted(name="checkpoint"),
    SecondDriver(name="second driver"),
)
