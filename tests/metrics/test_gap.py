"""Gap reduction."""

import math

import pytest

from posebridge.metrics.gap import gap_reduction


def test_shift_closes_36_percent_of_its_gap_on_syrip() -> None:
    """(39.8 - 26.3) / (63.8 - 26.3) = 13.5 / 37.5."""
    assert gap_reduction(39.8, 26.3, 63.8) == pytest.approx(0.360)


def test_the_baseline_closes_nothing_and_the_oracle_everything() -> None:
    assert gap_reduction(0.2, 0.2, 0.7) == 0.0
    assert gap_reduction(0.7, 0.2, 0.7) == 1.0
    assert gap_reduction(0.1, 0.2, 0.7) < 0


def test_the_unit_does_not_matter() -> None:
    assert gap_reduction(0.398, 0.263, 0.638) == pytest.approx(gap_reduction(39.8, 26.3, 63.8))


@pytest.mark.parametrize("oracle", [0.5, 0.4, math.nan])
def test_there_is_no_gap_where_the_oracle_is_not_above_the_baseline(oracle: float) -> None:
    assert math.isnan(gap_reduction(0.6, 0.5, oracle))
