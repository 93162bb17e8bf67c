import io
import math

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import spearmanr

from posebridge.engine.tune.outcomes import Outcome, Proposal, State
from posebridge.engine.tune.rules import judge, rules_table

RULE, ORACLE = "prediction_entropy", "target_oracle"


def ended(
    number: int, rule: float, oracle: float | None, state: State = State.COMPLETE
) -> Outcome:
    criteria = {RULE: rule} | ({} if oracle is None else {ORACLE: oracle})
    return Outcome(Proposal(number, "adapt", {}), state, rule, criteria=criteria)


def test_a_rule_loses_what_its_choice_lacks_of_the_best() -> None:
    """By the rule 2 is best, which has 0.6; the best has 0.9."""
    judged = judge([ended(0, 0.1, 0.9), ended(1, 0.2, 0.5), ended(2, 0.3, 0.6)])
    assert [(one.rule, one.choice, one.proposals) for one in judged] == [(RULE, 2, 3)]
    assert judged[0].gap == pytest.approx(0.3)
    assert judged[0].agreement == pytest.approx(-0.5)  # ranks 1, 2, 3 and 3, 1, 2


def test_the_agreement_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    pairs = np.round(rng.random((30, 2)), 1)  # with ties
    (judged,) = judge(ended(n, *pair) for n, pair in enumerate(pairs.tolist()))
    assert judged.agreement == pytest.approx(spearmanr(*pairs.T).statistic)


def test_the_oracles_own_order_loses_nothing_whatever_the_scale() -> None:
    (judged,) = judge(ended(n, 7.0 * n**3, n / 10) for n in range(5))
    assert judged.agreement == pytest.approx(1.0)
    assert judged.gap == 0.0


def test_only_what_both_have_scored_counts() -> None:
    judged = judge(
        [
            ended(0, 0.1, 0.2),
            ended(1, math.nan, 0.9),
            ended(2, 0.9, 0.9, State.PRUNED),
            ended(3, 0.9, math.nan),
        ]
    )
    assert [(one.choice, one.gap, one.proposals) for one in judged] == [(0, 0.0, 1)]
    assert math.isnan(judged[0].agreement)


def test_of_equals_the_first_is_chosen() -> None:
    assert judge([ended(4, 0.5, 0.1), ended(1, 0.5, 0.3)])[0].choice == 1


def test_without_the_oracle_nothing_is_judged() -> None:
    assert judge([ended(0, 0.1, None)]) == []
    assert judge([]) == []


def test_the_table_says_that_it_chose_nothing() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(rules_table(judge([ended(0, 0.1, 0.9), ended(1, 0.2, 0.5)])))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "which chose nothing" in shown
    assert "prediction entropy" in shown
    assert "-1.00 (n=2)" in shown
    assert "40.0" in shown
