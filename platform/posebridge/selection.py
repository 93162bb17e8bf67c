"""What may choose a winner among candidates: the part of a record that says how honest it is.

A rule says whom it has a trained system look at, with or without labels, which score of these
looks decides, and whether it took labels of the target. It chooses by the scores alone, so that
the same records always give the same winner.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from posebridge.populations.base import Population

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class LabelledLook:
    """Everybody of a split, with their labels."""

    population: Population
    split: str


@dataclass(frozen=True)
class UnlabelledLook:
    """The first people of a split, whose labels are dropped where they are read."""

    population: Population
    split: str
    people: int


Look = LabelledLook | UnlabelledLook


@dataclass(frozen=True)
class Selection(ABC):
    """How hyperparameters are chosen.

    Attributes:
        name: of the rule, where the scores of several are told apart.
        uses_target_labels: whether it reads labels of the target, which makes its rows oracles.
    """

    name: ClassVar[str]
    uses_target_labels: ClassVar[bool]

    @property
    @abstractmethod
    def metric(self) -> str:
        """The score that decides, the mean over all looks; higher is better."""

    @abstractmethod
    def description(self, target: Population) -> str:
        """The rule in words, as records keep it and tables print it."""

    @abstractmethod
    def looks(self, sources: Sequence[Population], target: Population) -> tuple[Look, ...]:
        """Whom it has a trained system look at; none if they lack the split.

        Args:
            sources: populations whose labels the system learns from.
            target: the experiment's first.
        """

    @abstractmethod
    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The winner among candidates, given their scores in the order of their declaration."""


@dataclass(frozen=True)
class SourceValidation(Selection):
    """The best on held-out people of the source populations: no label of the target is read.

    Attributes:
        metric: the score that decides; higher is better.
        split: of the source populations.
        populations: the source populations with other knobs, such as turned by any angle; none
            takes those that a system trains on, as they are.
    """

    name: ClassVar[str] = "source_validation"
    uses_target_labels: ClassVar[bool] = False

    metric: str = "pck_box"
    split: str = "validation"
    populations: tuple[Population, ...] = ()

    def __post_init__(self) -> None:
        """Refuse to choose on the people that the tables report."""
        _refuse_test(self.split)

    def description(self, target: Population) -> str:
        """The rule in words."""
        whose = f" ({', '.join(p.label for p in self.populations)})" if self.populations else ""
        return f"best {self.metric} on the source's {self.split} split{whose}"

    def looks(self, sources: Sequence[Population], target: Population) -> tuple[Look, ...]:
        """Each of the populations that has the split, once."""
        people = {p.fingerprint(): p for p in self.populations or sources}
        return tuple(
            LabelledLook(one, self.split) for one in people.values() if _has(one, self.split)
        )

    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The candidate with the highest score."""
        return best(candidates)


@dataclass(frozen=True)
class TargetOracle(Selection):
    """The best on labelled people of the target: nobody without labels can, so it never ranks.

    Attributes:
        metric: the score that decides; higher is better.
        split: of the target population; never "test".
    """

    name: ClassVar[str] = "target_oracle"
    uses_target_labels: ClassVar[bool] = True

    metric: str = "pck_box"
    split: str = "validation"

    def __post_init__(self) -> None:
        """Refuse to choose on the people that the tables report."""
        _refuse_test(self.split)

    def description(self, target: Population) -> str:
        """The rule in words."""
        return f"oracle: best {self.metric} on the target's labelled {self.split} split"

    def looks(self, sources: Sequence[Population], target: Population) -> tuple[Look, ...]:
        """The target."""
        return (LabelledLook(target, self.split),) if _has(target, self.split) else ()

    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The candidate with the highest score."""
        return best(candidates)


@dataclass(frozen=True)
class LabelFree(Selection, ABC):
    """The best by what predictions on unlabelled people of the target say about themselves.

    `posebridge.metrics.label_free` has the formulas, and how a collapsed network fools each.

    Attributes:
        aim: what is best, in words.
        split: of the target population; never "test".
        people: how many of them, from the first on.
    """

    uses_target_labels: ClassVar[bool] = False
    aim: ClassVar[str]

    split: str = "train"
    people: int = 200

    def __post_init__(self) -> None:
        """Refuse nobody, and the people that the tables report."""
        _refuse_test(self.split)
        if self.people < 1:
            raise ValueError(f"people must be at least 1, but got {self.people}.")

    def description(self, target: Population) -> str:
        """The rule in words."""
        people = min(self.people, target.splits().get(self.split, 0))
        return f"{self.aim} on {people} unlabelled people of {target.label} {self.split}"

    def looks(self, sources: Sequence[Population], target: Population) -> tuple[Look, ...]:
        """Some of the target, without labels."""
        if not _has(target, self.split):
            return ()
        return (UnlabelledLook(target, self.split, self.people),)

    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The candidate with the highest score."""
        return best(candidates)


@dataclass(frozen=True)
class PredictionEntropy(LabelFree):
    """The narrowest heatmaps."""

    name: ClassVar[str] = "prediction_entropy"
    aim: ClassVar[str] = "lowest entropy of predictions"
    metric: ClassVar[str] = "certainty"


@dataclass(frozen=True)
class AugmentationConsistency(LabelFree):
    """The most agreement between looks at the same person from other sides."""

    name: ClassVar[str] = "augmentation_consistency"
    aim: ClassVar[str] = "most agreement of predictions across views"
    metric: ClassVar[str] = "consistency"


@dataclass(frozen=True)
class PriorPlausibility(LabelFree):
    """The poses that look most like those of the labelled people a system learns from."""

    name: ClassVar[str] = "prior_plausibility"
    aim: ClassVar[str] = "most plausible poses, by those of the source,"
    metric: ClassVar[str] = "plausibility"


@dataclass(frozen=True)
class MeanConfidence(LabelFree):
    """The highest peaks: what every other validator should beat."""

    name: ClassVar[str] = "mean_confidence"
    aim: ClassVar[str] = "highest confidence of predictions"
    metric: ClassVar[str] = "confidence"


@dataclass(frozen=True)
class Fixed(Selection):
    """Nothing is chosen: the values were published, or given beforehand."""

    name: ClassVar[str] = "fixed"
    uses_target_labels: ClassVar[bool] = False
    metric: ClassVar[str] = "none"

    def description(self, target: Population) -> str:
        """The rule in words."""
        return "fixed beforehand"

    def looks(self, sources: Sequence[Population], target: Population) -> tuple[Look, ...]:
        """Nobody."""
        return ()

    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The only candidate.

        Raises:
            ValueError: unless there is exactly one.
        """
        if len(candidates) != 1:
            raise ValueError(
                f"a fixed choice has exactly one candidate, but got {len(candidates)}: "
                "give a selection rule, such as SourceValidation()."
            )
        return next(iter(candidates))


def every_rule(declared: Selection) -> tuple[Selection, ...]:
    """One rule of each kind that scores, so that what each would have chosen can be read later.

    Args:
        declared: stands in place of its kind's defaults; last, if its kind is a user's own.
    """
    rules = (
        SourceValidation(),
        PredictionEntropy(),
        AugmentationConsistency(),
        PriorPlausibility(),
        MeanConfidence(),
        TargetOracle(),
    )
    own = () if type(declared) in {Fixed, *map(type, rules)} else (declared,)
    return (*(declared if type(rule) is type(declared) else rule for rule in rules), *own)


def best(candidates: Mapping[Key, float]) -> Key:
    """The candidate with the highest score; of equal ones the first; none without a score.

    Args:
        candidates: score of each, in the order of declaration; NaN where there is none.

    Raises:
        ValueError: if no candidate has a score.
    """
    scored = {key: score for key, score in candidates.items() if not math.isnan(score)}
    if not scored:
        raise ValueError(
            f"at least one candidate must have a score, but all {len(candidates)} have none: "
            "see why they failed before choosing among them."
        )
    return max(scored, key=lambda key: scored[key])


def _has(population: Population, split: str) -> bool:
    return population.splits().get(split, 0) > 0


def _refuse_test(split: str) -> None:
    if split == "test":
        raise ValueError(
            f"nobody may choose on the split that tables report, but got {split=}: name another, "
            "such as 'validation'."
        )
