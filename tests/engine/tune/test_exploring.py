"""How a population moves on after a generation."""

import math
from collections import Counter

import numpy as np
import pytest

from posebridge.engine.tune.exploring import current, generator, moved, perturbed, replacements
from posebridge.engine.tune.outcomes import Proposal
from posebridge.search import PopulationBased
from posebridge.search_space import Distribution, choice, integers, log_uniform, uniform

SPACE: dict[str, Distribution] = {
    "adapt.learning_rate": log_uniform(1e-5, 1e-1),
    "adapt.momentum": uniform(0.9, 0.9999),
}
HOW = PopulationBased(redraw=0.0)


def test_the_worst_go_on_from_the_best() -> None:
    scores = {n: n / 10 for n in range(8)}
    taken = replacements(scores, 0.25, generator("a"))
    assert set(taken) == {0, 1}
    assert set(taken.values()) <= {6, 7}


def test_of_equal_scores_the_lower_number_is_the_better() -> None:
    assert replacements(dict.fromkeys(range(4), 0.5), 0.25, generator("a")) == {3: 0}


def test_whoever_diverged_goes_on_from_one_of_the_best() -> None:
    scores = {0: math.nan, 1: 0.1, 2: math.nan, 3: 0.9, 4: math.nan}
    assert replacements(scores, 0.25, generator("a")) == {0: 3, 2: 3, 4: 3}


def test_nobody_goes_on_from_a_population_that_diverged() -> None:
    assert replacements({0: math.nan, 1: math.nan}, 0.5, generator("a")) == {}


def test_of_two_one_is_replaced() -> None:
    assert replacements({0: 0.1, 1: 0.2}, 0.5, generator("a")) == {0: 1}


def test_every_one_of_the_best_is_followed_equally_often() -> None:
    scores = {n: n / 10 for n in range(8)}
    leaders = Counter(replacements(scores, 0.25, generator(n))[0] for n in range(400))
    assert leaders[6] == pytest.approx(200, abs=50)


@pytest.mark.parametrize(
    ("distribution", "value", "reached"),
    [
        (uniform(0.0, 10.0), 5.0, {4.0, 6.0}),
        (uniform(0.0, 5.5), 5.0, {4.0, 5.5}),
        (log_uniform(1e-4, 1.0), 1e-4, {1e-4, 1.2e-4}),
        (integers(1, 100), 50, {40, 60}),
        (integers(1, 100), 2, {1, 3}),
        (integers(1, 2), 2, {1, 2}),
        (choice((1, 2, 4, 8)), 4, {2, 8}),
        (choice((1, 2, 4, 8)), 8, {4, 8}),
    ],
)
def test_a_value_is_multiplied_by_a_factor_or_moves_to_an_option_beside_it(
    distribution: Distribution, value: float, reached: set[float]
) -> None:
    found = {round(perturbed(distribution, value, HOW, generator(n)), 10) for n in range(40)}
    assert found == reached


@pytest.mark.parametrize("distribution", [uniform(2, 3), log_uniform(1e-4, 1), integers(2, 9)])
def test_a_value_drawn_anew_is_anywhere_in_its_distribution(distribution: Distribution) -> None:
    how = PopulationBased(redraw=1.0)
    low, high = distribution.low, distribution.high  # type: ignore[attr-defined]
    drawn = np.array([perturbed(distribution, low, how, generator(n)) for n in range(300)])
    assert low <= drawn.min() < drawn.max() <= high
    log = distribution.log  # type: ignore[attr-defined]
    places = np.log(drawn / low) / np.log(high / low) if log else (drawn - low) / (high - low)
    assert places.mean() == pytest.approx(0.5, abs=0.06)


def test_who_goes_on_has_the_leaders_values_and_one_more_change() -> None:
    values = {"adapt.learning_rate": 1e-3, "adapt.momentum": 0.99}
    leader = Proposal(7, "adapted", values | {"adapt.changes": [[5, "momentum", 0.95]]})
    one = moved(2, leader, 10, SPACE, HOW, generator("x"))
    assert (one.number, one.system) == (2, "adapted")
    assert {path: one.values[path] for path in values} == values
    first, *new = one.values["adapt.changes"]
    assert first == [5, "momentum", 0.95]
    assert {step for step, _, _ in new} == {10}
    assert current(leader, SPACE) == values | {"adapt.momentum": 0.95}
    assert current(one, SPACE)["adapt.learning_rate"] in (8e-4, pytest.approx(1.2e-3))
    assert leader.values["adapt.changes"] == [first]


def test_what_stays_as_it_is_is_no_change() -> None:
    leader = Proposal(7, "adapted", {"adapt.teacher_views": 4})
    space: dict[str, Distribution] = {"adapt.teacher_views": choice((4,))}
    assert moved(2, leader, 10, space, HOW, generator("x")).values["adapt.changes"] == []


def test_the_same_words_give_the_same_numbers() -> None:
    assert generator("a", 1).random() == generator("a", 1).random()
    assert generator("a", 1).random() != generator("a", 2).random()
