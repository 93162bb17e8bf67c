"""Triangle meshes with the look of their surface, and the simple shapes scenes are built of."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int, UInt8

Vector = tuple[float, float, float]
Color = tuple[float, float, float]

NO_PART = 255
"""Part of a vertex that belongs to no body part."""


class Material(IntEnum):
    """How a surface answers to light."""

    SKIN = 0
    CLOTH = 1
    SCENERY = 2
    EYE = 3
    HAIR = 4
    GLOSSY = 5


class PatternKind(IntEnum):
    """What is drawn on a surface in its second colour."""

    PLAIN = 0
    STRIPES = 1
    CHECKS = 2
    DOTS = 3
    PRINT = 4
    BLOTCHES = 5
    PLANKS = 6


@dataclass(frozen=True)
class Pattern:
    """A second colour and a grain, computed for every pixel from its rest coordinates.

    Attributes:
        kind: STRIPES vary along `direction`; CHECKS along `direction` and `across`; DOTS are balls
            cut by the surface; PRINT has sharp blobs and BLOTCHES soft ones; PLANKS are boards
            side by side along `direction` with their grain along `across`.
        color: the second colour, linear albedo.
        period_m: distance from one repeat to the next, in rest units.
        direction: unit vector of the rest space.
        across: unit vector of the rest space, perpendicular to `direction`.
        coverage: share of the surface that has the second colour, in [0, 1].
        grain: relative amplitude of fine brightness noise under any kind, 0 for none.
        grain_m: size of that noise, in rest units.
        seed: chooses another layout of the random kinds and of the grain.
    """

    kind: PatternKind = PatternKind.PLAIN
    color: Color = (0.9, 0.9, 0.9)
    period_m: float = 0.05
    direction: Vector = (0.0, 0.0, 1.0)
    across: Vector = (1.0, 0.0, 0.0)
    coverage: float = 0.5
    grain: float = 0.0
    grain_m: float = 0.004
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles, seen from both sides.

    Attributes:
        vertices: positions in the world, metres, z up.
        faces: corners of each triangle, indices into `vertices`.
        colors: linear albedo of each vertex, in [0, 1].
        parts: body part of each vertex, `NO_PART` for none.
        rest: coordinates that stick to the surface when it moves; pattern and bump live in them.
        instance: 0 for scenery, 1 to 254 for people.
        material: how it answers to light.
        bump: strength of the surface relief, 0 for smooth; cloth looks right near 0.2.
        bump_scale: size of the largest bumps, in rest units.
        pattern: second colour and grain.
        keep: a number per vertex, interpolated over the triangles; the surface exists only where
            it is at least 0. None keeps everything. Gives cuts smooth borders.
    """

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]
    colors: Float[np.ndarray, "vertex 3"]
    parts: UInt8[np.ndarray, " vertex"]
    rest: Float[np.ndarray, "vertex 3"]
    instance: int = 0
    material: Material = Material.SCENERY
    bump: float = 0.0
    bump_scale: float = 0.02
    pattern: Pattern = field(default_factory=Pattern)
    keep: Float[np.ndarray, " vertex"] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        if not 0 <= self.instance <= 254:
            raise ValueError(f"instance must be in 0..254, but got {self.instance}.")
        count = len(self.vertices)
        for name in ("colors", "parts", "rest"):
            if len(getattr(self, name)) != count:
                raise ValueError(
                    f"{name} must have one row per vertex, but got {len(getattr(self, name))} "
                    f"for {count} vertices."
                )
        if self.faces.size and not 0 <= self.faces.min() <= self.faces.max() < count:
            raise ValueError(
                f"faces must index the {count} vertices, but go from {self.faces.min()} to "
                f"{self.faces.max()}."
            )


def scenery(
    vertices: Float[np.ndarray, "vertex 3"],
    faces: Int[np.ndarray, "face 3"],
    *,
    rest: Float[np.ndarray, "vertex 3"],
    color: Color,
) -> Mesh:
    """A mesh of one colour that belongs to nobody."""
    count = len(vertices)
    return Mesh(
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        colors=np.tile(np.asarray(color, dtype=np.float32), (count, 1)),
        parts=np.full(count, NO_PART, dtype=np.uint8),
        rest=rest.astype(np.float32),
    )


def box(
    center: Vector,
    size: Vector,
    *,
    color: Color,
    rotation: Float[np.ndarray, "3 3"] | None = None,
) -> Mesh:
    """A cuboid with flat sides; its rest coordinates are its own axes, from its centre."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    sides = np.array(
        [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    )
    rest = (signs * 0.5 * np.asarray(size))[sides.ravel()]
    first = 4 * np.arange(6)[:, None]
    faces = np.concatenate([first + [0, 1, 2], first + [0, 2, 3]])
    turned = rest if rotation is None else rest @ rotation.T
    return scenery(turned + np.asarray(center), faces, rest=rest, color=color)


def sphere(
    center: Vector, radius: float, *, color: Color, rings: int = 16, segments: int = 28
) -> Mesh:
    """A ball; its rest coordinates are the offsets from its centre."""
    polar = np.linspace(0.0, np.pi, rings)
    azimuth = np.arange(segments) * (2 * np.pi / segments)
    around = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros(segments)], axis=1)
    rest = np.sin(polar)[:, None, None] * around
    rest[..., 2] = np.cos(polar)[:, None]
    rest = radius * rest.reshape(-1, 3)
    faces = _strip_faces(rings, segments, wrap_rows=False, wrap_columns=True)
    return scenery(rest + np.asarray(center), faces, rest=rest, color=color)


def tube(
    path: Float[np.ndarray, "point 3"],
    radius: float,
    *,
    color: Color,
    sides: int = 10,
    closed: bool = False,
) -> Mesh:
    """A round tube along `path`; its rest coordinates are (across, across, length along it).

    Args:
        path: centre line, metres; consecutive points must differ.
        radius: of the tube, metres.
        color: linear albedo.
        sides: of the cross-section.
        closed: joins the end to the start; otherwise the ends get flat caps.
    """
    path = np.asarray(path, dtype=np.float64)
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    tangent = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    normal = _transported_normals(tangent)
    angle = np.arange(sides) * (2 * np.pi / sides)
    side = np.cross(tangent, normal)
    cross = normal[:, None] * np.cos(angle)[:, None] + side[:, None] * np.sin(angle)[:, None]
    vertices = (path[:, None] + radius * cross).reshape(-1, 3)
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    ring = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rest = np.concatenate([np.tile(ring, (len(path), 1)), np.repeat(length, sides)[:, None]], 1)
    faces = _strip_faces(len(path), sides, wrap_rows=closed, wrap_columns=True)
    if closed:
        return scenery(vertices, faces, rest=rest, color=color)
    # The caps have vertices of their own, so that their edge stays sharp.
    ends = np.r_[np.arange(sides), len(vertices) - sides + np.arange(sides)]
    fan = np.array([[0, k, k + 1] for k in range(1, sides - 1)])
    caps = len(vertices) + np.concatenate([fan, fan + sides])
    return scenery(
        np.concatenate([vertices, vertices[ends]]),
        np.concatenate([faces, caps]),
        rest=np.concatenate([rest, rest[ends]]),
        color=color,
    )


def grid(
    heights_m: Float[np.ndarray, "row column"],
    *,
    x_m: tuple[float, float],
    y_m: tuple[float, float],
    color: Color,
) -> Mesh:
    """A height field over a rectangle; its rest coordinates are its positions in the world.

    Args:
        heights_m: z, rows from the first to the second number of `y_m`, columns along `x_m`.
        x_m: from and to, metres.
        y_m: from and to, metres.
        color: linear albedo.
    """
    rows, columns = heights_m.shape
    x, y = np.meshgrid(np.linspace(*x_m, columns), np.linspace(*y_m, rows))
    vertices = np.stack([x, y, heights_m], axis=-1).reshape(-1, 3)
    faces = _strip_faces(rows, columns, wrap_rows=False, wrap_columns=False)
    return scenery(vertices, faces, rest=vertices, color=color)


def _strip_faces(
    rows: int, columns: int, *, wrap_rows: bool, wrap_columns: bool
) -> Int[np.ndarray, "face 3"]:
    """Two triangles for every cell of a sheet of rows × columns vertices."""
    index = np.arange(rows * columns).reshape(rows, columns)
    if wrap_rows:
        index = np.concatenate([index, index[:1]])
    if wrap_columns:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2).reshape(-1, 3)


def _transported_normals(tangent: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
    """A unit vector across each tangent that turns as little as it can from one to the next."""
    normals = np.empty_like(tangent)
    previous = np.eye(3)[np.argmin(np.abs(tangent[0]))]
    for i, along in enumerate(tangent):
        across = previous - along * (previous @ along)
        previous = across / np.linalg.norm(across)
        normals[i] = previous
    return normals
