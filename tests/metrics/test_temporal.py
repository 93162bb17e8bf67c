"""What only sequences show."""

import numpy as np
import pytest

from posebridge.metrics.temporal import (
    ErrorSum,
    acceleration_error,
    accelerations,
    limb_length_variation,
)
from posebridge.skeletons import COCO17

RATE_HZ = 25.0


def a_walk(seed: int = 0, frames: int = 12, dimension: int = 3) -> np.ndarray:
    """Keypoints that wander."""
    steps = np.random.default_rng(seed).normal(0, 1, (frames, 17, dimension))
    return 100 + np.cumsum(steps, axis=0)


def everything(points: np.ndarray) -> np.ndarray:
    return np.ones(points.shape[:2], bool)


def test_limb_length_variation_agrees_with_a_slow_loop() -> None:
    points = a_walk()
    known = np.random.default_rng(1).random(points.shape[:2]) < 0.8
    slow = 0.0
    for one, other in COCO17.limbs:
        lengths = [
            sum((a - b) ** 2 for a, b in zip(points[t, one], points[t, other], strict=True)) ** 0.5
            for t in range(12)
            if known[t, one] and known[t, other]
        ]
        mean = sum(lengths) / len(lengths)
        slow += sum((length - mean) ** 2 for length in lengths) / len(lengths) / mean**2
    found = limb_length_variation(points, known, COCO17.limbs)
    assert found.value == pytest.approx(slow / len(COCO17.limbs))
    assert (found.count, found.failures) == (len(COCO17.limbs), 0)


def test_a_rigid_body_has_no_variation_however_it_moves() -> None:
    body, found = np.random.default_rng(0).normal(0, 1, (17, 3)), []
    for angle in np.linspace(0, 3, 20):
        c, s = np.cos(angle), np.sin(angle)
        found.append(body @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) + angle)
    points = np.array(found)
    assert limb_length_variation(points, everything(points), COCO17.limbs).value < 1e-20


def test_variation_is_the_same_at_any_scale() -> None:
    points = a_walk()
    one, other = (
        limb_length_variation(p, everything(p), COCO17.limbs).value for p in (points, 7 * points)
    )
    assert one == pytest.approx(other)


def test_a_limb_seen_once_is_absent_and_one_never_predicted_a_failure() -> None:
    points = a_walk()
    known = everything(points)
    known[1:, 5] = False
    points[:, 13] = np.nan
    found = limb_length_variation(points, known, [(5, 7), (11, 13), (12, 14)])
    assert (found.count, found.failures) == (1, 1)


def test_nothing_to_measure_is_nan() -> None:
    points = a_walk()
    nothing = np.zeros(points.shape[:2], bool)
    assert np.isnan(limb_length_variation(points, nothing, COCO17.limbs).value)
    found = acceleration_error(points, points, nothing, frame_rate_hz=RATE_HZ)
    assert np.isnan(found.value)
    short = acceleration_error(
        points[:2], points[:2], everything(points[:2]), frame_rate_hz=RATE_HZ
    )
    assert short == ErrorSum(0.0, 0, 0)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0])
def test_a_sine_has_the_acceleration_of_a_sine(rate_hz: float) -> None:
    """For x = A sin(ωt), x'' = −ω²x; differences are off by (ω/rate)²/12, 0.5 % at most here."""
    omega, times = 2 * np.pi, np.arange(50) / rate_hz
    points = 10 * np.sin(omega * times)[:, None, None]
    expected = -(omega**2) * points[1:-1]
    np.testing.assert_allclose(
        accelerations(points, rate_hz), expected, atol=0.006 * 10 * omega**2
    )


def test_what_stays_or_moves_evenly_costs_nothing() -> None:
    truth = a_walk(dimension=2)
    moved = truth + 30 + np.arange(12)[:, None, None] * [2.0, -1.0]
    found = acceleration_error(moved, truth, everything(truth), frame_rate_hz=RATE_HZ)
    assert found.value == pytest.approx(0, abs=1e-6)


def test_jitter_costs_its_second_difference_over_the_reference() -> None:
    """Shaken by ±d every frame: the second difference is 4d, times rate²."""
    truth = np.zeros((10, 17, 2))
    shaken = truth + 0.5 * (-1.0) ** np.arange(10)[:, None, None] * [1.0, 0.0]
    found = acceleration_error(
        shaken, truth, everything(truth), frame_rate_hz=RATE_HZ, reference=100.0
    )
    assert found.value == pytest.approx(4 * 0.5 * RATE_HZ**2 / 100)
    assert found.count == 8 * 17


def test_sequences_add_up_and_failures_are_counted() -> None:
    truth = a_walk(dimension=2)
    broken = truth + 1.0
    broken[6, 3] = np.nan
    one = acceleration_error(broken, truth, everything(truth), frame_rate_hz=RATE_HZ)
    assert (one.count, one.failures) == (10 * 17 - 3, 3)
    assert one + ErrorSum(2.0, 3, 1) == ErrorSum(one.total + 2.0, one.count + 3, 4)


def test_an_unlabelled_truth_is_not_read() -> None:
    truth, predicted = a_walk(dimension=2), a_walk(1, dimension=2)
    labelled = everything(truth)
    labelled[4, 2] = False
    wild = np.where(labelled[..., None], truth, np.nan)
    one, other = (
        acceleration_error(predicted, t, labelled, frame_rate_hz=RATE_HZ) for t in (truth, wild)
    )
    assert one == other
    assert one.failures == 0


def test_rates_and_sizes_that_are_none_are_refused() -> None:
    points = a_walk(dimension=2)
    with pytest.raises(ValueError, match=r"frame_rate_hz must be above 0, but got 0"):
        accelerations(points, 0.0)
    with pytest.raises(ValueError, match=r"reference must be above 0, but got -1"):
        acceleration_error(
            points, points, everything(points), frame_rate_hz=RATE_HZ, reference=-1.0
        )
