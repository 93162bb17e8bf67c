"""A sleeping bag goes around both legs, and nothing of them comes through."""

from collections.abc import Callable

import numpy as np
import pytest

from posebridge.synthesis.infant_scenes import Infant, InfantKnobs, draw_infant
from posebridge.synthesis.people import dress
from posebridge.synthesis.seats import skin_of
from posebridge.synthesis.sleeping_bags import SleepingBag, sleeping_bag
from posebridge.synthesis.tailoring import FEET, SHINS, THIGHS

LEGS = (*THIGHS, *SHINS, *FEET)


def _streams(index: int) -> Callable[[str], np.random.Generator]:
    return lambda name: np.random.default_rng([index, *name.encode()])


def _infant(index: int, *, pose: str = "supine", bags: bool = True) -> Infant:
    knobs = InfantKnobs(
        0.0, clothes=True, clutter=True, occluders=False, flaws=False, poses=(pose,), bags=bags
    )
    return draw_infant(_streams(index), knobs)


def _bagged(count: int) -> list[tuple[Infant, SleepingBag]]:
    infants = [_infant(index) for index in range(3 * count)]
    return [(infant, infant.bag) for infant in infants if infant.bag][:count]


def test_most_supine_infants_fit_into_a_bag() -> None:
    assert sum(_infant(index).bag is not None for index in range(10)) >= 5


def test_the_sack_lies_over_the_legs() -> None:
    for infant, bag in _bagged(3):
        surface = bag.surface
        for place in skin_of(infant.figure, *LEGS)[::40]:
            nearest = np.linalg.norm(surface[:, :2] - place[:2], axis=1).argmin()
            assert surface[nearest, 2] > place[2]


def test_nothing_of_the_legs_is_left_to_be_drawn() -> None:
    for infant, bag in _bagged(2):
        dressed = dress(infant.figure, infant.looks, (*infant.outfit, bag.vest), instance=1)
        *worn, sack = bag.put_on(dressed.meshes)
        assert sack.instance == 1
        for mesh in worn:
            assert mesh.keep is not None
            assert (mesh.keep[np.isin(mesh.parts, LEGS)] < 0).all()
        assert any((mesh.keep >= 0).any() for mesh in worn if mesh.keep is not None)


def test_the_infant_is_the_same_with_and_without_a_bag() -> None:
    (bagged, _), *_ = _bagged(1)
    bare = _infant(next(i for i in range(9) if _infant(i).bag), bags=False)
    np.testing.assert_array_equal(bagged.figure.vertices, bare.figure.vertices)
    assert bagged.outfit == bare.outfit
    assert bare.bag is None
    assert "wear" not in bare.attributes
    assert bagged.attributes["wear"] == "sleeping bag"


@pytest.mark.parametrize("pose", ["sitting", "standing"])
def test_whoever_is_up_wears_no_bag(pose: str) -> None:
    infant = _infant(0, pose=pose)
    assert infant.bag is None
    assert sleeping_bag(infant.figure, np.random.default_rng(0)) is None


def test_the_same_numbers_make_the_same_bag() -> None:
    (infant, _), *_ = _bagged(1)
    one, other = (sleeping_bag(infant.figure, np.random.default_rng(5)) for _ in range(2))
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.sack.vertices, other.sack.vertices)
    assert one.vest == other.vest
