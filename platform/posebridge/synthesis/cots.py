"""What infants lie on and under: a sheet with their dent in it, blankets, toys, leads, hands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import PoseAngles, SideAngles, rotation_z, swing
from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.meshes import (
    NO_PART,
    Color,
    Material,
    Mesh,
    Pattern,
    PatternKind,
    box,
    grid,
    sphere,
    tube,
)
from posebridge.synthesis.noise import fractal_noise
from posebridge.synthesis.people import Figure, Looks, skin_mesh
from posebridge.synthesis.wardrobe import as_color, dye

Vertices = Float[np.ndarray, "vertex 3"]
Heights = Float[np.ndarray, "row column"]

_CELLS = 128
_COVER_M = 0.008  # the blanket stays this far above the body
_SQUARE = np.ones((3, 3), np.uint8)
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


@dataclass(frozen=True, eq=False)
class Relief:
    """The body seen from above: how high it reaches over each cell of the bed.

    Attributes:
        half_m: the bed spans ±half_m in x and y.
        top: highest point of the body over each cell, -inf where there is none.
        bottom: lowest point of the body over each cell, +inf where there is none.
    """

    half_m: float
    top: Heights
    bottom: Heights

    @property
    def cell_m(self) -> float:
        """Distance between neighbouring cells."""
        return 2 * self.half_m / (_CELLS - 1)

    def folds(self, *, scale_m: float, seed: int) -> Heights:
        """Smooth noise over the bed, about zero; made on every second cell and interpolated."""
        axis = np.linspace(-self.half_m, self.half_m, _CELLS // 2)
        x, y = np.meshgrid(axis, axis)
        points = np.stack([x, y, np.zeros_like(x)], axis=-1)
        coarse = fractal_noise(points, scale=scale_m, octaves=3, seed=seed)
        return cv2.resize(coarse, (_CELLS, _CELLS), interpolation=cv2.INTER_CUBIC)

    def height_at(self, heights: Heights, x: float, y: float) -> float:
        """Value of a map of heights at the cell nearest to a place on the bed."""
        row, column = self._cells(np.array([[x, y]]))
        return float(heights[row[0], column[0]])

    def _cells(self, points: Float[np.ndarray, "point *xyz"]) -> tuple[np.ndarray, np.ndarray]:
        cells = np.rint((points[:, :2] + self.half_m) / self.cell_m).astype(int)
        return tuple(np.clip(cells, 0, _CELLS - 1).T[::-1])  # type: ignore[return-value]


@dataclass(frozen=True)
class Edge:
    """A straight edge on the bed: points with x · `direction` > `offset_m` are covered."""

    direction: tuple[float, float]
    offset_m: float


def relief(skin: Vertices, half_m: float) -> Relief:
    """Heights of the body over a bed of ±`half_m`, z = 0 being the mattress."""
    empty = Relief(half_m, np.empty(0), np.empty(0))
    cells = empty._cells(skin)
    top = np.full((_CELLS, _CELLS), -np.inf)
    bottom = np.full((_CELLS, _CELLS), np.inf)
    np.maximum.at(top, cells, skin[:, 2])
    np.minimum.at(bottom, cells, skin[:, 2])
    return Relief(half_m, top, bottom)


def footprint(body: Relief, *, margin_m: float) -> Heights:
    """1 within `margin_m` of the body, seen from above; 0 elsewhere."""
    size = 2 * round(margin_m / body.cell_m) + 1
    round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate(np.isfinite(body.top).astype(np.float64), round_brush)


def sheet(body: Relief, *, wrinkle_m: float, seed: int) -> Heights:
    """Height of the sheet: wrinkled, and pressed down where the body lies on it."""
    folds = body.folds(scale_m=0.3, seed=seed)
    ridges = wrinkle_m * (1 - np.abs(2.5 * folds))
    pressed = np.minimum(body.bottom, 0.03)
    near = cv2.GaussianBlur((body.bottom < 0.03).astype(np.float64), (0, 0), 2.5)
    near = np.clip(1.5 * near, 0, 1)
    below = np.where(pressed < 0.03, pressed - 0.006, 0.0)
    dent = cv2.GaussianBlur(cv2.erode(np.minimum(below, 0.0), np.ones((3, 3))), (0, 0), 1.2)
    return ridges * (1 - near) + np.minimum(dent, -0.004 * near)


def bed(heights: Heights, half_m: float, color: Color, pattern: Pattern) -> list[Mesh]:
    """The sheet as a mesh, and the floor around and below the mattress."""
    cloth = grid(heights, x_m=(-half_m, half_m), y_m=(-half_m, half_m), color=color)
    floor = box((0.0, 0.0, -0.5), (9.0, 9.0, 0.1), color=as_color(0.6 * np.asarray(color)))
    return [
        replace(cloth, material=Material.CLOTH, bump=0.12, bump_scale=0.03, pattern=pattern),
        floor,
    ]


def blanket(body: Relief, bed_heights: Heights, rng: np.random.Generator, *, edge: Edge) -> Mesh:
    """A blanket over everything beyond an edge, draped over the body.

    It hangs off the body no steeper than cloth does, and never touches the skin.
    """
    bare = np.maximum(np.where(np.isfinite(body.top), body.top, bed_heights), bed_heights)
    cover = cv2.dilate(bare, np.ones((3, 3))) + _COVER_M
    steepest = 1.3 * body.cell_m
    drape = cover
    for brush, reach in ((_CROSS, 1.0), (_SQUARE, 1.41)) * 7:  # in turn they grow an octagon
        drape = np.maximum(drape, cv2.dilate(drape, brush) - reach * steepest)
    drape = np.maximum(cv2.GaussianBlur(drape, (0, 0), 2.5), cover)
    drape = np.maximum(cv2.GaussianBlur(drape, (0, 0), 1.2), cover)
    seed = int(rng.integers(1 << 16))
    folds = body.folds(scale_m=0.2, seed=seed)
    drape = drape + float(rng.uniform(0.006, 0.016)) * np.clip(1 - np.abs(2.5 * folds), 0, 1)
    cloth = grid(
        drape,
        x_m=(-body.half_m, body.half_m),
        y_m=(-body.half_m, body.half_m),
        color=dye(rng, 0.05, 0.9),
    )
    wave = 0.02 * body.folds(scale_m=0.25, seed=seed + 7).ravel()
    inside = cloth.vertices[:, :2] @ np.asarray(edge.direction) - edge.offset_m + wave
    return replace(
        cloth,
        material=Material.CLOTH,
        bump=0.2,
        bump_scale=0.03,
        pattern=bedding_pattern(rng),
        keep=inside.astype(np.float32),
    )


def bedding_pattern(rng: np.random.Generator) -> Pattern:
    """A print of sheets and blankets, in metres on the bed."""
    kinds = (
        PatternKind.PLAIN,
        PatternKind.STRIPES,
        PatternKind.CHECKS,
        PatternKind.DOTS,
        PatternKind.BLOTCHES,
        PatternKind.PRINT,
    )
    angle = float(rng.uniform(0, np.pi))
    return Pattern(
        kind=kinds[int(rng.integers(len(kinds)))],
        color=dye(rng, 0.05, 0.9),
        period_m=float(rng.uniform(0.04, 0.14)),
        direction=(float(np.cos(angle)), float(np.sin(angle)), 0.0),
        across=(float(-np.sin(angle)), float(np.cos(angle)), 0.0),
        coverage=float(rng.uniform(0.2, 0.5)),
        grain=0.08,
        grain_m=0.004,
        seed=int(rng.integers(1 << 16)),
    )


def toy(rng: np.random.Generator, place: tuple[float, float, float]) -> list[Mesh]:
    """A ball, a block, a ring or a soft toy that rests on `place`."""
    makers = (_ball, _block, _ring, _plush)
    return makers[int(rng.integers(len(makers)))](rng, np.asarray(place))


def _ball(rng: np.random.Generator, place: np.ndarray) -> list[Mesh]:
    radius = float(rng.uniform(0.02, 0.045))
    pattern = replace(bedding_pattern(rng), direction=(0.0, 0.0, 1.0), period_m=radius)
    ball = sphere(_lifted(place, radius), radius, color=_bright(rng))
    return [replace(ball, material=Material.GLOSSY, pattern=pattern)]


def _block(rng: np.random.Generator, place: np.ndarray) -> list[Mesh]:
    size = rng.uniform(0.04, 0.12, 3) * [1, 1, 0.6]
    turn = rotation_z(float(rng.uniform(0, 360)))
    width, depth, height = (float(v) for v in size)
    center = _lifted(place, height / 2)
    return [box(center, (width, depth, height), color=_bright(rng), rotation=turn)]


def _ring(rng: np.random.Generator, place: np.ndarray) -> list[Mesh]:
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    radius, thick = float(rng.uniform(0.03, 0.055)), float(rng.uniform(0.007, 0.013))
    circle = radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    path = circle + np.asarray(_lifted(place, thick))
    ring = tube(path, thick, color=_bright(rng), closed=True)
    return [replace(ring, material=Material.GLOSSY)]


def _plush(rng: np.random.Generator, place: np.ndarray) -> list[Mesh]:
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


def lead(rng: np.random.Generator, start: np.ndarray, end: np.ndarray) -> Mesh:
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
    figure, looks = _caregiver(int(rng.integers(6)))
    tone = float(rng.uniform(0, 1))
    mesh = skin_mesh(figure, replace(looks, skin_tone=tone), instance=0)
    keep = np.isin(mesh.parts, (4, 6))
    faces = mesh.faces[keep[mesh.faces].all(axis=1)]
    used, compact = np.unique(faces, return_inverse=True)
    hand = mesh.vertices[keep & (mesh.parts == 6)].mean(axis=0)
    elbow = mesh.vertices[keep & (mesh.parts == 4)].mean(axis=0)
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


@lru_cache(maxsize=6)
def _caregiver(variant: int) -> tuple[Figure, Looks]:
    """One of six adults whose left arm is stretched out, posed once a process."""
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


def _lifted(place: np.ndarray, height: float) -> tuple[float, float, float]:
    return _point(place + [0, 0, height])


def _point(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    x, y, z = values
    return (float(x), float(y), float(z))


def _bright(rng: np.random.Generator) -> Color:
    return dye(rng, 0.03, 0.9)
