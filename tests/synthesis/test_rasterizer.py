import numpy as np
import pytest

from posebridge.synthesis.camera import NEAR_M, Camera
from posebridge.synthesis.rasterizer import Fragments, perspective_points, rasterize

CAMERA = Camera((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), 60.0, 48, 64)
"""Looks along +y with +x to the right."""


def _draw(
    vertices: list[list[float]], faces: list[list[int]], keep: list[float] | None = None
) -> Fragments:
    return rasterize(
        perspective_points(np.array(vertices), CAMERA),
        np.array(keep if keep is not None else np.ones(len(vertices)), np.float32),
        np.array(faces, np.int32),
        height=CAMERA.height,
        width=CAMERA.width,
    )


def _rays() -> np.ndarray:
    """Direction through the centre of each pixel, world, with y = 1."""
    x = (np.arange(CAMERA.width) + 0.5 - 0.5 * CAMERA.width) / CAMERA.focal_px
    z = -(np.arange(CAMERA.height) + 0.5 - 0.5 * CAMERA.height) / CAMERA.focal_px
    return np.stack(np.broadcast_arrays(x[None, :], 1.0, z[:, None]), axis=-1)


TRIANGLE = [[-0.8, 2.0, -0.5], [0.9, 3.0, -0.6], [0.1, 2.4, 0.9]]


def test_a_triangle_covers_the_pixels_whose_rays_hit_it_at_the_depth_of_its_plane() -> None:
    """The oracle solves ray = Σ weight · corner for each pixel; y is the depth of this camera."""
    fragments = _draw(TRIANGLE, [[0, 1, 2]])
    weights = _rays() @ np.linalg.inv(np.array(TRIANGLE))
    inside = (weights > 0).all(axis=-1)
    np.testing.assert_array_equal(fragments.face >= 0, inside)
    np.testing.assert_allclose(fragments.depth[inside], 1 / weights.sum(-1)[inside], rtol=1e-6)
    assert np.isinf(fragments.depth[~inside]).all()


def test_weights_are_those_of_the_point_in_space() -> None:
    fragments = _draw(TRIANGLE, [[0, 1, 2]])
    rows, columns = np.nonzero(fragments.face >= 0)
    a, b = fragments.weights[:, rows, columns]
    mixed = np.stack([a, b, 1 - a - b], axis=1) @ np.array(TRIANGLE)
    expected = _rays()[rows, columns] * fragments.depth[rows, columns, None]
    np.testing.assert_allclose(mixed, expected, atol=1e-5)


def test_pixel_centres_of_raster_and_projection_agree() -> None:
    """A triangle of a tenth of a pixel covers a pixel exactly when it surrounds its centre."""
    center = _rays()[30, 20] * 2.0
    size = 0.05 * 2.0 / CAMERA.focal_px
    corners = center + size * np.array([[-1, 0, -1], [1, 0, -1], [0, 0, 1]])
    np.testing.assert_allclose(CAMERA.project(center[None])[0], [[20.5, 30.5]])
    fragments = _draw(corners.tolist(), [[0, 1, 2]])
    assert np.argwhere(fragments.face >= 0).tolist() == [[30, 20]]
    aside = corners + [0.2 * 2.0 / CAMERA.focal_px, 0.0, 0.0]
    assert (_draw(aside.tolist(), [[0, 1, 2]]).face < 0).all()


def test_the_nearer_triangle_wins_in_either_order() -> None:
    far = [[x, 2 * y, z] for x, y, z in TRIANGLE]
    for faces, nearer in (([[0, 1, 2], [3, 4, 5]], 0), ([[3, 4, 5], [0, 1, 2]], 1)):
        fragments = _draw([*TRIANGLE, *far], faces)
        near_only = _draw(TRIANGLE, [[0, 1, 2]]).face >= 0
        assert (fragments.face[near_only] == nearer).all()


def test_neighbours_leave_no_gap_and_both_windings_are_drawn() -> None:
    rng = np.random.default_rng(0)
    sheet = np.stack(np.meshgrid(np.linspace(-3, 3, 40), np.linspace(-3, 3, 40)), axis=-1)
    sheet = sheet + rng.uniform(-0.05, 0.05, sheet.shape)
    points = np.stack([sheet[..., 0], rng.uniform(2, 2.2, (40, 40)), sheet[..., 1]], axis=-1)
    index = np.arange(1600).reshape(40, 40)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([a, d, c], -1)]).reshape(-1, 3)
    assert (_draw(points.reshape(-1, 3).tolist(), faces.tolist()).face >= 0).all()


def test_a_floor_that_runs_under_the_camera_is_drawn_up_to_it() -> None:
    """The floor lies 1 m below; a ray that falls by s per metre meets it 1/s metres ahead."""
    floor = [[-50.0, -9.0, -1.0], [50.0, -9.0, -1.0], [50.0, 80.0, -1.0], [-50.0, 80.0, -1.0]]
    fragments = _draw(floor, [[0, 1, 2], [0, 2, 3]])
    fall = -_rays()[..., 2]
    below = fall > 1 / 80.0 + 1e-3
    assert (fragments.face[below] >= 0).all()
    assert (fragments.face[fall < 0] < 0).all()
    np.testing.assert_allclose(fragments.depth[below], 1 / fall[below], rtol=1e-5)


@pytest.mark.parametrize("y", [-1.0, 0.5 * NEAR_M])
def test_what_is_behind_or_too_near_is_not_drawn(y: float) -> None:
    fragments = _draw([[-5.0, y, -5.0], [5.0, y, -5.0], [0.0, y, 5.0]], [[0, 1, 2]])
    assert (fragments.face < 0).all()


def test_a_clipped_pixel_shows_what_is_behind() -> None:
    """`keep` is x, so the left half of the front sheet is cut away along x = 0."""
    front = [[-3.0, 2.0, -3.0], [3.0, 2.0, -3.0], [3.0, 2.0, 3.0], [-3.0, 2.0, 3.0]]
    back = [[2 * x, 4.0, 2 * z] for x, _, z in front]
    keep = [p[0] for p in front] + [1.0] * 4
    quads = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
    fragments = _draw([*front, *back], quads, keep)
    np.testing.assert_allclose(fragments.depth[:, :32], 4.0, rtol=1e-6)
    np.testing.assert_allclose(fragments.depth[:, 32:], 2.0, rtol=1e-6)


def test_a_triangle_without_area_is_skipped() -> None:
    assert (_draw([[0.0, 2.0, 0.0]] * 3, [[0, 1, 2]]).face < 0).all()
