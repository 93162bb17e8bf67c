"""PCK, its groups, and its agreement with RegDA's."""

import math
import subprocess
import sys

import numpy as np
import pytest

from posebridge.metrics.errors import keypoint_distances
from posebridge.metrics.pck import Tally, limb_average, pck, pck_by_group
from posebridge.skeletons import BODY16, COCO17


def some_errors(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twenty people: unlabelled keypoints, failures, and some without a reference size."""
    rng = np.random.default_rng(seed)
    distances, labelled = rng.uniform(0, 12, (20, 17)), rng.random((20, 17)) < 0.7
    distances[~labelled | (rng.random((20, 17)) < 0.1)] = np.nan
    reference = rng.uniform(50, 200, 20)
    reference[::6] = np.nan
    return distances, labelled, reference


def regda_accuracy(predicted: np.ndarray, truth: np.ndarray, side: int) -> float:
    """Arg-max cells over a tenth of the map's side, hit below 0.5, truths at 0 or 1 left out."""
    hits, count = 0, 0
    for guess, cell in zip(predicted.reshape(-1, 2), truth.reshape(-1, 2), strict=True):
        if cell[0] > 1 and cell[1] > 1:
            count += 1
            hits += int(np.linalg.norm(guess / (side / 10) - cell / (side / 10)) < 0.5)
    return hits / count


def test_pck_agrees_with_a_slow_loop() -> None:
    distances, labelled, reference = some_errors()
    hits, count, failures = 0.0, 0, 0
    for person in range(20):
        if math.isnan(reference[person]):
            continue
        for k in range(17):
            if labelled[person, k]:
                count += 1
                if math.isnan(distances[person, k]):
                    failures += 1
                elif distances[person, k] / reference[person] < 0.05:
                    hits += 1
    assert failures > 5
    assert pck(distances, labelled, reference) == Tally(hits, count, failures)


def test_regda_counts_cells_up_to_three_point_two_of_64() -> None:
    """Offsets (3, 1), (3, 2) and (1, 3) are 3.16, 3.61 and 3.16 cells long; the limit is 3.2."""
    truth = np.full((1, 3, 2), 20.0)
    predicted = truth + np.array([[[3.0, 1.0], [3.0, 2.0], [-1.0, 3.0]]])
    assert regda_accuracy(predicted, truth, side=64) == pytest.approx(2 / 3)
    labelled = np.ones((1, 3), bool)
    off = keypoint_distances(predicted, truth, labelled)
    assert pck(off, labelled, np.array([64.0])) == Tally(2.0, 3, 0)


def test_pck_by_the_padded_side_is_regda_s_on_random_cells() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 64, (50, 16, 2)).astype(float)
    predicted = truth + rng.integers(-5, 6, truth.shape)
    labelled = np.array((truth > 1).all(-1))
    off = keypoint_distances(predicted, truth, labelled)
    ours = pck(off, labelled, np.full(50, 64.0)).value
    assert 0.2 < ours < 0.8
    assert ours == pytest.approx(regda_accuracy(predicted, truth, side=64))
    in_pixels = pck(4 * off, labelled, np.full(50, 256.0)).value
    assert in_pixels == ours


def test_a_distance_of_exactly_the_threshold_is_a_miss() -> None:
    known = np.ones((1, 2), bool)
    tally = pck(np.array([[2.0, 1.9999]]), known, np.array([8.0]), threshold=0.25)
    assert tally == Tally(1.0, 2, 0)


def test_pck_does_not_change_with_the_scale_of_the_image() -> None:
    distances, labelled, reference = some_errors()
    assert pck(4 * distances, labelled, 4 * reference) == pck(distances, labelled, reference)


def test_pck_grows_with_the_threshold() -> None:
    errors = some_errors()
    values = [pck(*errors, threshold=threshold).value for threshold in (0.01, 0.05, 0.1, 1.0)]
    assert values == sorted(values)
    everything = pck(*errors, threshold=1.0)
    assert everything.total == everything.count - everything.failures


def test_nothing_labelled_is_nan_of_nobody() -> None:
    tally = pck(np.full((2, 17), np.nan), np.zeros((2, 17), bool), np.full(2, 100.0))
    assert tally == Tally(0.0, 0, 0)
    assert math.isnan(tally.value)


def test_a_person_without_a_reference_size_is_absent() -> None:
    distances, labelled, reference = some_errors()
    has_size = ~np.isnan(reference)
    assert pck(distances, labelled, reference) == pck(
        distances[has_size], labelled[has_size], reference[has_size]
    )


def test_float32_errors_read_back_from_a_file_give_the_same_tally() -> None:
    distances, labelled, reference = some_errors()
    stored = distances.astype(np.float32), labelled, reference.astype(np.float32)
    assert pck(*stored) == pck(distances, labelled, reference)


def test_groups_add_up_to_the_whole() -> None:
    errors = some_errors()
    by_group = pck_by_group(*errors, groups=COCO17.groups)
    whole = pck(*errors)
    assert sum(tally.total for tally in by_group.values()) == whole.total
    assert sum(tally.count for tally in by_group.values()) == whole.count
    assert sum(tally.failures for tally in by_group.values()) == whole.failures


def test_the_limb_average_leaves_the_head_out_and_weighs_groups_alike() -> None:
    """SHIFT's own row on SyRIP: 46.1 34.2 38.7 51.1 31.2 37.6 give 39.8; its head is 53.4."""
    row = (53.4, 46.1, 34.2, 38.7, 51.1, 31.2, 37.6)
    by_group = {name: Tally(value, 100, 0) for name, value in zip(BODY16.groups, row, strict=True)}
    assert 100 * limb_average(by_group) == pytest.approx(39.8, abs=0.05)


def test_a_limb_average_without_one_of_its_groups_is_nan() -> None:
    assert math.isnan(limb_average({"hip": Tally(1.0, 2, 0), "knee": Tally(0.0, 0, 0)}))


def test_pck_needs_no_torch() -> None:
    """Leaderboards are remade from stored errors on machines without it."""
    code = "import sys, posebridge.metrics.pck; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
