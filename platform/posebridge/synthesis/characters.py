"""Grown people with an appearance: body, looks, clothes and glasses, and what is recorded of them.

Tone of skin, age, gender, build and stature are drawn independently and evenly, so that no band
of one stands for a band of another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from posebridge.synthesis.adult_scenes import HAIR_COLORS, IRIS_COLORS
from posebridge.synthesis.body import Phenotype
from posebridge.synthesis.daywear import daywear
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.head_frames import head_frame
from posebridge.synthesis.headwear import Glasses, bun_mesh, draw_glasses, glasses_meshes
from posebridge.synthesis.people import Dressed, Figure, Looks, dress
from posebridge.synthesis.scenes import Streams, skin_band
from posebridge.synthesis.wardrobe import as_color

ADULT_AGES, ELDER_AGES = (0.58, 0.76), (0.92, 1.0)
"""Of `Phenotype.age`: 0.67 is a young adult, 1 an old one."""

_SILVER = (0.36, 0.62)  # linear grey of hair, from iron to white
_GREYING, _GREY = 0.76, 0.94  # ages between which hair turns


@dataclass(frozen=True)
class Character:
    """Who somebody is, whatever the pose.

    Attributes:
        person: shape of the body.
        looks: skin, face and hair.
        glasses: None for none.
        bun: whether the hair is tied up.
        layered: probability of a cardigan or jacket.
    """

    person: Phenotype
    looks: Looks
    glasses: Glasses | None
    bun: bool
    layered: float


def draw_character(streams: Streams, *, ages: tuple[float, float]) -> Character:
    """Somebody of an age between two; the same streams at other ages give the same rest.

    Args:
        streams: "body", "skin" and "glasses" are read.
        ages: lowest and highest `Phenotype.age`.
    """
    person = _phenotype(streams("body"), ages)
    old = float(np.clip((person.age - _GREYING) / (_GREY - _GREYING), 0, 1))
    looks, bun = _looks(streams("skin"), person, old)
    rng = streams("glasses")
    worn, glasses = rng.random() < 0.22 + 0.38 * old, draw_glasses(rng)
    return Character(person, looks, glasses if worn else None, bun, 0.2 + 0.35 * old)


def dressed_character(
    character: Character, figure: Figure, streams: Streams, *, instance: int
) -> Dressed:
    """The meshes of a posed character; "clothes" is read."""
    rng = streams("clothes")
    outfit = daywear(rng, figure.stature_m, layered=character.layered)
    dressed = dress(figure, character.looks, outfit, instance=instance)
    face, meshes = head_frame(figure), list(dressed.meshes)
    if character.glasses is not None:
        meshes += glasses_meshes(face, character.glasses, instance=instance)
    if character.bun:
        meshes.append(bun_mesh(face, character.looks.hair, instance=instance))
    return replace(dressed, meshes=tuple(meshes))


def traits(character: Character, figure: Figure) -> Mapping[str, str]:
    """What is recorded of somebody, in bands that tables can be split by."""
    return {
        "age": "old" if character.person.age > 0.85 else "adult",
        "skin_tone": skin_band(character.looks.skin_tone),
        "glasses": "no" if character.glasses is None else "yes",
        **body_traits(character.person, figure),
    }


def body_traits(person: Phenotype, figure: Figure) -> Mapping[str, str]:
    """Gender of the body, build and stature."""
    return {
        "gender": _band(person.gender, ("feminine", "androgynous", "masculine"), 0.0, 1.0),
        "build": _band(person.weight, ("slim", "average", "heavy"), 0.25, 0.85),
        "stature_cm": f"{100 * figure.stature_m:.0f}",
    }


def _band(value: float, names: tuple[str, str, str], low: float, high: float) -> str:
    """The third of a range that a value lies in."""
    return names[min(max(int(3 * (value - low) / (high - low)), 0), 2)]


def _phenotype(rng: np.random.Generator, ages: tuple[float, float]) -> Phenotype:
    return Phenotype(
        age=float(rng.uniform(*ages)),
        gender=float(rng.random()),
        muscle=float(rng.uniform(0.3, 0.8)),
        weight=float(rng.uniform(0.25, 0.85)),
        height=float(rng.uniform(0.42, 0.58)),
        proportions=float(rng.uniform(0.3, 0.9)),
        african=float(rng.random()) + 0.01,
        asian=float(rng.random()),
        caucasian=float(rng.random()),
    )


def _looks(rng: np.random.Generator, person: Phenotype, old: float) -> tuple[Looks, bool]:
    """Looks, and whether the hair is tied up; `old` greys and thins the hair."""
    male = person.gender > 0.5
    color = np.asarray(HAIR_COLORS[int(rng.integers(len(HAIR_COLORS)))])
    silver = rng.uniform(*_SILVER) * np.array([1.0, 1.0, 1.02])
    white = old * rng.uniform(0.7, 1.0)
    style, beard = rng.random(), rng.random()
    bald = style < (0.12 + 0.33 * old if male else 0.01 + 0.03 * old)
    bun = not male and style > 0.85
    long = not bun and style > (0.92 if male else 0.4 + 0.25 * old)
    density, thin = rng.uniform(0.05, 0.4), 1 - 0.45 * old * rng.random()
    thickness, length = rng.uniform(0.08, 0.34), rng.uniform(2.0, 7.0 - 3.0 * old)
    hair = Hair(
        color=as_color((1 - white) * color + white * silver),
        density=float(density if bald else 0.95 * thin),
        brows=float(rng.uniform(0.55, 0.95)),
        thickness=0.0 if bald else float(thickness * (1 - 0.4 * old)),
        length=float(length) if long else 0.0,
    )
    looks = Looks(
        skin_tone=float(rng.random()),
        ruddiness=0.35,
        hair=hair,
        iris=IRIS_COLORS[int(rng.integers(len(IRIS_COLORS)))],
        eyes_closed=False,
        stubble=float(rng.uniform(0.1, 0.9)) if male and beard < 0.5 else 0.0,
        seed=int(rng.integers(1 << 16)),
    )
    return looks, bun
