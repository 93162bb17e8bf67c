"""Clothes: what adults and infants wear, in what thickness and in what print."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posebridge.synthesis.meshes import Color, Pattern, PatternKind
from posebridge.synthesis.tailoring import Bottom, Brief, Cut, Footwear, OnePiece, Top


@dataclass(frozen=True)
class Garment:
    """One piece of clothing.

    Attributes:
        cut: what it covers.
        color: linear albedo.
        pattern: what is printed on it; lengths are those of the wearer.
        thickness: distance of the cloth from the skin as a share of the wearer's height.
        relief: strength of its folds.
    """

    cut: Cut
    color: Color
    pattern: Pattern
    thickness: float
    relief: float = 0.2


def adult_outfit(rng: np.random.Generator, stature_m: float) -> tuple[Garment, ...]:
    """Everyday clothes, innermost first: trousers or shorts, a shirt over or in them, shoes."""
    tucked = rng.random() < 0.35
    legs = rng.choice([1.93, 1.93, 1.93, 1.5, 0.85, 0.5])
    denim = np.array([0.05, 0.07, 0.16]) * rng.uniform(0.4, 2.2)
    trousers = np.asarray(dye(rng, 0.02, 0.45)) if rng.random() < 0.5 else denim
    sleeve = rng.choice([0.02, 0.45, 0.6, 1.0, 1.4, 1.9, 1.9])
    top = Top(
        sleeve=float(sleeve),
        hem=float(rng.uniform(0.12, 0.25) if tucked else rng.uniform(-0.2, 0.1)),
        collar=float(rng.uniform(0.11, 0.2)),
    )
    bottom = Bottom(leg=float(legs), waist=float(rng.uniform(0.2, 0.34)))
    shirt = Garment(
        top,
        dye(rng, 0.02, 0.8),
        cloth_print(rng, stature_m, plain=0.5),
        float(rng.uniform(0.006, 0.011)) if not tucked else 0.004,
        float(rng.uniform(0.12, 0.32)),
    )
    pants = Garment(
        bottom,
        as_color(trousers),
        Pattern(grain=0.08, seed=int(rng.integers(1 << 16))),
        float(rng.uniform(0.0045, 0.008)),
        float(rng.uniform(0.1, 0.25)),
    )
    if rng.random() < 0.1:  # barefoot
        return (shirt, pants) if tucked else (pants, shirt)
    shoes = Garment(
        Footwear(float(rng.choice([1.93, 1.9, 1.75]))),
        dye(rng, 0.01, 0.25) if rng.random() < 0.7 else dye(rng, 0.3, 0.8),
        Pattern(),
        float(rng.uniform(0.005, 0.008)),
        0.05,
    )
    return (shirt, pants, shoes) if tucked else (pants, shirt, shoes)


def plain_infant_outfit(rng: np.random.Generator, stature_m: float) -> tuple[Garment, ...]:
    """What MINI-RGBD's infants wear: a diaper, or a short plain bodysuit over it."""
    diaper = _diaper(rng)
    if rng.random() < 0.35:
        return (diaper,)
    suit = OnePiece(sleeve=float(rng.choice([0.5, 0.7, 1.8])), leg=0.0)
    color = dye(rng, 0.45, 0.85)
    return (diaper, Garment(suit, color, Pattern(grain=0.04, grain_m=0.003), 0.012, 0.1))


def infant_outfit(rng: np.random.Generator, stature_m: float) -> tuple[Garment, ...]:
    """A diaper with, mostly, a printed shirt, bodysuit or romper over it, and sometimes socks."""
    diaper = _diaper(rng)
    style = rng.random()
    cut: Cut
    if style < 0.2:
        worn: tuple[Garment, ...] = (diaper,)
    else:
        sleeve = float(rng.choice([0.02, 0.5, 0.7, 1.8, 1.93]))
        if style < 0.35:
            cut = Top(sleeve=sleeve, hem=float(rng.uniform(-0.05, 0.3)), collar=0.2)
        elif style < 0.6:
            cut = OnePiece(sleeve=sleeve, leg=0.0)
        else:
            cut = OnePiece(sleeve=max(sleeve, 1.0), leg=float(rng.choice([0.7, 1.7, 3.5, 3.5])))
        pattern = cloth_print(rng, stature_m, plain=0.25)
        suit = Garment(
            cut,
            dye(rng, 0.08, 0.9),
            pattern,
            float(rng.uniform(0.014, 0.022)),
            float(rng.uniform(0.12, 0.3)),
        )
        worn = (diaper, suit)
    if rng.random() < 0.3:
        socks = Footwear(float(rng.uniform(1.55, 1.8)))
        worn = (*worn, Garment(socks, dye(rng, 0.2, 0.9), Pattern(), 0.012, 0.1))
    return worn


def _diaper(rng: np.random.Generator) -> Garment:
    white = 0.82 + rng.uniform(-0.05, 0.05, 3)
    cut = Brief(waist=float(rng.uniform(0.28, 0.42)), rise=float(rng.uniform(0.55, 0.85)))
    return Garment(cut, as_color(white), Pattern(), float(rng.uniform(0.012, 0.022)), 0.12)


def dye(rng: np.random.Generator, darkest: float, lightest: float) -> Color:
    """A colour of cloth or paint, anything from grey to vivid, as such colours are."""
    color = rng.uniform(darkest, lightest, 3)
    return as_color(color.mean() + rng.uniform(0.1, 1.0) * (color - color.mean()))


def as_color(values: NDArray[np.float64]) -> Color:
    """Three numbers as a colour, clipped to [0, 1]."""
    red, green, blue = np.clip(values, 0.0, 1.0)
    return (float(red), float(green), float(blue))


def cloth_print(rng: np.random.Generator, stature_m: float, *, plain: float) -> Pattern:
    """A pattern scaled to the wearer; `plain` is the probability of none."""
    seed = int(rng.integers(1 << 16))
    kinds = (
        PatternKind.STRIPES,
        PatternKind.CHECKS,
        PatternKind.DOTS,
        PatternKind.PRINT,
        PatternKind.BLOTCHES,
    )
    kind = kinds[int(rng.integers(len(kinds)))]
    color = dye(rng, 0.03, 0.9)
    size = stature_m * float(rng.uniform(0.018, 0.06))
    upright = bool(rng.random() < 0.3)
    coverage = float(rng.uniform(0.2, 0.5))
    if rng.random() < plain:
        return Pattern(grain=0.06, grain_m=0.003, seed=seed)
    return Pattern(
        kind=kind,
        color=color,
        period_m=size,
        direction=(1.0, 0.0, 0.0) if upright else (0.0, 0.0, 1.0),
        across=(0.0, 0.0, 1.0) if upright else (1.0, 0.0, 0.0),
        coverage=coverage,
        grain=0.05,
        grain_m=0.003,
        seed=seed,
    )
