"""How well each rule of selection would have chosen in a sweep, by the target's own labels.

Nothing is chosen by it: the target's labels are for reference alone.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from rich.table import Table
from scipy.stats import rankdata

from posebridge.engine.tune.outcomes import Outcome, State
from posebridge.selection import TargetOracle

ORACLE = TargetOracle.name


@dataclass(frozen=True)
class Judged:
    """A rule, judged by the target's labels.

    Attributes:
        rule: its name.
        agreement: Spearman's correlation of its scores with the oracle's, NaN where either is
            the same for all.
        choice: number of the proposal that has its best score under the first seed.
        gap: what the choice lacks of the best by the oracle, a share of 1; never negative.
        proposals: that both have scored.
    """

    rule: str
    agreement: float
    choice: int
    gap: float
    proposals: int


def judge(outcomes: Iterable[Outcome]) -> list[Judged]:
    """Judge every rule that the finished proposals of a sweep record, the smallest gap first.

    Args:
        outcomes: of one system's proposals, or of several systems' that compete.

    Returns:
        One entry a rule; none where the oracle was not recorded.
    """
    finished = sorted(
        (o for o in outcomes if o.state is State.COMPLETE), key=lambda o: o.proposal.number
    )
    rules = dict.fromkeys(rule for o in finished for rule in o.criteria if rule != ORACLE)
    judged = [_judged(rule, [o for o in finished if _both(o, rule)]) for rule in rules]
    return sorted((j for j in judged if j is not None), key=lambda j: (j.gap, -j.agreement))


def rules_table(judged: Iterable[Judged]) -> Table:
    """The rules as a table for the terminal."""
    table = Table(title="rules by the target's labels, which chose nothing", title_justify="left")
    for column in ("rule", "rank correlation", "would choose", "and lose, points"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for one in judged:
        table.add_row(
            one.rule.replace("_", " "),
            "–" if math.isnan(one.agreement) else f"{one.agreement:+.2f} (n={one.proposals})",
            str(one.choice),
            f"{100 * one.gap:.1f}",
        )
    return table


def _both(outcome: Outcome, rule: str) -> bool:
    return all(math.isfinite(outcome.criteria.get(name, math.nan)) for name in (rule, ORACLE))


def _judged(rule: str, scored: list[Outcome]) -> Judged | None:
    if not scored:
        return None
    choice = max(scored, key=lambda o: o.criteria[rule])  # the first of equals
    best = max(o.criteria[ORACLE] for o in scored)
    ranks = rankdata([[o.criteria[name] for o in scored] for name in (rule, ORACLE)], axis=1)
    same = (np.ptp(ranks, axis=1) == 0).any()
    return Judged(
        rule=rule,
        agreement=math.nan if same else float(np.corrcoef(ranks)[0, 1]),
        choice=choice.proposal.number,
        gap=best - choice.criteria[ORACLE],
        proposals=len(scored),
    )
