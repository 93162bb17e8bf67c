"""Where keypoints lie, by hand; the floors, against a slow loop."""

import math

import numpy as np
import pytest

from populations.card.made import split_labels
from posebridge.populations.card.places import (
    CELLS,
    MARGIN,
    cell_counts,
    densities,
    floors,
    parts,
    places,
)
from posebridge.skeletons import COCO17, SAPIENS308, SMIL25, Skeleton

WRIST = COCO17.index("left_wrist")


def test_the_place_of_a_keypoint_is_in_shares_of_the_box() -> None:
    """Shares (0.1, 0.2) and (0.2, 0.4): their mean is (0.15, 0.3), their deviation (0.05, 0.1)."""
    keypoints = np.zeros((2, 17, 2))
    keypoints[:, WRIST] = [(10, 20), (60, 40)]
    boxes = np.array([[0.0, 0, 100, 100], [50, 0, 50, 100]])
    place = places(split_labels(keypoints, boxes=boxes), COCO17)[WRIST]
    assert (place.keypoint, place.part) == ("left_wrist", "wrist")
    assert (place.labelled, place.outside) == (2, 0)
    assert place.mean == pytest.approx((0.15, 0.3))
    assert place.deviation == pytest.approx((0.05, 0.1))


def test_what_is_not_labelled_lies_nowhere() -> None:
    visibility = np.full((3, 17), 2)
    visibility[:, WRIST] = 0
    labels = split_labels(np.full((3, 17, 2), 50.0), visibility=visibility)
    place = places(labels, COCO17)[WRIST]
    assert (place.labelled, place.outside) == (0, 0)
    assert all(math.isnan(value) for value in place.mean + place.deviation)
    maps = {(d.part, d.side): np.sum(d.counts) for d in densities(labels, COCO17)}
    assert (maps["wrist", "left"], maps["wrist", "right"]) == (0, 3)


def test_a_keypoint_a_little_outside_is_inside_and_a_far_one_is_not() -> None:
    keypoints = np.full((3, 17, 2), 50.0)
    keypoints[:, WRIST, 0] = [100.5, 102.0, -2.0]
    assert places(split_labels(keypoints), COCO17)[WRIST].outside == 2


def test_cells_begin_at_the_margin_and_end_with_it() -> None:
    """A 24th of the box is a cell; the margin has three more on every side."""
    shares = np.array([[0.0, 0.0], [0.999, 0.5], [-9.0, 9.0]])
    counts = cell_counts(shares)
    assert counts.sum() == 3
    assert counts[MARGIN, MARGIN] == 1
    assert counts[MARGIN + CELLS // 2, MARGIN + CELLS - 1] == 1
    assert counts[-1, 0] == 1


def test_maps_of_a_part_add_its_keypoints_side_by_side() -> None:
    maps = densities(split_labels(np.full((5, 17, 2), 50.0)), COCO17)
    totals = {(d.part, d.side): int(np.sum(d.counts)) for d in maps}
    assert totals["head", ""] == 5
    assert totals["head", "left"] == totals["head", "right"] == 10
    assert sum(totals.values()) == 5 * 17


@pytest.mark.parametrize("skeleton", [COCO17, SMIL25, SAPIENS308])
def test_every_keypoint_is_in_one_part(skeleton: Skeleton) -> None:
    members = [index for part in parts(skeleton).values() for index in part]
    assert sorted(members) == list(range(skeleton.num_keypoints))


def test_the_floors_are_those_of_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    made = {}
    for split, count in (("train", 30), ("test", 20)):
        near = rng.normal(50, 4, (count, 17, 2))
        visibility = rng.integers(0, 3, (count, 17))
        made[split] = split_labels(near, visibility=visibility)
    told = {floor.split: floor for floor in floors(made)}
    train, test = made["train"], made["test"]
    hits, asked = 0, 0
    for person in range(20):
        for k in range(17):
            if test.visibility[person, k]:
                known = train.visibility[:, k] > 0
                mean = train.keypoints[known, k].astype(np.float64).mean(0)
                hits += bool(np.linalg.norm(mean - test.keypoints[person, k]) < 5.0)
                asked += 1
    assert told["test"].keypoints == asked
    assert told["test"].mean_pose == pytest.approx(hits / asked)
    assert 0.0 < told["test"].shuffled < told["test"].mean_pose


def test_poses_that_are_all_alike_are_guessed_without_looking() -> None:
    alike = split_labels(np.full((4, 17, 2), 50.0))
    (floor,) = floors({"train": alike})
    assert (floor.mean_pose, floor.shuffled) == (1.0, 1.0)


def test_without_a_train_split_nobody_knows_the_mean_pose() -> None:
    (floor,) = floors({"test": split_labels(np.full((4, 17, 2), 50.0))})
    assert math.isnan(floor.mean_pose)
    assert floor.shuffled == 1.0


def test_one_person_has_nobody_to_be_mistaken_for() -> None:
    (floor,) = floors({"train": split_labels(np.full((1, 17, 2), 50.0))})
    assert floor.mean_pose == 1.0
    assert math.isnan(floor.shuffled)


def test_a_split_of_nobody_has_no_floors() -> None:
    empty = split_labels(np.zeros((0, 17, 2)))
    assert floors({"train": empty}) == ()
