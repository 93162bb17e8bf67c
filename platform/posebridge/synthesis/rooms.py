"""Rooms that adults stand in: a floor, a wall, furniture, pictures and light."""

import numpy as np

from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.meshes import Color, Material, Mesh, Pattern, PatternKind, box
from posebridge.synthesis.scenes import vector
from posebridge.synthesis.shading import Ambient, Light
from posebridge.synthesis.wardrobe import as_color, dye

WALL_M = 2.2
"""Distance of the wall behind the person, who stands at the origin, metres."""


def room(rng: np.random.Generator) -> list[Mesh]:
    """Everything around an adult at the origin who faces -y, towards the camera.

    Args:
        rng: the stream of the background.
    """
    floor = _look(
        box((0.0, -1.0, -0.05), (14.0, 9.0, 0.1), color=dye(rng, 0.1, 0.6)),
        _floor_pattern(rng),
        0.03,
    )
    tint = rng.uniform(0.45, 0.85) + rng.uniform(-0.15, 0.15, 3)
    wall = _look(
        box((0.0, WALL_M + 0.05, 2.5), (14.0, 0.1, 5.2), color=as_color(tint)),
        _wall_pattern(rng),
        0.04,
    )
    furniture = [_furniture(rng) for _ in range(int(rng.integers(2, 7)))]
    pictures = [_picture(rng) for _ in range(int(rng.integers(0, 3)))]
    skirting = box((0.0, WALL_M - 0.01, 0.05), (14.0, 0.03, 0.1), color=as_color(tint * 0.7))
    return [floor, wall, skirting, *furniture, *pictures]


def room_light(rng: np.random.Generator) -> tuple[tuple[Light, ...], Ambient]:
    """A window or lamp before the person, on either side, and light from the walls."""
    warmth, strength = rng.uniform(-0.1, 0.16), rng.uniform(0.55, 1.1)
    key = Light(
        direction=(float(rng.uniform(-1, 1)), -1.0, float(rng.uniform(0.6, 1.4))),
        color=vector(strength * np.array([1 + warmth, 1.0, 1 - warmth])),
        softness_deg=float(rng.uniform(1, 8)),
    )
    sky = np.array([0.3, 0.31, 0.34]) * rng.uniform(0.7, 1.3)
    return (key,), Ambient(sky=vector(sky), ground=vector(0.55 * sky))


def _look(mesh: Mesh, pattern: Pattern, relief: float) -> Mesh:
    return Mesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        colors=mesh.colors,
        parts=mesh.parts,
        rest=mesh.rest,
        material=Material.SCENERY,
        bump=relief,
        bump_scale=0.3,
        pattern=pattern,
    )


def _floor_pattern(rng: np.random.Generator) -> Pattern:
    kinds = (PatternKind.PLANKS, PatternKind.PLAIN, PatternKind.CHECKS, PatternKind.BLOTCHES)
    return Pattern(
        kind=kinds[int(rng.integers(len(kinds)))],
        color=dye(rng, 0.1, 0.6),
        period_m=float(rng.uniform(0.15, 0.5)),
        direction=(1.0, 0.0, 0.0),
        across=(0.0, 1.0, 0.0),
        coverage=float(rng.uniform(0.2, 0.5)),
        grain=0.1,
        grain_m=0.02,
        seed=int(rng.integers(1 << 16)),
    )


def _wall_pattern(rng: np.random.Generator) -> Pattern:
    kinds = (PatternKind.PLAIN, PatternKind.PLAIN, PatternKind.STRIPES, PatternKind.PRINT)
    return Pattern(
        kind=kinds[int(rng.integers(len(kinds)))],
        color=dye(rng, 0.4, 0.9),
        period_m=float(rng.uniform(0.08, 0.5)),
        direction=(1.0, 0.0, 0.0),
        across=(0.0, 0.0, 1.0),
        coverage=float(rng.uniform(0.1, 0.5)),
        grain=0.05,
        grain_m=0.05,
        seed=int(rng.integers(1 << 16)),
    )


def _furniture(rng: np.random.Generator) -> Mesh:
    """A cupboard, a shelf or a box at the wall, seldom right behind the person."""
    height = float(rng.uniform(0.3, 1.8))
    x = float(rng.choice([-1, 1]) * rng.uniform(0.2, 2.8))
    y = float(rng.uniform(1.2, 2.0))
    size = (float(rng.uniform(0.3, 1.1)), float(rng.uniform(0.2, 0.5)), height)
    turn = rotation_z(float(rng.uniform(-18, 18)))
    cupboard = box((x, y, height / 2), size, color=_paint(rng), rotation=turn)
    pattern = Pattern(
        kind=PatternKind.STRIPES if rng.random() < 0.4 else PatternKind.PLAIN,
        color=_paint(rng),
        period_m=float(rng.uniform(0.15, 0.5)),
        coverage=float(rng.uniform(0.05, 0.6)),
        grain=0.08,
        grain_m=0.02,
        seed=int(rng.integers(1 << 16)),
    )
    return _look(cupboard, pattern, 0.02)


def _picture(rng: np.random.Generator) -> Mesh:
    center = (float(rng.uniform(-1.8, 1.8)), WALL_M - 0.01, float(rng.uniform(1.3, 2.1)))
    size = (float(rng.uniform(0.3, 0.9)), 0.04, float(rng.uniform(0.3, 0.8)))
    pattern = Pattern(
        kind=PatternKind.BLOTCHES if rng.random() < 0.6 else PatternKind.PRINT,
        color=_paint(rng),
        period_m=float(rng.uniform(0.08, 0.4)),
        seed=int(rng.integers(1 << 16)),
    )
    return _look(box(center, size, color=_paint(rng)), pattern, 0.0)


def _paint(rng: np.random.Generator) -> Color:
    return dye(rng, 0.05, 0.75)
