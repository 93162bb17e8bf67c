"""`kill -9` of the command or of the process that trains, and then the same command again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from engine.people import borrow
from integration.toy_run import ADAPT, EXPERIMENT, WARMUP
from posebridge.engine.artifacts import Store
from posebridge.engine.leases import read_holder
from posebridge.engine.work import stage_path
from posebridge.records import Record, read_records, same_result

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
PATIENCE_SECONDS = 240.0
"""Far more than it takes, for a machine that has other things to do."""


@contextmanager
def _command(store: Store) -> Iterator["subprocess.Popen[bytes]"]:
    """The experiment as a process of its own; whatever is left of it is ended."""
    folders = [str(TESTS.parent / "platform"), str(TESTS)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "integration.toy_run", store.uri], env=environment
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _finish(store: Store) -> None:
    with _command(store) as process:
        assert process.wait(PATIENCE_SECONDS) == 0


def _trainer(store: Store, command: "subprocess.Popen[bytes]") -> int:
    """The process that trains, as soon as there is a checkpoint of its stage."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and command.poll() is None:
        names = store.children(stage_path(ADAPT))
        holder = read_holder(store, f"{stage_path(ADAPT)}/lease")
        if holder is not None and any(name.startswith("checkpoint-") for name in names):
            return holder.pid
        time.sleep(0.02)
    pytest.fail(f"nothing was seen training; the command's status is {command.poll()}")


def _records(store: Store) -> dict[str, Record]:
    records, skipped_lines = read_records(Path(store.uri, "records", f"{EXPERIMENT.name}.jsonl"))
    assert skipped_lines == 0
    return {record.key: record for record in records}


def _assert_the_same(store: Store, undisturbed: Store) -> None:
    ours, theirs = _records(store), _records(undisturbed)
    assert set(ours) == set(theirs)
    for key, record in theirs.items():
        assert same_result(ours[key], record) == []
        people = f"records/{record.people}"
        assert store.read(people) == undisturbed.read(people)
    for stage in (WARMUP, ADAPT):
        for name in ("weights.safetensors", "metrics.jsonl"):
            path = f"{stage_path(stage)}/{name}"
            assert store.read(path) == undisturbed.read(path)
        assert not store.exists(f"{stage_path(stage)}/lease")


@pytest.fixture(scope="module")
def undisturbed(made: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = borrow(made, tmp_path_factory.mktemp("undisturbed"))
    _finish(store)
    return store


@pytest.fixture(scope="module")
def begun() -> list[psutil.Process]:
    """Every process that a command of these tests has started."""
    return []


def test_after_the_command_was_killed_the_same_command_gives_the_same_record(
    made: Store, undisturbed: Store, tmp_path: Path, begun: list[psutil.Process]
) -> None:
    store = borrow(made, tmp_path)
    with _command(store) as command:
        _trainer(store, command)
        begun += psutil.Process(command.pid).children(recursive=True)
        command.kill()
    assert command.returncode == -signal.SIGKILL
    assert not store.exists(f"{stage_path(ADAPT)}/done")
    assert store.children("records") == []
    _finish(store)
    _assert_the_same(store, undisturbed)


def test_after_the_process_that_trains_was_killed_the_command_gives_the_same_record(
    made: Store, undisturbed: Store, tmp_path: Path, begun: list[psutil.Process]
) -> None:
    store = borrow(made, tmp_path)
    with _command(store) as command:
        trainer = _trainer(store, command)
        assert trainer != command.pid
        os.kill(trainer, signal.SIGKILL)
        begun += psutil.Process(command.pid).children(recursive=True)
        assert command.wait(PATIENCE_SECONDS) == 0
    _assert_the_same(store, undisturbed)


def test_a_finished_experiment_is_not_run_again(undisturbed: Store) -> None:
    before = _records(undisturbed)
    weights = Path(undisturbed.path(stage_path(ADAPT)), "weights.safetensors").stat().st_mtime_ns
    _finish(undisturbed)
    assert _records(undisturbed) == before
    after = Path(undisturbed.path(stage_path(ADAPT)), "weights.safetensors").stat().st_mtime_ns
    assert after == weights


def test_no_process_is_left_over(begun: list[psutil.Process]) -> None:
    """Agents of a Ray that was killed try for a minute to tell it that they end."""
    if not begun:
        pytest.skip("no command was started before this test")
    _, alive = psutil.wait_procs(begun, timeout=120)
    # One that has ended, but that nobody has waited for, still has a number.
    assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
