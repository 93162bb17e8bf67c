"""How much light reaches a surface: cast shadows of lights, and ambient light kept out nearby."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32

from posebridge.synthesis.batching import Batch
from posebridge.synthesis.compiled import compiled
from posebridge.synthesis.rasterizer import rasterize
from posebridge.synthesis.surfels import Surfels

GOLDEN_ANGLE = 2.399963229728653
MAX_MAP_SIZE = 2048
AMBIENT_TAPS = 14


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


def lit_share(
    batch: Batch,
    surfels: Surfels,
    *,
    direction: Float[np.ndarray, " 3"],
    softness_deg: float,
) -> Float32[np.ndarray, "height width"]:
    """Share of a light that reaches each pixel past the other surfaces, in [0, 1].

    Args:
        batch: everything that casts shadows.
        surfels: what receives them.
        direction: unit vector towards the light, world.
        softness_deg: angular radius of the light; shadows blur with distance from their caster.
    """
    shadow_map = _shadow_map(batch, surfels, direction)
    return _lit_share(surfels, shadow_map, np.tan(np.deg2rad(softness_deg)))


def _shadow_map(batch: Batch, surfels: Surfels, direction: Float[np.ndarray, " 3"]) -> ShadowMap:
    """A map just large enough for the visible surfaces."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    right = np.cross(direction, helper)
    right /= np.linalg.norm(right)
    from_world = np.stack([right, np.cross(-direction, right), -direction])
    seen = surfels.positions[surfels.owner >= 0].astype(np.float64) @ from_world[:2].T
    low, high = seen.min(axis=0), seen.max(axis=0)
    size = min(2 * max(surfels.owner.shape), MAX_MAP_SIZE)
    texels_per_m = (size - 4) / max(float((high - low).max()), 1e-3)
    corner = low - 2.0 / texels_per_m
    columns, rows = np.ceil((high - corner) * texels_per_m).astype(int) + 2
    local = batch.vertices.astype(np.float64) @ from_world.T
    points = np.ones((len(local), 4))
    points[:, :2] = (local[:, :2] - corner) * texels_per_m
    points[:, 3] = local[:, 2]
    fragments = rasterize(
        points, batch.keep, batch.faces, height=int(rows), width=int(columns)
    )
    return ShadowMap(fragments.depth, from_world, corner, texels_per_m)


@compiled
def _turn(i: int, j: int) -> float:
    """An angle per pixel that differs between neighbours, without a visible repeat.

    Sources:
        [0] Jimenez, Next generation post processing in Call of Duty, 2014 (gradient noise).
    """
    t = 0.06711056 * j + 0.00583715 * i
    t = 52.9829189 * (t - np.floor(t))
    return 6.283185307179586 * (t - np.floor(t))


@compiled
def _covered(
    depth: np.ndarray, spot: tuple[float, float, float], slope: tuple[float, float], at: tuple[float, float]
) -> float:
    """By how many metres the map covers the receiver's plane at an offset; at most 0 for none."""
    row, column = int(np.floor(spot[1] + at[1])), int(np.floor(spot[0] + at[0]))
    if row < 0 or column < 0 or row >= depth.shape[0] or column >= depth.shape[1]:
        return 0.0
    return spot[2] + slope[0] * at[0] + slope[1] * at[1] - depth[row, column]


@compiled
def _lit(shadow_map: ShadowMap, spot: tuple[float, float, float], slope: tuple[float, float], soft: tuple[float, float]) -> float:
    """The share of one receiver: blockers are sought, then the shadow is as soft as they are far."""
    tan_softness, turn = soft
    scale = shadow_map.texels_per_m
    search = min(max(0.25 * tan_softness * scale, 1.5), 24.0)
    blockers, gap = 0, 0.0
    for tap in range(8):
        reach, angle = search * np.sqrt((tap + 0.5) / 8.0), turn + tap * GOLDEN_ANGLE
        covered = _covered(
            shadow_map.depth, spot, slope, (reach * np.cos(angle), reach * np.sin(angle))
        )
        if covered > 0.0:
            blockers += 1
            gap += covered
    if blockers == 0:
        return 1.0
    width = min(max(gap / blockers * tan_softness * scale, 1.0), 32.0)
    open_taps = 0
    for tap in range(14):
        reach, angle = width * np.sqrt((tap + 0.5) / 14.0), turn + tap * GOLDEN_ANGLE
        covered = _covered(
            shadow_map.depth, spot, slope, (reach * np.cos(angle), reach * np.sin(angle))
        )
        open_taps += covered <= 0.0
    return open_taps / 14.0


@compiled
def _lit_share(surfels: Surfels, shadow_map: ShadowMap, tan_softness: float) -> np.ndarray:
    height, width = surfels.owner.shape
    share = np.ones((height, width), np.float32)
    frame, scale = shadow_map.from_world, shadow_map.texels_per_m
    for i in range(height):
        for j in range(width):
            if surfels.owner[i, j] < 0:
                continue
            p, n = surfels.positions[i, j], surfels.normals[i, j]
            away = frame[2, 0] * n[0] + frame[2, 1] * n[1] + frame[2, 2] * n[2]
            nx = frame[0, 0] * n[0] + frame[0, 1] * n[1] + frame[0, 2] * n[2]
            ny = frame[1, 0] * n[0] + frame[1, 1] * n[1] + frame[1, 2] * n[2]
            # Stepping off the surface keeps it from shadowing itself by the size of a texel.
            step = 1.5 / scale
            x = frame[0, 0] * p[0] + frame[0, 1] * p[1] + frame[0, 2] * p[2] + step * nx
            y = frame[1, 0] * p[0] + frame[1, 1] * p[1] + frame[1, 2] * p[2] + step * ny
            z = frame[2, 0] * p[0] + frame[2, 1] * p[1] + frame[2, 2] * p[2] + step * away
            facing = min(away, -0.25)
            spot = ((x - shadow_map.corner[0]) * scale, (y - shadow_map.corner[1]) * scale, z - 0.5 / scale)
            slope = (-nx / facing / scale, -ny / facing / scale)
            share[i, j] = _lit(shadow_map, spot, slope, (tan_softness, _turn(i, j)))
    return share


def ambient_share(surfels: Surfels, *, radius_m: float) -> Float32[np.ndarray, "height width"]:
    """Share of the ambient light that near surfaces leave to each pixel, in [0, 1].

    Only surfaces within `radius_m` count, so a body throws no halo on a wall behind it.

    Sources:
        [0] McGuire et al., The Alchemy screen-space ambient obscurance algorithm, 2011
            (we differ: quadratic fall-off, golden-angle taps).
    """
    share = _ambient_share(surfels, radius_m)
    return cv2.GaussianBlur(share, (0, 0), 1.2)


@compiled
def _obscured(surfels: Surfels, i: int, j: int, radius_m: float) -> float:
    """Share of the ambient light that the neighbours of one pixel keep out."""
    height, width = surfels.owner.shape
    p, n = surfels.positions[i, j], surfels.normals[i, j]
    reach = min(max(radius_m / surfels.pixel_m[i, j], 2.0), 0.3 * height)
    turn, total = _turn(i, j), 0.0
    for tap in range(AMBIENT_TAPS):
        angle, away = turn + tap * GOLDEN_ANGLE, reach * (tap + 0.5) / AMBIENT_TAPS
        row = i + int(np.rint(away * np.sin(angle)))
        column = j + int(np.rint(away * np.cos(angle)))
        if row < 0 or column < 0 or row >= height or column >= width:
            continue
        if surfels.owner[row, column] < 0:
            continue
        q = surfels.positions[row, column]
        x, y, z = q[0] - p[0], q[1] - p[1], q[2] - p[2]
        squared = x * x + y * y + z * z
        closeness = 1.0 - squared / (radius_m * radius_m)
        if closeness > 0.0 and squared > 0.0:
            cosine = (x * n[0] + y * n[1] + z * n[2]) / np.sqrt(squared)
            total += closeness * max(cosine - 0.1, 0.0)
    return min(1.8 * total / AMBIENT_TAPS, 0.9)


@compiled
def _ambient_share(surfels: Surfels, radius_m: float) -> np.ndarray:
    height, width = surfels.owner.shape
    share = np.ones((height, width), np.float32)
    for i in range(height):
        for j in range(width):
            if surfels.owner[i, j] >= 0:
                share[i, j] = 1.0 - _obscured(surfels, i, j, radius_m)
    return share
