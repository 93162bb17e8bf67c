"""Graphs and readers on a real cluster of one machine."""

import os
import shutil
import signal
from pathlib import Path

import pyarrow as pa
import pytest

from engine.people import ADULTS, borrow, mean_teacher
from engine.watching import Witness, marker, note, noting
from posebridge.engine.artifacts import Store
from posebridge.engine.execution import CRASH_RETRIES, execute_on_ray
from posebridge.engine.graph import Task
from posebridge.engine.reading import read_directly, stream
from posebridge.engine.work import open_in, population_path, stage_path, train_stage
from posebridge.populations.shards import ShardError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("local_cluster")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def _fail(what: str) -> None:
    raise ValueError(f"{what}\nis wrong")


def _die(uri: str, name: str, times: int) -> None:
    """End like a killed process the first times, and succeed then."""
    store = Store(uri)
    died = len(store.children("deaths"))
    if died < times:
        store.write(f"deaths/{died}", b"")
        os.kill(os.getpid(), signal.SIGKILL)
    note(uri, name)


def test_tasks_run_once_each_and_after_what_they_need(store: Store) -> None:
    note(store.uri, "ground")
    tasks = [
        noting(store, "roof", ["walls"]),
        noting(store, "walls", ["ground"]),
        noting(store, "ground"),
        noting(store, "walls", ["ground"]),
    ]
    witness = Witness()
    assert execute_on_ray(tasks, store, witness) == []
    assert store.read_json("log") == ["ground", "walls", "roof"]
    assert witness.starts == witness.ends == ["walls", "roof"]


def test_a_failure_is_told_with_its_cause_and_skips_only_what_needs_it(store: Store) -> None:
    tasks = [
        noting(store, "roof", ["walls"]),
        noting(store, "walls", ["ground"]),
        Task("ground", marker("ground"), _fail, ("the ground",)),
        noting(store, "garden"),
    ]
    witness = Witness()
    (failure,) = execute_on_ray(tasks, store, witness)
    assert (failure.task.name, failure.cause) == ("ground", "ValueError: the ground is wrong")
    assert witness.failures == ["ValueError: the ground is wrong"]
    assert witness.skips == [("walls", "ground"), ("roof", "ground")]
    assert store.read_json("log") == ["garden"]


@pytest.mark.parametrize("times", [CRASH_RETRIES, CRASH_RETRIES + 1])
def test_a_task_whose_process_dies_is_tried_again_but_not_for_ever(
    store: Store, times: int
) -> None:
    task = Task("mortal", marker("mortal"), _die, (store.uri, "mortal", times))
    witness = Witness()
    failures = execute_on_ray([task], store, witness)
    assert len(store.children("deaths")) == times
    assert store.exists(task.marker) == (times == CRASH_RETRIES)
    assert len(failures) == (times > CRASH_RETRIES)
    assert all("WorkerCrashedError" in failure.cause for failure in failures)
    assert witness.starts == ["mortal"]


def test_a_task_that_no_node_can_hold_is_refused_at_once(store: Store) -> None:
    large = Task("large", marker("large"), _fail, ("size",), cpus=1000)
    with pytest.raises(
        ValueError, match=r"task 'large' needs 1000 CPUs on one .* Lower the stage's threads"
    ):
        execute_on_ray([large], store, Witness())


def test_the_stream_gives_the_same_tables_as_reading_directly(made: Store) -> None:
    opened = open_in(made, ADULTS)
    for indices in ([0, 1, 2], [2, 0], [1]):
        streamed = list(stream(opened, "train", indices))
        direct = list(read_directly(opened, "train", indices))
        assert len(streamed) == len(indices)
        assert all(_equal(one, other) for one, other in zip(streamed, direct, strict=True))


def _equal(one: pa.Table, other: pa.Table) -> bool:
    same: bool = one.combine_chunks().equals(other.combine_chunks())
    return same


def test_a_stage_that_streams_ends_with_the_same_bits(made: Store, tmp_path: Path) -> None:
    stage, weights = mean_teacher(3), []
    for streamed in (True, False):
        folder = tmp_path / str(streamed)
        folder.mkdir()
        own = borrow(made, folder)
        train_stage(own.uri, stage, streamed)
        weights.append(own.read(f"{stage_path(stage)}/weights.safetensors"))
    assert weights[0] == weights[1]


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_shard_that_is_damaged_while_it_is_streamed_says_which_and_what_to_do(
    made: Store, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(Path(made.uri, "populations"), tmp_path / "populations")
    own = Store(str(tmp_path))
    opened = open_in(own, ADULTS)
    path = Path(own.path(population_path(ADULTS)), "train", "images-00001.parquet")
    if damage == "cut":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.unlink()
    with pytest.raises(ShardError, match=r"images-00001.parquet (cannot be read|is missing).*ake"):
        list(stream(opened, "train", [0, 1, 2]))
