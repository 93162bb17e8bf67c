from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from posebridge.synthesis.batching import Batch, concatenate
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.meshes import Material, Mesh, box
from posebridge.synthesis.rasterizer import perspective_points, rasterize
from posebridge.synthesis.shading import (
    SHOULDER,
    Ambient,
    Light,
    develop,
    linear_from_srgb,
    shade,
    srgb_from_linear,
)
from posebridge.synthesis.shadows import ambient_share, lit_share, shadow_map
from posebridge.synthesis.surfels import Surfels, gather

TOP = Camera((0.0, 0.0, 3.0), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), 40.0, 60, 60)
"""Looks down: x to the right of the picture, y up."""
FLOOR = box((0.0, 0.0, -0.05), (6.0, 6.0, 0.1), color=(0.4, 0.4, 0.4))
POST = box((0.0, 0.0, 0.25), (0.1, 0.1, 0.5), color=(0.4, 0.4, 0.4))
DARK = Ambient(sky=(0.0, 0.0, 0.0), ground=(0.0, 0.0, 0.0))
FRONT = Camera((0.0, -3.0, 0.5), (0.0, 0.0, 0.5), (0.0, 0.0, 1.0), 40.0, 60, 60)


def _see(meshes: list[Mesh], camera: Camera, supersample: int = 1) -> tuple[Surfels, Batch]:
    batch = concatenate(meshes)
    view = camera.supersampled(supersample)
    points = perspective_points(batch.vertices, view)
    fragments = rasterize(points, batch.keep, batch.faces, height=view.height, width=view.width)
    return gather(fragments, batch, camera), batch


def _radiance(
    meshes: list[Mesh], camera: Camera, lights: list[Light], ambient: Ambient
) -> NDArray[np.float32]:
    surfels, batch = _see(meshes, camera)
    open_sky = np.ones((camera.height, camera.width), np.float32)
    values = shade(surfels, batch, camera, lights=lights, ambient=ambient, ambient_light=open_sky)
    image = np.zeros((camera.height * camera.width, 3), np.float32)
    image[surfels.pixel] = values
    return image.reshape(camera.height, camera.width, 3)


def test_a_matte_floor_follows_the_cosine_of_the_light() -> None:
    """The wrap of scenery is 0.05, so a light at 60° gives (0.5 + 0.05) / 1.05 of the albedo.

    The highlight is left out by looking at a corner far from the reflection.
    """
    light = Light((-np.sqrt(3.0), 0.0, 1.0), casts_shadow=False)
    image = _radiance([FLOOR], TOP, [light], DARK)
    np.testing.assert_allclose(image[30, 59], 0.4 * 0.55 / 1.05, atol=2e-3)


def test_a_shadow_falls_away_from_the_light() -> None:
    """The post throws 0.5 m of shadow towards -x, the left of the picture, 10 px from its foot."""
    image = _radiance([FLOOR, POST], TOP, [Light((1.0, 0.0, 1.0), softness_deg=0.5)], DARK)
    assert image[30, 20].max() < 0.02
    assert image[30, 40].min() > 0.2


def test_a_light_without_shadow_passes_everything() -> None:
    light = Light((1.0, 0.0, 1.0), casts_shadow=False)
    image = _radiance([FLOOR, POST], TOP, [light], DARK)
    assert image[30, 20].min() > 0.2


def test_what_is_clipped_away_casts_no_shadow() -> None:
    gone = replace(POST, keep=np.full(len(POST.vertices), -1.0, np.float32))
    image = _radiance([FLOOR, gone], TOP, [Light((1.0, 0.0, 1.0))], DARK)
    assert image[30, 20].min() > 0.2


def test_a_lit_plane_does_not_shadow_itself_at_a_grazing_light() -> None:
    surfels, batch = _see([FLOOR], TOP)
    direction = np.array([0.9, 0.3, 0.2]) / np.linalg.norm([0.9, 0.3, 0.2])
    occluders = shadow_map(batch, surfels.positions, direction=direction, size=128)
    share = lit_share(surfels, occluders, width=TOP.width, softness_deg=5.0)
    np.testing.assert_array_equal(share, 1.0)


def test_a_shadow_is_softer_farther_from_its_caster() -> None:
    """Counts the pixels that are neither lit nor dark across the shadow near and far."""
    wall = box((0.0, 0.0, 0.5), (0.4, 0.02, 1.0), color=(0.4, 0.4, 0.4))
    surfels, batch = _see([FLOOR, wall], TOP.supersampled(4))
    direction = np.array([0.0, -1.0, 1.0]) / np.sqrt(2.0)
    occluders = shadow_map(batch, surfels.positions, direction=direction, size=1024)
    share = lit_share(surfels, occluders, width=240, softness_deg=6.0).reshape(240, 240)
    half = (share > 0.1) & (share < 0.9)
    assert half[30:60].sum() > 2 * half[90:120].sum() > 0


def test_the_sky_lights_from_above_and_the_ground_from_below() -> None:
    ambient = Ambient(sky=(0.8, 0.8, 0.8), ground=(0.2, 0.2, 0.2))
    image = _radiance([FLOOR], TOP, [], ambient)
    np.testing.assert_allclose(image, 0.4 * 0.8, rtol=1e-5)
    wall = _radiance([box((0, 0, 0.5), (9, 0.1, 9), color=(0.4, 0.4, 0.4))], FRONT, [], ambient)
    np.testing.assert_allclose(wall, 0.4 * 0.5, rtol=1e-5)


def test_ambient_light_is_kept_out_of_corners_and_reaches_open_floor() -> None:
    """Looking down at a box from the front; its front meets the floor at y = -0.5."""
    camera = Camera((0.0, -2.5, 1.5), (0.0, -0.5, 0.0), (0.0, 0.0, 1.0), 40.0, 60, 60)
    meshes = [FLOOR, box((0, 0, 0.3), (1.0, 1.0, 0.6), color=(0.4, 0.4, 0.4))]
    surfels, _ = _see(meshes, camera)
    share = ambient_share(surfels, height=60, width=60, radius_m=0.2)
    assert share[29:31, 30].max() < 0.9
    assert share[57, 30] > 0.99
    assert share[20, 30] > 0.99


def test_a_body_far_before_a_wall_throws_no_ambient_halo_on_it() -> None:
    wall = box((0.0, 2.0, 0.5), (20.0, 0.1, 20.0), color=(0.4, 0.4, 0.4))
    body = box((0.0, 0.0, 0.5), (0.4, 0.1, 0.8), color=(0.4, 0.4, 0.4))
    surfels, _ = _see([wall, body], FRONT)
    share = ambient_share(surfels, height=60, width=60, radius_m=0.3)
    assert share.min() > 0.99


def test_skin_is_redder_than_scenery_where_light_grazes_it() -> None:
    light = Light((1.0, 0.0, 0.15), casts_shadow=False)
    stone = _radiance([FLOOR], TOP, [light], DARK)[30, 30]
    skin = _radiance([replace(FLOOR, material=Material.SKIN)], TOP, [light], DARK)[30, 30]
    assert skin[0] / skin[2] > 1.15 > 1.01 > stone[0] / stone[2]


def test_srgb_matches_known_values_and_inverts() -> None:
    """IEC 61966-2-1: 0.0031308 encodes to 0.04045, linear 0.214041 is the middle grey 0.5."""
    np.testing.assert_allclose(
        srgb_from_linear(np.array([0.0, 0.0031308, 0.214041, 1.0])),
        [0.0, 0.04045, 0.5, 1.0],
        atol=1e-5,
    )
    ramp = np.linspace(0.0, 1.0, 100)
    np.testing.assert_allclose(linear_from_srgb(srgb_from_linear(ramp)), ramp, atol=1e-6)


def test_developing_keeps_dark_tones_and_rolls_off_bright_ones() -> None:
    surfels, _ = _see([FLOOR], TOP)

    def developed(level: float) -> float:
        radiance = np.full((len(surfels.pixel), 3), level, np.float32)
        image = develop(radiance, surfels, TOP, background=(0, 0, 0), exposure=1.0)
        return float(linear_from_srgb(image)[30, 30, 0])

    assert developed(0.5) == pytest.approx(0.5, abs=1e-4)
    assert SHOULDER < developed(1.0) < developed(2.0) < developed(4.0) <= 1.0


def test_a_pixel_at_a_border_mixes_both_sides_by_their_share() -> None:
    """The edge of the box runs through the middle of a column of pixels."""
    camera = Camera((0.0, -3.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 60.0, 40, 41)
    card = box((-5.0, 0.0, 0.0), (10.0, 0.001, 10.0), color=(0.4, 0.4, 0.4))
    surfels, _ = _see([card], camera, supersample=4)
    radiance = np.ones((len(surfels.pixel), 3), np.float32) * np.float32(0.6)
    image = develop(radiance, surfels, camera, background=(0.0, 0.0, 0.0), exposure=1.0)
    np.testing.assert_allclose(
        linear_from_srgb(image)[20, [19, 20, 21], 0], [0.6, 0.3, 0.0], atol=1e-4
    )


def test_a_light_from_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="A light needs a direction"):
        Light((0.0, 0.0, 0.0))
