"""How much of the distance between a baseline and an oracle was closed."""

import math


def gap_reduction(ours: float, baseline: float, oracle: float) -> float:
    """Share of the gap from `baseline` to `oracle` that `ours` closes.

    Args:
        ours: accuracy of the adapted system, higher is better; any unit.
        baseline: accuracy before adaptation, same unit, people and metric.
        oracle: accuracy with the target's labels.

    Returns:
        1 at the oracle, 0 at the baseline, negative below it. NaN where the oracle is not above
        the baseline, since there is no gap to close.

    Example:
        SHIFT on SyRIP closes 36 % by its own table (source only 26.3, oracle 63.8).

        >>> round(gap_reduction(39.8, 26.3, 63.8), 3)
        0.36
    """
    if not oracle > baseline:
        return math.nan
    return (ours - baseline) / (oracle - baseline)
