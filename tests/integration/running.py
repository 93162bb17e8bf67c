"""The small experiment as a process of its own, which can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.searching import write_searching
from integration.toy_run import ADAPT, EXPERIMENT
from posebridge.engine.artifacts import Store
from posebridge.engine.leases import read_holder
from posebridge.engine.work import stage_path
from posebridge.records import Record, read_records, same_result
from posebridge.stages import Stage

TESTS = Path(__file__).parents[1]
PATIENCE_SECONDS = 240.0
"""Far more than it takes, for a machine that has other things to do."""


@contextmanager
def command(store: Store, records: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The experiment as a process of its own; whatever is left of it is ended."""
    folders = [str(TESTS.parent / "platform"), str(TESTS)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "integration.toy_run", store.uri, str(records)], env=environment
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def sweep(folder: Path, name: str = "SEARCHING") -> Iterator["subprocess.Popen[str]"]:
    """The sweep of an experiment of `commands.searching`, on a store in a folder.

    Whatever is left of it is ended.
    """
    folders = [str(TESTS.parent / "platform"), str(TESTS)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    words = ["sweep", str(write_searching(folder, name)), "--store", str(folder / "store")]
    code = "import sys; from posebridge.cli import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background processes, and theirs, ignore an interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def finish(store: Store, records: Path) -> None:
    """Run the command to its end."""
    with command(store, records) as process:
        assert process.wait(PATIENCE_SECONDS) == 0


def trainer(store: Store, begun: "subprocess.Popen[bytes]") -> int:
    """The process that trains, as soon as there is a checkpoint of its stage."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and begun.poll() is None:
        names = store.children(stage_path(ADAPT))
        holder = read_holder(store, f"{stage_path(ADAPT)}/lease")
        if holder is not None and any(name.startswith("checkpoint-") for name in names):
            return holder.pid
        time.sleep(0.02)
    pytest.fail(f"nothing was seen training; the command's status is {begun.poll()}")


def assert_same_results(
    one: tuple[Store, Path], other: tuple[Store, Path], stages: Sequence[Stage]
) -> None:
    """That two stores, each with its folder of records, hold the same results, bit by bit."""
    ours, theirs = _records(one[1]), _records(other[1])
    assert set(ours) == set(theirs)
    for key, record in theirs.items():
        assert same_result(ours[key], record) == []
        people = record.people
        assert (one[1] / people).read_bytes() == (other[1] / people).read_bytes()
    for stage in stages:
        for name in ("weights.safetensors", "metrics.jsonl"):
            path = f"{stage_path(stage)}/{name}"
            assert one[0].read(path) == other[0].read(path)
        left = one[0].children(stage_path(stage))
        assert not [name for name in left if name.startswith(("lease", "checkpoint-"))]


def _records(folder: Path) -> dict[str, Record]:
    records, skipped_lines = read_records(folder / f"{EXPERIMENT.name}.jsonl")
    assert skipped_lines == 0
    return {record.key: record for record in records}
