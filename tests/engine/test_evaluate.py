import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

from engine.people import ADULTS, INFANTS, Mislabelled, Torn, borrow, make, supervised
from populations.toy import Toy
from posebridge.batch import Predictions
from posebridge.engine.artifacts import Store
from posebridge.engine.coco import PersonBox
from posebridge.engine.conditions import Conditions, kind_of
from posebridge.engine.data import to_images
from posebridge.engine.evaluate import (
    Floor,
    Scores,
    evaluate_floor,
    evaluate_stage,
    evaluation_marker,
    floor_marker,
    read_scores,
)
from posebridge.engine.leases import Lease
from posebridge.engine.predictors import Crop, Predictor
from posebridge.engine.scoring import pck_scores
from posebridge.engine.train import deployed
from posebridge.engine.work import stage_path, train_stage
from posebridge.estimators.flipping import FlipTest
from posebridge.methods.supervised import Supervised
from posebridge.metrics.floors import mean_pose, predict_mean_pose
from posebridge.populations.crops import (
    BOX_PADDING,
    apply_affine,
    crop_from_image,
    decode_image,
    invert,
    look,
)
from posebridge.stages import Feed


@dataclasses.dataclass(frozen=True)
class Pointing(Supervised):
    """Points at one place of the crop, whoever is in it."""

    x: float = 16.0
    y: float = 16.0

    def predict(self, nets: nn.ModuleDict, images: Tensor) -> Predictions:
        """The same for everybody."""
        keypoints = torch.tensor([self.x, self.y]).repeat(len(images), 17, 1)
        return Predictions(keypoints, torch.full((len(images), 17), 0.5))


POINTING = supervised(0, source=(), method=Pointing())


def _measured(store: Store, marker: str) -> tuple[Scores, dict[str, Any]]:
    content = store.read(f"{marker.rpartition('/')[0]}/people.parquet")
    columns = pq.read_table(io.BytesIO(content)).to_pydict()
    return read_scores(store, marker), columns


def _evaluated(store: Store, population: Toy, stage: Any = POINTING) -> tuple[Scores, Any]:
    train_stage(store.uri, stage, False)
    evaluate_stage(store.uri, stage, population, "test")
    return _measured(store, evaluation_marker(stage, population, "test"))


def test_the_flip_test_asks_the_mirror_image_too_and_is_kept_apart(store: Store) -> None:
    """The predictions are those of the averaged maps, found by a predictor of its own."""
    stage, flip_test = supervised(0, source=()), FlipTest()
    train_stage(store.uri, stage, False)
    keypoints = []
    for asked in (None, flip_test):
        evaluate_stage(store.uri, stage, INFANTS, "test", asked)
        marker = evaluation_marker(stage, INFANTS, "test", asked)
        folder = marker.rpartition("/")[0]
        table = pq.read_table(io.BytesIO(store.read(f"{folder}/predictions.parquet")))
        keypoints.append(np.array(table["keypoints"].to_pylist()).reshape(-1, 17, 2))
    alone, both = keypoints
    assert not np.allclose(alone, both)
    nets, estimator = deployed(stage, store.read(f"{stage_path(stage)}/weights.safetensors"))
    crop = _first_crop(INFANTS)
    (guess,) = Predictor("x", stage.method, nets, torch.device("cpu"), flip_test).guess([crop])
    np.testing.assert_allclose(both[0], guess.keypoints, atol=1e-3)
    matrix = crop_from_image(crop.box.xywh, 32, 32, padding=crop.padding)
    images = to_images(look(crop.pixels, matrix, 32, 32)[None], torch.device("cpu"))
    averaged = estimator.decode(flip_test(estimator, images)).keypoints[0].detach().numpy()
    np.testing.assert_allclose(apply_affine(invert(matrix), averaged), guess.keypoints, atol=1e-3)


def _first_crop(population: Toy) -> Crop:
    sample = population.render("test", 0)
    image = decode_image(sample.image.encoded)
    return Crop(image, PersonBox(tuple(sample.people[0].box.tolist())), BOX_PADDING)


def test_errors_are_in_pixels_of_the_image(store: Store) -> None:
    """The middle of the 32 × 32 crop is the middle of the box, at (10 + 20, 5 + 17.5)."""
    scores, people = _evaluated(store, INFANTS)
    expected = [person for i in range(6) for person in INFANTS.render("test", i).people]
    assert people["person_id"] == [person.person_id for person in expected]
    offsets = np.stack([person.keypoints for person in expected]) - (30.0, 22.5)
    distances = np.hypot(offsets[..., 0], offsets[..., 1])
    distances[:, -1] = np.nan
    np.testing.assert_allclose(people["distance_px"], distances, atol=1e-3)
    assert people["visibility"][0] == [2] * 16 + [0]
    assert people["confidence"][0] == [0.5] * 17
    assert people["box_px"] == [40.0] * 7
    assert people["side_px"] == [64.0] * 7
    assert people["failed"] == [False] * 7
    box = scores.scores["pck_box"]
    assert (box.total, box.count) == (int((distances < 0.05 * 40).sum()), 7 * 16)
    assert box.failures == 0
    assert scores.skipped == {}


def test_scores_can_be_made_again_from_the_errors(store: Store) -> None:
    scores, _ = _evaluated(store, INFANTS)
    marker = evaluation_marker(POINTING, INFANTS, "test")
    folder = marker.rpartition("/")[0]
    table = pq.read_table(io.BytesIO(store.read(f"{folder}/people.parquet")))
    again = pck_scores(table)
    assert again == {name: scores.scores[name] for name in again}


def test_where_every_keypoint_was_seen_is_kept_too(store: Store) -> None:
    _evaluated(store, INFANTS)
    folder = evaluation_marker(POINTING, INFANTS, "test").rpartition("/")[0]
    kept = pq.read_table(io.BytesIO(store.read(f"{folder}/predictions.parquet"))).to_pydict()
    np.testing.assert_allclose(kept["keypoints"], np.tile((30.0, 22.5), (7, 17)), atol=1e-3)


def _table(distances: Sequence[Sequence[float]], visibility: Sequence[Sequence[int]]) -> pa.Table:
    sizes = {f"{name}_px": [100.0, 40.0] for name in ("box", "head", "torso")}
    return pa.table(
        {
            "distance_px": pa.array(distances, pa.list_(pa.float32())),
            "visibility": pa.array(visibility, pa.list_(pa.uint8())),
            "side_px": pa.array([100.0, float("nan")], pa.float32()),
        }
        | {name: pa.array(size, pa.float32()) for name, size in sizes.items()}
    )


def test_scores_count_hits_labels_and_failures() -> None:
    """A hit is within 5 px for the first person and 2 px for the second, who hits one of three.

    The third keypoint of the first person failed; the last keypoints are not labelled.
    """
    nan = float("nan")
    table = _table([[4.0, 6.0, nan, nan], [1.0, 2.0, 9.0, nan]], [[2, 1, 2, 0], [1, 2, 2, 0]])
    scores = pck_scores(table)
    assert vars(scores["pck_box"]) == {"total": 2.0, "count": 6, "failures": 1}
    assert vars(scores["pck_box_visible"]) == {"total": 1.0, "count": 4, "failures": 1}
    assert scores["pck_side"].count == 3, "a person whose size is not known is absent"
    sizes = ("box", "head", "torso", "side")
    assert set(scores) == {f"pck_{size}{seen}" for size in sizes for seen in ("", "_visible")}


def test_people_whose_image_does_not_decode_are_misses_and_counted(tmp_path: Path) -> None:
    """Images 0 and 3 of 6 are cut, and two people are in the first."""
    store, torn = Store(str(tmp_path)), Torn()
    make(store, [torn])
    scores, people = _evaluated(store, torn)
    assert scores.skipped == {"undecodable image": 3}
    assert sum(people["failed"]) == 3
    assert scores.scores["pck_box"].failures == 3 * 16
    assert scores.scores["pck_box"].count == 7 * 16
    lost = people["failed"].index(True)
    assert np.isnan(people["distance_px"][lost]).all()
    assert people["confidence"][lost] == [0.0] * 17


def test_people_that_a_writer_rejected_are_not_measured(tmp_path: Path) -> None:
    store, population = Store(str(tmp_path)), Mislabelled()
    make(store, [population])
    scores, people = _evaluated(store, population)
    assert len(people["person_id"]) == 9 - 3
    assert scores.skipped == {}


def test_it_leaves_under_what_it_was_measured(store: Store) -> None:
    _evaluated(store, INFANTS)
    told = store.read_json(evaluation_marker(POINTING, INFANTS, "test"))["measured"]
    device = kind_of(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    assert Conditions(**told) == Conditions.of(evaluate_stage, POINTING, 1, device, 6)
    # Other hyperparameters and people take a person as long.
    other = supervised(9, method=Pointing(x=3.0))
    alike = Conditions.of(evaluate_stage, other, 1.0, device, 20)
    assert Conditions(**told).kind() == alike.kind()


def test_measuring_again_does_nothing(store: Store) -> None:
    _evaluated(store, INFANTS)
    marker = evaluation_marker(POINTING, INFANTS, "test")
    store.write(marker, b"kept")
    evaluate_stage(store.uri, POINTING, INFANTS, "test")
    assert store.read(marker) == b"kept"


def test_an_evaluation_that_was_killed_is_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores are written last."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    train_stage(store.uri, POINTING, False)
    with monkeypatch.context() as patch:
        patch.setattr(Lease, "write_json", end)
        with pytest.raises(KeyboardInterrupt):
            evaluate_stage(store.uri, POINTING, INFANTS, "test")
    assert not store.exists(evaluation_marker(POINTING, INFANTS, "test"))
    assert _evaluated(store, INFANTS)[0].scores["pck_box"].count == 7 * 16


def test_evaluations_are_told_apart_by_all_that_decides_them() -> None:
    other = dataclasses.replace(POINTING, method=Pointing(x=17.0))
    markers = {
        evaluation_marker(POINTING, INFANTS, "test"),
        evaluation_marker(POINTING, INFANTS, "train"),
        evaluation_marker(POINTING, ADULTS, "test"),
        evaluation_marker(other, INFANTS, "test"),
    }
    assert len(markers) == 4


def test_floors_are_told_apart_by_who_they_are_fitted_on_not_by_the_batch() -> None:
    feed = Feed(ADULTS, "train", 3)
    mean = floor_marker(Floor.MEAN_POSE, feed, INFANTS)
    assert mean == floor_marker(Floor.MEAN_POSE, dataclasses.replace(feed, per_step=4), INFANTS)
    assert mean != floor_marker(Floor.MEAN_POSE, dataclasses.replace(feed, people=4), INFANTS)
    assert mean != floor_marker(Floor.SHUFFLED_TRUTH, feed, INFANTS)
    assert mean != floor_marker(Floor.MEAN_POSE, feed, ADULTS)


def test_only_the_shuffled_truth_reads_labels_of_the_people_it_is_measured_on() -> None:
    assert Floor.SHUFFLED_TRUTH.reads_target_labels
    assert not Floor.MEAN_POSE.reads_target_labels


def test_the_mean_pose_is_of_the_people_of_the_feed_alone(store: Store) -> None:
    feed = Feed(ADULTS, "train", 3, people=5)
    evaluate_floor(store.uri, Floor.MEAN_POSE, feed, INFANTS)
    scores, people = _measured(store, floor_marker(Floor.MEAN_POSE, feed, INFANTS))
    fitted = [person for i in range(4) for person in ADULTS.render("train", i).people]
    measured = [person for i in range(6) for person in INFANTS.render("test", i).people]
    boxes, keypoints, labelled = (
        np.stack([p.box for p in fitted]).astype(np.float64),
        np.stack([p.keypoints for p in fitted]).astype(np.float64),
        np.stack([p.visibility for p in fitted]) > 0,
    )
    pose = mean_pose(keypoints, labelled, boxes)
    guess = predict_mean_pose(pose, np.stack([p.box for p in measured]).astype(np.float64))
    truth = np.stack([p.keypoints for p in measured])
    distances = np.hypot(*np.moveaxis(guess - truth, -1, 0))
    np.testing.assert_allclose(
        np.array(people["distance_px"])[:, :16], distances[:, :16], rtol=1e-4
    )
    assert scores.scores["pck_box"].count == 7 * 16


def test_the_shuffled_truth_gives_nobody_his_own_pose(store: Store) -> None:
    feed = Feed(ADULTS, "train", 3)
    evaluate_floor(store.uri, Floor.SHUFFLED_TRUTH, feed, INFANTS)
    _, people = _measured(store, floor_marker(Floor.SHUFFLED_TRUTH, feed, INFANTS))
    assert np.nanmin(people["distance_px"]) > 0


def test_an_unknown_metric_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="metric must be one of .*, but got 'pck'"):
        Scores({}, {}, {}).value("pck")


def test_what_is_measured_does_not_depend_on_who_is_measured_beside(
    made: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, seen = supervised(2), []
    for size in (32, 3):
        folder = tmp_path / str(size)
        folder.mkdir()
        for module in ("evaluate", "predictors"):
            monkeypatch.setattr(f"posebridge.engine.{module}.PEOPLE_AT_ONCE", size)
        seen.append(_evaluated(borrow(made, folder), INFANTS, stage)[1]["distance_px"])
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-3)
