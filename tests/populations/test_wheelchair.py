from functools import cache

import numpy as np
import pytest

from posebridge.populations.people import Person, Sample
from posebridge.populations.wheelchair import Wheelchair

ANKLES = [15, 16]


@cache
def _sample(index: int, population: Wheelchair | None = None) -> Sample:
    return (population or Wheelchair()).render("train", index)


def _person(index: int, population: Wheelchair | None = None) -> Person:
    return _sample(index, population).people[0]


def test_the_embedded_sizes_are_those_of_the_design() -> None:
    assert Wheelchair().splits() == {"train": 500, "validation": 100, "test": 300}


@pytest.mark.parametrize(
    ("population", "label"),
    [
        (Wheelchair(), "wheelchair"),
        (Wheelchair(view="rear"), "wheelchair rear"),
        (Wheelchair(blanket=0.0, desk=1.0), "wheelchair blanket 0 desk 1"),
    ],
)
def test_labels_show_the_knobs(population: Wheelchair, label: str) -> None:
    assert population.label == label


def test_wrong_knobs_are_refused() -> None:
    with pytest.raises(ValueError, match="view must be one of any, front, side, rear, but"):
        Wheelchair(view="x")
    with pytest.raises(ValueError, match=r"tray must lie in \[0, 1\], but got 1.5. It is"):
        Wheelchair(tray=1.5)
    with pytest.raises(ValueError, match=r"roll_deg must lie in \[0, 180\], but got -1"):
        Wheelchair(roll_deg=-1.0)


@pytest.mark.slow
def test_fittings_change_what_is_seen_and_not_who_sits_there() -> None:
    bare = Wheelchair(blanket=0.0, guards=0.0, tray=0.0, desk=0.0)
    covered = Wheelchair(blanket=1.0, guards=1.0, tray=1.0, desk=1.0)
    hidden_more = 0
    for index in range(4):
        free, under = _person(index, bare), _person(index, covered)
        np.testing.assert_array_equal(free.keypoints_3d_mm, under.keypoints_3d_mm)
        assert (under.visibility <= free.visibility).all()
        hidden_more += int((under.visibility < free.visibility).sum())
        assert free.attributes["blanket"] == free.attributes["guards"] == "no"
        assert under.attributes["blanket"] == under.attributes["guards"] == "yes"
        assert free.attributes["before"] == "nothing"
    assert hidden_more >= 3


@pytest.mark.parametrize(("view", "sign"), [("front", 1), ("rear", -1)])
def test_views_show_the_front_and_the_back(view: str, sign: int) -> None:
    """Of somebody who faces the camera the left shoulder is on the right of the picture."""
    for index in range(3):
        person = _person(index, Wheelchair(view=view))
        left, right = person.keypoints_3d_mm[5:7, 0]  # type: ignore[index]
        assert sign * (left - right) > 0
        assert person.attributes["view"] == view


@pytest.mark.slow
def test_many_ankles_are_hidden() -> None:
    seen = np.mean([_person(index).visibility[ANKLES] == 2 for index in range(12)])
    assert 0.1 < seen < 0.8
    whole = np.mean([_person(index).visibility == 2 for index in range(12)])
    assert 0.4 < whole < 0.9


def test_attributes_say_who_sits_in_what() -> None:
    attributes = _person(0).attributes
    assert attributes["skin_tone"] in "12345"
    assert attributes["gender"] in ("feminine", "androgynous", "masculine")
    assert attributes["build"] in ("slim", "average", "heavy")
    assert 140 < float(attributes["stature_cm"]) < 215
    assert attributes["chair"] in ("manual", "powered")
    assert {"age", "glasses", "before", "view", "posture", "occlusion"} <= set(attributes)
