"""Many numbers in a few: quantiles and histograms, as plain data that JSON holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Summary:
    """Where numbers lie; all but the count NaN where there are none.

    Attributes:
        count: how many they are.
        minimum: the least of them.
        low: 5 % are less.
        median: half are less.
        high: 95 % are less.
        maximum: the greatest of them.
        mean: of all.
    """

    count: int
    minimum: float
    low: float
    median: float
    high: float
    maximum: float
    mean: float


@dataclass(frozen=True)
class Histogram:
    """How many numbers lie between two neighbouring edges, which are one more than the counts."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def summary(values: Float[np.ndarray, " value"]) -> Summary:
    """Where numbers lie; NaN are left out.

    Example:
        >>> summary(np.array([1.0, 2.0, 6.0, np.nan])).median
        2.0
    """
    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known):
        return Summary(0, *[float("nan")] * 6)
    minimum, low, median, high, maximum = np.quantile(known, [0.0, 0.05, 0.5, 0.95, 1.0]).tolist()
    return Summary(len(known), minimum, low, median, high, maximum, float(known.mean()))


def histogram(values: Float[np.ndarray, " value"], edges: Sequence[float]) -> Histogram:
    """Count numbers between edges; what lies beyond counts at the end that it lies beyond.

    Args:
        values: NaN are left out.
        edges: ascending, two or more.

    Example:
        >>> histogram(np.array([0.5, 1.5, 9.0, np.nan]), (0.0, 1.0, 2.0)).counts
        (1, 2)
    """
    known = values[~np.isnan(values)].astype(np.float64)
    counts, _ = np.histogram(np.clip(known, edges[0], edges[-1]), edges)
    return Histogram(tuple(float(edge) for edge in edges), tuple(counts.tolist()))
