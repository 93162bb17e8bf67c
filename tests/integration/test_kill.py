"""`kill -9` of the command or of the process that trains, and then the same command again."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from engine.people import borrow
from integration.running import PATIENCE_SECONDS, assert_same_results, command, finish, trainer
from integration.toy_run import ADAPT, EXPERIMENT, WARMUP
from posebridge.engine.artifacts import Store
from posebridge.engine.work import stage_path

pytestmark = pytest.mark.slow


def _records(store: Store) -> Path:
    return Path(store.uri, "records")


def _assert_the_same(store: Store, undisturbed: Store) -> None:
    ours, theirs = (store, _records(store)), (undisturbed, _records(undisturbed))
    assert_same_results(ours, theirs, (WARMUP, ADAPT))


@pytest.fixture(scope="module")
def undisturbed(made: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = borrow(made, tmp_path_factory.mktemp("undisturbed"))
    finish(store, _records(store))
    return store


@pytest.fixture(scope="module")
def begun() -> list[psutil.Process]:
    """Every process that a command of these tests has started."""
    return []


def test_after_the_command_was_killed_the_same_command_gives_the_same_record(
    made: Store, undisturbed: Store, tmp_path: Path, begun: list[psutil.Process]
) -> None:
    store = borrow(made, tmp_path)
    with command(store, _records(store)) as process:
        trainer(store, process)
        begun += psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not store.exists(f"{stage_path(ADAPT)}/done")
    assert store.children("records") == []
    finish(store, _records(store))
    _assert_the_same(store, undisturbed)


@pytest.mark.long
def test_after_the_process_that_trains_was_killed_the_command_gives_the_same_record(
    made: Store, undisturbed: Store, tmp_path: Path, begun: list[psutil.Process]
) -> None:
    store = borrow(made, tmp_path)
    with command(store, _records(store)) as process:
        pid = trainer(store, process)
        assert pid != process.pid
        os.kill(pid, signal.SIGKILL)
        begun += psutil.Process(process.pid).children(recursive=True)
        assert process.wait(PATIENCE_SECONDS) == 0
    _assert_the_same(store, undisturbed)


def test_a_finished_experiment_is_not_run_again(undisturbed: Store) -> None:
    lines = _records(undisturbed) / f"{EXPERIMENT.name}.jsonl"
    before = lines.read_bytes()
    weights = Path(undisturbed.path(stage_path(ADAPT)), "weights.safetensors").stat().st_mtime_ns
    finish(undisturbed, _records(undisturbed))
    assert lines.read_bytes() == before
    after = Path(undisturbed.path(stage_path(ADAPT)), "weights.safetensors").stat().st_mtime_ns
    assert after == weights


def test_no_process_is_left_over(begun: list[psutil.Process]) -> None:
    """Agents of a Ray that was killed try for a minute to tell it that they end."""
    if not begun:
        pytest.skip("no command was started before this test")
    _, alive = psutil.wait_procs(begun, timeout=120)
    # One that has ended, but that nobody has waited for, still has a number.
    assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
