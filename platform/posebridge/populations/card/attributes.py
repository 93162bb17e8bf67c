"""How balanced a population is: who has which value of every attribute."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.populations.card.labels import SplitLabels
from posebridge.populations.card.quantities import Histogram, Summary, histogram, summary

MANY_VALUES = 20
"""Values of a category that are named; the others are counted together."""
FEW_NUMBERS = 10
"""Whole numbers of at most so many values, such as tones of skin, are a category."""
BINS = 12
FEW_PLACES = 24
"""Numbers that take at most so many values have a bar for each of them."""


@dataclass(frozen=True)
class Category:
    """An attribute of a few values.

    Attributes:
        name: of the attribute.
        values: in the order of numbers where all are numbers, else the most frequent first.
        counts: people of each split who have each of the values.
        others: people with values that are not named because there are too many.
        other_values: how many such values there are.
        missing: people without the attribute.
        evenness: entropy of the values over that of values that are all as frequent, in [0, 1];
            NaN for a single value.
    """

    name: str
    values: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    others: int
    other_values: int
    missing: int
    evenness: float

    @property
    def totals(self) -> tuple[int, ...]:
        """People of all splits who have each of the values."""
        return tuple(sum(column) for column in zip(*self.counts.values(), strict=True))

    @property
    def people(self) -> int:
        """People who have the attribute."""
        return sum(self.totals) + self.others


@dataclass(frozen=True)
class Quantity:
    """An attribute that is a number.

    Attributes:
        name: of the attribute.
        summary: of its numbers.
        histogram: a bar for each of at most `FEW_PLACES` numbers, else `BINS` equal steps.
        missing: people without the attribute.
    """

    name: str
    summary: Summary
    histogram: Histogram
    missing: int


def attributes(labels: Mapping[str, SplitLabels]) -> tuple[Category | Quantity, ...]:
    """Every attribute that anybody has, in the order of its name.

    Args:
        labels: of each split.
    """
    names = sorted({name for part in labels.values() for name in part.attributes})
    people = sum(len(part) for part in labels.values())
    return tuple(
        attribute(name, {s: part.attributes.get(name, {}) for s, part in labels.items()}, people)
        for name in names
    )


def attribute(
    name: str, counts: Mapping[str, Mapping[str, int]], people: int
) -> Category | Quantity:
    """Who has which value of one attribute.

    It is a quantity if all values are finite numbers, and some are fractions or they are more than
    `FEW_NUMBERS`.

    Args:
        name: of the attribute.
        counts: people by value, in each split.
        people: in all splits, those without the attribute too.
    """
    total: Counter[str] = Counter()
    for part in counts.values():
        total.update(part)
    missing = people - total.total()
    numbers = {value: number for value in total if (number := _number(value)) is not None}
    if len(numbers) < len(total):
        return _category(name, counts, [v for v, _ in total.most_common()], missing)
    if len(total) <= FEW_NUMBERS and all(value.lstrip("+-").isdecimal() for value in total):
        return _category(name, counts, sorted(total, key=lambda v: numbers[v]), missing)
    values = np.repeat(list(numbers.values()), [total[value] for value in numbers])
    return Quantity(name, summary(values), histogram(values, _edges(values)), missing)


def _edges(values: Float[np.ndarray, " person"]) -> list[float]:
    """Edges halfway between few numbers, or in equal steps over many."""
    places = np.unique(values)
    if len(places) > FEW_PLACES:
        return list(np.linspace(places[0], places[-1], BINS + 1).tolist())
    if len(places) == 1:
        return [float(places[0]) - 0.5, float(places[0]) + 0.5]
    middles = (places[1:] + places[:-1]) / 2
    first, last = 2 * places[0] - middles[0], 2 * places[-1] - middles[-1]
    return [float(edge) for edge in (first, *middles, last)]


def _category(
    name: str, counts: Mapping[str, Mapping[str, int]], ordered: list[str], missing: int
) -> Category:
    named, unnamed = ordered[:MANY_VALUES], ordered[MANY_VALUES:]
    total = [sum(part.get(value, 0) for part in counts.values()) for value in ordered]
    return Category(
        name=name,
        values=tuple(named),
        counts={s: tuple(part.get(v, 0) for v in named) for s, part in counts.items()},
        others=sum(total[MANY_VALUES:]),
        other_values=len(unnamed),
        missing=missing,
        evenness=_evenness(total),
    )


def _evenness(counts: list[int]) -> float:
    if len(counts) < 2:
        return float("nan")
    shares = np.array(counts) / sum(counts)
    return float(-(shares * np.log(shares)).sum() / math.log(len(counts)))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
