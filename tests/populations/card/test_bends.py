import math

import numpy as np
import pytest

from populations.card.made import split_labels
from posebridge.populations.card.bends import SECTORS, bends, direction, directions
from posebridge.skeletons import COCO17, Skeleton

RIGHT, UP, LEFT, DOWN = (5.0, 0.0), (0.0, -5.0), (-5.0, 0.0), (0.0, 5.0)


@pytest.mark.parametrize(("offset", "degrees"), [(RIGHT, 0), (UP, 90), (LEFT, 180), (DOWN, 270)])
def test_a_direction_counts_anticlockwise_from_pointing_right(
    offset: tuple[float, float], degrees: float
) -> None:
    told = direction("limb", "", np.array([offset]))
    assert told.mean_deg == pytest.approx(degrees)
    assert told.spread == pytest.approx(0.0)
    assert told.counts.index(1) == degrees * SECTORS // 360


def test_the_spread_is_the_circular_variance() -> None:
    """Right and up: the resultant is (½, ½), √½ long, at 45°."""
    told = direction("limb", "", np.array([RIGHT, UP]))
    assert told.mean_deg == pytest.approx(45.0)
    assert told.spread == pytest.approx(1 - math.sqrt(0.5))
    assert direction("limb", "", np.array([RIGHT, LEFT])).spread == pytest.approx(1.0)


def test_limbs_without_length_or_ends_count_for_nothing() -> None:
    told = direction("limb", "", np.array([[0.0, 0.0], [np.nan, 1.0]]))
    assert (told.people, sum(told.counts)) == (0, 0)
    assert math.isnan(told.mean_deg)
    assert math.isnan(told.spread)


def test_limbs_point_from_the_trunk_outwards_and_the_trunk_to_the_shoulders() -> None:
    keypoints = np.zeros((1, 17, 2))
    for name, at in {
        **{"left_hip": (40, 80), "right_hip": (60, 80)},
        **{"left_shoulder": (40, 20), "right_shoulder": (60, 20)},
        **{"left_elbow": (20, 20), "left_wrist": (20, 40)},
    }.items():
        keypoints[0, COCO17.index(name)] = at
    told = {(d.limb, d.side): d for d in directions(split_labels(keypoints), COCO17)}
    assert told["trunk", ""].mean_deg == pytest.approx(90.0)
    assert told["upper arm", "left"].mean_deg == pytest.approx(180.0)
    assert told["forearm", "left"].mean_deg == pytest.approx(270.0)
    bent = {(b.joint, b.side): b for b in bends(split_labels(keypoints), COCO17)}
    assert bent["elbow", "left"].summary.median == pytest.approx(90.0)
    assert bent["shoulder", "left"].summary.median == pytest.approx(90.0)
    assert sum(bent["elbow", "left"].histogram.counts) == 1


def test_a_limb_counts_only_if_both_ends_are_labelled() -> None:
    visibility = np.full((1, 17), 2)
    visibility[0, COCO17.index("left_knee")] = 0
    keypoints = np.random.default_rng(0).uniform(0, 90, (1, 17, 2))
    labels = split_labels(keypoints, visibility=visibility)
    people = {(d.limb, d.side): d.people for d in directions(labels, COCO17)}
    assert (people["thigh", "left"], people["shank", "left"]) == (0, 0)
    assert (people["thigh", "right"], people["trunk", ""]) == (1, 1)
    counts = {(b.joint, b.side): b.summary.count for b in bends(labels, COCO17)}
    assert (counts["knee", "left"], counts["hip", "left"], counts["elbow", "left"]) == (0, 0, 1)


def test_a_skeleton_without_limbs_has_no_directions() -> None:
    eyes = Skeleton("eyes", ("left_eye", "right_eye"), ((0, 1),), ())
    labels = split_labels(np.zeros((2, 2, 2)))
    assert directions(labels, eyes) == ()
    assert bends(labels, eyes) == ()
