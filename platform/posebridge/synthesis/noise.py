"""Smooth random fields in space, and the patterns and reliefs of surfaces made of them."""

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.batching import Surface
from posebridge.synthesis.compiled import compiled
from posebridge.synthesis.meshes import PatternKind
from posebridge.synthesis.surfels import Surfels

LATTICE = 256
"""The noise repeats after this many of its cells along every axis."""


def fractal_noise(
    points: Float[np.ndarray, "*shape 3"], *, scale: float, octaves: int = 3, seed: int = 0
) -> Float[np.ndarray, "*shape"]:
    """Sum of gradient noises, each half the size and half the strength of the one before.

    Args:
        points: where to evaluate.
        scale: size of the largest features, in the unit of `points`. One octave repeats after
            `LATTICE` · `scale`.
        octaves: how many noises are added.
        seed: chooses another field.

    Returns:
        Values about 0. One octave has a standard deviation of 0.19 and hardly exceeds ±0.7.
    """
    flat = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 3)
    return _fractal(flat, scale, octaves, seed).reshape(points.shape[:-1])


@compiled
def _hash(x: int, y: int, z: int, seed: int) -> np.uint64:
    """Well-mixed 64 bits for a cell of the repeating lattice.

    Sources:
        [0] Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014 (mixing).
    """
    mask = LATTICE - 1
    h = np.uint64((x & mask) | ((y & mask) << 8) | ((z & mask) << 16))
    h = (h + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(32))


@compiled
def _fraction(bits: np.uint64, shift: int) -> float:
    """A number in [-1, 1] from 16 of the bits."""
    return float(np.int64((bits >> np.uint64(shift)) & np.uint64(0xFFFF))) * (2.0 / 65535.0) - 1.0


@compiled
def _ease(t: float) -> tuple[float, float]:
    """Quintic step from 0 to 1 and its slope, both smooth at the ends of the cell."""
    return t * t * t * (t * (t * 6.0 - 15.0) + 10.0), 30.0 * t * t * (t - 1.0) * (t - 1.0)


@compiled
def _noise(x: float, y: float, z: float, seed: int) -> tuple[float, float, float, float]:
    """Gradient noise and its three derivatives, per cell.

    Sources:
        [0] Perlin, Improving noise, 2002 (we differ: the gradients are hashed freely).
    """
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    tx, ty, tz = x - fx, y - fy, z - fz
    (ux, dx), (uy, dy), (uz, dz) = _ease(tx), _ease(ty), _ease(tz)
    value, gx, gy, gz = 0.0, 0.0, 0.0, 0.0
    for cx in range(2):
        wx, sx = (ux, dx) if cx else (1.0 - ux, -dx)
        for cy in range(2):
            wy, sy = (uy, dy) if cy else (1.0 - uy, -dy)
            for cz in range(2):
                wz, sz = (uz, dz) if cz else (1.0 - uz, -dz)
                bits = _hash(int(fx) + cx, int(fy) + cy, int(fz) + cz, seed)
                a, b, c = _fraction(bits, 0), _fraction(bits, 16), _fraction(bits, 32)
                slope = a * (tx - cx) + b * (ty - cy) + c * (tz - cz)
                weight = wx * wy * wz
                value += weight * slope
                gx += weight * a + sx * wy * wz * slope
                gy += weight * b + wx * sy * wz * slope
                gz += weight * c + wx * wy * sz * slope
    return value, gx, gy, gz


@compiled
def _octave(
    point: np.ndarray, scale: float, seed: int, octave: int
) -> tuple[float, float, float, float]:
    """Noise in cells of `scale`, halved `octave` times.

    The octaves are shifted against each other: noise is 0 at the corners of its cells, and all
    would be 0 at the same points.
    """
    frequency, shift = (1 << octave) / scale, 0.37 * octave
    x = point[0] * frequency + shift
    y = point[1] * frequency + shift
    z = point[2] * frequency + shift
    return _noise(x, y, z, seed + octave)


@compiled
def _fractal(points: np.ndarray, scale: float, octaves: int, seed: int) -> np.ndarray:
    """Values [point]: the sum of the octaves."""
    out = np.zeros(points.shape[0])
    for i in range(points.shape[0]):
        for octave in range(octaves):
            out[i] += 0.5**octave * _octave(points[i], scale, seed, octave)[0]
    return out


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
    _paint(surfels, surfaces, albedo, normals)
    return albedo, normals


@compiled
def _inside(distance: float, footprint: float) -> float:
    """Share of a pixel that lies inside a border at a signed distance from its centre."""
    return float(min(max(0.5 + distance / footprint, 0.0), 1.0))


@compiled
def _fade(size: float, footprint: float) -> float:
    """How much of a structure of this size survives in pixels of this width."""
    return min(max(2.0 - 2.0 * footprint / size, 0.0), 1.0)


@compiled
def _stripe(along: float, surface: Surface, footprint: float) -> float:
    cell = along / surface.period
    from_middle = abs(cell - np.floor(cell) - 0.5)
    return _inside((0.5 * surface.coverage - from_middle) * surface.period, footprint)


@compiled
def _dot(point: np.ndarray, surface: Surface, footprint: float) -> float:
    """One ball in every cell of a lattice, moved about inside it."""
    x, y, z = point[0] / surface.period, point[1] / surface.period, point[2] / surface.period
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    radius = 0.2 + 0.25 * surface.coverage
    room = 0.5 - radius
    bits = _hash(int(fx), int(fy), int(fz), surface.seed)
    dx = x - fx - 0.5 - room * _fraction(bits, 0)
    dy = y - fy - 0.5 - room * _fraction(bits, 16)
    dz = z - fz - 0.5 - room * _fraction(bits, 32)
    away = np.sqrt(dx * dx + dy * dy + dz * dz)
    return _inside((radius - away) * surface.period, footprint)


@compiled
def _blobs(point: np.ndarray, surface: Surface) -> float:
    """Two octaves of noise less the level that about `coverage` of space exceeds."""
    coarse = _octave(point, surface.period, surface.seed, 0)[0]
    fine = _octave(point, surface.period, surface.seed, 1)[0]
    return float(coarse + 0.5 * fine - 0.7 * (0.5 - surface.coverage))


@compiled
def _plank(along: float, across: float, surface: Surface, footprint: float) -> float:
    """A tone per board, streaks along it, and the gap beside it."""
    cell = along / surface.period
    board = int(np.floor(cell))
    tone = _fraction(_hash(board, 0, 0, surface.seed), 16)
    streak, _, _, _ = _noise(7.0 * cell, 0.7 * across / surface.period, 0.37 * board, surface.seed)
    streak *= _fade(surface.period / 7.0, footprint)
    share = min(max(surface.coverage + 0.3 * tone + 0.8 * streak, 0.0), 1.0)
    to_gap = (0.5 - abs(cell - board - 0.5)) * surface.period
    return float(max(share, _inside(0.012 * surface.period - to_gap, footprint)))


@compiled
def _second_color(point: np.ndarray, surface: Surface, footprint: float) -> float:
    """Share of the second colour at a point of the rest space, in [0, 1]."""
    kind = surface.kind
    if kind == PatternKind.DOTS:
        return _dot(point, surface, footprint)
    if kind == PatternKind.PRINT:
        return _inside(0.4 * surface.period * _blobs(point, surface), footprint)
    if kind == PatternKind.BLOTCHES:
        return min(max(0.5 + 1.2 * _blobs(point, surface), 0.0), 1.0)
    a, b = surface.direction, surface.across
    along = point[0] * a[0] + point[1] * a[1] + point[2] * a[2]
    if kind == PatternKind.STRIPES:
        return _stripe(along, surface, footprint)
    across = point[0] * b[0] + point[1] * b[1] + point[2] * b[2]
    if kind == PatternKind.CHECKS:
        ways = _stripe(along, surface, footprint) + _stripe(across, surface, footprint)
        return 0.5 * ways
    return _plank(along, across, surface, footprint)


@compiled
def _tilt(point: np.ndarray, surface: Surface, footprint: float, normal: np.ndarray) -> None:
    """Tilt a normal by the slope of two octaves of noise; `normal` is the caller's own copy."""
    tx, ty, tz = 0.0, 0.0, 0.0
    for octave in range(2):
        strength = surface.bump * _fade(surface.bump_scale / (1 << octave), footprint)
        strength *= 1.0 - 0.3 * octave
        if strength > 0.0:
            _, gx, gy, gz = _octave(point, surface.bump_scale, surface.seed + 17, octave)
            tx += strength * gx
            ty += strength * gy
            tz += strength * gz
    # Only the part of the slope along the surface tilts it.
    along = 1.0 + tx * normal[0] + ty * normal[1] + tz * normal[2]
    x, y, z = along * normal[0] - tx, along * normal[1] - ty, along * normal[2] - tz
    length = np.sqrt(x * x + y * y + z * z)
    normal[0], normal[1], normal[2] = x / length, y / length, z / length


@compiled
def _tint(point: np.ndarray, surface: Surface, footprint: float, color: np.ndarray) -> None:
    """Give a colour its pattern and grain; `color` is the caller's own copy."""
    if surface.kind != PatternKind.PLAIN:
        share = _second_color(point, surface, footprint)
        for k in range(3):
            color[k] += share * (surface.color[k] - color[k])
    grain = 2.5 * surface.grain * _fade(surface.grain_scale, footprint)
    if grain > 0.0:
        speck = _octave(point, surface.grain_scale, surface.seed + 31, 0)[0]
        for k in range(3):
            color[k] *= max(1.0 + grain * speck, 0.0)


@compiled
def _paint(
    surfels: Surfels, surfaces: np.ndarray, albedo: np.ndarray, normals: np.ndarray
) -> None:
    """Paint every surfel; `albedo` and `normals` are the caller's own copies."""
    for s in range(surfels.owner.size):
        surface = surfaces[surfels.owner[s]]
        _tint(surfels.rest[s], surface, surfels.footprint[s], albedo[s])
        if surface.bump > 0.0:
            _tilt(surfels.rest[s], surface, surfels.footprint[s], normals[s])
