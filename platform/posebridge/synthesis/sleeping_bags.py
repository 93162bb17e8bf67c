"""Sleeping bags of infants who lie: a vest, and below the chest one sack around both legs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float

from posebridge.synthesis.cots import bedding_pattern
from posebridge.synthesis.drapery import draped
from posebridge.synthesis.meshes import NO_PART, Color, Material, Mesh, grid
from posebridge.synthesis.noise import fractal_noise
from posebridge.synthesis.people import Figure
from posebridge.synthesis.seats import skin_of
from posebridge.synthesis.tailoring import FEET, SHINS, THIGHS, TORSO, Top
from posebridge.synthesis.vectors import bounds
from posebridge.synthesis.wardrobe import Garment, dye

Plane = Float[np.ndarray, "point 2"]

_CELL_M = 0.008
_CLEAR_M = 0.024  # of padded cloth from the skin, clothes below it included
_STEEPEST = 0.9  # fall of the cloth beside a leg
_HALF_WIDTH_M = 0.1  # of the sack below the feet
_MARGIN_M = 0.06  # of the sack around the legs, seen from above
_BULGE = 0.65  # height of the sack's side: this times the root of the distance from its edge
_NOWHERE = -9.0
_CHEST = 0.3  # of the way from the shoulders to the hips, where the sack begins
_OVERLAP_M = 0.03  # of the vest below the sack
_LEGS_UP_M = 0.3  # legs raised higher than this are not put into a sack


@dataclass(frozen=True, eq=False)
class SleepingBag:
    """What an infant sleeps in.

    Attributes:
        vest: its upper part, worn over other clothes.
        sack: its lower part, in the world.
        down: direction from the shoulders to the hips, seen from above.
        start_m: where the sack begins along it.
    """

    vest: Garment
    sack: Mesh
    down: Float[np.ndarray, " 2"]
    start_m: float

    @property
    def surface(self) -> Float[np.ndarray, "point 3"]:
        """The points of the sack."""
        keep = self.sack.keep
        return np.asarray(self.sack.vertices if keep is None else self.sack.vertices[keep >= 0])

    def put_on(self, meshes: Sequence[Mesh]) -> tuple[Mesh, ...]:
        """The meshes of the infant without what is inside the sack, and the sack."""
        return (*(self._outside(mesh) for mesh in meshes), self.sack)

    def _outside(self, mesh: Mesh) -> Mesh:
        inside = self.start_m + _OVERLAP_M - mesh.vertices[:, :2] @ self.down
        hidden = np.isin(mesh.parts, (TORSO, *THIGHS, *SHINS, *FEET))
        keep = np.ones(len(mesh.vertices)) if mesh.keep is None else mesh.keep
        clipped = np.where(hidden, np.minimum(keep, inside), keep)
        return replace(mesh, keep=clipped.astype(np.float32))


def sleeping_bag(figure: Figure, rng: np.random.Generator) -> SleepingBag | None:
    """The bag of one who lies; None where the legs are not below the chest, or in the air.

    Args:
        figure: on the mattress, z = 0.
        rng: of cut and cloth; every draw is made whether there is a bag or not.
    """
    color, pattern, seed = dye(rng, 0.1, 0.9), bedding_pattern(rng), int(rng.integers(1 << 16))
    below_feet_m, wrinkle_m = float(rng.uniform(0.0, 0.07)), float(rng.uniform(0.004, 0.01))
    down = _down(figure)
    if down is None:
        return None
    start_m = _start(figure, down)
    legs = skin_of(figure, *THIGHS, *SHINS, *FEET)
    if (legs[:, :2] @ down).min() < start_m or legs[:, 2].max() > _LEGS_UP_M:
        return None
    trunk = skin_of(figure, TORSO)
    inside = np.concatenate([legs, trunk[trunk[:, :2] @ down > start_m]])
    outline = _outline(inside[:, :2], down, below_feet_m)
    sack = _sack(figure.skin, outline, (down, start_m), color)
    folds = 0.5 + fractal_noise(sack.rest, scale=0.16, octaves=2, seed=seed)
    lift = wrinkle_m * np.clip(folds, 0, 1)[:, None] * [0.0, 0.0, 1.0]
    sack = replace(sack, vertices=(sack.vertices + lift).astype(np.float32), pattern=pattern)
    vest = Garment(Top(sleeve=0.06, hem=0.0, collar=0.2), color, pattern, 0.016, 0.15)
    return SleepingBag(vest, sack, down, start_m)


def _down(figure: Figure) -> Float[np.ndarray, " 2"] | None:
    """Direction from the shoulders to the hips seen from above; None for who does not lie."""
    points = figure.keypoints
    spine = points[11:13].mean(axis=0) - points[5:7].mean(axis=0)
    length = float(np.linalg.norm(spine[:2]))
    return np.asarray(spine[:2] / length) if length > abs(float(spine[2])) else None


def _start(figure: Figure, down: Float[np.ndarray, " 2"]) -> float:
    """Where the sack begins along the body."""
    shoulders, hips = figure.keypoints[5:7, :2].mean(axis=0), figure.keypoints[11:13, :2].mean(0)
    return float(((1 - _CHEST) * shoulders + _CHEST * hips) @ down)


def _outline(points: Plane, down: Float[np.ndarray, " 2"], below_feet_m: float) -> Plane:
    """The convex hull of what is inside, seen from above, and of the wide end below the feet."""
    across = np.array([-down[1], down[0]])
    end = float((points @ down).max() + below_feet_m) * down
    middle = float((points @ across).mean()) * across
    corners = [end + middle + side * _HALF_WIDTH_M * across for side in (-1.0, 1.0)]
    hull = cv2.convexHull(np.concatenate([points, corners]).astype(np.float32))
    return np.asarray(hull[:, 0], dtype=np.float64)


def _sack(
    skin: Float[np.ndarray, "point 3"],
    outline: Plane,
    edge: tuple[Float[np.ndarray, " 2"], float],
    color: Color,
) -> Mesh:
    """The cloth over the outline, draped over all skin below it and down to the mattress."""
    low, high = bounds(outline)
    low, high = low - 2 * _MARGIN_M, high + 2 * _MARGIN_M
    columns, rows = np.ceil((high - low) / _CELL_M).astype(int) + 1
    over = skin[((skin[:, :2] > low) & (skin[:, :2] < high)).all(axis=1)]
    bare = np.full((rows, columns), _NOWHERE, np.float32)
    column, row = np.rint((over[:, :2] - low) / _CELL_M).astype(int).T
    np.maximum.at(bare, (row, column), over[:, 2])
    cloth = draped(bare, clear_m=_CLEAR_M, fall_m=_STEEPEST * _CELL_M)
    x, y = low[0] + _CELL_M * np.arange(columns), low[1] + _CELL_M * np.arange(rows)
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    depth = _MARGIN_M + _inside(places, outline)
    side = _BULGE * np.sqrt(np.maximum(depth, 0.0))
    loose = cv2.GaussianBlur(np.maximum(cloth, 0.02), (0, 0), 2.5)
    covered = cv2.dilate(bare, np.ones((3, 3), np.uint8)) + np.float32(_CLEAR_M / 2)
    heights = np.maximum(np.minimum(np.maximum(loose, cloth).ravel(), side), covered.ravel())
    direction, start = edge
    keep = np.minimum(depth, places @ direction - start)
    ends = ((float(x[0]), float(x[-1])), (float(y[0]), float(y[-1])))
    sheet = grid(heights.reshape(rows, columns), x_m=ends[0], y_m=ends[1], color=color)
    return replace(
        sheet,
        instance=1,
        parts=np.full(len(places), NO_PART, np.uint8),
        material=Material.CLOTH,
        bump=0.22,
        bump_scale=0.03,
        keep=keep.astype(np.float32),
    )


def _inside(places: Plane, outline: Plane) -> Float[np.ndarray, " point"]:
    """Distance inside a convex outline, metres; negative outside."""
    ahead = np.roll(outline, -1, axis=0) - outline
    normals = (
        np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) / np.linalg.norm(ahead, axis=1)[:, None]
    )
    if _turns_right(outline):
        normals = -normals
    distances = places @ normals.T - np.einsum("ij,ij->i", outline, normals)
    return np.asarray(distances.min(axis=1))


def _turns_right(outline: Plane) -> bool:
    (x, y), (next_x, next_y) = outline.T, np.roll(outline, -1, axis=0).T
    return float((x * next_y - next_x * y).sum()) < 0.0
