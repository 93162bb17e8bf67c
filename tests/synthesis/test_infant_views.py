import zlib
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.infant_scenes import InfantKnobs, infant_scene
from posebridge.synthesis.infant_views import VIEWS, check_view
from posebridge.synthesis.scenes import Scene


@cache
def scene(view: str, pose: str = "supine", seed: int = 3) -> Scene:
    knobs = InfantKnobs(
        0.0, clothes=True, clutter=True, occluders=False, flaws=False, poses=(pose,), view=view
    )
    return infant_scene(
        lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())]), knobs
    )


def tilt_deg(found: Scene) -> float:
    """Of the camera's line of sight against straight down."""
    return float(np.rad2deg(np.arccos(-found.camera.camera_from_world[2, 2])))


@pytest.mark.parametrize(
    ("view", "pose", "least", "most"),
    [
        ("top-down", "supine", 0, 5),
        ("top-down", "standing", 0, 5),
        ("diagonal", "supine", 36, 54),
        ("diagonal", "sitting", 36, 54),
        ("any", "sitting", 35, 82),
    ],
)
def test_cameras_look_from_where_they_say(view: str, pose: str, least: float, most: float) -> None:
    for seed in range(3):
        assert least <= tilt_deg(scene(view, pose, seed)) <= most


def test_a_diagonal_camera_films_from_the_feet() -> None:
    for seed in range(3):
        found = scene("diagonal", "supine", seed)
        eye, points = np.asarray(found.camera.eye), found.people[0].keypoints
        distances = np.linalg.norm(points - eye, axis=1)
        assert distances[15:17].mean() < distances[:5].mean()
        pixels, _ = found.camera.project(points)
        assert pixels[:5, 1].mean() < pixels[11:13, 1].mean()  # the head is up in the picture


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("pose", ["supine", "prone", "standing"])
def test_nearly_all_of_the_infant_is_in_the_picture(view: str, pose: str) -> None:
    found = scene(view, pose)
    pixels, _ = found.camera.project(found.people[0].keypoints)
    inside = (pixels >= 0).all(axis=1) & (pixels <= [192, 256]).all(axis=1)
    assert inside.mean() > 0.8
    assert np.ptp(pixels, axis=0).max() > 90


def test_another_view_shows_the_same_infant() -> None:
    one, other = scene("any"), scene("diagonal")
    np.testing.assert_array_equal(one.people[0].keypoints, other.people[0].keypoints)
    assert one.lights == other.lights


def test_an_unknown_view_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="view must be one of any, top-down, diagonal, but got"):
        check_view("sideways")
