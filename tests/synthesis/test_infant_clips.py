import zlib
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.angle_vectors import from_vector, limit_vectors, to_vector
from posebridge.synthesis.general_movements import CHARACTERS
from posebridge.synthesis.infant_clips import Clip, infant_clip
from posebridge.synthesis.infant_joints import infant_limits, months_of
from posebridge.synthesis.infant_scenes import InfantKnobs
from posebridge.synthesis.self_contact import DEEP, capsules

KNOBS = InfantKnobs(
    15.0, clothes=True, clutter=True, occluders=False, flaws=True, view="top-down", toys=False
)
RATE_HZ = 12.5
every_character = pytest.mark.parametrize("character", list(CHARACTERS))


@cache
def clip(character: str, seconds: float = 4.0, seed: int = 0) -> Clip:
    return infant_clip(
        lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())]),
        KNOBS,
        character,
        np.arange(round(seconds * RATE_HZ)) / RATE_HZ,
    )


def bone_heads(found: Clip) -> np.ndarray:
    """Of every frame, on the mattress."""
    figure, root = found.resting.figure, found.resting.pose.root
    return np.array(
        [
            figure.body.pose_bones(figure.shaped, from_vector(vector), root) + found.shift
            for vector in found.angles_deg
        ]
    )


@every_character
@pytest.mark.parametrize("seed", [0, 1])
def test_joint_limits_hold_in_every_frame(character: str, seed: int) -> None:
    found = clip(character, seed=seed)
    lowest, highest = limit_vectors(infant_limits(months_of(found.resting.age)))
    assert (found.angles_deg >= lowest - 1e-5).all()
    assert (found.angles_deg <= highest + 1e-5).all()


@every_character
@pytest.mark.parametrize("seed", [0, 1])
def test_limbs_pass_through_neither_the_sheet_nor_each_other(character: str, seed: int) -> None:
    found = clip(character, seed=seed)
    figure = found.resting.figure
    volume = capsules(figure.body, figure.shaped)

    def bottoms(heads: np.ndarray) -> np.ndarray:
        ends = np.minimum(volume.starts @ heads[:, 2], volume.ends @ heads[:, 2])
        return np.asarray(ends - volume.radii)

    at_rest = bottoms(figure.bone_heads)
    for heads in bone_heads(found):
        assert (bottoms(heads) >= np.minimum(at_rest, 0.0) - 0.006).all()
        assert volume.overlap(heads) < max(DEEP, volume.overlap(figure.bone_heads)) + 0.05


@every_character
def test_the_trunk_stays_and_the_limbs_move_without_jumps(character: str) -> None:
    found = clip(character)
    heads, body = bone_heads(found), found.resting.figure.body
    assert np.ptp(heads[:, body.bone("root")], axis=0).max() < 1e-6
    moved = np.ptp(heads, axis=0).max(axis=1)
    assert max(moved[body.bone(name)] for name in ("wrist.L", "wrist.R", "foot.L")) > 0.01
    assert np.linalg.norm(np.diff(heads, axis=0), axis=2).max() * RATE_HZ < 1.5  # m/s


def test_fidgety_legs_accelerate_as_measured() -> None:
    """1.59 to 3.88 m/s² on average, of movements; clips also have calmer moments and limbs."""
    found = []
    for seed in range(3):
        sampled = clip("fidgety", seed=seed)
        heads = bone_heads(sampled)
        body = sampled.resting.figure.body
        ankles = heads[:, [body.bone("foot.L"), body.bone("foot.R")]]
        found.append(np.linalg.norm(np.diff(ankles, 2, axis=0), axis=2).mean() * RATE_HZ**2)
    assert 0.8 < np.mean(found) < 3.9


@every_character
def test_angles_keep_to_the_band_between_contacts(character: str) -> None:
    series = clip(character, seconds=10.0).angles_deg
    low, high = CHARACTERS[character].band_hz
    window = np.hanning(len(series))[:, None]
    power = np.abs(np.fft.rfft((series - series.mean(axis=0)) * window, axis=0)) ** 2
    frequencies = np.fft.rfftfreq(len(series), 1 / RATE_HZ)
    inside = (frequencies > low - 0.25) & (frequencies < high + 0.25)
    assert power[inside].sum() / power.sum() > 0.95


def test_a_longer_clip_begins_with_the_shorter() -> None:
    short, long = clip("fidgety", 2.0), clip("fidgety", 4.0)
    np.testing.assert_array_equal(long.angles_deg[: len(short.angles_deg)], short.angles_deg)


def test_characters_are_of_the_same_infant_in_the_same_place() -> None:
    still, moving, other = clip("absent"), clip("fidgety"), clip("writhing")
    for found in (moving, other):
        np.testing.assert_array_equal(found.resting.figure.skin, still.resting.figure.skin)
        assert found.setting.camera == still.setting.camera
        assert found.setting.lights == still.setting.lights
        np.testing.assert_array_equal(
            found.setting.meshes[0].vertices, still.setting.meshes[0].vertices
        )
        assert not np.array_equal(found.angles_deg, still.angles_deg)
    assert np.ptp(still.angles_deg, axis=0).max() == 0
    np.testing.assert_array_equal(still.angles_deg[0], to_vector(still.resting.pose.angles))


def test_only_the_infant_changes_from_frame_to_frame() -> None:
    found = clip("fidgety")
    one, other = found.scene(0), found.scene(20)
    assert (one.camera, one.lights, one.sensor) == (other.camera, other.lights, other.sensor)
    for a, b in zip(one.meshes, other.meshes, strict=True):
        assert (a.vertices is b.vertices) == (a.instance == 0)
        np.testing.assert_array_equal(a.colors, b.colors)
    assert one.sensor.motion_px == 0
    assert not np.array_equal(one.people[0].keypoints, other.people[0].keypoints)


@every_character
def test_hands_and_feet_stay_in_the_picture(character: str) -> None:
    for seed in range(2):
        found = clip(character, seed=seed)
        camera = found.setting.camera
        for heads in bone_heads(found):
            pixels, _ = camera.project(heads)
            inside = (pixels >= 0).all(axis=1) & (pixels <= [camera.width, camera.height]).all(1)
            assert inside.mean() > 0.97
