"""What predictions say about themselves."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from posebridge.metrics.label_free import heatmap_entropy, self_agreement
from posebridge.metrics.pck import pck

NAN = math.nan


def _maps(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, 4, 6, 5))


def test_entropy_is_that_of_the_positive_part_as_a_distribution() -> None:
    maps = _maps()
    expected = [[entropy(np.maximum(m, 0).ravel(), base=30) for m in person] for person in maps]
    np.testing.assert_allclose(heatmap_entropy(maps), expected)


def test_entropy_knows_no_scale_and_no_order_of_cells() -> None:
    maps = _maps()
    shuffled = np.random.default_rng(1).permuted(maps.reshape(3, 4, 30), axis=2)
    np.testing.assert_allclose(heatmap_entropy(7.0 * maps), heatmap_entropy(maps))
    np.testing.assert_allclose(
        heatmap_entropy(shuffled.reshape(maps.shape)), heatmap_entropy(maps)
    )


def test_one_cell_is_sure_a_flat_map_is_not_and_a_floor_makes_a_peak_less_sure() -> None:
    peak = np.zeros((1, 8, 8))
    peak[0, 2, 3] = 0.9
    assert heatmap_entropy(peak) == 0.0
    assert heatmap_entropy(np.full((1, 8, 8), 0.3)) == pytest.approx(1.0)
    assert 0.0 < heatmap_entropy(peak + 0.01)[0] < heatmap_entropy(peak + 0.02)[0] < 1.0


def test_a_map_without_anything_in_it_has_no_entropy() -> None:
    maps = np.zeros((4, 2, 2))
    maps[1], maps[2, 0, 0], maps[3, 0, 0] = -1.0, NAN, np.inf
    maps[2:, 1, 1] = 1.0
    assert np.isnan(heatmap_entropy(maps)).all()


def test_a_map_of_one_cell_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two cells or more, but got \(1, 1\)"):
        heatmap_entropy(np.ones((2, 1, 1)))


def test_agreement_is_pck_with_the_first_look_as_the_truth() -> None:
    rng = np.random.default_rng(0)
    predicted, reference = rng.uniform(0, 100, (9, 5, 2)), rng.uniform(80, 120, 9)
    again = predicted[:, None] + rng.normal(0, 4, (9, 3, 5, 2))
    in_view = rng.random((9, 3, 5)) < 0.8
    tally = self_agreement(predicted, again, in_view, reference)
    apart = np.linalg.norm(again - predicted[:, None], axis=-1)
    views = [pck(apart[:, view], in_view[:, view], reference) for view in range(3)]
    assert tally.total == sum(view.total for view in views)
    assert tally.count == sum(view.count for view in views) == in_view.sum()
    assert 0 < tally.total < tally.count
    assert tally.failures == 0


def test_agreement_does_not_depend_on_where_a_person_is_or_how_large_in_pixels() -> None:
    rng = np.random.default_rng(0)
    predicted, reference = rng.uniform(0, 100, (9, 5, 2)), np.full(9, 64.0)
    again = predicted[:, None] + rng.normal(0, 3, (9, 3, 5, 2))
    shown = np.ones((9, 3, 5), bool)
    moved = self_agreement(8 * predicted - 30, 8 * again - 30, shown, 8 * reference)
    assert moved == self_agreement(predicted, again, shown, reference)


def test_what_is_not_found_again_is_a_miss_and_what_a_view_does_not_show_is_absent() -> None:
    predicted = np.array([[[5.0, 5.0], [NAN, NAN], [9.0, 9.0], [1.0, 1.0]]])
    again = np.array([[[[5.0, 5.0], [4.0, 4.0], [NAN, NAN], [80.0, 1.0]]]])
    in_view = np.array([[[True, False, True, False]]])
    tally = self_agreement(predicted, again, in_view, np.array([100.0]))
    assert (tally.total, tally.count, tally.failures) == (1.0, 3, 2)


def test_nobody_agrees_about_nobody() -> None:
    nobody = np.zeros((0, 5, 2))
    tally = self_agreement(nobody, np.zeros((0, 2, 5, 2)), np.zeros((0, 2, 5), bool), np.zeros(0))
    assert math.isnan(tally.value)
