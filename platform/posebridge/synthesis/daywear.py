"""What people wear by day, cut in more ways than the plain adult wardrobe: layers, shoes."""

from collections.abc import Sequence

import numpy as np

from posebridge.synthesis.layers import OpenTop, Sole
from posebridge.synthesis.meshes import Pattern
from posebridge.synthesis.tailoring import Bottom, Footwear, Top
from posebridge.synthesis.wardrobe import Garment, as_color, cloth_print, dye

_DENIM = np.array([0.05, 0.07, 0.16])


def daywear(rng: np.random.Generator, stature_m: float, *, layered: float) -> tuple[Garment, ...]:
    """Clothes of an adult, innermost first: below, above, mostly shoes, sometimes a layer over.

    Args:
        rng: of the clothes; every draw is made whether it is used or not.
        stature_m: height of the wearer.
        layered: probability of a cardigan or jacket over the shirt.
    """
    trousers, shirt = _trousers(rng), _shirt(rng, stature_m)
    layer = _layer(rng, stature_m)
    is_layered, tucked, barefoot = rng.random() < layered, rng.random() < 0.3, rng.random() < 0.06
    is_tucked = tucked and not is_layered
    worn: tuple[Garment, ...] = (shirt, trousers) if is_tucked else (trousers, shirt)
    if is_layered:
        worn = (*worn, layer)
    shoes = _shoes(rng)
    return worn if barefoot else (*worn, *shoes)


def _trousers(rng: np.random.Generator) -> Garment:
    leg = float(rng.choice([1.93, 1.93, 1.93, 1.93, 1.55, 0.9, 0.5]))
    denim, dyed = _DENIM * rng.uniform(0.4, 2.0), np.asarray(dye(rng, 0.02, 0.45))
    color = dyed if rng.random() < 0.55 else denim
    wide = float(rng.choice([0.0045, 0.006, 0.009]))
    grain = Pattern(grain=0.08, seed=int(rng.integers(1 << 16)))
    cut = Bottom(leg=leg, waist=float(rng.uniform(0.2, 0.34)))
    return Garment(cut, as_color(color), grain, wide, float(rng.uniform(0.1, 0.3)))


def _shirt(rng: np.random.Generator, stature_m: float) -> Garment:
    cut = Top(
        sleeve=float(rng.choice([0.02, 0.4, 0.5, 0.6, 0.95, 1.4, 1.9, 1.9])),
        hem=float(rng.uniform(-0.25, 0.1)),
        collar=float(rng.uniform(0.11, 0.22)),
    )
    cloth = cloth_print(rng, stature_m, plain=0.5)
    thick, relief = float(rng.uniform(0.005, 0.011)), float(rng.uniform(0.12, 0.32))
    return Garment(cut, dye(rng, 0.02, 0.8), cloth, thick, relief)


def _layer(rng: np.random.Generator, stature_m: float) -> Garment:
    top = Top(
        sleeve=float(rng.choice([0.02, 1.5, 1.9, 1.9])),
        hem=float(rng.uniform(-0.3, 0.0)),
        collar=float(rng.uniform(0.16, 0.24)),
    )
    cut = OpenTop(top, gap=float(rng.uniform(0.03, 0.16)))
    cloth = cloth_print(rng, stature_m, plain=0.75)
    return Garment(cut, dye(rng, 0.02, 0.6), cloth, 0.006, float(rng.uniform(0.2, 0.35)))


def _shoes(rng: np.random.Generator) -> Sequence[Garment]:
    """Low shoes, trainers or boots, with a sole that stands out all around."""
    upper = Garment(
        Footwear(float(rng.choice([1.94, 1.9, 1.75]))),
        dye(rng, 0.01, 0.25) if rng.random() < 0.65 else dye(rng, 0.3, 0.8),
        Pattern(),
        float(rng.uniform(0.005, 0.007)),
        0.05,
    )
    pale = rng.random() < 0.45
    rubber = np.full(3, rng.uniform(0.5, 0.85) if pale else rng.uniform(0.01, 0.06))
    sole = Sole(float(rng.uniform(0.014, 0.03)))
    return upper, Garment(sole, as_color(rubber), Pattern(), 0.0025, 0.0)
