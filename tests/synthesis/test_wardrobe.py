from collections.abc import Callable

import numpy as np
import pytest

from posebridge.synthesis.meshes import PatternKind
from posebridge.synthesis.tailoring import Brief, Footwear, Top
from posebridge.synthesis.wardrobe import (
    Garment,
    adult_outfit,
    as_color,
    dye,
    infant_outfit,
    plain_infant_outfit,
)

Maker = Callable[[np.random.Generator, float], tuple[Garment, ...]]
MAKERS = (adult_outfit, infant_outfit, plain_infant_outfit)


def _many(maker: Maker, stature_m: float = 1.0) -> list[tuple[Garment, ...]]:
    return [maker(np.random.default_rng(seed), stature_m) for seed in range(60)]


@pytest.mark.parametrize("maker", MAKERS)
def test_the_same_seed_gives_the_same_clothes(maker: Maker) -> None:
    assert _many(maker) == _many(maker)
    assert len(set(_many(maker))) > 50


@pytest.mark.parametrize("maker", MAKERS)
def test_colors_and_thicknesses_are_those_of_cloth(maker: Maker) -> None:
    for garment in (garment for outfit in _many(maker) for garment in outfit):
        assert all(0 <= channel <= 1 for channel in garment.color)
        assert 0.002 < garment.thickness < 0.03


def test_every_infant_wears_a_diaper_below_everything_else() -> None:
    for outfit in _many(infant_outfit) + _many(plain_infant_outfit):
        assert isinstance(outfit[0].cut, Brief)


def test_plain_infants_wear_no_print() -> None:
    kinds = {garment.pattern.kind for outfit in _many(plain_infant_outfit) for garment in outfit}
    assert kinds == {PatternKind.PLAIN}
    printed = {garment.pattern.kind for outfit in _many(infant_outfit) for garment in outfit}
    assert len(printed) > 4


def test_adults_wear_a_shirt_and_mostly_shoes() -> None:
    outfits = _many(adult_outfit)
    assert all(any(isinstance(g.cut, Top) for g in outfit) for outfit in outfits)
    shod = np.mean([any(isinstance(g.cut, Footwear) for g in outfit) for outfit in outfits])
    assert 0.7 < shod < 1.0


def test_prints_grow_with_the_wearer() -> None:
    small = [g.pattern.period_m for o in _many(infant_outfit, 0.5) for g in o[1:2]]
    large = [g.pattern.period_m for o in _many(infant_outfit, 1.0) for g in o[1:2]]
    changed = np.array(large) != np.array(small)
    np.testing.assert_allclose(np.array(large)[changed], 2 * np.array(small)[changed])
    assert changed.mean() > 0.4


def test_colors_are_clipped() -> None:
    assert as_color(np.array([-0.5, 0.25, 1.5])) == (0.0, 0.25, 1.0)
    drawn = np.array([dye(np.random.default_rng(seed), 0.1, 0.6) for seed in range(50)])
    assert 0.0 <= drawn.min() < drawn.max() <= 0.85
