import numpy as np
import pytest

from posebridge.synthesis.framing import View, framed


@pytest.mark.parametrize("azimuth_deg", [0.0, 70.0])
@pytest.mark.parametrize("roll_deg", [0.0, 25.0])
def test_the_points_are_centred_and_as_large_as_asked(azimuth_deg: float, roll_deg: float) -> None:
    points = np.random.default_rng(0).normal(size=(200, 3)) * [0.3, 0.2, 0.8]
    view = View(azimuth_deg, 10.0, roll_deg, fov_deg=35.0, fill=0.8)
    camera = framed(points, view)
    positions, _ = camera.project(points)
    share = np.abs(positions - [96, 128]).max(axis=0) / [96, 128]
    assert share.max() == pytest.approx(0.8, abs=0.02)
    assert share.min() < 0.82


def test_azimuth_and_elevation_say_where_the_camera_is() -> None:
    points = np.random.default_rng(1).normal(size=(50, 3))
    eye = np.array(framed(points, View(90.0, 0.0, 0.0, 35.0, 0.8)).eye)
    assert eye[0] > 3 * abs(eye[1])
    above = np.array(framed(points, View(0.0, 60.0, 0.0, 35.0, 0.8)).eye)
    assert above[2] > 1.2 * abs(above[1])
    assert above[1] < 0


def test_the_size_of_the_picture_is_that_of_the_view() -> None:
    view = View(0.0, 0.0, 0.0, 35.0, 0.9, height_px=100, width_px=300)
    camera = framed(np.random.default_rng(1).normal(size=(50, 3)), view)
    assert (camera.height, camera.width) == (100, 300)
