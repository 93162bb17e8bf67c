"""Stages of several workers: all but Ray Train, whose place forked processes take."""

import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import ray
import safetensors.torch
import torch
from ray.exceptions import RayActorError
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError
from ray.train.v2.api.exceptions import WorkerGroupError
from torch import Tensor, nn

from engine.people import ADULTS, INFANTS, Torn, make, mean_teacher, supervised
from engine.tiny import Tiny, TinyEstimator
from engine.together import together
from posebridge.engine import work, workers
from posebridge.engine.artifacts import Store
from posebridge.engine.data import Batch, Loader
from posebridge.engine.group import Group, GroupBrokenError
from posebridge.engine.holders import Holder
from posebridge.engine.leases import LeaseLostError, read_holder
from posebridge.engine.train import set_up
from posebridge.engine.work import stage_path, train_stage
from posebridge.engine.workers import Member, Workers, run_together
from posebridge.estimators.base import Architecture
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.stages import Budget, Feed, Stage

STEPS = 6


@dataclass(frozen=True)
class Plain(Architecture):
    """The tiny estimator without batch norm."""

    def build(self) -> TinyEstimator:
        estimator = Tiny().build()
        estimator.trunk[1] = nn.Identity()
        return estimator


@pytest.fixture(autouse=True)
def _without_ray_train(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_together(member: Member, workers: Workers, *_: object) -> None:
        together(workers.most, member)

    monkeypatch.setattr(work, "run_together", run_together)


def _budget(**changes: Any) -> Budget:
    return dataclasses.replace(Budget(STEPS, threads=1, checkpoint_every=2), **changes)


def _teacher(**changes: Any) -> Stage:
    """Seven adults and five infants: shares of two workers differ by one."""
    return mean_teacher(
        architecture=Plain(),
        method=MeanTeacher(learning_rate=1e-3, momentum=0.9, occlusion_threshold=0.0),
        source=(Feed(ADULTS, "train", 4), Feed(INFANTS, "train", 3)),
        target=Feed(INFANTS, "train", 5),
        budget=_budget(**changes),
    )


def _control(**changes: Any) -> Stage:
    return supervised(
        architecture=Plain(),
        method=Supervised(learning_rate=1e-3),
        source=(Feed(ADULTS, "train", 7),),
        budget=_budget(**changes),
    )


def _train(store: Store, stage: Stage) -> dict[str, Tensor]:
    train_stage(store.uri, stage, False)
    content = store.read(f"{stage_path(stage)}/weights.safetensors")
    weights: dict[str, Tensor] = safetensors.torch.load(content)
    return weights


def _left(store: Store, stage: Stage, name: str) -> bytes:
    return store.read(f"{stage_path(stage)}/{name}")


def _furthest(some: dict[str, Tensor], others: dict[str, Tensor]) -> float:
    return max(float((value - others[name]).abs().max()) for name, value in some.items())


@pytest.mark.parametrize("make_stage", [_control, _teacher])
@pytest.mark.parametrize("shared", [{"workers": 2}, {"accumulate": 3}, {"workers": 3}])
def test_a_step_that_is_shared_is_that_of_one_worker_within_rounding(
    store: Store, make_stage: Callable[..., Stage], shared: dict[str, int]
) -> None:
    """Means over the visible and a quantile over the batch are those of everybody.

    The weights move by more than 1e-3, and differ by rounding.
    """
    alone, many = make_stage(), make_stage(**shared)
    before = set_up(alone, None).state_dict()
    one = _train(store, alone)
    assert _furthest(one, before) > 1e-3
    assert _furthest(one, _train(store, many)) < 2e-5


def test_all_workers_tell_the_same_terms_as_one(store: Store) -> None:
    stages = _teacher(), _teacher(workers=2)
    rows = []
    for stage in stages:
        _train(store, stage)
        lines = _left(store, stage, "metrics.jsonl").decode().splitlines()
        rows.append([json.loads(line) for line in lines])
    assert [row["step"] for row in rows[0]] == [5.0, 6.0]
    for one, two in zip(*rows, strict=True):
        assert two == pytest.approx(one, rel=1e-4)


def test_batch_norm_keeps_its_statistics_in_a_group_on_cpus_and_in_parts(store: Store) -> None:
    stages = [
        supervised(source=(Feed(ADULTS, "train", 4),), budget=_budget(**shared))
        for shared in ({"workers": 2}, {"accumulate": 2})
    ]
    group, parts = (_train(store, stage) for stage in stages)
    before = set_up(stages[0], None).state_dict()
    assert _furthest(group, parts) < 2e-5
    statistics = [name for name in group if "running" in name or "num_batches" in name]
    assert len(statistics) == 3
    assert all(torch.equal(group[name], before[name]) for name in statistics)


class Killed(BaseException):
    """Stands for processes that end at once."""


def _die_before_step(step: int, store: Store, stage: Stage) -> None:
    whole = Loader.batches

    def batches(self: Loader, start: int, end: int | None = None) -> Iterator[Batch]:
        for number, batch in enumerate(whole(self, start, end), start):
            if number == step:
                raise Killed
            yield batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "batches", batches)
        with pytest.raises(Killed):
            train_stage(store.uri, stage, False)


def test_a_group_that_was_killed_goes_on_and_ends_with_the_same_bits(
    store: Store, made: Store, tmp_path: Path
) -> None:
    stage = _teacher(workers=2)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "populations").symlink_to(f"{made.uri}/populations")
    undisturbed = Store(str(tmp_path / "other"))
    train_stage(undisturbed.uri, stage, False)
    for step in (1, 3, 5):
        _die_before_step(step, store, stage)
    assert any(
        name.startswith("checkpoint-00000004") for name in store.children(stage_path(stage))
    )
    train_stage(store.uri, stage, False)
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert _left(store, stage, name) == _left(undisturbed, stage, name)


def test_the_leader_alone_leaves_the_usual_artifact(store: Store) -> None:
    stage = _teacher(workers=2)
    _train(store, stage)
    assert store.children(stage_path(stage)) == [
        "done",
        "manifest.json",
        "metrics.jsonl",
        "tensorboard",
        "weights.safetensors",
    ]
    assert len(store.children(f"{stage_path(stage)}/tensorboard")) == 1
    manifest = store.read_json(f"{stage_path(stage)}/manifest.json")
    assert manifest["made"]["workers"] == 2
    assert manifest["cost"]["images"] == STEPS * 12


def test_people_that_any_worker_left_out_are_counted_once(tmp_path: Path) -> None:
    """13 torn people in 12 images, of which 4 are cut, the one with two people among them."""
    store, torn = Store(str(tmp_path)), Torn()
    make(store, [torn])
    stage = supervised(source=(Feed(torn, "train", 7),), budget=_budget(workers=2))
    _train(store, stage)
    skipped = store.read_json(f"{stage_path(stage)}/manifest.json")["skipped"]
    assert skipped == {"undecodable image": 5}


def test_the_lease_of_the_starter_is_told_how_far_its_workers_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posebridge.engine.leases.BEAT_SECONDS", 0.01)
    stage, whole = _control(workers=2), Loader.batches
    holders: list[Holder | None] = []

    def batches(self: Loader, start: int, end: int | None = None) -> Iterator[Batch]:
        for batch in whole(self, start, end):
            yield batch
            time.sleep(0.05)

    def run_together(member: Member, workers: Workers, *_: object) -> None:
        together(workers.most, member)
        holders.append(read_holder(store, f"{stage_path(stage)}/lease"))

    monkeypatch.setattr(Loader, "batches", batches)
    monkeypatch.setattr(work, "run_together", run_together)
    train_stage(store.uri, stage, False)
    (holder,) = holders
    assert holder is not None
    assert holder.progress["step"] > 0
    assert holder.progress["steps"] == STEPS


def test_a_stage_without_steps_needs_no_group(store: Store) -> None:
    stage = supervised(source=(), budget=_budget(workers=2, steps=0))
    train_stage(store.uri, stage, False)
    assert store.read_json(f"{stage_path(stage)}/manifest.json")["made"]["workers"] == 1


class PretendedTrainer:
    """Ends as it is told to: groups that die on purpose take half a minute each."""

    endings: ClassVar[list[Exception | None]] = []

    def __init__(self, *_: object, **__: object) -> None:
        """Take what the real one takes."""

    def fit(self) -> None:
        ending = self.endings.pop(0)
        if ending is not None:
            raise ending


@pytest.fixture
def endings(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    monkeypatch.setattr(PretendedTrainer, "endings", [])
    monkeypatch.setattr(workers, "TorchTrainer", PretendedTrainer)
    monkeypatch.setattr(workers, "gpus_per_task", lambda: 0.0)
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    return PretendedTrainer.endings


def _run(folder: Path, steps: Iterator[float]) -> None:
    run_together(_nothing, Workers(2, 2, 1), Store(str(folder)), "stage", lambda: next(steps))


def _nothing(_: Group) -> None:
    """A member."""


def _lost() -> WorkerGroupError:
    """The second of two workers died, and the first noticed."""
    died = WorkerHealthCheckFailedError("no answer", RayActorError())
    return WorkerGroupError("lost", {0: GroupBrokenError("closed by peer"), 1: died})


def test_a_group_that_gets_further_starts_again_however_often_it_dies(
    tmp_path: Path, endings: list[Exception | None]
) -> None:
    endings += [*(_lost() for _ in range(5)), None]
    _run(tmp_path, itertools.count(1.0))
    assert endings == []


def test_a_group_that_dies_without_getting_further_is_given_up(
    tmp_path: Path, endings: list[Exception | None]
) -> None:
    endings += [_lost() for _ in range(9)]
    with pytest.raises(RuntimeError, match=r"stage: .*crash 3 without getting any further"):
        _run(tmp_path, itertools.repeat(4.0))
    assert len(endings) == 9 - 3


def test_an_error_of_one_worker_is_raised_whatever_the_others_say(
    tmp_path: Path, endings: list[Exception | None]
) -> None:
    torn = ValueError("the shard is torn")
    endings.append(WorkerGroupError("torn", {0: GroupBrokenError("closed by peer"), 1: torn}))
    with pytest.raises(ValueError, match="the shard is torn"):
        _run(tmp_path, itertools.repeat(0.0))


def test_a_group_that_lost_its_lease_leaves_the_work_to_the_other(
    tmp_path: Path, endings: list[Exception | None]
) -> None:
    endings.append(WorkerGroupError("lost", {0: LeaseLostError("held by another")}))
    with pytest.raises(LeaseLostError, match="held by another"):
        _run(tmp_path, itertools.repeat(0.0))


def test_a_group_without_ray_is_refused_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(
        ValueError, match=r"stage must have Ray for its 2 workers.*Leave out --deb"
    ):
        _run(tmp_path, itertools.repeat(0.0))
