"""Stages whose method changes while they train, and stages that are trained in parts."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from engine.people import borrow, mean_teacher, supervised
from posebridge.engine.artifacts import Store
from posebridge.engine.leases import hold
from posebridge.engine.train import Part, checkpoints
from posebridge.engine.work import stage_path, train_part, train_stage
from posebridge.stages import Budget, Stage

BUDGET = Budget(7, threads=1, checkpoint_every=2)
CHANGED = mean_teacher(budget=BUDGET, changes=((3, "learning_rate", 1e-2), (5, "momentum", 0.5)))


@pytest.fixture
def other(made: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A second store."""
    return borrow(made, tmp_path_factory.mktemp("other"))


def _weights(store: Store, stage: Stage, *, before: str | None = None) -> dict[str, Tensor]:
    train_stage(store.uri, stage, False, None, before)
    content = store.read(f"{stage_path(stage)}/weights.safetensors")
    found: dict[str, Tensor] = safetensors.torch.load(content)
    return found


def _part(store: Store, stage: Stage, steps: int, *, before: str | None = None) -> str:
    """Train a part, and give the folder where it lies."""
    folder = f"parts/{steps}"
    with hold(store, folder) as lease:
        train_part(lease, Part(stage, steps, before), False)
    return folder


def _same_weights(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_from_a_change_on_the_optimiser_has_another_rate(store: Store) -> None:
    """At a rate of zero nothing is learnt: the weights are those of the steps before."""
    stage = supervised(budget=BUDGET, changes=((3, "learning_rate", 0.0),))
    folder = _part(store, supervised(budget=BUDGET), 3)
    (name,) = checkpoints(store, folder)[-1:]
    saved = torch.load(Path(store.path(folder), name), weights_only=True)["nets"]
    learnt = {k: v for k, v in _weights(store, stage).items() if "running" not in k}
    assert learnt
    assert all(torch.equal(v, saved[k]) for k, v in learnt.items() if "num_batches" not in k)
    rows = store.read(f"{stage_path(stage)}/metrics.jsonl").splitlines()
    assert [json.loads(row)["learning_rate/student"] for row in rows] == [0.0, 0.0]


def test_a_change_that_changes_nothing_gives_the_same_weights(store: Store) -> None:
    plain = mean_teacher(budget=BUDGET)
    rate = plain.method.learning_rates()["student"]
    same = dataclasses.replace(plain, changes=((3, "learning_rate", rate),))
    assert same.key() != plain.key()
    assert _same_weights(_weights(store, same), _weights(store, plain))


@pytest.mark.parametrize("cuts", [(3,), (5,), (2, 4), (1, 3, 5, 6)])
def test_a_stage_that_is_trained_in_parts_has_the_same_weights(
    store: Store, other: Store, cuts: tuple[int, ...]
) -> None:
    before: str | None = None
    for steps in cuts:
        # What comes later is not known yet.
        known = tuple(change for change in CHANGED.changes if change[0] < steps)
        before = _part(other, dataclasses.replace(CHANGED, changes=known), steps, before=before)
    in_parts = _weights(other, CHANGED, before=before)
    assert _same_weights(in_parts, _weights(store, CHANGED))
    files = [s.read(f"{stage_path(CHANGED)}/metrics.jsonl") for s in (other, store)]
    assert files[0] == files[1]


def test_a_part_leaves_a_checkpoint_at_its_end(store: Store) -> None:
    folder = _part(store, CHANGED, 3)
    assert [name[:19] for name in checkpoints(store, folder)] == [
        "checkpoint-00000002",
        "checkpoint-00000003",
    ]


def test_a_part_that_is_done_is_not_trained_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _part(store, CHANGED, 3)
    before = Path(store.path(folder), checkpoints(store, folder)[-1]).stat().st_mtime_ns

    def refuse(*_: Any) -> None:
        raise AssertionError("a step was made")

    monkeypatch.setattr(type(CHANGED.method), "update", refuse)
    _part(store, CHANGED, 3)
    after = Path(store.path(folder), checkpoints(store, folder)[-1]).stat().st_mtime_ns
    assert after == before


def test_without_the_checkpoint_of_the_part_before_a_stage_is_trained_from_its_beginning(
    store: Store, other: Store
) -> None:
    lost = _weights(other, CHANGED, before="parts/lost")
    assert _same_weights(lost, _weights(store, CHANGED))
