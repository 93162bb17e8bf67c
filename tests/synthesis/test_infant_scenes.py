"""What holds infants up and what hides them, in every pose."""

import zlib
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis import cots
from posebridge.synthesis.infant_occluders import Place, hiding_things
from posebridge.synthesis.infant_poses import INFANT_POSES
from posebridge.synthesis.infant_scenes import Infant, InfantKnobs, draw_infant, draw_setting
from posebridge.synthesis.infant_supports import supports

KNOBS = {
    pose: InfantKnobs(0.0, clothes=True, clutter=True, occluders=True, flaws=False, poses=(pose,))
    for pose in INFANT_POSES
}


def stream(name: str, seed: int = 1) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@cache
def infant(pose: str) -> Infant:
    return draw_infant(stream, KNOBS[pose])


@pytest.mark.parametrize("pose", INFANT_POSES)
def test_every_pose_has_its_scene(pose: str) -> None:
    found = infant(pose)
    scene = draw_setting(stream, KNOBS[pose], found).with_infant(found)
    (person,) = scene.people
    assert person.attributes["posture"] in ("supine", "prone", "sitting", "standing")
    assert person.attributes.get("pose", person.attributes["posture"]) == pose
    assert np.isfinite(person.keypoints).all()


@pytest.mark.parametrize("pose", INFANT_POSES)
def test_blankets_never_touch_the_skin_and_stay_off_who_stands(pose: str) -> None:
    figure = infant(pose).figure
    body = cots.relief(figure.skin, 1.5 * figure.stature_m)
    heights = cots.sheet(body, wrinkle_m=0.005, seed=0)
    place = Place(figure, body, heights)
    for seed in range(12):
        for mesh in hiding_things(np.random.default_rng(seed), place):
            if mesh.keep is None or len(mesh.vertices) != heights.size:
                continue  # no blanket
            assert pose != "standing"
            assert (mesh.vertices[:, 2].reshape(heights.shape) >= heights).all()


def test_only_who_stands_or_sits_is_upright() -> None:
    for pose in INFANT_POSES:
        assert infant(pose).is_upright == (pose in ("sitting", "standing"))


def test_a_rail_is_at_the_hands_of_who_stands_and_before_the_feet() -> None:
    figure = infant("standing").figure
    rail, *bars = supports(np.random.default_rng(0), figure, "standing")
    hands = figure.keypoints[9:11]
    assert rail.vertices[:, 2].max() == pytest.approx(hands[:, 2].min(), abs=0.08)
    assert rail.vertices[:, 1].max() < figure.keypoints[15:17, 1].max()
    assert len(bars) >= 6
    assert min(bar.vertices[:, 2].min() for bar in bars) <= 0


def test_a_cushion_lies_around_the_back_of_who_sits() -> None:
    figure = infant("sitting").figure
    found = [supports(np.random.default_rng(seed), figure, "sitting") for seed in range(8)]
    assert {len(meshes) for meshes in found} == {0, 1}
    cushion = next(meshes[0] for meshes in found if meshes)
    pelvis = figure.bone_heads[figure.body.bone("root"), :2]
    assert np.linalg.norm(cushion.vertices[:, :2] - pelvis, axis=1).min() > 0.03
    assert cushion.vertices[:, 2].min() < 0.01


def test_who_lies_needs_no_support() -> None:
    assert supports(np.random.default_rng(0), infant("prone").figure, "prone") == []
