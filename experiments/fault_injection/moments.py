"""Waiting for the moment of a fault."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from fault_injection.processes import has_ended
from fault_injection.scene import SOON_SECONDS, Command, Scene, TooLateError
from fault_injection.work import Work, at_work, writing

WRITES_AHEAD = 4
"""A fault in a write lets up to so many other writes pass, less one."""
WATCH_SECONDS = 0.003
"""A checkpoint takes some tens of milliseconds to write."""


def somebody(
    scene: Scene,
    command: Command,
    random: Random,
    in_write: bool,
    wanted: Callable[[int], bool],
) -> Work:
    """Wait for somebody at work, or just writing.

    Raises:
        TooLateError: if the command ended before.
    """
    skip, soon = random.randrange(WRITES_AHEAD), random.uniform(0.0, SOON_SECONDS)
    if not in_write:
        scene.pause(command, soon)
        skip = 0
    look, seen = (writing if in_write else at_work), set[Path]()

    def found() -> Work | bool | None:
        # Anybody at work may be struck at any moment; of writes some pass.
        for work in sorted(look(scene.store), key=lambda one: random.random()):
            if wanted(work.pid):
                seen.add(work.file or work.folder)
                if len(seen) > skip:
                    return work
        return command.has_ended() or None

    work = scene.wait(found, "somebody is at work", WATCH_SECONDS)
    if not isinstance(work, Work):
        raise TooLateError
    return work


def anytime(scene: Scene, command: Command, random: Random, in_write: bool) -> Work | None:
    """Wait for any moment of a command: with somebody just writing, or whatever goes on.

    Raises:
        TooLateError: if the command ended before.
    """
    if in_write:
        return somebody(scene, command, random, in_write, lambda pid: True)
    scene.let_pass(command, random)
    return None


def cut_short(scene: Scene, work: Work | None) -> bool:
    """Whether a file that was being written has lost its writer and is still there, half or whole.

    Who makes it next takes it away, but has to see first that its writer is gone.
    """
    if work is None or work.file is None:
        return False
    scene.wait(lambda: has_ended(work.pid) or None, "the writer ends", WATCH_SECONDS)
    return work.file.exists()
