from functools import cache

import numpy as np
import pytest

from posebridge.populations.crowd import Crowd, graded
from posebridge.populations.people import Sample


@cache
def _sample(index: int, level: str = "all") -> Sample:
    return Crowd(level=level).render("train", index)


@pytest.mark.parametrize(
    ("population", "label"),
    [
        (Crowd(), "crowd"),
        (Crowd(level="hard"), "crowd hard"),
        (Crowd(fewest=2, most=3), "crowd of 2–3"),
        (Crowd(roll_deg=0.0), "crowd ±0°"),
    ],
)
def test_labels_show_the_knobs(population: Crowd, label: str) -> None:
    assert population.label == label


def test_wrong_knobs_are_refused() -> None:
    with pytest.raises(ValueError, match="level must be one of all, easy, medium, hard, but got"):
        Crowd(level="extreme")
    with pytest.raises(ValueError, match="2 <= fewest <= most <= 12 people, but got fewest=1"):
        Crowd(fewest=1)
    with pytest.raises(ValueError, match=r"roll_deg must lie in \[0, 180\], but got 181"):
        Crowd(roll_deg=181.0)


def test_everybody_in_a_picture_has_a_name_and_a_truth_of_their_own() -> None:
    for index in range(3):
        people = _sample(index).people
        assert 2 <= len(people) <= 6
        assert len({person.subject for person in people}) == len(people)
        assert len({person.keypoints.tobytes() for person in people}) == len(people)
        assert {person.attributes["people"] for person in people} == {str(len(people))}
        for person in people:
            assert (person.visibility == 2).sum() >= 3


@pytest.mark.slow
@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_the_index_of_the_truth_has_the_level_asked_for(level: str) -> None:
    for index in range(3):
        people = _sample(index, level).people
        assert {person.attributes["crowding"] for person in people} == {level}
        assert graded(people)[0].attributes["crowd_index"] == people[0].attributes["crowd_index"]


@pytest.mark.slow
def test_harder_crowds_hide_more() -> None:
    hidden = [
        np.mean(
            [
                (person.visibility == 1).mean()
                for index in range(3)
                for person in _sample(index, level).people
            ]
        )
        for level in ("easy", "hard")
    ]
    assert hidden[0] + 0.1 < hidden[1]


def test_levels_show_the_same_people() -> None:
    """What differs is where they stand."""
    easy, hard = (
        {person.subject[-1]: person.attributes for person in _sample(0, level).people}
        for level in ("easy", "hard")
    )
    for who in set(easy) & set(hard):
        for name in ("skin_tone", "gender", "stature_cm", "posture"):
            assert easy[who][name] == hard[who][name]
