"""What chooses a winner."""

import math
from dataclasses import dataclass
from typing import ClassVar

import pytest

from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.selection import (
    AugmentationConsistency,
    Fixed,
    LabelFree,
    LabelledLook,
    MeanConfidence,
    PredictionEntropy,
    PriorPlausibility,
    Selection,
    SourceValidation,
    TargetOracle,
    UnlabelledLook,
    every_rule,
)

NAN = math.nan
INFANTS = InfantReal(train=150)
ADULTS = Adult()
LABEL_FREE = (PredictionEntropy, AugmentationConsistency, PriorPlausibility, MeanConfidence)


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
    others = [SourceValidation(), Fixed(), *(rule() for rule in LABEL_FREE)]
    assert not any(rule.uses_target_labels for rule in others)


@pytest.mark.parametrize("rule", [SourceValidation, TargetOracle, *LABEL_FREE])
def test_nobody_chooses_on_the_split_that_tables_report(
    rule: type[SourceValidation] | type[TargetOracle] | type[LabelFree],
) -> None:
    with pytest.raises(ValueError, match="nobody may choose .* but got split='test': name anoth"):
        rule(split="test")


def test_source_validation_looks_at_labelled_people_of_the_sources_and_each_once() -> None:
    tested_only = InfantSynthetic(train=100, validation=0)
    looks = SourceValidation().looks([ADULTS, tested_only, ADULTS], INFANTS)
    assert looks == (LabelledLook(ADULTS, "validation"),)
    turned = Adult(roll_deg=180.0)
    assert SourceValidation(populations=(turned,)).looks([ADULTS], INFANTS) == (
        LabelledLook(turned, "validation"),
    )
    assert SourceValidation(split="held-out").looks([ADULTS], INFANTS) == ()


def test_only_the_oracle_looks_at_labelled_people_of_the_target() -> None:
    assert TargetOracle().looks([ADULTS], INFANTS) == (LabelledLook(INFANTS, "validation"),)
    assert TargetOracle().looks([ADULTS], InfantReal(validation=0)) == ()
    assert Fixed().looks([ADULTS], INFANTS) == ()


@pytest.mark.parametrize("rule", LABEL_FREE)
def test_a_label_free_rule_looks_at_unlabelled_people_of_the_target_alone(
    rule: type[LabelFree],
) -> None:
    assert rule().looks([ADULTS], INFANTS) == (UnlabelledLook(INFANTS, "train", 200),)
    chosen = rule(split="validation", people=50)
    assert chosen.looks([ADULTS], INFANTS) == (UnlabelledLook(INFANTS, "validation", 50),)
    assert rule().looks([ADULTS], InfantReal(train=0)) == ()
    assert rule().choose({"a": 0.1, "b": 0.3}) == "b"


def test_a_label_free_rule_needs_somebody() -> None:
    with pytest.raises(ValueError, match="people must be at least 1, but got 0"):
        PredictionEntropy(people=0)


@pytest.mark.parametrize("declared", [SourceValidation(split="late"), MeanConfidence(people=3)])
def test_every_rule_is_one_of_each_kind_with_the_declared_one_among_them(
    declared: Selection,
) -> None:
    rules = every_rule(declared)
    assert declared in rules
    kinds = {SourceValidation, TargetOracle, *LABEL_FREE}
    assert {type(rule) for rule in rules} == kinds
    assert len(rules) == len({rule.name for rule in rules}) == len(kinds)
    assert {type(rule) for rule in every_rule(Fixed())} == kinds


@dataclass(frozen=True)
class Late(SourceValidation):
    """A rule of somebody's own."""

    name: ClassVar[str] = "late"


def test_a_rule_of_ones_own_is_one_of_every_rule() -> None:
    rules = every_rule(Late())
    assert rules[-1] == Late()
    assert [rule.name for rule in rules[:-1]] == [rule.name for rule in every_rule(Fixed())]


def test_descriptions_name_the_metric_and_the_split() -> None:
    rule = SourceValidation(metric="pck_head", split="held-out")
    assert rule.description(INFANTS) == "best pck_head on the source's held-out split"
    turned = SourceValidation(populations=(Adult(roll_deg=180.0), InfantSynthetic()))
    assert turned.description(INFANTS).endswith("validation split (adult ±180°, infant-synthetic)")
    oracle = TargetOracle().description(INFANTS)
    assert oracle == "oracle: best pck_box on the target's labelled validation split"
    assert Fixed().description(INFANTS) == "fixed beforehand"


def test_a_label_free_description_says_what_on_how_many_and_that_nobody_labelled_them() -> None:
    whole = "lowest entropy of predictions on 150 unlabelled people of infant-real train"
    assert PredictionEntropy().description(INFANTS) == whole
    few = AugmentationConsistency(split="validation", people=20).description(INFANTS)
    assert few.endswith("views on 20 unlabelled people of infant-real validation")
