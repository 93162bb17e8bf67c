"""A round: faults of one kind, one after the other, in one store; then what came of it."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from fault_injection.disk import small_disk
from fault_injection.evidence import compare
from fault_injection.kinds import Fault, Kind, Place
from fault_injection.scene import Command, HangError, Scene, TooLateError

STARTS = 12
"""A command that so many times did not come to its end will never."""
IN_WRITES = 4
"""All but one of so many faults aim at a write."""
SPARE_BYTES = 250_000_000
"""For checkpoints, beside what is there at the end."""
WRONG = (
    "records_lost",
    "records_different",
    "artifacts_lost",
    "artifacts_different",
    "stages_run_twice",
    "processes_left",
)
"""Counts that must be zero."""


@dataclass(frozen=True)
class Undisturbed:
    """What a round is compared with.

    Attributes:
        experiment: its file, which has its name.
        store: in which it is done.
        seconds: that the command took.
    """

    experiment: Path
    store: Path
    seconds: float

    @property
    def bytes(self) -> int:
        """Of its store."""
        return sum(path.stat().st_size for path in self.store.rglob("*") if path.is_file())


def undisturbed(experiment: Path, folder: Path) -> Undisturbed:
    """Run the command as it is, unless that was done.

    Raises:
        HangError: if it does not succeed.
    """
    store, told = folder / "store", folder / "seconds"
    if not told.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        scene = Scene(experiment, folder, store)
        try:
            command = scene.start()
            scene.wait_for_end(command)
            seconds = command.age_s
        finally:
            scene.close()
        if command.process.returncode:
            raise HangError(f"the undisturbed command must succeed, but did not: {command.log}.")
        told.write_text(str(seconds))
    return Undisturbed(experiment, store, float(told.read_text()))


def run_round(
    kind: Kind, number: int, wanted: int, seed: str, folder: Path, usual: Undisturbed
) -> dict[str, Any]:
    """Disturb one store until the command succeeds, and compare it with an undisturbed one.

    Args:
        kind: of the faults.
        number: of the round, among those of its kind.
        wanted: faults at most.
        seed: of everything that chance decides.
        folder: of the round; kept if something is wrong.
        usual: what is compared with.

    Returns:
        What was done and found, as JSON.
    """
    since, place = time.monotonic(), kind.place(number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _store(folder, place, usual) as store:
        scene = Scene(usual.experiment, folder, store)
        try:
            if place.nodes:
                scene.start_nodes()
            faults = _disturbed(kind, scene, Random(seed), wanted)
        finally:
            left = scene.close()
        found = compare(store, usual.store, usual.experiment.stem)
    found |= {"stages_run_twice": len(scene.witness.repeated), "processes_left": len(left)}
    if not any(found[name] for name in WRONG):
        shutil.rmtree(folder / "disk")
    return {
        "kind": kind.name,
        "number": number,
        "seed": seed,
        "faults": [asdict(fault) for fault in faults],
        **found,
        **_endings(scene.commands),
        "left": left,
        "repeated": [str(path.relative_to(store)) for path in scene.witness.repeated],
        "seconds": round(time.monotonic() - since, 1),
    }


@contextmanager
def _store(folder: Path, place: Place, usual: Undisturbed) -> Iterator[Path]:
    """An empty store, with the populations unless they are to be rendered."""
    disk = folder / "disk"
    if not place.small_disk:
        yield _filled(disk / "store", place, usual)
        return
    with small_disk(disk, usual.bytes + SPARE_BYTES):
        yield _filled(disk / "store", place, usual)


def _filled(store: Path, place: Place, usual: Undisturbed) -> Path:
    store.mkdir(parents=True)
    if not place.renders:
        shutil.copytree(usual.store / "populations", store / "populations")
    return store


def _disturbed(kind: Kind, scene: Scene, random: Random, wanted: int) -> list[Fault]:
    """Run the command again and again until it succeeds, and disturb it meanwhile.

    Raises:
        HangError: if it never does.
    """
    faults: list[Fault] = []
    for _ in range(STARTS):
        command = scene.start()
        while len(faults) < wanted and not command.has_ended():
            try:
                in_write = len(faults) % IN_WRITES != IN_WRITES - 1
                fault = kind.strike(scene, command, random, in_write)
            except TooLateError:
                break
            print(f"  {fault}", flush=True)
            faults.append(fault)
        scene.wait_for_end(command)
        if scene.commands[-1].process.returncode == 0:
            return faults
    raise HangError(f"after {STARTS} starts the command must have succeeded: see {command.log}.")


def _endings(commands: Sequence[Command]) -> dict[str, int]:
    """How commands ended that were not killed."""
    codes = [command.process.returncode for command in commands]
    return {
        "commands": len(commands),
        "gave_up": sum(code > 0 for code in codes),
        "tracebacks": sum("Traceback" in command.said() for command in commands),
    }
