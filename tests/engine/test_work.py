import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.people import ADULTS, mean_teacher, supervised
from populations.toy import Toy
from posebridge.engine import work
from posebridge.engine.artifacts import Store, StoreError
from posebridge.engine.leases import LeaseLostError
from posebridge.engine.train import Run
from posebridge.engine.work import (
    alone,
    event_writer,
    finish_population,
    make_shard,
    open_in,
    population_path,
    shard_marker,
    stage_path,
    train_stage,
)
from posebridge.populations import files
from posebridge.populations.people import Sample


@pytest.fixture
def own(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_of_two_that_want_the_same_artifact_one_makes_it_and_the_other_waits(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "WAIT_SECONDS", 0.01)
    makers: list[bool] = []
    holds = threading.Event()

    def make() -> None:
        with alone(own, "stages/a", "stages/a/done") as lease:
            makers.append(lease is not None)
            if lease is not None:
                holds.set()
                time.sleep(0.1)
                own.write("stages/a/done", b"")

    first = threading.Thread(target=make)
    first.start()
    assert holds.wait(10.0)
    make()
    first.join()
    assert sorted(makers) == [False, True]


def test_what_is_done_is_not_made_again(own: Store) -> None:
    own.write("stages/a/done", b"")
    with alone(own, "stages/a", "stages/a/done") as lease:
        assert lease is None
    assert own.children("stages/a") == ["done"]


def test_a_population_is_made_shard_by_shard(own: Store) -> None:
    toy = Toy(train=70, test=3)
    for split, index in (("train", 0), ("train", 1), ("test", 0)):
        make_shard(own.uri, toy, split, index)
        assert own.exists(shard_marker(toy, split, index))
    finish_population(own.uri, toy)
    assert open_in(own, toy).manifest.splits["train"].people == 71


def test_what_a_killed_renderer_left_half_written_is_removed(own: Store) -> None:
    toy = Toy(train=3, test=0)
    make_shard(own.uri, toy, "train", 0)
    left = Path(own.path(population_path(toy)), "train", f".people-00000.0123{files.TEMPORARY}")
    left.write_bytes(b"half")
    finish_population(own.uri, toy)
    assert not left.exists()
    assert own.children(f"{population_path(toy)}/leases") == []


def test_a_shard_whose_lease_was_lost_while_it_was_rendered_is_not_written(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else, perhaps on another kind of CPU, has written it meanwhile."""
    toy, render = Toy(train=1, test=0), Toy.render

    def lose(self: Toy, split: str, index: int) -> Sample:
        own.delete(f"{population_path(toy)}/leases/lease-train-00000")
        return render(self, split, index)

    monkeypatch.setattr(Toy, "render", lose)
    with pytest.raises(LeaseLostError):
        make_shard(own.uri, toy, "train", 0)
    assert own.children(f"{population_path(toy)}/train") == []
    assert not own.exists(shard_marker(toy, "train", 0))


def test_populations_of_another_recipe_lie_elsewhere() -> None:
    assert population_path(ADULTS) != population_path(Toy(train=129, validation=6, test=8))
    assert population_path(ADULTS).startswith("populations/toy-")


def test_a_stage_keeps_its_events_in_any_store(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "is_local", False)
    with event_writer(own, "stages/a/tensorboard") as events:
        events.add_scalar("loss", 1.0, 1)
    (name,) = own.children("stages/a/tensorboard")
    assert name.startswith("events.out.tfevents")
    assert len(own.read(f"stages/a/tensorboard/{name}")) > 0


def test_a_stage_sets_its_own_number_of_threads(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of Ray that did another stage before keeps the number of that one."""
    numbers: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    train_stage(store.uri, supervised(1), False)
    assert numbers == [1]


def test_the_done_marker_is_written_after_everything_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, written = mean_teacher(1), []
    write = Store.write

    def noting(self: Store, path: str, content: bytes, **how: Any) -> None:
        written.append(path.removeprefix(f"{stage_path(stage)}/"))
        write(self, path, content, **how)

    monkeypatch.setattr(Store, "write", noting)
    train_stage(store.uri, stage, False)
    kept = [path for path in written if path != "lease"]
    assert kept == ["weights.safetensors", "metrics.jsonl", "manifest.json", "done"]


def test_a_stage_that_cannot_be_written_leaves_no_done_and_no_lease(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = supervised(1)
    write = Store.write

    def refuse(self: Store, path: str, content: bytes, **how: Any) -> None:
        if path.endswith("manifest.json"):
            raise StoreError("the disk is full")
        write(self, path, content, **how)

    monkeypatch.setattr(Store, "write", refuse)
    with pytest.raises(StoreError, match="the disk is full"):
        train_stage(store.uri, stage, False)
    left = store.children(stage_path(stage))
    assert "done" not in left
    assert "lease" not in left


def test_a_stage_without_steps_is_not_trained(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "train", None)
    stage = supervised(0, source=())
    train_stage(store.uri, stage, False)
    manifest = store.read_json(f"{stage_path(stage)}/manifest.json")
    assert manifest["cost"]["steps"] == manifest["cost"]["images"] == 0
