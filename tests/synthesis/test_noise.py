from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from posebridge.synthesis.batching import concatenate
from posebridge.synthesis.meshes import Pattern, PatternKind, box
from posebridge.synthesis.noise import LATTICE, fractal_noise
from posebridge.synthesis.painting import paint
from posebridge.synthesis.surfels import Surfels

POINTS = np.random.default_rng(0).uniform(-20.0, 20.0, (20000, 3))
BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def _surfels(rest: NDArray[np.float64], footprint: float) -> Surfels:
    """Black surfels with these rest coordinates that face +z."""
    count = len(rest)
    return Surfels(
        pixel=np.arange(count, dtype=np.int32),
        weight=np.ones(count, np.float32),
        owner=np.zeros(count, np.int32),
        positions=np.zeros((count, 3), np.float32),
        normals=np.tile(np.array([0, 0, 1], np.float32), (count, 1)),
        rest=rest.astype(np.float32),
        albedo=np.zeros((count, 3), np.float32),
        pixel_m=np.full(count, footprint, np.float32),
        footprint=np.full(count, footprint, np.float32),
    )


def _second_color(
    pattern: Pattern, rest: NDArray[np.float64], footprint: float = 1e-4
) -> NDArray[np.float32]:
    """Share of the second colour at points of the rest space."""
    mesh = replace(box((0, 0, 0), (1, 1, 1), color=BLACK), pattern=replace(pattern, color=WHITE))
    albedo, _ = paint(_surfels(rest, footprint), concatenate([mesh]).surfaces)
    return albedo[:, 0]


def test_noise_repeats_for_a_seed_and_differs_for_another() -> None:
    one = fractal_noise(POINTS, scale=1.0, seed=1)
    np.testing.assert_array_equal(one, fractal_noise(POINTS, scale=1.0, seed=1))
    other = fractal_noise(POINTS, scale=1.0, seed=7)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


def test_noise_has_the_documented_spread() -> None:
    values = fractal_noise(POINTS, scale=1.0, octaves=1)
    assert abs(values.mean()) < 0.01
    assert 0.17 < values.std() < 0.21


def test_noise_repeats_after_the_lattice() -> None:
    far = POINTS + np.array([LATTICE * 0.5, 0.0, -LATTICE * 0.5])
    near, shifted = (fractal_noise(p, scale=0.5, octaves=1) for p in (POINTS, far))
    np.testing.assert_allclose(near, shifted, atol=1e-9)


def test_noise_is_continuous_across_cells() -> None:
    step = 1e-6
    ahead = fractal_noise(np.round(POINTS) + step, scale=1.0)
    behind = fractal_noise(np.round(POINTS) - step, scale=1.0)
    assert np.abs(ahead - behind).max() < 1e-4


def test_noise_keeps_the_shape_of_a_field_of_points() -> None:
    assert fractal_noise(POINTS.reshape(100, 200, 3), scale=0.3).shape == (100, 200)


def test_relief_is_the_slope_of_the_noise() -> None:
    """One octave survives at this footprint; its seed is the mesh's + 17, bump 0.1.

    The normal of z = h(x, y) is (-dh/dx, -dh/dy, 1) up to its length.
    """
    points = POINTS[:200]
    mesh = replace(box((0, 0, 0), (1, 1, 1), color=BLACK), bump=0.1, bump_scale=1.0)
    _, normals = paint(_surfels(points, 0.6), concatenate([mesh]).surfaces)
    fade = 2.0 - 2.0 * 0.6
    step = 1e-5
    for axis in (0, 1):
        ahead, behind = points.copy(), points.copy()
        ahead[:, axis] += step
        behind[:, axis] -= step
        slope = fractal_noise(ahead, scale=1.0, octaves=1, seed=17)
        slope = (slope - fractal_noise(behind, scale=1.0, octaves=1, seed=17)) / (2 * step)
        tilt = -normals[:, axis] / normals[:, 2]
        np.testing.assert_allclose(tilt, 0.1 * fade * slope, atol=2e-3)


def test_painting_leaves_the_surfels_alone() -> None:
    mesh = replace(
        box((0, 0, 0), (1, 1, 1), color=BLACK), bump=0.3, pattern=Pattern(PatternKind.STRIPES)
    )
    surfels = _surfels(POINTS[:50], 0.001)
    paint(surfels, concatenate([mesh]).surfaces)
    assert (surfels.albedo == 0).all()
    assert (surfels.normals == [0, 0, 1]).all()


def test_stripes_cover_their_share_and_repeat_after_the_period() -> None:
    pattern = Pattern(PatternKind.STRIPES, period_m=0.2, direction=(0, 0, 1), coverage=0.3)
    share = _second_color(pattern, POINTS)
    assert abs(share.mean() - 0.3) < 0.02
    shifted = _second_color(pattern, POINTS + [0.0, 5.0, 0.2])
    assert np.abs(share - shifted).mean() < 0.01


def test_checks_vary_in_both_directions() -> None:
    pattern = Pattern(PatternKind.CHECKS, period_m=0.2, direction=(1, 0, 0), across=(0, 1, 0))
    corners = np.array([[0.1, 0.1, 0.0], [0.2, 0.1, 0.0], [0.1, 0.2, 0.0], [0.2, 0.2, 0.0]])
    np.testing.assert_allclose(_second_color(pattern, corners), [1.0, 0.5, 0.5, 0.0])


def test_prints_and_blotches_cover_about_their_share() -> None:
    for kind in (PatternKind.PRINT, PatternKind.BLOTCHES):
        for coverage in (0.25, 0.5, 0.75):
            pattern = Pattern(kind, period_m=0.5, coverage=coverage)
            assert abs(_second_color(pattern, POINTS).mean() - coverage) < 0.08


def test_dots_are_round_and_separate() -> None:
    pattern = Pattern(PatternKind.DOTS, period_m=1.0, coverage=0.4)
    share = _second_color(pattern, POINTS)
    assert abs(share.mean() - 4 / 3 * np.pi * 0.3**3) < 0.02


def test_planks_have_a_gap_of_the_second_colour() -> None:
    pattern = Pattern(PatternKind.PLANKS, period_m=0.1, direction=(1, 0, 0), across=(0, 1, 0))
    gap = np.stack([np.full(50, 0.3), np.linspace(0, 1, 50), np.zeros(50)], axis=1)
    np.testing.assert_allclose(_second_color(pattern, gap), 1.0, atol=1e-3)


def test_a_pattern_finer_than_a_pixel_fades_to_its_mean() -> None:
    pattern = Pattern(PatternKind.STRIPES, period_m=0.01, coverage=0.5)
    share = _second_color(pattern, POINTS, footprint=1.0)
    np.testing.assert_allclose(share, 0.5, atol=0.01)
