from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.cots import (
    Edge,
    Relief,
    bed,
    bedding_pattern,
    blanket,
    footprint,
    relief,
    sheet,
)
from posebridge.synthesis.meshes import Pattern


@cache
def _ball() -> np.ndarray:
    """A ball of 10 cm radius that lies on the mattress, a little sunk in."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20_000, 3))
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(0.1 * directions + [0.05, -0.1, 0.095])


@cache
def _relief() -> Relief:
    return relief(_ball(), 0.8)


def _at(body: Relief, heights: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.array([body.height_at(heights, float(x), float(y)) for x, y, _ in points])


def test_a_relief_holds_the_highest_and_lowest_points_of_the_body() -> None:
    body = _relief()
    np.testing.assert_allclose(body.height_at(body.top, 0.05, -0.1), 0.195, atol=0.002)
    np.testing.assert_allclose(body.height_at(body.bottom, 0.05, -0.1), -0.005, atol=0.002)
    assert body.height_at(body.top, 0.5, 0.5) == -np.inf
    np.testing.assert_allclose(body.cell_m, 1.6 / 127)


def test_the_sheet_lies_below_the_body_and_is_wrinkled_elsewhere() -> None:
    body = _relief()
    heights = sheet(body, wrinkle_m=0.01, seed=3)
    low = _ball()[_ball()[:, 2] < 0.02]
    assert (_at(body, heights, low) < low[:, 2]).all()
    corner = heights[:40, :40]
    assert 0.002 < corner.std() < 0.02
    np.testing.assert_array_equal(heights, sheet(body, wrinkle_m=0.01, seed=3))


def test_no_part_of_the_body_pokes_through_a_blanket() -> None:
    body = _relief()
    heights = sheet(body, wrinkle_m=0.01, seed=3)
    edge = Edge((0.0, 1.0), -0.1)
    cloth = blanket(body, heights, np.random.default_rng(1), edge=edge)
    side = round(len(cloth.vertices) ** 0.5)
    cover = cloth.vertices[:, 2].reshape(side, side)
    assert (_at(body, cover, _ball()) > _ball()[:, 2] + 0.005).all()
    assert (cover > heights).all()


def test_a_blanket_hangs_no_steeper_than_cloth() -> None:
    body = _relief()
    cloth = blanket(
        body, np.zeros_like(body.top), np.random.default_rng(1), edge=Edge((0.0, 1.0), 0.0)
    )
    side = round(len(cloth.vertices) ** 0.5)
    cover = cloth.vertices[:, 2].reshape(side, side)
    for axis in (0, 1):
        assert np.abs(np.diff(cover, axis=axis)).max() < 2.5 * body.cell_m


def test_a_blanket_covers_what_is_beyond_its_edge() -> None:
    body = _relief()
    edge = Edge((0.6, 0.8), 0.1)
    cloth = blanket(body, np.zeros_like(body.top), np.random.default_rng(1), edge=edge)
    beyond = cloth.vertices[:, :2] @ np.array(edge.direction) - edge.offset_m
    assert cloth.keep is not None
    assert (cloth.keep[beyond > 0.05] > 0).all()
    assert (cloth.keep[beyond < -0.05] < 0).all()


def test_the_footprint_is_the_body_and_a_margin() -> None:
    taken = footprint(_relief(), margin_m=0.05)
    body = _relief()
    assert body.height_at(taken, 0.05, -0.1) == 1
    assert body.height_at(taken, 0.05 + 0.14, -0.1) == 1
    assert body.height_at(taken, 0.05 + 0.19, -0.1) == 0


def test_a_bed_has_a_sheet_and_a_floor_below_it() -> None:
    heights = sheet(_relief(), wrinkle_m=0.01, seed=3)
    cloth, floor = bed(heights, 0.8, (0.5, 0.5, 0.5), Pattern())
    np.testing.assert_allclose(cloth.vertices[:, 2], heights.ravel(), atol=1e-6)
    assert floor.vertices[:, 2].max() < heights.min()
    assert replace(cloth).instance == floor.instance == 0


@pytest.mark.parametrize("seed", range(5))
def test_bedding_patterns_lie_in_the_plane_of_the_bed(seed: int) -> None:
    pattern = bedding_pattern(np.random.default_rng(seed))
    np.testing.assert_allclose(np.linalg.norm(pattern.direction), 1)
    assert pattern.direction[2] == pattern.across[2] == 0
    assert np.dot(pattern.direction, pattern.across) == pytest.approx(0)
