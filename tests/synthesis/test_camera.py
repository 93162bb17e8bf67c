import numpy as np
import pytest

from posebridge.synthesis.camera import Camera


def _camera(height: int = 100, width: int = 60) -> Camera:
    return Camera((0.0, -2.0, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, 1.0), 90.0, height, width)


def test_the_target_lands_in_the_centre_of_the_image() -> None:
    positions, depth = _camera().project(np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(positions, [[30.0, 50.0]], atol=1e-9)
    np.testing.assert_allclose(depth, [2.0])


def test_x_goes_right_and_y_goes_down_in_the_image() -> None:
    """With 90° from top to bottom, 2 m away, 2 m span half of the 100 rows: 25 px a metre."""
    positions, _ = _camera().project(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 2.0]]))
    np.testing.assert_allclose(positions, [[55.0, 50.0], [30.0, 25.0]], atol=1e-9)


def test_the_camera_frame_is_right_down_forward() -> None:
    local = _camera().to_camera(np.array([[1.0, 1.0, 3.0]]))
    np.testing.assert_allclose(local, [[1.0, -2.0, 3.0]], atol=1e-12)


def test_intrinsics_agree_with_project() -> None:
    camera = Camera((0.3, -2.0, 1.4), (0.1, 0.2, 0.8), (0.1, 0.0, 1.0), 47.0, 96, 72)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3))
    pixels = camera.to_camera(points) @ camera.intrinsics.T
    positions, depth = camera.project(points)
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], positions)
    np.testing.assert_allclose(pixels[:, 2], depth)


def test_depth_is_camera_z_and_not_the_length_of_the_ray() -> None:
    _, depth = _camera().project(np.array([[1.5, 0.0, 1.0]]))
    np.testing.assert_allclose(depth, [2.0])


def test_a_point_behind_the_camera_has_no_position() -> None:
    positions, depth = _camera().project(np.array([[0.0, -3.0, 1.0]]))
    assert np.isnan(positions).all()
    np.testing.assert_allclose(depth, [-1.0])


def test_supersampling_scales_the_pixels_and_keeps_the_view() -> None:
    points = np.array([[0.2, 0.3, 1.1]])
    coarse, _ = _camera().project(points)
    fine, _ = _camera().supersampled(3).project(points)
    np.testing.assert_allclose(fine, 3.0 * coarse)


def test_looking_along_up_is_refused() -> None:
    with pytest.raises(ValueError, match="must look across its up direction"):
        Camera((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 40.0, 10, 10)


def test_a_straight_angle_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vertical_fov_deg must lie in \(0, 180\), but got 180"):
        Camera((0.0, -1.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 180.0, 10, 10)
