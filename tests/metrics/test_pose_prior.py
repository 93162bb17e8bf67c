"""How much poses look like people."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial import procrustes

from posebridge.metrics.pose_prior import PosePrior, fit_pose_prior, plausibility

PEOPLE, KEYPOINTS = 60, 7
NAN = math.nan


def _poses(count: int = PEOPLE, seed: int = 0) -> np.ndarray:
    """Variations of one pose, anywhere, at any size and angle."""
    body = np.random.default_rng(9).normal(size=(KEYPOINTS, 2))
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            _moved(
                body + 0.2 * rng.normal(size=body.shape), rng.uniform(0, 6.3), rng.uniform(1, 9)
            )
            for _ in range(count)
        ]
    )


def _moved(pose: np.ndarray, angle: float, scale: float) -> np.ndarray:
    cosine, sine = math.cos(angle), math.sin(angle)
    turned: np.ndarray = pose @ np.array([[cosine, sine], [-sine, cosine]])
    return scale * turned + (30.0, -4.0)


def _prior(poses: np.ndarray) -> PosePrior:
    prior = fit_pose_prior(poses, np.ones(poses.shape[:2], bool))
    assert prior is not None
    return prior


def test_the_mean_shape_is_the_one_that_procrustes_analysis_ends_at() -> None:
    """Slow form: fit everybody onto the mean, average, until nothing moves."""
    poses = _poses()
    mean = poses[0]
    for _ in range(30):
        mean = np.mean([procrustes(mean, pose)[1] for pose in poses], axis=0)
    found = _prior(poses).mean
    along = np.vdot(found, mean[:, 0] + 1j * mean[:, 1]) / np.linalg.norm(mean)
    assert abs(along) == pytest.approx(1.0, abs=1e-6)


def test_distances_are_mahalanobis_distances_of_aligned_poses_under_a_shrunk_covariance() -> None:
    """Slow form: turn each pose with a rotation matrix, then add up Ledoit and Wolf's terms."""
    poses = _poses()
    prior = _prior(poses)
    mean = np.stack([prior.mean.real, prior.mean.imag], axis=1)
    away = []
    for pose in poses:
        shape = pose - pose.mean(0)
        shape /= np.linalg.norm(shape)
        left, _, right = np.linalg.svd(shape.T @ mean)
        turned = shape @ left @ right
        difference = turned - (turned * mean).sum() * mean
        away.append(np.concatenate([difference[:, 0], difference[:, 1]]))
    covariance = np.mean([np.outer(a, a) for a in away], axis=0)
    target = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    noise = np.mean([((np.outer(a, a) - covariance) ** 2).sum() for a in away]) / len(away)
    share = noise / ((covariance - target) ** 2).sum()
    assert 0.0 < share < 1.0
    inverse = np.linalg.inv(share * target + (1 - share) * covariance)
    expected = sorted(a @ inverse @ a for a in away)
    np.testing.assert_allclose(prior.distances, expected, rtol=1e-6)


def test_plausibility_is_the_share_of_labelled_people_who_are_as_unusual() -> None:
    poses = _poses()
    likely = np.sort(plausibility(_prior(poses), poses))
    # Rounding may count a person among those who are less unusual than themselves.
    np.testing.assert_allclose(likely, np.arange(1, PEOPLE + 1) / PEOPLE, atol=1.01 / PEOPLE)


def test_people_like_the_labelled_ones_are_more_plausible_than_scattered_points() -> None:
    prior = _prior(_poses(400))
    alike = plausibility(prior, _poses(400, seed=1)).mean()
    scattered = plausibility(prior, np.random.default_rng(2).normal(size=(400, KEYPOINTS, 2)))
    assert alike == pytest.approx(0.5, abs=0.05)
    assert scattered.mean() < 0.02


@pytest.mark.parametrize("angle", [0.0, 1.0, math.pi])
def test_plausibility_knows_no_place_size_or_turn(angle: float) -> None:
    prior, poses = _prior(_poses()), _poses(20, seed=1)
    moved = np.stack([_moved(pose, angle, 3.0) for pose in poses])
    np.testing.assert_array_equal(plausibility(prior, moved), plausibility(prior, poses))


def test_a_mirrored_pose_is_another_one() -> None:
    prior, poses = _prior(_poses(400)), _poses(50, seed=1)
    assert plausibility(prior, poses * (-1.0, 1.0)).mean() < 0.05


@pytest.mark.parametrize(
    "spoil", [lambda pose: np.where(np.arange(KEYPOINTS)[:, None] == 2, NAN, pose), np.ones_like]
)
def test_a_pose_with_a_gap_or_without_extent_has_no_plausibility(
    spoil: Callable[[np.ndarray], np.ndarray],
) -> None:
    poses = _poses(3, seed=1)
    poses[1] = 1e5 / 3 * spoil(poses[1])
    assert np.isnan(plausibility(_prior(_poses()), poses)).tolist() == [False, True, False]


def test_a_prior_knows_the_keypoints_that_most_people_have_of_the_people_who_have_them_all() -> (
    None
):
    poses, labelled = _poses(), np.ones((PEOPLE, KEYPOINTS), bool)
    labelled[:, 3] = np.arange(PEOPLE) < PEOPLE // 3
    labelled[:5, 0] = False
    poses[~labelled] = NAN
    prior = fit_pose_prior(poses, labelled)
    assert prior is not None
    assert prior.common.tolist() == [True] * 3 + [False] + [True] * 3
    expected = _prior(np.delete(poses[5:], 3, axis=1))
    np.testing.assert_allclose(prior.distances, expected.distances)


@pytest.mark.parametrize(
    ("people", "keypoints", "different"),
    [(1, 7, True), (40, 2, True), (0, 7, True), (40, 7, False)],
)
def test_too_few_people_who_differ_or_too_few_keypoints_make_no_prior(
    people: int, keypoints: int, different: bool
) -> None:
    poses = _poses(people)[:, :keypoints] if people else np.zeros((0, 7, 2))
    poses = poses if different else np.repeat(poses[:1], people, axis=0)
    assert fit_pose_prior(poses, np.ones(poses.shape[:2], bool)) is None


def test_one_predicted_person_is_enough() -> None:
    prior = _prior(_poses())
    assert plausibility(prior, _poses(1, seed=1)).shape == (1,)
    assert plausibility(prior, np.zeros((0, KEYPOINTS, 2))).shape == (0,)
