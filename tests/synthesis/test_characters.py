import zlib
from collections import Counter

import numpy as np
import pytest

from posebridge.synthesis.angles import PoseAngles
from posebridge.synthesis.characters import (
    ADULT_AGES,
    ELDER_AGES,
    draw_character,
    dressed_character,
    traits,
)
from posebridge.synthesis.figures import standing_figure
from posebridge.synthesis.meshes import Material
from posebridge.synthesis.pose_samples import PoseSample
from posebridge.synthesis.scenes import Streams

UPRIGHT = PoseSample(PoseAngles(), np.eye(3), "upright")


def _streams(seed: int) -> Streams:
    return lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())])


def test_bands_are_filled_evenly() -> None:
    """400 draws a band of five or three: shares within 4 deviations, 0.08 and 0.095."""
    drawn = [draw_character(_streams(seed), ages=ADULT_AGES) for seed in range(400)]
    figure = standing_figure(drawn[0].person, UPRIGHT)
    told = [traits(character, figure) for character in drawn]
    for name, bands, tolerance in (
        ("skin_tone", "12345", 0.08),
        ("gender", ("feminine", "androgynous", "masculine"), 0.095),
        ("build", ("slim", "average", "heavy"), 0.095),
    ):
        counts = Counter(each[name] for each in told)
        for band in bands:
            assert counts[band] / len(told) == pytest.approx(1 / len(bands), abs=tolerance)


def test_tone_of_skin_says_nothing_about_gender_or_build() -> None:
    drawn = [draw_character(_streams(seed), ages=ADULT_AGES) for seed in range(400)]
    tones = [character.looks.skin_tone for character in drawn]
    for other in ("gender", "weight", "african", "asian"):
        values = [getattr(character.person, other) for character in drawn]
        assert abs(np.corrcoef(tones, values)[0, 1]) < 0.2


def test_the_same_streams_at_another_age_give_the_same_person_but_for_age() -> None:
    young, old = (draw_character(_streams(4), ages=ages) for ages in (ADULT_AGES, ELDER_AGES))
    assert young.person.age < 0.77 < old.person.age
    for name in ("gender", "weight", "height", "muscle", "african"):
        assert getattr(young.person, name) == getattr(old.person, name)
    assert young.looks.skin_tone == old.looks.skin_tone


def test_old_people_are_greyer_and_wear_glasses_more_often() -> None:
    def people(ages: tuple[float, float]) -> tuple[float, float]:
        drawn = [draw_character(_streams(seed), ages=ages) for seed in range(150)]
        glasses = np.mean([character.glasses is not None for character in drawn])
        return float(glasses), float(np.mean([c.looks.hair.color[2] for c in drawn]))

    young, old = people(ADULT_AGES), people(ELDER_AGES)
    assert old[0] > young[0] + 0.15
    assert old[1] > 3 * young[1]


@pytest.mark.parametrize("seed", range(3))
def test_what_somebody_wears_is_theirs(seed: int) -> None:
    character = draw_character(_streams(seed), ages=ELDER_AGES)
    figure = standing_figure(character.person, UPRIGHT)
    dressed = dressed_character(character, figure, _streams(seed), instance=5)
    assert {mesh.instance for mesh in dressed.meshes} == {5}
    worn = {mesh.material for mesh in dressed.meshes}
    assert Material.CLOTH in worn
    assert (Material.GLOSSY in worn) == (character.glasses is not None)
    told = traits(character, figure)
    assert told["age"] == "old"
    assert told["glasses"] == ("no" if character.glasses is None else "yes")
