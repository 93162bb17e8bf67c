"""What chooses a winner."""

import math

import pytest

from posebridge.populations.adult import Adult
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.selection import Fixed, SourceValidation, TargetOracle

NAN = math.nan


def test_the_highest_score_wins() -> None:
    assert SourceValidation().choose({"a": 0.1, "b": 0.3, "c": 0.2}) == "b"


def test_of_equal_scores_the_first_declared_wins() -> None:
    assert SourceValidation().choose({"late": 0.3, "early": 0.3, "low": 0.1}) == "late"


@pytest.mark.parametrize("order", [("nan", "low"), ("low", "nan")])
def test_a_candidate_without_a_score_never_wins(order: tuple[str, str]) -> None:
    scores = {"nan": NAN, "low": -1.0}
    assert TargetOracle().choose({key: scores[key] for key in order}) == "low"


@pytest.mark.parametrize("candidates", [{}, {"a": NAN, "b": NAN}])
def test_nothing_is_chosen_where_nothing_has_a_score(candidates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"all {len(candidates)} have none"):
        SourceValidation().choose(candidates)


def test_choosing_leaves_the_candidates_as_they_were() -> None:
    candidates = {"a": NAN, "b": 0.5}
    SourceValidation().choose(candidates)
    assert list(candidates) == ["a", "b"]


def test_a_fixed_choice_has_one_candidate_scored_or_not() -> None:
    assert Fixed().choose({"only": NAN}) == "only"
    with pytest.raises(ValueError, match="exactly one candidate, but got 2"):
        Fixed().choose({"a": 0.1, "b": 0.2})


def test_only_the_oracle_reads_labels_of_the_target() -> None:
    assert TargetOracle().uses_target_labels
    assert not SourceValidation().uses_target_labels
    assert not Fixed().uses_target_labels


@pytest.mark.parametrize("rule", [SourceValidation, TargetOracle])
def test_nobody_chooses_on_the_split_that_tables_report(
    rule: type[SourceValidation] | type[TargetOracle],
) -> None:
    with pytest.raises(ValueError, match="nobody may choose .* but got split='test': name anoth"):
        rule(split="test")


def test_descriptions_name_the_metric_and_the_split() -> None:
    rule = SourceValidation(metric="pck_head", split="held-out")
    assert rule.description == "best pck_head on the source's held-out split"
    turned = SourceValidation(populations=(Adult(roll_deg=180.0), InfantSynthetic()))
    assert turned.description.endswith("validation split (adult ±180°, infant-synthetic)")
    assert TargetOracle().description.startswith("oracle: best pck_box on the target's labelled")
