"""Things around and on infants: toys, leads of monitors, a caregiver's hand."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import PoseAngles, SideAngles, rotation_z, swing
from posebridge.synthesis.body import PARTS, Body, Phenotype
from posebridge.synthesis.cots import bedding_pattern
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.meshes import NO_PART, Color, Material, Mesh, box, sphere, tube
from posebridge.synthesis.people import Figure, Looks, skin_mesh
from posebridge.synthesis.wardrobe import as_color, dye

Point = Float[np.ndarray, "3"]

_FOREARM, _HAND = PARTS.index("left_forearm"), PARTS.index("left_hand")
_NUM_CAREGIVERS = 6


def toy(rng: np.random.Generator, place: tuple[float, float, float]) -> list[Mesh]:
    """A ball, a block, a ring or a soft toy that rests on `place`."""
    makers = (_ball, _block, _ring, _plush)
    return makers[int(rng.integers(len(makers)))](rng, np.asarray(place))


def _ball(rng: np.random.Generator, place: Point) -> list[Mesh]:
    radius = float(rng.uniform(0.02, 0.045))
    pattern = replace(bedding_pattern(rng), direction=(0.0, 0.0, 1.0), period_m=radius)
    ball = sphere(_lifted(place, radius), radius, color=_bright(rng))
    return [replace(ball, material=Material.GLOSSY, pattern=pattern)]


def _block(rng: np.random.Generator, place: Point) -> list[Mesh]:
    size = rng.uniform(0.04, 0.12, 3) * [1, 1, 0.6]
    turn = rotation_z(float(rng.uniform(0, 360)))
    width, depth, height = (float(v) for v in size)
    center = _lifted(place, height / 2)
    return [box(center, (width, depth, height), color=_bright(rng), rotation=turn)]


def _ring(rng: np.random.Generator, place: Point) -> list[Mesh]:
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    radius, thick = float(rng.uniform(0.03, 0.055)), float(rng.uniform(0.007, 0.013))
    circle = radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    path = circle + np.asarray(_lifted(place, thick))
    ring = tube(path, thick, color=_bright(rng), closed=True)
    return [replace(ring, material=Material.GLOSSY)]


def _plush(rng: np.random.Generator, place: Point) -> list[Mesh]:
    """A soft toy: body, head, ears and feet of balls."""
    size, color = float(rng.uniform(0.025, 0.04)), _bright(rng)
    turn = rotation_z(float(rng.uniform(0, 360)))
    parts = [
        ((0.0, 0.0, 0.0), 1.0),
        ((0.0, 1.4, 0.1), 0.75),
        ((0.55, 1.95, 0.1), 0.3),
        ((-0.55, 1.95, 0.1), 0.3),
        ((0.7, -0.8, 0.0), 0.45),
        ((-0.7, -0.8, 0.0), 0.45),
    ]
    center = np.asarray(_lifted(place, size))
    return [
        replace(
            sphere(_point(center + turn @ (size * np.asarray(at))), size * share, color=color),
            material=Material.CLOTH,
            bump=0.3,
            bump_scale=0.01,
        )
        for at, share in parts
    ]


def enlarged(
    meshes: Sequence[Mesh], place: tuple[float, float, float], factor: float
) -> list[Mesh]:
    """The same things, `factor` times as large, still resting on `place`."""
    at = np.asarray(place, np.float32)
    return [
        replace(mesh, vertices=at + np.float32(factor) * (mesh.vertices - at)) for mesh in meshes
    ]


def lead(rng: np.random.Generator, start: Point, end: Point) -> Mesh:
    """A wire or tube from one point to another in an arc."""
    middle = (start + end) / 2 + rng.normal(0, 0.08, 3) + [0, 0, 0.12]
    share = np.linspace(0, 1, 40)[:, None]
    path = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
    white = as_color(0.7 + rng.uniform(-0.3, 0.2, 3))
    return replace(
        tube(path, float(rng.uniform(0.0025, 0.005)), color=white), material=Material.GLOSSY
    )


def caregiver_hand(
    rng: np.random.Generator, at: tuple[float, float, float], azimuth_deg: float
) -> list[Mesh]:
    """An adult's forearm and hand that come from `azimuth_deg` and end at `at`.

    Its pixels belong to nobody: instance 0 and no body part.
    """
    figure, looks = _caregiver(int(rng.integers(_NUM_CAREGIVERS)))
    tone = float(rng.uniform(0, 1))
    mesh = skin_mesh(figure, replace(looks, skin_tone=tone), instance=0)
    keep = np.isin(mesh.parts, (_FOREARM, _HAND))
    faces = mesh.faces[keep[mesh.faces].all(axis=1)]
    used, compact = np.unique(faces, return_inverse=True)
    hand = mesh.vertices[keep & (mesh.parts == _HAND)].mean(axis=0)
    elbow = mesh.vertices[keep & (mesh.parts == _FOREARM)].mean(axis=0)
    lay = rotation_z(azimuth_deg) @ swing(hand - elbow, np.array([-1.0, 0.0, -0.3]))
    vertices = (mesh.vertices[used] - hand) @ lay.T + np.asarray(at)
    arm = replace(
        mesh,
        vertices=vertices.astype(np.float32),
        faces=compact.reshape(-1, 3).astype(np.int32),
        colors=mesh.colors[used],
        parts=np.full(len(used), NO_PART, np.uint8),
        rest=mesh.rest[used],
        keep=None,
    )
    return [arm]


@lru_cache(maxsize=_NUM_CAREGIVERS)
def _caregiver(variant: int) -> tuple[Figure, Looks]:
    """One of the adults whose left arm is stretched out, posed once a process."""
    rng = np.random.default_rng(variant)
    body = Body.load()
    arm = SideAngles(
        shoulder=(60.0, 20.0, 0.0),
        elbow=float(rng.uniform(10, 30)),
        wrist=(float(rng.uniform(-20, 20)), float(rng.uniform(-60, 60))),
        fist=float(rng.uniform(5, 45)),
    )
    person = Phenotype(gender=float(rng.random()), weight=float(rng.uniform(0.3, 0.7)))
    shaped = body.shape(person)
    posed = body.pose(shaped, PoseAngles(left=arm), np.eye(3))
    bald = Hair(color=(0.1, 0.1, 0.1), density=0.0, brows=0.0)
    looks = Looks(0.5, 0.3, bald, (0.1, 0.1, 0.1), False, 0.0, variant)
    return Figure(body, shaped, posed.vertices, posed.bone_heads), looks


def _lifted(place: Point, height: float) -> tuple[float, float, float]:
    return _point(place + [0, 0, height])


def _point(values: Sequence[float] | Point) -> tuple[float, float, float]:
    x, y, z = values
    return (float(x), float(y), float(z))


def _bright(rng: np.random.Generator) -> Color:
    return dye(rng, 0.03, 0.9)
