import math

import numpy as np

from posebridge.populations.card.quantities import histogram, summary


def test_a_summary_of_zero_to_a_hundred() -> None:
    told = summary(np.arange(101.0))
    assert (told.count, told.minimum, told.low, told.median) == (101, 0.0, 5.0, 50.0)
    assert (told.high, told.maximum, told.mean) == (95.0, 100.0, 50.0)


def test_unknown_numbers_are_left_out() -> None:
    told = summary(np.array([np.nan, 3.0]))
    assert (told.count, told.minimum, told.maximum) == (1, 3.0, 3.0)


def test_of_nothing_nothing_is_known() -> None:
    told = summary(np.array([np.nan]))
    assert told.count == 0
    assert math.isnan(told.median)
    assert math.isnan(told.mean)


def test_a_histogram_counts_everything_once_also_what_lies_beyond() -> None:
    values = np.array([-5.0, 0.0, 0.9, 1.0, 2.0, 7.0, np.nan])
    assert histogram(values, (0.0, 1.0, 2.0)).counts == (3, 3)
