from dataclasses import replace

import numpy as np
import pytest

from posebridge.synthesis.camera import Camera
from posebridge.synthesis.meshes import Material, Mesh, Pattern, PatternKind, box, sphere
from posebridge.synthesis.render import Frame, render, visibility
from posebridge.synthesis.shading import Ambient, Light

CAMERA = Camera((0.0, -2.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 40.0, 64, 48)
LIGHTS = (Light((1.0, -1.0, 1.0)),)
RADIUS_M = 0.3


def _person(instance: int = 7, part: int = 4) -> Mesh:
    ball = sphere((0.0, 0.0, 0.0), RADIUS_M, color=(0.6, 0.4, 0.3), rings=90, segments=180)
    parts = np.full(len(ball.vertices), part, np.uint8)
    return replace(ball, instance=instance, parts=parts, material=Material.SKIN)


def _wall() -> Mesh:
    return box((0.0, 1.05, 0.0), (9.0, 0.1, 9.0), color=(0.5, 0.5, 0.6))


def _frame(*meshes: Mesh, supersample: int = 1) -> Frame:
    return render(meshes, CAMERA, LIGHTS, ambient=Ambient(), supersample=supersample)


def test_the_maps_of_a_sphere_before_a_wall_are_analytic() -> None:
    """Each pixel's ray meets the sphere where |t·ray - 2 m ahead| = radius, or the wall at 3 m."""
    frame = _frame(_person(), _wall())
    x = (np.arange(48) + 0.5 - 24) / CAMERA.focal_px
    y = (np.arange(64) + 0.5 - 32) / CAMERA.focal_px
    ray = np.stack(np.broadcast_arrays(x[None], y[:, None], 1.0), axis=-1)
    squared = (ray**2).sum(axis=-1)
    discriminant = 4 - squared * (4 - RADIUS_M**2)
    depth = (2 - np.sqrt(np.maximum(discriminant, 0))) / squared
    inner, outer = discriminant > 0.04, discriminant < -0.02
    np.testing.assert_allclose(frame.depth_mm[inner], 1000 * depth[inner], atol=1.0)
    assert (frame.depth_mm[outer] == 3000).all()
    normals = (ray * depth[..., None] - [0, 0, 2]) / RADIUS_M
    np.testing.assert_allclose(frame.normals[inner], normals[inner], atol=0.02)
    np.testing.assert_allclose(frame.normals[outer], [[0, 0, -1]] * outer.sum(), atol=1e-6)
    assert (frame.instance[inner] == 7).all()
    assert (frame.instance[outer] == 0).all()
    assert (frame.parts[inner] == 5).all()
    assert (frame.parts[outer] == 0).all()


def test_parts_of_what_is_no_person_are_not_labelled() -> None:
    frame = _frame(_person(instance=0))
    assert frame.depth_mm[32, 24] > 0
    assert (frame.parts == 0).all()


def test_nothing_is_background_of_depth_zero() -> None:
    frame = render([_person()], CAMERA, LIGHTS, ambient=Ambient(background=(0.0, 0.214041, 0.0)))
    assert frame.depth_mm[0, 0] == 0
    assert (frame.normals[0, 0] == 0).all()
    np.testing.assert_allclose(frame.image[0, 0], [0.0, 0.5, 0.0], atol=1e-4)


def test_two_runs_are_bit_identical() -> None:
    pattern = Pattern(PatternKind.PRINT, grain=0.1)
    meshes = (_person(), replace(_wall(), pattern=pattern, bump=0.2))
    first, second = _frame(*meshes, supersample=2), _frame(*meshes, supersample=2)
    for name in ("image", "depth_mm", "normals", "parts", "instance"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_supersampling_smooths_borders_and_leaves_the_truth_alone() -> None:
    coarse, fine = _frame(_person(), _wall()), _frame(_person(), _wall(), supersample=3)
    for name in ("depth_mm", "normals", "parts", "instance"):
        np.testing.assert_array_equal(getattr(coarse, name), getattr(fine, name))
    assert np.abs(coarse.image[30:34, 20:28] - fine.image[30:34, 20:28]).max() < 0.02
    assert np.abs(coarse.image - fine.image).max() > 0.05


def test_the_picture_is_in_range_and_exposure_brightens_it() -> None:
    dim = render([_person(), _wall()], CAMERA, LIGHTS, ambient=Ambient(), exposure=0.5)
    bright = render([_person(), _wall()], CAMERA, LIGHTS, ambient=Ambient(), exposure=8.0)
    assert dim.image.dtype == np.float32
    assert dim.image.min() >= 0.0
    assert bright.image.max() <= 1.0
    assert bright.image.mean() > dim.image.mean() + 0.2


def test_the_side_towards_the_light_is_brighter() -> None:
    """The light comes from +x, the right of the picture."""
    image = _frame(_person()).image
    assert image[32, 30].mean() > image[32, 18].mean() + 0.1


def test_an_empty_view_is_all_background() -> None:
    far = _person().vertices + np.array([0, 50, 900], np.float32)
    frame = _frame(replace(_person(), vertices=far))
    assert (frame.depth_mm == 0).all()
    assert np.ptp(frame.image.reshape(-1, 3), axis=0).max() == 0.0


@pytest.mark.parametrize(
    ("point", "radius_m", "expected"),
    [
        ((0.0, 0.0, 0.0), 0.31, 2),  # in the middle of the ball, 0.3 m below its skin
        ((0.0, 0.0, 0.0), 0.29, 1),  # too deep for its radius
        ((0.0, 0.6, 0.0), 0.31, 1),  # behind the ball
        ((0.4, 0.0, 0.0), 0.31, 1),  # beside the ball, where the wall is seen
        ((3.0, 0.0, 0.0), 0.31, 0),  # outside the picture
        ((0.0, -3.0, 0.0), 0.31, 0),  # behind the camera
    ],
)
def test_visibility_of_a_point(
    point: tuple[float, float, float], radius_m: float, expected: int
) -> None:
    frame = _frame(_person(), _wall())
    _, _, seen = visibility(
        frame, CAMERA, np.array([point]), radii_m=np.array([radius_m]), instance=7
    )
    assert seen.tolist() == [expected]


def test_a_box_before_a_person_hides_its_keypoints() -> None:
    frame = _frame(_person(), box((0.0, -0.5, 0.0), (0.2, 0.1, 0.2), color=(0.2, 0.2, 0.2)))
    points = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.2]])
    positions, depth, seen = visibility(
        frame, CAMERA, points, radii_m=np.array([0.31, 0.31]), instance=7
    )
    assert seen.tolist() == [1, 2]
    np.testing.assert_allclose(positions[0], [24.0, 32.0], atol=1e-9)
    np.testing.assert_allclose(depth, [2.0, 2.0])


def test_a_keypoint_of_another_person_is_hidden() -> None:
    frame = _frame(_person(instance=2))
    _, _, seen = visibility(frame, CAMERA, np.zeros((1, 3)), radii_m=np.array([0.31]), instance=1)
    assert seen.tolist() == [1]


def test_less_than_one_sample_a_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match="supersample must be at least 1, but got 0"):
        _frame(_person(), supersample=0)
