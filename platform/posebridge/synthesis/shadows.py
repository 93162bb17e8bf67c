"""How much light reaches a surface: cast shadows of lights, and ambient light kept out nearby."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32

from posebridge.synthesis.batching import Batch
from posebridge.synthesis.compiled import compiled, inlined
from posebridge.synthesis.rasterizer import rasterize
from posebridge.synthesis.surfels import Surfels
from posebridge.synthesis.vectors import bounds, cross

MAX_MAP_SIZE = 2048

TURNS = 64
BLOCKER_TAPS, SHADOW_TAPS, AMBIENT_TAPS = 12, 20, 14


def _spiral(taps: int, power: float) -> Float[np.ndarray, "turn tap 2"]:
    """Points of the unit disc, the whole set turned a little further in each row.

    Args:
        taps: number of points.
        power: 0.5 spreads them evenly, more gathers them in the middle.
    """
    reach = ((np.arange(taps) + 0.5) / taps) ** power
    golden_angle = np.pi * (3.0 - np.sqrt(5.0))
    turn = np.arange(TURNS)[:, None] * (2.0 * np.pi / TURNS)
    angle = golden_angle * np.arange(taps) + turn
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=-1)


BLOCKER_SPIRAL = _spiral(BLOCKER_TAPS, 0.5)
SHADOW_SPIRAL = _spiral(SHADOW_TAPS, 0.5)
AMBIENT_SPIRAL = _spiral(AMBIENT_TAPS, 1.0)


class ShadowMap(NamedTuple):
    """The scene as a light far away sees it.

    Attributes:
        depth: along the light, metres; inf for nothing.
        from_world: rows right, down and away from the light.
        corner: smallest right and down coordinates on the map, metres.
        texels_per_m: scale of the map.
    """

    depth: Float[np.ndarray, "row column"]
    from_world: Float[np.ndarray, "3 3"]
    corner: Float[np.ndarray, " 2"]
    texels_per_m: float


def shadow_map(
    batch: Batch,
    receivers: Float[np.ndarray, "point 3"],
    *,
    direction: Float[np.ndarray, " 3"],
    size: int,
) -> ShadowMap:
    """Look at a scene from a light.

    Args:
        batch: everything that casts shadows.
        receivers: the map is just large enough for these points of the world.
        direction: unit vector towards the light, world.
        size: of the longer side of the map.
    """
    right = cross(direction, np.eye(3)[np.argmin(np.abs(direction))])
    right /= np.linalg.norm(right)
    from_world = np.stack([right, cross(-direction, right), -direction])
    seen = receivers @ from_world[:2].T.astype(receivers.dtype)
    low, high = (edge.astype(np.float64) for edge in bounds(seen))
    margin = 2
    texels_per_m = (size - 2 * margin) / max(float((high - low).max()), 1e-3)
    corner = low - margin / texels_per_m
    columns, rows = np.ceil((high - corner) * texels_per_m).astype(int) + margin
    local = batch.vertices.astype(np.float64) @ from_world.T
    points = np.ones((len(local), 4))
    points[:, :2] = (local[:, :2] - corner) * texels_per_m
    points[:, 3] = local[:, 2]
    fragments = rasterize(points, batch.keep, batch.faces, height=int(rows), width=int(columns))
    return ShadowMap(fragments.depth, from_world, corner, texels_per_m)


def lit_share(
    surfels: Surfels, occluders: ShadowMap, *, width: int, softness_deg: float
) -> Float32[np.ndarray, " surfel"]:
    """Share of a light that reaches each surfel past the other surfaces, in [0, 1].

    Shadows are the softer, the farther they fall from what casts them.

    Args:
        surfels: what receives the light.
        occluders: the scene as the light sees it.
        width: of the picture, pixels.
        softness_deg: angular radius of the light.

    Sources:
        [0] Fernando, Percentage-closer soft shadows, 2005.
    """
    return _lit_share(surfels, occluders, width, float(np.tan(np.deg2rad(softness_deg))))


@inlined
def _turn(pixel: int, width: int) -> int:
    """A row of the spirals for each pixel, different between neighbours without visible repeat.

    Sources:
        [0] Jimenez, Next generation post processing in Call of Duty, 2014 (gradient noise).
    """
    t = 0.06711056 * (pixel % width) + 0.00583715 * (pixel // width)
    t = 52.9829189 * (t - np.floor(t))
    return int(TURNS * (t - np.floor(t)))


@inlined
def _cover(
    depth: np.ndarray,
    spot: tuple[float, float, float],
    plane: tuple[float, float],
    x: float,
    y: float,
) -> float:
    """Metres by which the map hides the plane of a receiver at an offset; at most 0 if open."""
    row, column = int(np.floor(spot[1] + y)), int(np.floor(spot[0] + x))
    if row < 0 or column < 0 or row >= depth.shape[0] or column >= depth.shape[1]:
        return 0.0
    return float(spot[2] + plane[0] * x + plane[1] * y - depth[row, column])


@inlined
def _lit(
    occluders: ShadowMap,
    spot: tuple[float, float, float],
    plane: tuple[float, float],
    turn: int,
    softness: float,
) -> float:
    """Share of the light at one receiver; `softness` is its radius in texels per metre."""
    search = min(max(0.25 * softness, 1.5), 24.0)
    blockers, gap = 0, 0.0
    for tap in range(BLOCKER_TAPS):
        x, y = search * BLOCKER_SPIRAL[turn, tap, 0], search * BLOCKER_SPIRAL[turn, tap, 1]
        cover = _cover(occluders.depth, spot, plane, x, y)
        if cover > 0.0:
            blockers += 1
            gap += cover
    if blockers == 0:
        return 1.0
    reach = min(max(gap / blockers * softness, 1.0), 32.0)
    free = 0
    for tap in range(SHADOW_TAPS):
        x, y = reach * SHADOW_SPIRAL[turn, tap, 0], reach * SHADOW_SPIRAL[turn, tap, 1]
        if _cover(occluders.depth, spot, plane, x, y) <= 0.0:
            free += 1
    return free / SHADOW_TAPS


@compiled
def _lit_share(
    surfels: Surfels, occluders: ShadowMap, width: int, tan_softness: float
) -> np.ndarray:
    """Share [surfel] of the light."""
    share = np.ones(surfels.owner.size, np.float32)
    frame, scale = occluders.from_world, occluders.texels_per_m
    spot, normal = np.empty(3), np.empty(3)
    # Stepping off the surface keeps it from shadowing itself by the size of a texel.
    step = 1.5 / scale
    for s in range(surfels.owner.size):
        p, n = surfels.positions[s], surfels.normals[s]
        for k in range(3):
            normal[k] = frame[k, 0] * n[0] + frame[k, 1] * n[1] + frame[k, 2] * n[2]
            spot[k] = frame[k, 0] * p[0] + frame[k, 1] * p[1] + frame[k, 2] * p[2]
            spot[k] += step * normal[k]
        facing = min(normal[2], -0.25) * scale
        x, y = (spot[0] - occluders.corner[0]) * scale, (spot[1] - occluders.corner[1]) * scale
        share[s] = _lit(
            occluders,
            (x, y, spot[2] - 0.5 / scale),
            (-normal[0] / facing, -normal[1] / facing),
            _turn(surfels.pixel[s], width),
            tan_softness * scale,
        )
    return share


def ambient_share(
    surfels: Surfels, *, height: int, width: int, radius_m: float
) -> Float32[np.ndarray, "height width"]:
    """Share of the ambient light that near surfaces leave to each pixel, in [0, 1].

    Only surfaces within `radius_m` count, so a body throws no halo on a wall behind it.

    Args:
        surfels: at most one per pixel.
        height: of the picture, pixels.
        width: of the picture, pixels.
        radius_m: how far surfaces keep light from each other.

    Sources:
        [0] McGuire et al., The Alchemy screen-space ambient obscurance algorithm, 2011
            (we differ: quadratic fall-off, golden-angle taps).
    """
    share = _ambient_share(surfels, height, width, radius_m)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), 1.2), dtype=np.float32)


@compiled
def _ambient_share(surfels: Surfels, height: int, width: int, radius_m: float) -> np.ndarray:
    """Share [height, width] before it is smoothed; 1 where there is nothing."""
    pixel, positions, normals = surfels.pixel, surfels.positions, surfels.normals
    # A fourth number a pixel puts each in one line of the processor's memory.
    seen = np.full((height * width, 4), np.nan, np.float32)
    for s in range(pixel.size):
        for k in range(3):
            seen[pixel[s], k] = positions[s, k]
    share = np.ones((height, width), np.float32)
    taps = np.zeros(AMBIENT_TAPS, np.int64)
    for s in range(pixel.size):
        i, j = pixel[s] // width, pixel[s] % width
        reach = min(max(radius_m / surfels.pixel_m[s], 2.0), 0.3 * height)
        _spread(taps, (i, j), reach, _turn(pixel[s], width), (height, width))
        share[i, j] = 1.0 - _obscured(seen, taps, positions, normals, s, radius_m)
    return share


@inlined
def _spread(
    taps: np.ndarray, pixel: tuple[int, int], reach: float, turn: int, shape: tuple[int, int]
) -> None:
    """Fill `taps`, the caller's own, with pixels around one; itself for those outside."""
    (i, j), (height, width) = pixel, shape
    for tap in range(AMBIENT_TAPS):
        row = i + int(np.rint(reach * AMBIENT_SPIRAL[turn, tap, 1]))
        column = j + int(np.rint(reach * AMBIENT_SPIRAL[turn, tap, 0]))
        inside = (row >= 0) & (column >= 0) & (row < height) & (column < width)
        taps[tap] = row * width + column if inside else i * width + j


@inlined
def _obscured(
    seen: np.ndarray,
    taps: np.ndarray,
    positions: np.ndarray,
    normals: np.ndarray,
    s: int,
    radius_m: float,
) -> float:
    """Share of the ambient light that what is seen at the taps keeps from a surfel."""
    px, py, pz = positions[s, 0], positions[s, 1], positions[s, 2]
    nx, ny, nz = normals[s, 0], normals[s, 1], normals[s, 2]
    total = 0.0
    for tap in range(AMBIENT_TAPS):
        q = taps[tap]
        x, y, z = seen[q, 0] - px, seen[q, 1] - py, seen[q, 2] - pz
        squared = x * x + y * y + z * z
        closeness = 1.0 - squared / (radius_m * radius_m)
        if closeness > 0.0 and squared > 0.0:  # neither where nothing is seen
            cosine = (x * nx + y * ny + z * nz) / np.sqrt(squared)
            total += closeness * max(cosine - 0.1, 0.0)
    return min(1.8 * total / AMBIENT_TAPS, 0.9)
