"""Canes and walking frames, built down to the floor from the hands that hold them.

Everything stands in the frame of a person who faces -y, floor at z = 0, metres.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.meshes import Color, Material, Mesh, box, tube
from posebridge.synthesis.people import Figure
from posebridge.synthesis.wardrobe import as_color, dye

Point = Float[np.ndarray, "3"]

_WHEEL_M = 0.085
_RUBBER = (0.02, 0.02, 0.02)


def grip(figure: Figure, side: str) -> Point:
    """Middle of a closed hand, between the knuckles and the tips of the fingers."""
    bones = [figure.body.bone(f"finger{i}-{j}.{side}") for i in (2, 3, 4) for j in (1, 3)]
    return np.asarray(figure.bone_heads[bones].mean(axis=0), np.float64)


def walking_aid(rng: np.random.Generator, figure: Figure, hands: str) -> list[Mesh]:
    """What the hands hold; nobody's pixels.

    Args:
        rng: of the aid; drawn from whether there is one or not.
        figure: facing -y.
        hands: "" for nothing, "L" or "R" for a cane, "LR" for a frame.
    """
    wood, metal = as_color(rng.uniform(0.04, 0.3) * np.array([1.0, 0.6, 0.35])), dye(rng, 0.1, 0.6)
    is_wooden, has_wheels = rng.random() < 0.6, rng.random() < 0.65
    if not hands:
        return []
    if len(hands) == 1:
        return _cane(grip(figure, hands), wood if is_wooden else metal)
    return _frame([grip(figure, side) for side in hands], metal, has_wheels=has_wheels)


def _cane(hand: Point, color: Color) -> list[Mesh]:
    """A shaft to the floor, a little ahead of the hand, and a handle across it."""
    foot = np.array([hand[0], hand[1] - 0.1, 0.0])
    handle = hand + np.array([[0, -0.07, 0.0], [0, 0.0, 0.012], [0, 0.05, 0.0]])
    tip = [foot, foot + 0.03 * (hand - foot) / np.linalg.norm(hand - foot)]
    return [
        _bar(color, [hand, foot], 0.011),
        _bar(color, handle, 0.013),
        _bar(_RUBBER, tip, 0.017),
    ]


def _frame(hands: Sequence[Point], color: Color, *, has_wheels: bool) -> list[Mesh]:
    """Two sides, each with a handle in its hand and two posts, joined by bars and a seat."""
    meshes: list[Mesh] = []
    ahead = min(float(hand[1]) for hand in hands) - 0.12
    low = _WHEEL_M if has_wheels else 0.0
    for hand in hands:
        out = np.sign(hand[0] - sum(h[0] for h in hands) / 2)
        x = hand[0] + 0.02 * out
        front = [(x + 0.03 * out, ahead - 0.2, low), (x, ahead, hand[2] - 0.02)]
        handle = [(x, ahead, hand[2] - 0.02), hand, (hand[0], hand[1] + 0.07, hand[2] + 0.005)]
        rear = [(x + 0.03 * out, ahead + 0.3, low), (x, ahead - 0.02, hand[2] - 0.12)]
        meshes += [_bar(color, path, 0.0125) for path in (front, handle, rear)]
        meshes.append(_bar(_RUBBER, handle[1:], 0.019))
        for post in (front, rear):
            meshes.append(_foot(np.array(post[0]), has_wheels=has_wheels))
    left, right = hands[0][0], hands[1][0]
    for z, y in ((0.62, ahead - 0.08), (0.4, ahead - 0.12)):
        meshes.append(_bar(color, [(left, y, z), (right, y, z)], 0.011))
    if has_wheels:
        center = (float(left + right) / 2, ahead - 0.02, 0.52)
        seat = box(center, (abs(float(left - right)) - 0.03, 0.2, 0.03), color=_RUBBER)
        meshes.append(replace(seat, material=Material.CLOTH))
    return meshes


def _foot(at: Point, *, has_wheels: bool) -> Mesh:
    """A wheel around `at`, or a rubber foot that stands there."""
    if not has_wheels:
        return _bar(_RUBBER, [at, at + [0, 0, 0.04]], 0.02)
    angle = np.arange(24) * (2 * np.pi / 24)
    circle = np.stack([0 * angle, np.cos(angle), np.sin(angle)], axis=1)
    center = at + [0, 0, _WHEEL_M - at[2]]
    return tube(center + (_WHEEL_M - 0.014) * circle, 0.014, color=_RUBBER, sides=7, closed=True)


def _bar(color: Color, path: Sequence[object] | np.ndarray, radius: float) -> Mesh:
    points = np.array([np.asarray(point, dtype=np.float64) for point in path])
    return replace(tube(points, radius, color=color, sides=8), material=Material.GLOSSY)
