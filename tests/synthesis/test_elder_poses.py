import zlib
from collections import Counter
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.angles import PoseAngles, SideAngles
from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.elder_poses import ELDER_AGE, ElderPose, elder_pose
from posebridge.synthesis.figures import standing_figure
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.pose_samples import ADULT_LIMITS, PoseSample, clip_angles
from posebridge.synthesis.room_scenes import adult_room_scene, elder_room_scene
from posebridge.synthesis.scenes import Scene, Streams
from posebridge.synthesis.self_contact import DEEP, capsules
from posebridge.synthesis.walking_aids import grip, walking_aid

BODY = Body.load()
OLD = BODY.shape(Phenotype(age=ELDER_AGE))


@cache
def _drawn() -> tuple[ElderPose, ...]:
    rng = np.random.default_rng(0)
    return tuple(elder_pose(rng) for _ in range(150))


def _streams(seed: int) -> Streams:
    return lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())])


def test_angles_are_within_the_range_of_motion() -> None:
    for pose in _drawn():
        assert clip_angles(pose.sample.angles, ADULT_LIMITS) == pose.sample.angles


def test_limbs_seldom_pass_through_each_other() -> None:
    volume = capsules(BODY, OLD)
    samples = [pose.sample for pose in _drawn()]
    deep = [volume.overlap(BODY.pose_bones(OLD, s.angles, s.root)) >= DEEP for s in samples]
    assert np.mean(deep) < 0.02


def test_most_old_people_stoop() -> None:
    bent = [pose.sample.angles.spine[0] for pose in _drawn()]
    assert np.median(bent) > 12


def test_every_aid_occurs_and_its_hands_are_closed() -> None:
    assert set(Counter(pose.hands for pose in _drawn())) == {"", "L", "R", "LR"}
    for pose in _drawn():
        for side, angles in (("L", pose.sample.angles.left), ("R", pose.sample.angles.right)):
            assert side not in pose.hands or angles.fist == pytest.approx(70)


def _aid(hands: str, seed: int = 0) -> tuple[np.ndarray, list[Mesh]]:
    arm = SideAngles(shoulder=(25, 10, 0), elbow=30, fist=70)
    sample = PoseSample(PoseAngles(left=arm, right=arm), np.eye(3), "held")
    figure = standing_figure(Phenotype(age=1.0), sample)
    meshes = walking_aid(np.random.default_rng(seed), figure, hands)
    return np.array([grip(figure, side) for side in hands]), meshes


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hands", ["L", "R", "LR"])
def test_an_aid_goes_from_the_hands_to_the_floor(hands: str, seed: int) -> None:
    grips, meshes = _aid(hands, seed)
    points = np.concatenate([mesh.vertices for mesh in meshes])
    assert abs(points[:, 2].min()) < 0.02
    for hand in grips:
        assert np.linalg.norm(points - hand, axis=1).min() < 0.03
    assert {mesh.instance for mesh in meshes} == {0}


def test_empty_hands_hold_nothing() -> None:
    assert _aid("")[1] == []


@cache
def _scene(seed: int) -> Scene:
    return elder_room_scene(_streams(seed), roll_deg=30.0)


def test_the_room_does_not_depend_on_the_age() -> None:
    old, young = _scene(2), adult_room_scene(_streams(2), roll_deg=30.0)
    assert (old.lights, old.ambient, old.sensor) == (young.lights, young.ambient, young.sensor)
    assert old.people[0].attributes["rotation_deg"] == young.people[0].attributes["rotation_deg"]
    floor = next(mesh for mesh in old.meshes if mesh.instance == 0)
    np.testing.assert_array_equal(floor.vertices, young.meshes[0].vertices)


@pytest.mark.parametrize("seed", range(4))
def test_old_people_stand_on_the_floor(seed: int) -> None:
    assert abs(float(_scene(seed).people[0].skin[:, 2].min()) - 0.011) < 1e-3
