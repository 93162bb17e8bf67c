from functools import cache
from itertools import product

import numpy as np
import pytest

from posebridge.populations.crops import decode_image
from posebridge.populations.low_light import LowLight
from posebridge.populations.people import Sample

CELLS = tuple(product(("adult", "elder"), ("bright", "dark")))


@cache
def _sample(age: str, light: str, index: int = 0) -> Sample:
    return LowLight(age=age, light=light).render("train", index)


@pytest.mark.parametrize(
    ("population", "label"),
    [
        (LowLight(), "low-light"),
        (LowLight(age="elder"), "low-light elder"),
        (LowLight(age="elder", light="bright"), "low-light elder bright"),
        (LowLight(darkest=0.1), "low-light 0.1–0.2"),
    ],
)
def test_labels_show_the_knobs(population: LowLight, label: str) -> None:
    assert population.label == label


def test_wrong_knobs_are_refused() -> None:
    with pytest.raises(ValueError, match="age must be one of adult, elder, but got 'old'"):
        LowLight(age="old")
    with pytest.raises(ValueError, match="light must be one of dark, bright, but got 'dim'"):
        LowLight(light="dim")
    with pytest.raises(ValueError, match=r"0 < darkest <= lightest <= 1, but got darkest=0.4"):
        LowLight(darkest=0.4)


@pytest.mark.parametrize("age", ["adult", "elder"])
def test_darkness_changes_the_picture_and_no_truth(age: str) -> None:
    """As in ExLPose: the same scene with less light."""
    bright, dark = _sample(age, "bright"), _sample(age, "dark")
    for name in ("depth_png", "normals_png", "parts_png", "instance_png"):
        assert getattr(bright.image, name) == getattr(dark.image, name)
    one, other = bright.people[0], dark.people[0]
    np.testing.assert_array_equal(one.keypoints, other.keypoints)
    np.testing.assert_array_equal(one.visibility, other.visibility)
    day, night = decode_image(bright.image.encoded), decode_image(dark.image.encoded)
    assert night.mean() < 0.65 * day.mean()
    told, known = set(other.attributes.items()), set(one.attributes.items())
    assert {name for name, _ in told - known} == {"light", "darkness", "exposure"}


def test_age_changes_the_body_and_not_the_room_or_the_darkness() -> None:
    adult, elder = _sample("adult", "dark").people[0], _sample("elder", "dark").people[0]
    assert (adult.attributes["age"], elder.attributes["age"]) == ("adult", "old")
    for name in ("skin_tone", "gender", "build", "rotation_deg", "exposure", "darkness"):
        assert adult.attributes[name] == elder.attributes[name]


def test_light_says_nothing_about_age_nor_age_about_light() -> None:
    ages = {cell: _sample(*cell).people[0].attributes["age"] for cell in CELLS}
    assert ages == {cell: "old" if cell[0] == "elder" else "adult" for cell in CELLS}
    for age, light in CELLS:
        told = _sample(age, light).people[0].attributes["light"]
        assert (told == "dark") == (light == "dark")


def test_the_exposure_lies_in_the_range_asked_for() -> None:
    population = LowLight(darkest=0.1, lightest=0.12)
    for index in range(3):
        exposure = float(population.render("train", index).people[0].attributes["exposure"])
        assert 0.0995 <= exposure <= 0.1205
