"""Distances of predictions from truth, and the sizes they are compared with."""

import numpy as np
import pytest

from posebridge.metrics.errors import (
    box_size,
    head_size,
    keypoint_distances,
    side_size,
    torso_size,
)
from posebridge.skeletons import (
    BODY16,
    COCO17,
    CROWDPOSE14,
    INFANT21,
    SAPIENS308,
    SMIL25,
    Skeleton,
)

ALL = (COCO17, CROWDPOSE14, SMIL25, BODY16, INFANT21, SAPIENS308)


def some_people(skeleton: Skeleton, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 100, (8, skeleton.num_keypoints, 2))
    return truth, rng.random(truth.shape[:2]) < 0.7


def test_distances_agree_with_a_slow_loop() -> None:
    truth, labelled = some_people(COCO17)
    predicted, _ = some_people(COCO17, seed=1)
    distances = keypoint_distances(predicted, truth, labelled)
    for person in range(8):
        for k in range(17):
            if labelled[person, k]:
                (x, y), (u, v) = predicted[person, k], truth[person, k]
                slow = ((x - u) ** 2 + (y - v) ** 2) ** 0.5
                assert distances[person, k] == pytest.approx(slow)
            else:
                assert np.isnan(distances[person, k])


def test_an_unlabelled_truth_is_not_read() -> None:
    truth, labelled = some_people(COCO17)
    wild = np.where(labelled[..., None], truth, np.nan)
    np.testing.assert_array_equal(
        keypoint_distances(truth + 1, wild, labelled),
        keypoint_distances(truth + 1, truth, labelled),
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_failed_prediction_has_no_distance(bad: float) -> None:
    truth = np.zeros((1, 17, 2))
    predicted = truth.copy()
    predicted[0, 4, 1] = bad
    distances = keypoint_distances(predicted, truth, np.ones((1, 17), bool))
    assert np.flatnonzero(np.isnan(distances)).tolist() == [4]


def test_a_labelled_truth_that_is_not_finite_is_refused() -> None:
    truth = np.zeros((3, 17, 2))
    truth[1, 2] = np.nan
    with pytest.raises(
        ValueError, match=r"must be finite, but is not for people \[1\]. Mark such"
    ):
        keypoint_distances(truth, truth, np.ones((3, 17), bool))


@pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.name)
def test_head_and_torso_scale_with_the_image_and_survive_mirroring(subject: Skeleton) -> None:
    truth, labelled = some_people(subject)
    labelled[:] = True
    mirrored = (truth * np.array([-1.0, 1.0]))[:, list(subject.flip_order)]
    heads = head_size(truth, labelled, subject)
    assert (heads > 0).all()
    np.testing.assert_allclose(head_size(3 * truth + 7, labelled, subject), 3 * heads)
    np.testing.assert_allclose(head_size(mirrored, labelled, subject), heads)
    np.testing.assert_allclose(
        torso_size(3 * truth + 7, labelled, subject), 3 * torso_size(truth, labelled, subject)
    )


def test_the_head_of_coco_is_its_longest_distance_among_nose_and_ears() -> None:
    truth, labelled = np.zeros((3, 17, 2)), np.ones((3, 17), bool)
    truth[:, COCO17.index("left_ear")] = (8.0, 0.0)
    truth[:, COCO17.index("right_ear")] = (-4.0, 0.0)
    truth[:, COCO17.index("left_eye")] = (1000.0, 0.0)
    labelled[1, COCO17.index("right_ear")] = False
    labelled[2, [COCO17.index("left_ear"), COCO17.index("nose")]] = False
    np.testing.assert_array_equal(head_size(truth, labelled, COCO17), (12.0, 8.0, np.nan))


def test_a_skeleton_without_a_head_has_no_head_size() -> None:
    hand = Skeleton("hand", ("thumb", "wrist"), (), ((0, 1),))
    with pytest.raises(ValueError, match="head of hand has none of the keypoint sets"):
        head_size(np.zeros((1, 2, 2)), np.ones((1, 2), bool), hand)


def test_the_torso_is_undefined_without_both_of_its_ends() -> None:
    truth, labelled = np.zeros((3, 17, 2)), np.ones((3, 17), bool)
    truth[:2, COCO17.index("left_shoulder")] = (6.0, 8.0)
    labelled[1, COCO17.index("right_hip")] = False
    np.testing.assert_array_equal(torso_size(truth, labelled, COCO17), (10.0, np.nan, np.nan))


def test_a_box_without_area_has_no_size() -> None:
    boxes = np.array([[5.0, 5, 20, 60], [0, 0, 0, 9], [0, 0, -3, 9]])
    np.testing.assert_array_equal(box_size(boxes), (60.0, np.nan, np.nan))


def test_the_side_is_that_of_the_image_padded_to_a_square() -> None:
    np.testing.assert_array_equal(
        side_size(np.array([480, 640]), np.array([640, 480])), (640.0, 640.0)
    )
