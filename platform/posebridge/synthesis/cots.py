"""What infants lie on and under: a sheet with their dent in it, and blankets."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float

from posebridge.synthesis.meshes import Color, Material, Mesh, Pattern, PatternKind, box, grid
from posebridge.synthesis.noise import fractal_noise
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
        fine = cv2.resize(coarse, (_CELLS, _CELLS), interpolation=cv2.INTER_CUBIC)
        return np.asarray(fine)

    def height_at(self, heights: Heights, x: float, y: float) -> float:
        """Value of a map of heights at the cell nearest to a place on the bed."""
        row, column = self._cells(np.array([[x, y]]))
        return float(heights[row[0], column[0]])

    def _cells(self, points: Float[np.ndarray, "point ..."]) -> tuple[np.ndarray, np.ndarray]:
        cells = np.rint((points[:, :2] + self.half_m) / self.cell_m).astype(int)
        return tuple(np.clip(cells, 0, _CELLS - 1).T[::-1])


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
    return np.asarray(cv2.dilate(np.isfinite(body.top).astype(np.float64), round_brush))


def sheet(body: Relief, *, wrinkle_m: float, seed: int) -> Heights:
    """Height of the sheet: wrinkled, and pressed down where the body lies on it."""
    folds = body.folds(scale_m=0.3, seed=seed)
    ridges = wrinkle_m * (1 - np.abs(2.5 * folds))
    pressed = np.minimum(body.bottom, 0.03)
    near = cv2.GaussianBlur((body.bottom < 0.03).astype(np.float64), (0, 0), 2.5)
    near = np.clip(1.5 * near, 0, 1)
    below = np.where(pressed < 0.03, pressed - 0.006, 0.0)
    dent = cv2.GaussianBlur(cv2.erode(np.minimum(below, 0.0), np.ones((3, 3))), (0, 0), 1.2)
    return np.asarray(ridges * (1 - near) + np.minimum(dent, -0.004 * near))


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
