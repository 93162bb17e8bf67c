import dataclasses
import errno
import io
import json
import logging
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from engine.people import INFANTS, Torn, borrow, make, mean_teacher, supervised
from engine.tiny import Tiny
from posebridge.batch import LabeledBatch, UnlabeledBatch
from posebridge.engine import leases
from posebridge.engine.artifacts import Store, StoreError
from posebridge.engine.data import Batch, Loader
from posebridge.engine.leases import read_holder
from posebridge.engine.train import Optimisers, deployed, dump_weights, load_weights, set_up
from posebridge.engine.work import stage_path, train_stage
from posebridge.methods.base import Optimize
from posebridge.methods.supervised import Supervised
from posebridge.populations.people import Person, row_person
from posebridge.stages import Budget, Feed, Stage

STEPS = 7


class Killed(BaseException):
    """Stands for a process that ends at once."""


@dataclasses.dataclass(frozen=True)
class Exploding(Supervised):
    """Learns until, at one step, a term is no number."""

    at_step: int = 3

    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """One step; the optimiser's own count tells which."""
        terms = super().update(nets, source, target, optimize)
        assert isinstance(optimize, Optimisers)
        broken = optimize.step_now >= self.at_step
        return terms | {"heatmap": terms["heatmap"] * (math.nan if broken else 1)}


def _budget(steps: int = STEPS, **changes: Any) -> Budget:
    return dataclasses.replace(Budget(steps, threads=1, checkpoint_every=2), **changes)


ADAPT = mean_teacher(budget=_budget())


def _train(store: Store, stage: Stage) -> dict[str, bytes]:
    """The files that a stage leaves, without those that differ between runs."""
    train_stage(store.uri, stage, False)
    folder = stage_path(stage)
    manifest = store.read_json(f"{folder}/manifest.json")
    del manifest["made"], manifest["cost"]["seconds"]
    return {
        "weights": store.read(f"{folder}/weights.safetensors"),
        "metrics": store.read(f"{folder}/metrics.jsonl"),
        "manifest": json.dumps(manifest).encode(),
    }


def _weights(store: Store, stage: Stage) -> dict[str, Tensor]:
    content = store.read(f"{stage_path(stage)}/weights.safetensors")
    found: dict[str, Tensor] = safetensors.torch.load(content)
    return found


def _checkpoints(store: Store, stage: Stage) -> list[str]:
    names = store.children(stage_path(stage))
    return [name for name in names if name.startswith("checkpoint-")]


def _kill_before_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    whole = Loader.batches

    def batches(self: Loader, start: int, end: int) -> Iterator[Batch]:
        for number, batch in enumerate(whole(self, start, end), start):
            if number == step:
                raise Killed
            yield batch

    monkeypatch.setattr(Loader, "batches", batches)


def _die_before_step(step: int, store: Store, stage: Stage) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _kill_before_step(patch, step)
        with pytest.raises(Killed):
            _train(store, stage)


def _kill_in_write(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """End when the `number`-th checkpoint has been written, but is not yet in its place."""
    replace, seen = os.replace, [0]

    def replace_or_end(source: str, target: str) -> None:
        seen[0] += "checkpoint-" in target
        if seen[0] == number and "checkpoint-" in target:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_or_end)


@pytest.fixture(scope="module")
def undisturbed(made: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return _train(borrow(made, tmp_path_factory.mktemp("undisturbed")), ADAPT)


def test_a_finished_stage_leaves_weights_metrics_a_manifest_and_no_checkpoint(
    store: Store,
) -> None:
    _train(store, ADAPT)
    left = store.children(stage_path(ADAPT))
    assert left == ["done", "manifest.json", "metrics.jsonl", "tensorboard", "weights.safetensors"]
    assert len(store.children(f"{stage_path(ADAPT)}/tensorboard")) == 1
    manifest = store.read_json(f"{stage_path(ADAPT)}/manifest.json")
    assert manifest["key"] == ADAPT.key()
    assert manifest["cost"]["steps"] == STEPS
    assert manifest["cost"]["images"] == STEPS * (3 + 2)
    assert manifest["cost"]["parameters"] == sum(p.numel() for p in Tiny().build().parameters())
    rows = store.read(f"{stage_path(ADAPT)}/metrics.jsonl").splitlines()
    assert [json.loads(row)["step"] for row in rows] == [5.0, 7.0]
    assert json.loads(rows[0])["learning_rate/student"] > 0


def test_the_same_stage_gives_the_same_bits(store: Store, undisturbed: dict[str, bytes]) -> None:
    assert _train(store, ADAPT) == undisturbed


@pytest.mark.parametrize("step", [0, 1, 2, 3, 6])
def test_a_stage_that_was_killed_ends_with_the_same_bits(
    store: Store, undisturbed: dict[str, bytes], step: int
) -> None:
    _die_before_step(step, store, ADAPT)
    assert len(_checkpoints(store, ADAPT)) == min(step // 2, 2)
    assert _train(store, ADAPT) == undisturbed


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_stage_that_was_killed_while_writing_a_checkpoint_ends_with_the_same_bits(
    store: Store, undisturbed: dict[str, bytes], number: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _kill_in_write(patch, number)
        with pytest.raises(Killed):
            _train(store, ADAPT)
    assert len(_checkpoints(store, ADAPT)) == number - 1
    assert _train(store, ADAPT) == undisturbed


def test_a_stage_that_is_killed_again_and_again_ends_with_the_same_bits(
    store: Store, undisturbed: dict[str, bytes]
) -> None:
    for step in (3, 4, 6):
        _die_before_step(step, store, ADAPT)
    assert _train(store, ADAPT) == undisturbed


@pytest.mark.parametrize("damage", ["cut", "emptied", "a bit flipped"])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    store: Store, undisturbed: dict[str, bytes], damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    _die_before_step(5, store, ADAPT)
    newest = Path(store.path(stage_path(ADAPT)), _checkpoints(store, ADAPT)[-1])
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"cut": content[:-1000], "emptied": bytearray(), "a bit flipped": content}[damage]
    newest.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert _train(store, ADAPT) == undisturbed
    assert "checkpoint-00000004" in caplog.text
    assert "is damaged: going back to the one before" in caplog.text


def test_resuming_goes_on_from_the_last_checkpoint(store: Store) -> None:
    _die_before_step(6, store, ADAPT)
    asked: list[int] = []
    whole = Loader.batches

    def batches(self: Loader, start: int, end: int) -> Iterator[Batch]:
        asked.append(start)
        return whole(self, start, end)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "batches", batches)
        _train(store, ADAPT)
    assert asked == [6]


def test_a_stage_killed_after_its_last_checkpoint_trains_no_further(store: Store) -> None:
    stage = mean_teacher(budget=_budget(4))
    with pytest.MonkeyPatch.context() as patch:
        write = Store.write

        def write_or_end(self: Store, path: str, content: bytes, **how: Any) -> None:
            if path.endswith("/weights.safetensors"):
                raise Killed
            write(self, path, content, **how)

        patch.setattr(Store, "write", write_or_end)
        with pytest.raises(Killed):
            _train(store, stage)
    with pytest.MonkeyPatch.context() as patch:
        _kill_before_step(patch, 0)
        _train(store, stage)
    assert store.exists(f"{stage_path(stage)}/done")


def test_people_left_out_before_the_kill_are_counted_after_it(made: Store, tmp_path: Path) -> None:
    """13 torn people in 12 images, of which 4 are cut, the one with two people among them."""
    store, torn = Store(str(tmp_path)), Torn()
    make(store, [torn])
    stage = supervised(source=(Feed(torn, "train", 7),), budget=_budget(4))
    _die_before_step(3, store, stage)
    _train(store, stage)
    skipped = store.read_json(f"{stage_path(stage)}/manifest.json")["skipped"]
    assert skipped == {"undecodable image": 5}


def test_a_stage_that_is_done_is_left_alone(store: Store) -> None:
    _train(store, ADAPT)
    store.write(f"{stage_path(ADAPT)}/weights.safetensors", b"kept")
    train_stage(store.uri, ADAPT, False)
    assert store.read(f"{stage_path(ADAPT)}/weights.safetensors") == b"kept"


def test_a_term_that_is_no_number_ends_the_stage_before_it_is_kept(store: Store) -> None:
    stage = supervised(method=Exploding(), budget=_budget(6))
    with pytest.raises(
        FloatingPointError,
        match=r"stage 'control': heatmap is not finite at step 4\. Lower the le",
    ):
        _train(store, stage)
    assert [name[:19] for name in _checkpoints(store, stage)] == ["checkpoint-00000002"]
    assert not store.exists(f"{stage_path(stage)}/done")
    assert not store.exists(f"{stage_path(stage)}/lease")


def test_a_full_disk_ends_the_stage_with_a_cure_and_the_same_command_goes_on(
    store: Store, undisturbed: dict[str, bytes]
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        whole = Loader.batches

        def batches(self: Loader, start: int, end: int) -> Iterator[Batch]:
            for number, batch in enumerate(whole(self, start, end), start):
                if number == 3:
                    patch.setattr(os, "fsync", refuse)
                yield batch

        patch.setattr(Loader, "batches", batches)
        with pytest.raises(StoreError, match=r"the disk is full\. Free some space"):
            _train(store, ADAPT)
    assert [name[:19] for name in _checkpoints(store, ADAPT)] == ["checkpoint-00000002"]
    assert _train(store, ADAPT) == undisturbed


def test_the_number_of_steps_between_checkpoints_does_not_change_the_result(
    store: Store, undisturbed: dict[str, bytes]
) -> None:
    rarely = dataclasses.replace(ADAPT, budget=_budget(checkpoint_every=100))
    assert rarely.key() == ADAPT.key()
    assert _train(store, rarely) == undisturbed


def _told(store: Store) -> dict[str, float]:
    holder = read_holder(store, f"{stage_path(ADAPT)}/lease")
    assert holder is not None
    return holder.progress


def test_the_lease_is_told_how_far_the_stage_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    seen: list[dict[str, float]] = []
    whole = Loader.batches

    def batches(self: Loader, start: int, end: int) -> Iterator[Batch]:
        for batch in whole(self, start, end):
            yield batch
            steps = len(seen) + 1
            while (told := _told(store)).get("step", 0) < steps:
                time.sleep(0.001)
            seen.append(told)

    monkeypatch.setattr(Loader, "batches", batches)
    _train(store, ADAPT)
    assert [progress["step"] for progress in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert all(p["steps"] == 7 and p["images_per_s"] > 0 for p in seen)


def test_a_stage_without_steps_leaves_the_published_weights(store: Store) -> None:
    stage = supervised(0, source=())
    _train(store, stage)
    published = Tiny().build().state_dict()
    left = _weights(store, stage)
    assert all(torch.equal(left[f"student.{name}"], value) for name, value in published.items())


def test_a_stage_starts_from_what_the_one_before_deploys(store: Store) -> None:
    """A mean teacher deploys its teacher."""
    last = supervised(0, source=(), start=ADAPT)
    _train(store, ADAPT)
    _train(store, last)
    before, after = _weights(store, ADAPT), _weights(store, last)
    assert all(
        torch.equal(after[f"student.{name}"], before[f"teacher.{name}"])
        for name in Tiny().build().state_dict()
    )


def test_the_seed_decides_the_views_and_thus_the_weights(store: Store) -> None:
    other = dataclasses.replace(ADAPT, seed=1)
    assert _train(store, ADAPT)["weights"] != _train(store, other)["weights"]


def test_stored_weights_give_the_same_predictions(store: Store) -> None:
    _train(store, ADAPT)
    content = store.read(f"{stage_path(ADAPT)}/weights.safetensors")
    nets, estimator = deployed(ADAPT, content)
    assert not nets.training
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = ADAPT.method.predict(nets, images)
    assert torch.equal(expected.keypoints, estimator.decode(estimator(images)).keypoints)
    assert dump_weights(nets) == content


def test_weights_of_another_shape_are_refused() -> None:
    nets = set_up(supervised(), None)
    other = dump_weights(nn.ModuleDict({"student": nn.Linear(1, 1)}))
    with pytest.raises(RuntimeError, match="Missing key"):
        load_weights(nets, other)


def test_training_does_not_read_the_labels_of_the_target(
    store: Store, undisturbed: dict[str, bytes]
) -> None:
    def watched(row: dict[str, Any]) -> Person:
        if row["person_id"].startswith(f"toy-{INFANTS.seed}-") and any(row["visibility"]):
            raise AssertionError("a label of the target was read")
        return row_person(row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("posebridge.engine.reading.row_person", watched)
        assert _train(store, ADAPT) == undisturbed


def test_checkpoints_hold_plain_data_only(store: Store) -> None:
    """They are loaded without running code that somebody may have put into them."""
    _die_before_step(3, store, ADAPT)
    (name,) = _checkpoints(store, ADAPT)
    content = store.read(f"{stage_path(ADAPT)}/{name}")
    saved = torch.load(io.BytesIO(content), weights_only=True)
    assert saved["progress"]["step"] == 2
    assert saved["left_out"] == {"undecodable": [], "rejected": {}}
