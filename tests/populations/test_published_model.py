"""What a published model of adults, which never saw these renders, makes of the populations.

Where nothing covers people it must agree with the truth, left and right included: independent
evidence that keypoints and projection are right. Where a population is meant to be hard, it must
lose what the population promises. Shares are of keypoints within 0.05 of the box's longer side.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch

from posebridge.estimators.movenet import Lightning, MoveNet
from posebridge.populations.adult import Adult
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.crops import (
    CropSize,
    apply_affine,
    crop_from_image,
    decode_image,
    invert,
    person_view,
)
from posebridge.populations.crowd import Crowd
from posebridge.populations.elder import Elder
from posebridge.populations.low_light import LowLight
from posebridge.populations.people import Person
from posebridge.populations.toddler import Toddler
from posebridge.populations.views import UPRIGHT
from posebridge.populations.wheelchair import Wheelchair
from posebridge.skeletons import COCO17

pytestmark = pytest.mark.slow

ANKLES = [15, 16]
PEOPLE, CROWDS = 24, 5
BARE = Wheelchair(view="front", blanket=0.0, guards=0.0, tray=0.0, desk=0.0)


@cache
def _model() -> MoveNet:
    return Lightning().build().eval()


@cache
def _looked_at(population: RenderedPopulation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors as shares of the box, the same with left and right swapped, and visibility."""
    straight, swapped, visibility = [], [], []
    for index in range(CROWDS if isinstance(population, Crowd) else PEOPLE):
        sample = population.render("train", index)
        image = decode_image(sample.image.encoded)
        for person in sample.people:
            guess = _predicted(image, person)
            straight.append(_errors(guess, person))
            swapped.append(_errors(guess[list(COCO17.flip_order)], person))
            visibility.append(person.visibility)
    return np.array(straight), np.array(swapped), np.array(visibility)


def _predicted(image: np.ndarray, person: Person) -> np.ndarray:
    model = _model()
    size = CropSize(model.input_height, model.input_width)
    rng = np.random.default_rng(0)
    view = person_view(image, person, policy=UPRIGHT, rng=rng, size=size, skeleton=COCO17)
    pixels = torch.from_numpy(view.image.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        guess = model.decode(model.head(model.features(pixels))).keypoints[0].numpy()
    crop = crop_from_image(person.box, size.height, size.width)
    return apply_affine(invert(crop), guess)


def _errors(guess: np.ndarray, person: Person) -> np.ndarray:
    away = np.linalg.norm(guess - person.keypoints, axis=1)
    return np.asarray(away / max(person.box[2:]))


def _share(errors: np.ndarray, asked: np.ndarray) -> float:
    return float((errors[asked] < 0.05).mean())


def _labelled(population: RenderedPopulation, joints: Sequence[int] = range(17)) -> float:
    errors, _, visibility = _looked_at(population)
    chosen = np.zeros(visibility.shape, bool)
    chosen[:, list(joints)] = True
    return _share(errors, chosen & (visibility > 0))


@pytest.mark.parametrize(
    "population",
    [LowLight(light="bright"), LowLight(age="elder", light="bright"), Elder(), Toddler(), BARE],
    ids=lambda population: population.label,
)
def test_it_agrees_where_nothing_covers_people(population: RenderedPopulation) -> None:
    errors, swapped, visibility = _looked_at(population)
    seen = visibility == 2
    assert _share(errors, seen) > 0.9
    assert _share(swapped, seen) < 0.5


def test_it_loses_the_ankles_of_people_in_wheelchairs() -> None:
    assert _labelled(Wheelchair(), ANKLES) < _labelled(Adult(), ANKLES) - 0.15


@pytest.mark.parametrize("age", ["adult", "elder"])
def test_it_falls_clearly_in_the_dark_but_not_to_the_floor(age: str) -> None:
    bright, dark = (_labelled(LowLight(age=age, light=light)) for light in ("bright", "dark"))
    assert 0.4 < dark < bright - 0.1


def test_denser_crowds_are_harder() -> None:
    easy, medium, hard = (_labelled(Crowd(level=level)) for level in ("easy", "medium", "hard"))
    assert easy > medium + 0.1
    assert medium > hard + 0.03
