"""What stands off a head beside hair: glasses and buns, fitted to the face at rest."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.hair import Hair
from posebridge.synthesis.head_frames import HEAD, HeadFrame
from posebridge.synthesis.meshes import Color, Material, Mesh, Pattern, sphere, tube
from posebridge.synthesis.wardrobe import as_color

Points = Float[np.ndarray, "point 3"]

_RIM_POINTS = 20
_CLEAR = 0.08  # of the temples from the skin, in distances between the eyes
_AHEAD = 0.06  # of the rims before the brows and cheeks


@dataclass(frozen=True)
class Glasses:
    """A pair of spectacles; lengths in distances between the eyes.

    Attributes:
        half_width: of one rim.
        half_height: of one rim.
        squareness: 2 is an ellipse, more has corners.
        thickness: radius of the frame.
        color: linear albedo.
    """

    half_width: float
    half_height: float
    squareness: float
    thickness: float
    color: Color


def draw_glasses(rng: np.random.Generator) -> Glasses:
    """Round or square, of wire or of thick plastic, mostly dark."""
    dark = rng.random() < 0.75
    color = rng.uniform(0.005, 0.06, 3) if dark else rng.uniform(0.15, 0.6, 3)
    return Glasses(
        half_width=float(rng.uniform(0.34, 0.43)),
        half_height=float(rng.uniform(0.24, 0.34)),
        squareness=float(rng.uniform(2.0, 4.0)),
        thickness=float(rng.uniform(0.022, 0.05)),
        color=as_color(color),
    )


def glasses_meshes(face: HeadFrame, glasses: Glasses, *, instance: int) -> list[Mesh]:
    """Rims, bridge and temples on a head; they belong to the person."""
    front = _front(face)
    paths: list[tuple[Points, bool]] = [(_bridge(glasses, front), False)]
    for side in (-1.0, 1.0):
        paths += [(_rim(glasses, side, front), True), (_temple(face, glasses, side), False)]
    return [
        _worn(
            tube(
                face.in_world(path),
                glasses.thickness * face.span_m,
                color=glasses.color,
                sides=5,
                closed=closed,
            ),
            instance,
            Material.GLOSSY,
        )
        for path, closed in paths
    ]


def bun_mesh(face: HeadFrame, hair: Hair, *, instance: int) -> Mesh:
    """Hair tied up at the back of the head."""
    behind = face.head[np.abs(face.head[:, 2] - 0.6) < 0.4]
    center = np.array([[0.0, float(behind[:, 1].max()) + 0.15, 0.6]])
    x, y, z = face.in_world(center)[0]
    ball = sphere((float(x), float(y), float(z)), 0.5 * face.span_m, color=hair.color, rings=10)
    grain = Pattern(grain=0.5, grain_m=0.06 * face.span_m)
    knot = replace(ball, bump=0.5, bump_scale=0.2 * face.span_m, pattern=grain)
    return _worn(knot, instance, Material.HAIR)


def _front(face: HeadFrame) -> float:
    """How far before the eyes the rims stay clear of the brows and the cheeks."""
    x, y, z = face.head.T
    around = (np.abs(np.abs(x) - 0.5) < 0.4) & (np.abs(z + 0.05) < 0.38)
    return float(y[around].min()) - _AHEAD


def _rim(glasses: Glasses, side: float, front: float) -> Points:
    """A closed superellipse about one eye, a little further back outside, as faces curve."""
    angle = np.arange(_RIM_POINTS) * (2 * np.pi / _RIM_POINTS)
    power = 2.0 / glasses.squareness
    x = glasses.half_width * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    z = glasses.half_height * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    return np.stack([side * (0.5 + x), front + 0.15 * np.maximum(x, 0), z - 0.05], axis=1)


def _bridge(glasses: Glasses, front: float) -> Points:
    inner = 0.5 - glasses.half_width
    x = np.linspace(-inner, inner, 4)
    return np.stack([x, np.full(4, front - 0.03), np.full(4, 0.08)], axis=1)


def _temple(face: HeadFrame, glasses: Glasses, side: float) -> Points:
    """From the outer end of a rim past the widest place of the head to the top of the ear."""
    mine = face.head[:, 0] * side > 0
    ear = face.head[mine & (face.ears > 0.5)]
    ear_y = float(np.percentile(ear[:, 1], 25))
    level = mine & (face.ears < 0.05) & (np.abs(face.head[:, 2]) < 0.35)
    level &= face.head[:, 1] < ear_y
    widest = float(np.abs(face.head[level, 0]).max()) + _CLEAR
    outer = 0.5 + glasses.half_width
    x = [outer, max(widest, outer), widest]
    y = [_front(face) + 0.15 * glasses.half_width, 0.1, ear_y]
    return np.stack([side * np.array(x), np.array(y), np.array([0.1, 0.1, 0.05])], axis=1)


def _worn(mesh: Mesh, instance: int, material: Material) -> Mesh:
    parts = np.full(len(mesh.vertices), HEAD, np.uint8)
    return replace(mesh, instance=instance, parts=parts, material=material)
