"""The graph, step by step, on a real cluster of one machine."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.watching import Witness, marker, note, noting
from posebridge.engine.artifacts import Store
from posebridge.engine.execution import CRASH_RETRIES, Execution
from posebridge.engine.graph import Task
from posebridge.engine.leases import hold

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("local_cluster")]
PATIENCE_SECONDS = 240.0
"""Far more than it takes, for a machine that has other things to do."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def execution(store: Store, witness: Witness) -> Execution:
    return Execution(store, witness)


def _step_until(execution: Execution, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        execution.step(timeout=0.05)


def _finish(execution: Execution) -> None:
    _step_until(execution, lambda: execution.is_idle)


def test_tasks_can_be_added_while_others_run_and_each_runs_once(
    execution: Execution, store: Store
) -> None:
    execution.add([noting(store, "ground")])
    execution.step(timeout=0)
    execution.add([noting(store, "ground"), noting(store, "walls", ["ground"])])
    assert not execution.is_idle
    _finish(execution)
    execution.add([noting(store, "walls", ["ground"])])
    assert execution.is_idle
    assert store.read_json("log") == ["ground", "walls"]
    assert execution.is_done(marker("walls"))
    assert execution.failure_of(marker("walls")) is None


def test_what_is_done_in_the_store_is_done_at_once(execution: Execution, store: Store) -> None:
    note(store.uri, "ground")
    execution.add([noting(store, "ground")])
    assert execution.is_idle
    assert execution.is_done(marker("ground"))


def _fail() -> None:
    raise ValueError("the ground is wrong")


def test_a_failure_is_that_of_all_that_need_it(execution: Execution, store: Store) -> None:
    execution.add([Task("ground", marker("ground"), _fail, ())])
    execution.add([noting(store, "walls", ["ground"]), noting(store, "garden")])
    _finish(execution)
    for name in ("ground", "walls"):
        failure = execution.failure_of(marker(name))
        assert failure is not None
        assert (failure.task.name, failure.cause) == ("ground", "ValueError: the ground is wrong")
        assert not execution.is_done(marker(name))
    assert [failure.task.name for failure in execution.failures()] == ["ground"]
    assert execution.is_done(marker("garden"))
    execution.add([noting(store, "roof", ["walls"])])
    _finish(execution)
    late = execution.failure_of(marker("roof"))
    assert late is not None
    assert late.task.name == "ground"


def test_what_another_is_making_is_waited_for_without_a_cpu(
    execution: Execution, store: Store, witness: Witness
) -> None:
    with hold(store, "made/walls") as lease:
        lease.tell({"step": 3.0, "steps": 8.0, "images_per_s": 1.0})
        lease.beat()
        execution.add([noting(store, "walls"), noting(store, "garden")])
        _step_until(execution, lambda: execution.is_done(marker("garden")))
        # Nobody has asked Ray for it: it could not have been told apart from one that waits there.
        assert witness.starts == ["garden"]
        assert not execution.is_idle
    _finish(execution)
    assert store.read_json("log") == ["garden", "walls"]


def test_what_another_has_made_meanwhile_is_not_made_again(
    execution: Execution, store: Store, witness: Witness
) -> None:
    training = Task("train", marker("train"), _fail, (), steps=8)
    with hold(store, "made/train") as lease:
        lease.tell({"step": 3.0, "steps": 8.0, "images_per_s": 1.0})
        lease.beat()
        execution.add([training])
        _step_until(execution, lambda: bool(witness.progress))
        assert witness.progress[0]["step"] == 3.0
        store.write(training.marker, b"")
    _finish(execution)
    assert execution.is_done(training.marker)
    assert witness.ends == ["train"]


def _die_and_go_on(uri: str, steps: int, last: int) -> None:
    """Train a little further than the last time and be killed, up to a last step."""
    store = Store(uri)
    with hold(store, "made/train") as lease:
        for step in range(len(store.children("steps")), steps):
            store.write(f"steps/{step:03d}", b"")
            lease.tell({"step": min(step, last), "steps": steps, "images_per_s": 1.0})
            lease.beat()
            os.kill(os.getpid(), signal.SIGKILL)
        store.write(marker("train"), b"")


def _dying(store: Store, steps: int, last: int) -> Task:
    arguments = (store.uri, steps, last)
    return Task("train", marker("train"), _die_and_go_on, arguments, steps=steps)


def test_a_training_that_gets_further_is_tried_again_as_often_as_it_takes(
    execution: Execution, store: Store
) -> None:
    steps = CRASH_RETRIES + 3
    execution.add([_dying(store, steps, last=steps)])
    _finish(execution)
    assert execution.is_done(marker("train"))
    assert len(store.children("steps")) == steps


def test_a_training_that_gets_no_further_is_given_up(execution: Execution, store: Store) -> None:
    execution.add([_dying(store, 100, last=1)])
    _finish(execution)
    failure = execution.failure_of(marker("train"))
    assert failure is not None
    assert "WorkerCrashedError" in failure.cause
    assert f"This was crash {CRASH_RETRIES + 1} without getting any further." in failure.cause
    assert len(store.children("steps")) <= 2 + CRASH_RETRIES
