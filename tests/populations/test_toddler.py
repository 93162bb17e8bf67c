from functools import cache

import numpy as np
import pytest

from posebridge.populations.people import Person
from posebridge.populations.toddler import Toddler


@cache
def _person(index: int) -> Person:
    return Toddler().render("train", index).people[0]


def test_labels_show_the_roll() -> None:
    assert [Toddler().label, Toddler(roll_deg=10.0).label] == ["toddler", "toddler ±10°"]


def test_a_turn_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"roll_deg must lie in \[0, 180\], but got -5"):
        Toddler(roll_deg=-5.0)


def test_toddlers_are_as_tall_as_toddlers() -> None:
    statures = [float(_person(index).attributes["stature_cm"]) for index in range(8)]
    assert 65 < min(statures) < max(statures) < 110
    assert {_person(index).attributes["age"] for index in range(8)} == {"toddler"}


def test_most_keypoints_are_seen() -> None:
    seen = np.mean([_person(index).visibility == 2 for index in range(8)])
    assert 0.6 < seen < 0.98
