"""Patterns, grain and relief of surfaces."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.batching import Surface
from posebridge.synthesis.compiled import compiled, inlined
from posebridge.synthesis.meshes import PatternKind
from posebridge.synthesis.noise import Sites, jitter_at, noise_at
from posebridge.synthesis.surfels import Surfels

_AT_ONCE = 8192  # surfels whose noises fit into the processor's own memory


def paint(
    surfels: Surfels, surfaces: np.ndarray
) -> tuple[Float[np.ndarray, "surfel 3"], Float[np.ndarray, "surfel 3"]]:
    """Albedo with pattern and grain, and unit normals with relief, of each surfel.

    What is finer than a pixel fades to its mean instead of flickering.

    Args:
        surfels: where on the meshes.
        surfaces: table of the looks of the meshes, from `batching.concatenate`.
    """
    albedo, normals = surfels.albedo.copy(), surfels.normals.copy()
    for start in range(0, len(albedo), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        part = Surfels(*(column[some] for column in surfels))
        _paint(part, surfaces, _noises(part, surfaces), albedo[some], normals[some])
    return albedo, normals


class Noises(NamedTuple):
    """What is random at each surfel; 0 where its surface needs none.

    Attributes:
        jitter: of its dot, or of its board.
        streak: of its board.
        blobs: two octaves of noise of its pattern.
        grain: of its brightness.
        relief: value and three derivatives of its bumps.
        fine_relief: the octave after that.
    """

    jitter: Float[np.ndarray, "3 surfel"]
    streak: Float[np.ndarray, " surfel"]
    blobs: Float[np.ndarray, " surfel"]
    grain: Float[np.ndarray, " surfel"]
    relief: Float[np.ndarray, "4 surfel"]
    fine_relief: Float[np.ndarray, "4 surfel"]


def _noises(surfels: Surfels, surfaces: np.ndarray) -> Noises:
    """Ask for what the surfaces need, and for nothing finer than a pixel."""
    kind, period, seed = surfaces["kind"], surfaces["period"], surfaces["seed"]
    bump_m, grain_m = surfaces["bump_scale"], surfaces["grain_scale"]
    has_blobs = (kind == PatternKind.PRINT) | (kind == PatternKind.BLOTCHES)
    relief = _sites(surfels, np.where(surfaces["bump"] > 0.0, bump_m, 0.0), bump_m, seed + 17)
    grain = _sites(surfels, np.where(surfaces["grain"] > 0.0, grain_m, 0.0), grain_m, seed + 31)
    blobs = _sites(surfels, np.where(has_blobs, np.inf, 0.0), period, seed)
    dots = _sites(surfels, np.where(kind == PatternKind.DOTS, np.inf, 0.0), period, seed)
    boards, streaks = _board_sites(surfels, surfaces)
    return Noises(
        jitter=jitter_at(dots) + jitter_at(boards),
        streak=noise_at(streaks)[0],
        blobs=noise_at(blobs)[0] + 0.5 * noise_at(blobs, 1)[0],
        grain=noise_at(grain)[0],
        relief=noise_at(relief),
        fine_relief=noise_at(relief, 1),
    )


@compiled
def _no_sites(count: int) -> Sites:
    """Room for every surfel to ask."""
    asker, seeds = np.empty(count, np.int64), np.empty(count, np.int64)
    return Sites(asker, np.empty((3, count)), np.empty(count), seeds, 0, count)


@compiled
def _sites(surfels: Surfels, finest: np.ndarray, scale: np.ndarray, seed: np.ndarray) -> Sites:
    """Surfels whose pixel is narrower than what is `finest` on their surface, at rest."""
    asker, points, scales, seeds, count, askers = _no_sites(surfels.owner.size)
    owner, rest, footprint = surfels.owner, surfels.rest, surfels.footprint
    for s in range(askers):
        if footprint[s] < finest[owner[s]]:
            for k in range(3):
                points[k, count] = rest[s, k]
            asker[count], scales[count], seeds[count] = s, scale[owner[s]], seed[owner[s]]
            count += 1
    return Sites(asker, points, scales, seeds, count, askers)


@compiled
def _board_sites(surfels: Surfels, surfaces: np.ndarray) -> tuple[Sites, Sites]:
    """Surfels of boards: in cells that are boards, and in cells as long as streaks are."""
    asker, points, scales, seeds, count, askers = _no_sites(surfels.owner.size)
    _, places, ones, _, _, _ = _no_sites(surfels.owner.size)
    owner, rest = surfels.owner, surfels.rest
    for s in range(askers):
        surface = surfaces[owner[s]]
        if surface.kind == PatternKind.PLANKS:
            along = _along(rest, s, surface.direction)
            points[0, count], points[1, count], points[2, count] = along, 0.0, 0.0
            places[0, count] = 7.0 * (along / surface.period)
            places[1, count] = 0.7 * _along(rest, s, surface.across) / surface.period
            places[2, count] = 0.37 * np.floor(along / surface.period)
            asker[count], scales[count], seeds[count] = s, surface.period, surface.seed
            ones[count] = 1.0
            count += 1
    boards = Sites(asker, points, scales, seeds, count, askers)
    return boards, Sites(asker, places, ones, seeds, count, askers)


@inlined
def _along(rest: np.ndarray, s: int, direction: np.ndarray) -> float:
    """Coordinate of a surfel along a direction of the rest space."""
    x, y, z = rest[s, 0] * direction[0], rest[s, 1] * direction[1], rest[s, 2] * direction[2]
    return float(x + y + z)


@inlined
def _inside(distance: float, footprint: float) -> float:
    """Share of a pixel that lies inside a border at a signed distance from its centre."""
    return float(min(max(0.5 + distance / footprint, 0.0), 1.0))


@inlined
def _fade(size: float, footprint: float) -> float:
    """How much of a structure of this size survives in pixels of this width."""
    return min(max(2.0 - 2.0 * footprint / size, 0.0), 1.0)


@inlined
def _relief_strength(surface: Surface, footprint: float, octave: int) -> float:
    fade = _fade(surface.bump_scale / (1 << octave), footprint)
    return float(surface.bump * fade * (1.0 - 0.3 * octave))


@inlined
def _grain_strength(surface: Surface, footprint: float) -> float:
    return float(2.5 * surface.grain * _fade(surface.grain_scale, footprint))


@inlined
def _stripe(along: float, surface: Surface, footprint: float) -> float:
    cell = along / surface.period
    from_middle = abs(cell - np.floor(cell) - 0.5)
    return _inside((0.5 * surface.coverage - from_middle) * surface.period, footprint)


@inlined
def _dot(
    rest: np.ndarray, s: int, jitter: np.ndarray, surface: Surface, footprint: float
) -> float:
    """One ball in every cell of a lattice, moved about inside it."""
    x, y, z = rest[s, 0] / surface.period, rest[s, 1] / surface.period, rest[s, 2] / surface.period
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    radius = 0.2 + 0.25 * surface.coverage
    room = 0.5 - radius
    dx = x - fx - 0.5 - room * jitter[0, s]
    dy = y - fy - 0.5 - room * jitter[1, s]
    dz = z - fz - 0.5 - room * jitter[2, s]
    away = np.sqrt(dx * dx + dy * dy + dz * dz)
    return _inside((radius - away) * surface.period, footprint)


@inlined
def _plank(along: float, tone: float, streak: float, surface: Surface, footprint: float) -> float:
    """A tone per board, streaks along it, and the gap beside it."""
    cell = along / surface.period
    streak *= _fade(surface.period / 7.0, footprint)
    share = min(max(surface.coverage + 0.3 * tone + 0.8 * streak, 0.0), 1.0)
    to_gap = (0.5 - abs(cell - np.floor(cell) - 0.5)) * surface.period
    return float(max(share, _inside(0.012 * surface.period - to_gap, footprint)))


@inlined
def _second_color(surfels: Surfels, s: int, surface: Surface, noises: Noises) -> float:
    """Share of the second colour at a surfel, in [0, 1]."""
    kind, footprint = surface.kind, surfels.footprint[s]
    if kind == PatternKind.DOTS:
        return _dot(surfels.rest, s, noises.jitter, surface, footprint)
    # Less the level that about `coverage` of space exceeds.
    blobs = noises.blobs[s] - 0.7 * (0.5 - surface.coverage)
    if kind == PatternKind.PRINT:
        return _inside(0.4 * surface.period * blobs, footprint)
    if kind == PatternKind.BLOTCHES:
        return float(min(max(0.5 + 1.2 * blobs, 0.0), 1.0))
    along = _along(surfels.rest, s, surface.direction)
    if kind == PatternKind.STRIPES:
        return _stripe(along, surface, footprint)
    if kind == PatternKind.CHECKS:
        across = _along(surfels.rest, s, surface.across)
        return 0.5 * (_stripe(along, surface, footprint) + _stripe(across, surface, footprint))
    return _plank(along, noises.jitter[1, s], noises.streak[s], surface, footprint)


@inlined
def _tint(surfels: Surfels, s: int, surface: Surface, noises: Noises, color: np.ndarray) -> None:
    """Give a colour its pattern and grain; `color` is the caller's own copy."""
    if surface.kind != PatternKind.PLAIN:
        share = _second_color(surfels, s, surface, noises)
        for k in range(3):
            color[k] += share * (surface.color[k] - color[k])
    grain = _grain_strength(surface, surfels.footprint[s])
    if grain > 0.0:
        for k in range(3):
            color[k] *= max(1.0 + grain * noises.grain[s], 0.0)


@inlined
def _tilt(surface: Surface, footprint: float, s: int, noises: Noises, normal: np.ndarray) -> None:
    """Tilt a normal by the slope of two octaves of noise; `normal` is the caller's own copy."""
    rough = _relief_strength(surface, footprint, 0)
    fine = _relief_strength(surface, footprint, 1)
    tx = rough * noises.relief[1, s] + fine * noises.fine_relief[1, s]
    ty = rough * noises.relief[2, s] + fine * noises.fine_relief[2, s]
    tz = rough * noises.relief[3, s] + fine * noises.fine_relief[3, s]
    # Only the part of the slope along the surface tilts it.
    along = 1.0 + tx * normal[0] + ty * normal[1] + tz * normal[2]
    x, y, z = along * normal[0] - tx, along * normal[1] - ty, along * normal[2] - tz
    length = np.sqrt(x * x + y * y + z * z)
    normal[0], normal[1], normal[2] = x / length, y / length, z / length


@compiled
def _paint(
    surfels: Surfels,
    surfaces: np.ndarray,
    noises: Noises,
    albedo: np.ndarray,
    normals: np.ndarray,
) -> None:
    """Paint every surfel; `albedo` and `normals` are the caller's own copies."""
    for s in range(surfels.owner.size):
        surface = surfaces[surfels.owner[s]]
        _tint(surfels, s, surface, noises, albedo[s])
        if surface.bump > 0.0:
            _tilt(surface, surfels.footprint[s], s, noises, normals[s])
