from functools import cache

import numpy as np
import pytest

from posebridge.populations.elder import Elder
from posebridge.populations.people import Person


@cache
def _person(index: int) -> Person:
    return Elder().render("train", index).people[0]


def test_labels_show_the_roll() -> None:
    assert [Elder().label, Elder(roll_deg=0.0).label] == ["elder", "elder ±0°"]


def test_a_turn_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"roll_deg must lie in \[0, 180\], but got 200"):
        Elder(roll_deg=200.0)


def test_attributes_say_that_they_are_old_and_what_they_lean_on() -> None:
    for index in range(4):
        attributes = _person(index).attributes
        assert attributes["age"] == "old"
        assert attributes["aid"] in ("none", "cane", "frame")
        assert attributes["glasses"] in ("yes", "no")
    assert len({_person(index).attributes["posture"] for index in range(8)}) > 2


def test_most_keypoints_are_seen() -> None:
    seen = np.mean([_person(index).visibility == 2 for index in range(8)])
    assert 0.6 < seen < 0.98
