"""What is done quickly is what NumPy does."""

import numpy as np

from posebridge.synthesis.vectors import bounds, cross, with_corner

POINTS = np.random.default_rng(0).normal(size=(500, 3))


def test_bounds_are_the_extremes_of_each_axis() -> None:
    low, high = bounds(POINTS)
    np.testing.assert_array_equal(low, POINTS.min(axis=0))
    np.testing.assert_array_equal(high, POINTS.max(axis=0))


def test_bounds_of_points_behind_the_camera_are_unknown() -> None:
    low, high = bounds(np.array([[1.0, 2.0], [np.nan, np.nan]]))
    assert np.isnan([low, high]).all()


def test_a_cross_product_has_the_bits_of_numpy() -> None:
    for a, b in zip(POINTS[::2], POINTS[1::2], strict=True):
        np.testing.assert_array_equal(cross(a, b), np.cross(a, b))


def test_a_face_stays_with_any_of_its_corners() -> None:
    faces = np.array([[0, 1, 2], [1, 2, 3], [3, 4, 5]])
    chosen = np.array([True, False, False, False, False, True])
    np.testing.assert_array_equal(with_corner(chosen, faces), faces[chosen[faces].any(axis=1)])
