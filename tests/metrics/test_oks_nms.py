"""Rescoring and OKS-NMS against the official code, written out one pose at a time."""

import numpy as np
import pytest

from posebridge.metrics.oks import Detections
from posebridge.metrics.oks_nms import oks_nms, rescored
from posebridge.skeletons import BODY16, COCO17, CROWDPOSE14, Skeleton


def crowded(skeleton: Skeleton, seed: int) -> tuple[Detections, np.ndarray]:
    """Four people of three images, each found one to four times, more or less alike."""
    rng = np.random.default_rng(seed)
    people = rng.uniform(0, 200, (4, skeleton.num_keypoints, 2))
    who = np.repeat(np.arange(4), rng.integers(1, 5, 4))
    noise = rng.uniform(0, 12, (len(who), 1, 1)) * rng.normal(size=(len(who), 1, 2))
    detections = Detections(who % 3 + 1, people[who] + noise, rng.random(len(who)))
    return detections, rng.uniform(2_000, 20_000, len(who))


def official_oks(one: np.ndarray, other: np.ndarray, area: float, skeleton: Skeleton) -> float:
    """Oks_iou of https://github.com/leoxiaobin/deep-high-resolution-net.pytorch lib/nms/nms.py."""
    terms = []
    for k, sigma in enumerate(skeleton.sigmas):
        squared = (one[k][0] - other[k][0]) ** 2 + (one[k][1] - other[k][1]) ** 2
        terms.append(np.exp(-squared / (2 * sigma) ** 2 / area / 2))
    return float(sum(terms) / len(terms))


def official_nms(found: Detections, areas: np.ndarray, skeleton: Skeleton) -> list[int]:
    """Oks_nms of the same file, image by image."""
    keep = []
    for image in set(found.image.tolist()):
        order = [i for i in np.argsort(found.scores)[::-1] if found.image[i] == image]
        while order:
            first, *order = order
            keep.append(int(first))
            order = [
                i
                for i in order
                if official_oks(
                    found.keypoints[first],
                    found.keypoints[i],
                    (areas[first] + areas[i]) / 2,
                    skeleton,
                )
                <= 0.9
            ]
    return sorted(keep)


@pytest.mark.parametrize("skeleton", [COCO17, CROWDPOSE14])
@pytest.mark.parametrize("seed", range(5))
def test_the_same_poses_stay_as_with_the_official_code(skeleton: Skeleton, seed: int) -> None:
    found, areas = crowded(skeleton, seed)
    assert oks_nms(found, areas, skeleton).tolist() == official_nms(found, areas, skeleton)


def test_of_two_nearly_the_same_poses_the_surer_stays() -> None:
    pose = np.random.default_rng(0).uniform(0, 100, (17, 2))
    poses = np.stack([pose, pose + 0.1, pose + 300])
    found = Detections(np.ones(3, int), poses, np.array([0.5, 0.8, 0.1]))
    assert oks_nms(found, np.full(3, 5000.0), COCO17).tolist() == [1, 2]


def test_people_of_different_images_are_not_compared() -> None:
    poses = np.repeat(np.random.default_rng(0).uniform(0, 100, (1, 17, 2)), 2, axis=0)
    found = Detections(np.array([1, 2]), poses, np.ones(2))
    assert oks_nms(found, np.full(2, 5000.0), COCO17).tolist() == [0, 1]


def test_of_equal_scores_the_first_stays() -> None:
    poses = np.repeat(np.random.default_rng(0).uniform(0, 100, (1, 17, 2)), 3, axis=0)
    found = Detections(np.ones(3, int), poses, np.ones(3))
    assert oks_nms(found, np.full(3, 5000.0), COCO17).tolist() == [0]


def test_a_keypoint_that_one_lacks_speaks_against_the_same_pose() -> None:
    """Two of 17 lacking leave an OKS of 15/17 = 0.88; one leaves 16/17 = 0.94."""
    pose = np.random.default_rng(0).uniform(0, 100, (17, 2))
    for lacking, kept in ((1, [0]), (2, [0, 1])):
        poses = np.stack([pose, pose])
        poses[1, :lacking] = np.nan
        found = Detections(np.ones(2, int), poses, np.array([0.9, 0.8]))
        assert oks_nms(found, np.full(2, 5000.0), COCO17).tolist() == kept


def test_nothing_found_is_nothing_kept() -> None:
    found = Detections(np.zeros(0, int), np.zeros((0, 17, 2)), np.zeros(0))
    assert oks_nms(found, np.zeros(0), COCO17).tolist() == []


def test_a_skeleton_without_sigmas_is_refused() -> None:
    found = Detections(np.zeros(0, int), np.zeros((0, 16, 2)), np.zeros(0))
    with pytest.raises(ValueError, match="none were published for body16"):
        oks_nms(found, np.zeros(0), BODY16)


def test_the_score_is_that_of_the_box_times_the_mean_of_the_sure_keypoints() -> None:
    """Of (0.1, 0.2, 0.3, 0.7) the last two are above 0.2: a mean of 0.5."""
    confidence = np.array([[0.1, 0.2, 0.3, 0.7], [0.1, 0.0, 0.2, np.nan]])
    np.testing.assert_allclose(rescored(np.array([0.8, 0.9]), confidence), (0.4, 0.0))
