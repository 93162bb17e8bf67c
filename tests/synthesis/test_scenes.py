import zlib
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.adult_scenes import adult_scene
from posebridge.synthesis.body import Body, Phenotype, PoseAngles
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.infant_scenes import InfantKnobs, infant_scene
from posebridge.synthesis.scenes import Scene, Streams, rolled_up, skin_band

FULL = InfantKnobs(180.0, clothes=True, clutter=True, occluders=True, flaws=True)
SEED = 5


def _streams(seed: int) -> Streams:
    return lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())])


@cache
def _infant(knobs: InfantKnobs = FULL, attempt: int = 0, seed: int = SEED) -> Scene:
    return infant_scene(_streams(seed), knobs, attempt=attempt)


@cache
def _adult(seed: int = SEED) -> Scene:
    return adult_scene(_streams(seed), roll_deg=30.0)


def _vertices(scene: Scene, instance: int) -> np.ndarray:
    return np.concatenate([m.vertices for m in scene.meshes if m.instance == instance])


def test_the_same_streams_give_the_same_scene() -> None:
    for one, other in (
        (_adult(), adult_scene(_streams(SEED), roll_deg=30.0)),
        (_infant(), infant_scene(_streams(SEED), FULL)),
    ):
        assert (one.camera, one.lights, one.ambient, one.sensor) == (
            other.camera,
            other.lights,
            other.ambient,
            other.sensor,
        )
        for a, b in zip(one.meshes, other.meshes, strict=True):
            np.testing.assert_array_equal(a.vertices, b.vertices)
            np.testing.assert_array_equal(a.colors, b.colors)


@pytest.mark.parametrize(
    "knobs",
    [replace(FULL, rotation_deg=45.0), replace(FULL, occluders=False), replace(FULL, flaws=False)],
)
def test_a_knob_leaves_the_infant_as_it_is(knobs: InfantKnobs) -> None:
    one, other = _infant(), _infant(knobs)
    np.testing.assert_array_equal(_vertices(one, 1), _vertices(other, 1))
    np.testing.assert_array_equal(one.people[0].keypoints, other.people[0].keypoints)
    assert one.lights == other.lights
    assert (one.camera.eye, one.camera.target) == (other.camera.eye, other.camera.target)


def test_turning_an_infant_is_a_turn_of_the_picture() -> None:
    """The turns are u · 180 and u · 45 for the same u; their difference turns one to the other."""
    one, other = _infant(), _infant(replace(FULL, rotation_deg=45.0))
    full = float(one.people[0].attributes["rotation_deg"])
    quarter = float(other.people[0].attributes["rotation_deg"])
    assert quarter == pytest.approx(full / 4, abs=0.1)
    center = np.array([96.0, 128.0])
    start = other.camera.project(other.people[0].keypoints)[0] - center
    turn = np.deg2rad(full - quarter)  # clockwise on the screen, whose y points down
    clockwise = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    expected = start @ clockwise.T + center
    np.testing.assert_allclose(one.camera.project(one.people[0].keypoints)[0], expected, atol=0.5)


def test_another_attempt_draws_other_occluders_and_nothing_else() -> None:
    one, other = _infant(), _infant(attempt=1)
    np.testing.assert_array_equal(_vertices(one, 1), _vertices(other, 1))
    assert one.camera == other.camera
    things, others = _vertices(one, 0), _vertices(other, 0)
    assert things.shape != others.shape or not np.array_equal(things, others)


def test_a_flawless_infant_has_a_flawless_camera() -> None:
    plain = _infant(InfantKnobs(25.0, clothes=False, clutter=False, occluders=False, flaws=False))
    assert plain.sensor.noise == plain.sensor.blur_px == 0.0
    assert plain.sensor.jpeg_quality is None
    assert _infant().sensor.noise > 0.0


@pytest.mark.parametrize("seed", range(4))
def test_the_camera_holds_a_whole_adult(seed: int) -> None:
    scene = _adult(seed)
    pixels, depth = scene.camera.project(scene.people[0].skin)
    assert depth.min() > 0.5
    assert (pixels >= 0).all()
    assert (pixels < [192, 256]).all()
    spans = np.ptp(pixels, axis=0) / [192, 256]
    assert 0.6 < spans.max() < 1.0


@pytest.mark.parametrize("seed", range(4))
def test_an_infant_lies_on_the_bed_with_its_head_up_the_picture(seed: int) -> None:
    scene = _infant(replace(FULL, rotation_deg=0.0), seed=seed)
    keypoints = scene.people[0].keypoints
    assert keypoints[0, 1] > keypoints[11:13, 1].mean()  # the nose is nearer to +y than the hips
    assert -0.05 < scene.people[0].skin[:, 2].min() < 0.0
    pixels = scene.camera.project(keypoints)[0]
    assert pixels[0, 1] < pixels[11:13, 1].mean()


def test_the_left_of_a_person_who_faces_the_camera_is_on_the_right_of_the_picture() -> None:
    body = Body.load()
    vertices = body.pose(body.shape(Phenotype()), PoseAngles(), np.eye(3)).vertices
    camera = Camera((0.0, -4.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 40.0, 256, 192)
    x = camera.project(body.coco_keypoints(vertices))[0][:, 0]
    for left in (1, 3, 5, 7, 9, 11, 13, 15):
        assert x[left] > x[left + 1]


def test_a_positive_roll_turns_the_picture_clockwise() -> None:
    eye, target, up = (0.0, -4.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)
    level = Camera(eye, target, up, 40.0, 256, 192)
    turned = replace(level, up=rolled_up(eye, target, up, 90.0))
    above = np.array([[0.0, 0.0, 1.0]])
    np.testing.assert_allclose(level.project(above)[0][0, 0], 96.0, atol=1e-6)
    assert level.project(above)[0][0, 1] < 128.0
    right = turned.project(above)[0][0]
    np.testing.assert_allclose(right, [96.0 + (128.0 - level.project(above)[0][0, 1]), 128.0])


def test_skin_bands_split_the_tones_in_five() -> None:
    assert [skin_band(tone) for tone in (0.0, 0.19, 0.2, 0.5, 0.99, 1.0)] == list("112355")
