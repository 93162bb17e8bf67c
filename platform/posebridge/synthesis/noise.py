"""Smooth random fields in space."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from posebridge.synthesis.compiled import compiled, inlined

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
    flat = np.ascontiguousarray(points.reshape(-1, 3).T, dtype=np.float64)
    return _fractal(flat, scale, octaves, seed).reshape(points.shape[:-1])


@inlined
def _hash(cell: int, salt: np.uint64) -> np.uint64:
    """Well-mixed 64 bits for a cell, as `_cell` names it.

    Sources:
        [0] Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014 (mixing).
    """
    h = (np.uint64(cell) + salt) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(32))


@inlined
def _salt(seed: int) -> np.uint64:
    return np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)


@inlined
def _cell(x: int, y: int, z: int) -> int:
    """Name of a cell of the repeating lattice."""
    mask = LATTICE - 1
    return (x & mask) | ((y & mask) << 8) | ((z & mask) << 16)


@inlined
def _fraction(bits: np.uint64, shift: int) -> float:
    """A number in [-1, 1] from 16 of the bits."""
    return float(np.int64((bits >> np.uint64(shift)) & np.uint64(0xFFFF))) * (2.0 / 65535.0) - 1.0


@inlined
def _ease(t: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Weights, and their slopes, of the two ends of a cell: a quintic step, smooth at both."""
    up = t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
    slope = 30.0 * t * t * (t - 1.0) * (t - 1.0)
    return (1.0 - up, -slope), (up, slope)


Four = tuple[float, float, float, float]
Ends = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


@inlined
def _corner(cell: int, salt: np.uint64, offset: tuple[float, float, float], ends: Ends) -> Four:
    """What one corner of its cell adds to the noise at a point and to its three derivatives.

    Args:
        cell: name of the corner.
        salt: of the field.
        offset: from the corner to the point, in cells.
        ends: weight, and its slope, of the corner along each axis.
    """
    (wx, sx), (wy, sy), (wz, sz) = ends
    bits = _hash(cell, salt)
    a, b, c = _fraction(bits, 0), _fraction(bits, 16), _fraction(bits, 32)
    rise = a * offset[0] + b * offset[1] + c * offset[2]
    weight = wx * wy * wz
    return (
        weight * rise,
        weight * a + sx * wy * wz * rise,
        weight * b + wx * sy * wz * rise,
        weight * c + wx * wy * sz * rise,
    )


@inlined
def _sum(a: Four, b: Four) -> Four:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


@inlined
def _noise(x: float, y: float, z: float, salt: np.uint64) -> Four:
    """Gradient noise and its three derivatives, per cell.

    The corners stand one by one, not in loops: only so the compiler takes several points at once.

    Sources:
        [0] Perlin, Improving noise, 2002 (we differ: the gradients are hashed freely).
    """
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(fx), int(fy), int(fz)
    x, y, z = x - fx, y - fy, z - fz
    x0, x1 = _ease(x)
    y0, y1 = _ease(y)
    z0, z1 = _ease(z)
    s = _corner(_cell(i, j, k), salt, (x, y, z), (x0, y0, z0))
    s = _sum(s, _corner(_cell(i, j, k + 1), salt, (x, y, z - 1.0), (x0, y0, z1)))
    s = _sum(s, _corner(_cell(i, j + 1, k), salt, (x, y - 1.0, z), (x0, y1, z0)))
    s = _sum(s, _corner(_cell(i, j + 1, k + 1), salt, (x, y - 1.0, z - 1.0), (x0, y1, z1)))
    s = _sum(s, _corner(_cell(i + 1, j, k), salt, (x - 1.0, y, z), (x1, y0, z0)))
    s = _sum(s, _corner(_cell(i + 1, j, k + 1), salt, (x - 1.0, y, z - 1.0), (x1, y0, z1)))
    s = _sum(s, _corner(_cell(i + 1, j + 1, k), salt, (x - 1.0, y - 1.0, z), (x1, y1, z0)))
    last = (x - 1.0, y - 1.0, z - 1.0)
    return _sum(s, _corner(_cell(i + 1, j + 1, k + 1), salt, last, (x1, y1, z1)))


@inlined
def _scaled(coordinate: float, scale: float, octave: int) -> float:
    """A coordinate in cells of `scale`, halved `octave` times.

    The octaves are shifted against each other: noise is 0 at the corners of its cells, and all
    would be 0 at the same points.
    """
    return coordinate * ((1 << octave) / scale) + 0.37 * octave


@compiled
def _fractal(points: np.ndarray, scale: float, octaves: int, seed: int) -> np.ndarray:
    """Values [point] of the sum of the octaves at `points` [3, point]."""
    out = np.zeros(points.shape[1])
    for octave in range(octaves):
        salt, strength = _salt(seed + octave), 0.5**octave
        for i in range(points.shape[1]):
            x = _scaled(points[0, i], scale, octave)
            y = _scaled(points[1, i], scale, octave)
            z = _scaled(points[2, i], scale, octave)
            out[i] += strength * _noise(x, y, z, salt)[0]
    return out


class Sites(NamedTuple):
    """Where something random is asked for.

    Attributes:
        asker: who asks, a number below `askers`.
        points: where, the first `number` columns.
        scales: size of a cell, in the unit of the points.
        seeds: which field.
        number: how many ask.
        askers: how many could.
    """

    asker: Int[np.ndarray, " site"]
    points: Float[np.ndarray, "3 site"]
    scales: Float[np.ndarray, " site"]
    seeds: Int[np.ndarray, " site"]
    number: int
    askers: int


def noise_at(sites: Sites, octave: int = 0) -> Float[np.ndarray, "4 asker"]:
    """Gradient noise and its three derivatives per cell; 0 for who did not ask."""
    return _noise_at(sites, octave)


def jitter_at(sites: Sites) -> Float[np.ndarray, "3 asker"]:
    """Three numbers in [-1, 1], the same all over a cell; 0 for who did not ask."""
    return _jitter_at(sites)


@compiled
def _noise_at(sites: Sites, octave: int) -> np.ndarray:
    points, scales, seeds, count = sites.points, sites.scales, sites.seeds, sites.number
    found = np.empty((4, count))
    for i in range(count):
        x = _scaled(points[0, i], scales[i], octave)
        y = _scaled(points[1, i], scales[i], octave)
        z = _scaled(points[2, i], scales[i], octave)
        value, dx, dy, dz = _noise(x, y, z, _salt(seeds[i] + octave))
        found[0, i], found[1, i], found[2, i], found[3, i] = value, dx, dy, dz
    out = np.zeros((4, sites.askers))
    for k in range(4):
        for i in range(count):
            out[k, sites.asker[i]] = found[k, i]
    return out


@compiled
def _jitter_at(sites: Sites) -> np.ndarray:
    out = np.zeros((3, sites.askers))
    points, scales = sites.points, sites.scales
    for i in range(sites.number):
        x, y, z = points[0, i] / scales[i], points[1, i] / scales[i], points[2, i] / scales[i]
        cell = _cell(int(np.floor(x)), int(np.floor(y)), int(np.floor(z)))
        bits = _hash(cell, _salt(sites.seeds[i]))
        for k in range(3):
            out[k, sites.asker[i]] = _fraction(bits, 16 * k)
    return out
