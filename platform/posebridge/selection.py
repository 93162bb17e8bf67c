"""What may choose a winner among candidates: the part of a record that says how honest it is.

A selection names the split whose scores it reads and says whether those scores took labels of the
target. It chooses by the scores alone, so that the same records always give the same winner.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from posebridge.populations.base import Population

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Selection(ABC):
    """How hyperparameters are chosen."""

    uses_target_labels: ClassVar[bool]

    @property
    @abstractmethod
    def description(self) -> str:
        """The rule in words, as records keep it and tables print it."""

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

    uses_target_labels: ClassVar[bool] = False

    metric: str = "pck_box"
    split: str = "validation"
    populations: tuple[Population, ...] = ()

    def __post_init__(self) -> None:
        """Refuse to choose on the people that the tables report."""
        _refuse_test(self.split)

    @property
    def description(self) -> str:
        """The rule in words."""
        whose = f" ({', '.join(p.label for p in self.populations)})" if self.populations else ""
        return f"best {self.metric} on the source's {self.split} split{whose}"

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

    uses_target_labels: ClassVar[bool] = True

    metric: str = "pck_box"
    split: str = "validation"

    def __post_init__(self) -> None:
        """Refuse to choose on the people that the tables report."""
        _refuse_test(self.split)

    @property
    def description(self) -> str:
        """The rule in words."""
        return f"oracle: best {self.metric} on the target's labelled {self.split} split"

    def choose(self, candidates: Mapping[Key, float]) -> Key:
        """The candidate with the highest score."""
        return best(candidates)


@dataclass(frozen=True)
class Fixed(Selection):
    """Nothing is chosen: the values were published, or given beforehand."""

    uses_target_labels: ClassVar[bool] = False

    @property
    def description(self) -> str:
        """The rule in words."""
        return "fixed beforehand"

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


def _refuse_test(split: str) -> None:
    if split == "test":
        raise ValueError(
            f"nobody may choose on the split that tables report, but got {split=}: name another, "
            "such as 'validation'."
        )
