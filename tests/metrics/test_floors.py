"""The floors that do not look at the image."""

import numpy as np
import pytest

from posebridge.metrics.floors import (
    from_box,
    into_box,
    mean_pose,
    predict_mean_pose,
    shuffled_truth,
)


def some_people(count: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    boxes = np.concatenate((rng.uniform(0, 90, (count, 2)), rng.uniform(20, 80, (count, 2))), 1)
    keypoints = boxes[:, None, :2] + rng.random((count, 17, 2)) * boxes[:, None, 2:]
    return keypoints, rng.random((count, 17)) < 0.7, boxes


def test_the_mean_pose_agrees_with_a_slow_loop() -> None:
    keypoints, labelled, boxes = some_people()
    pose = mean_pose(keypoints, labelled, boxes)
    for k in range(17):
        shares = [
            (keypoints[i, k] - boxes[i, :2]) / boxes[i, 2:] for i in range(9) if labelled[i, k]
        ]
        np.testing.assert_allclose(pose[k], np.mean(shares, axis=0))


def test_the_mean_pose_of_one_person_is_his_own() -> None:
    keypoints, _, boxes = some_people(1)
    pose = mean_pose(keypoints, np.ones((1, 17), bool), boxes)
    np.testing.assert_allclose(predict_mean_pose(pose, boxes), keypoints)


def test_the_mean_pose_moves_and_grows_with_the_box() -> None:
    keypoints, labelled, boxes = some_people()
    pose = mean_pose(keypoints, labelled, boxes)
    scale, shift = 2.5, np.array([100.0, -30.0])
    moved = np.concatenate((boxes[:, :2] * scale + shift, boxes[:, 2:] * scale), axis=1)
    np.testing.assert_allclose(
        predict_mean_pose(pose, moved), predict_mean_pose(pose, boxes) * scale + shift
    )
    np.testing.assert_allclose(mean_pose(keypoints * scale + shift, labelled, moved), pose)


def test_unlabelled_keypoints_are_not_read_and_one_nobody_has_is_nan() -> None:
    keypoints, labelled, boxes = some_people()
    labelled[:, 3] = False
    wild = np.where(labelled[..., None], keypoints, np.nan)
    pose = mean_pose(wild, labelled, boxes)
    assert np.flatnonzero(np.isnan(pose).any(1)).tolist() == [3]


def test_box_coordinates_lead_back_to_pixels() -> None:
    keypoints, _, boxes = some_people()
    np.testing.assert_allclose(from_box(into_box(keypoints, boxes), boxes), keypoints)


@pytest.mark.parametrize("count", [2, 3, 9])
@pytest.mark.parametrize("seed", range(5))
def test_everybody_is_given_the_pose_of_exactly_one_other(count: int, seed: int) -> None:
    keypoints, _, boxes = some_people(count)
    guess = shuffled_truth(keypoints, np.ones((count, 17), bool), boxes, seed=seed)
    given, own = into_box(guess, boxes), into_box(keypoints, boxes)
    same = np.isclose(given[:, None], own[None]).all((-2, -1))
    assert (same.sum(0) == 1).all()
    assert (same.sum(1) == 1).all()
    assert not same.diagonal().any()


def test_the_seed_decides_the_order() -> None:
    people = some_people()
    first, again, other = (shuffled_truth(*people, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, equal_nan=True)


def test_what_the_other_person_lacks_is_a_failure() -> None:
    keypoints, labelled, boxes = some_people()
    guess = shuffled_truth(keypoints, labelled, boxes, seed=0)
    assert np.isnan(guess).all(-1).sum() == (~labelled).sum()


def test_one_person_cannot_be_shuffled() -> None:
    with pytest.raises(ValueError, match="needs two people or more, but got 1. Evaluate on more"):
        shuffled_truth(*some_people(1), seed=0)


def test_a_box_without_area_is_refused() -> None:
    keypoints, labelled, boxes = some_people()
    boxes[4, 3] = 0.0
    with pytest.raises(
        ValueError, match=r"must have an area, but those of people \[4\] have none"
    ):
        mean_pose(keypoints, labelled, boxes)
