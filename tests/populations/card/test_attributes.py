import math

import numpy as np
import pytest

from populations.card.made import split_labels
from posebridge.populations.card.attributes import (
    BINS,
    MANY_VALUES,
    Category,
    Quantity,
    attribute,
    attributes,
)


def test_values_are_counted_in_each_split_the_most_frequent_first() -> None:
    told = attribute("posture", {"train": {"prone": 1, "supine": 3}, "test": {"supine": 2}}, 7)
    assert isinstance(told, Category)
    assert told.values == ("supine", "prone")
    assert told.counts == {"train": (3, 1), "test": (2, 0)}
    assert (told.totals, told.people, told.missing) == ((5, 1), 6, 1)


def test_evenness_is_one_for_equal_shares_and_unknown_for_one_value() -> None:
    """Shares ¾ and ¼: (−¾ ln ¾ − ¼ ln ¼) / ln 2 = 0.8113."""
    even, skew, single = (
        attribute("a", {"train": counts}, 8)
        for counts in ({"x": 4, "y": 4}, {"x": 6, "y": 2}, {"x": 8})
    )
    assert isinstance(even, Category)
    assert isinstance(skew, Category)
    assert isinstance(single, Category)
    assert even.evenness == pytest.approx(1.0)
    assert skew.evenness == pytest.approx(0.8113, abs=5e-5)
    assert math.isnan(single.evenness)


def test_few_whole_numbers_are_a_category_in_their_order() -> None:
    told = attribute("skin_tone", {"train": {"10": 5, "2": 9, "1": 1}}, 15)
    assert isinstance(told, Category)
    assert told.values == ("1", "2", "10")


@pytest.mark.parametrize(
    "values", [{"0.5": 1, "1.5": 3}, {str(n): 1 for n in range(11)}, {"-1e3": 2}]
)
def test_fractions_and_many_numbers_are_a_quantity(values: dict[str, int]) -> None:
    told = attribute("a", {"train": values}, 20)
    assert isinstance(told, Quantity)
    assert told.summary.count == sum(values.values()) == sum(told.histogram.counts)


def test_a_quantity_weighs_each_number_by_its_people() -> None:
    told = attribute("a", {"train": {"0.5": 1}, "test": {"1.5": 3}}, 5)
    assert isinstance(told, Quantity)
    assert told.summary.mean == pytest.approx(1.25)
    assert (told.histogram.counts[0], told.histogram.counts[-1]) == (1, 3)
    assert told.missing == 1


def test_few_numbers_have_a_bar_each_and_many_share_equal_steps() -> None:
    few = attribute("a", {"train": {"0.0": 2, "0.5": 1, "1.0": 4}}, 7)
    many = attribute("a", {"train": {f"{n}.0": 1 for n in range(37)}}, 37)
    assert isinstance(few, Quantity)
    assert isinstance(many, Quantity)
    assert few.histogram.edges == (-0.25, 0.25, 0.75, 1.25)
    assert few.histogram.counts == (2, 1, 4)
    assert many.histogram.edges == tuple(3.0 * step for step in range(BINS + 1))


def test_a_quantity_that_is_the_same_for_all_is_drawn_around_it() -> None:
    told = attribute("a", {"train": {"2.5": 4}}, 4)
    assert isinstance(told, Quantity)
    assert (told.histogram.edges[0], told.histogram.edges[-1]) == (2.0, 3.0)
    assert sum(told.histogram.counts) == 4


@pytest.mark.parametrize("word", ["nan", "inf", "12a", ""])
def test_a_word_among_numbers_makes_a_category(word: str) -> None:
    assert isinstance(attribute("a", {"train": {"0.5": 2, word: 1}}, 3), Category)


def test_too_many_values_are_counted_together() -> None:
    told = attribute("scene", {"train": {f"room {n}": 100 - n for n in range(25)}}, 10_000)
    assert isinstance(told, Category)
    assert len(told.values) == MANY_VALUES
    assert told.other_values == 5
    assert told.others == sum(100 - n for n in range(20, 25))
    assert told.people == sum(100 - n for n in range(25))


def test_every_attribute_that_anybody_has_is_told_by_name() -> None:
    nobody = np.zeros((2, 17, 2))
    made = {
        "train": split_labels(nobody, attributes={"light": {"dim": 2}}),
        "test": split_labels(nobody, attributes={"age": {"old": 1}}),
    }
    told = attributes(made)
    assert [(a.name, a.missing) for a in told] == [("age", 3), ("light", 2)]
    assert attributes({"train": split_labels(nobody)}) == ()
