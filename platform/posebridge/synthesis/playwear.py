"""What toddlers wear at home: a shirt or a suit, trousers or a diaper, socks or shoes."""

import numpy as np

from posebridge.synthesis.layers import Sole
from posebridge.synthesis.meshes import Pattern
from posebridge.synthesis.tailoring import Bottom, Brief, Footwear, OnePiece, Top
from posebridge.synthesis.wardrobe import Garment, as_color, cloth_print, dye

_GRAIN = Pattern(grain=0.06, grain_m=0.003)


def playwear(rng: np.random.Generator, stature_m: float) -> tuple[Garment, ...]:
    """Clothes of a toddler, innermost first.

    Args:
        rng: of the clothes; every draw is made whether it is used or not.
        stature_m: height of the wearer.
    """
    diaper, shirt = _diaper(rng), _shirt(rng, stature_m)
    trousers, suit = _trousers(rng, stature_m), _suit(rng, stature_m)
    style, feet = rng.random(), _feet(rng)
    if style < 0.12:
        worn: tuple[Garment, ...] = (diaper, shirt)
    elif style < 0.3:
        worn = (diaper, suit)
    else:
        worn = (diaper, trousers, shirt)
    return (*worn, *feet)


def _diaper(rng: np.random.Generator) -> Garment:
    cut = Brief(waist=float(rng.uniform(0.3, 0.42)), rise=float(rng.uniform(0.55, 0.85)))
    return Garment(cut, as_color(0.8 + rng.uniform(-0.05, 0.05, 3)), Pattern(), 0.012, 0.12)


def _shirt(rng: np.random.Generator, stature_m: float) -> Garment:
    cut = Top(
        sleeve=float(rng.choice([0.02, 0.5, 0.7, 1.85, 1.9])),
        hem=float(rng.uniform(-0.25, 0.1)),
        collar=float(rng.uniform(0.15, 0.22)),
    )
    cloth = cloth_print(rng, stature_m, plain=0.3)
    return Garment(cut, dye(rng, 0.05, 0.9), cloth, 0.011, float(rng.uniform(0.12, 0.3)))


def _trousers(rng: np.random.Generator, stature_m: float) -> Garment:
    cut = Bottom(leg=float(rng.choice([0.6, 0.9, 1.85, 1.9, 1.93])), waist=0.38)
    cloth = cloth_print(rng, stature_m, plain=0.7)
    return Garment(cut, dye(rng, 0.03, 0.7), cloth, 0.008, float(rng.uniform(0.1, 0.25)))


def _suit(rng: np.random.Generator, stature_m: float) -> Garment:
    sleeve, length = rng.choice([0.5, 1.0, 1.9]), rng.choice([0.6, 1.85, 1.93])
    cut = OnePiece(sleeve=float(sleeve), leg=float(length))
    cloth = cloth_print(rng, stature_m, plain=0.3)
    return Garment(cut, dye(rng, 0.05, 0.9), cloth, 0.013, float(rng.uniform(0.12, 0.3)))


def _feet(rng: np.random.Generator) -> tuple[Garment, ...]:
    """Bare, in socks, or in small shoes."""
    color, start = dye(rng, 0.05, 0.9), float(rng.uniform(1.6, 1.85))
    sock = Garment(Footwear(start), color, _GRAIN, 0.006, 0.08)
    shoe = Garment(Footwear(1.9), dye(rng, 0.02, 0.7), Pattern(), 0.009, 0.05)
    rubber = as_color(np.full(3, rng.uniform(0.02, 0.85)))
    sole = Garment(Sole(0.013), rubber, Pattern(), 0.003, 0.0)
    return ((), (sock,), (shoe, sole))[int(rng.integers(3))]
