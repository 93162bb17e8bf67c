import zlib
from collections import Counter
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.pose_samples import PoseSample, clip_angles
from posebridge.synthesis.scenes import Scene
from posebridge.synthesis.self_contact import DEEP, capsules
from posebridge.synthesis.toddler_poses import (
    FAMILIES,
    TODDLER_AGE,
    TODDLER_LIMITS,
    toddler_pose,
)
from posebridge.synthesis.toddler_scenes import toddler_scene

BODY = Body.load()


@cache
def _drawn() -> tuple[PoseSample, ...]:
    rng = np.random.default_rng(0)
    return tuple(toddler_pose(rng) for _ in range(200))


@cache
def _scene(seed: int) -> Scene:
    return toddler_scene(
        lambda name: np.random.default_rng([seed, zlib.crc32(name.encode())]), roll_deg=30.0
    )


def test_angles_are_within_what_toddlers_joints_allow() -> None:
    for sample in _drawn():
        assert clip_angles(sample.angles, TODDLER_LIMITS) == sample.angles
        np.testing.assert_allclose(sample.root @ sample.root.T, np.eye(3), atol=1e-12)


def test_every_family_is_drawn() -> None:
    assert set(Counter(sample.kind for sample in _drawn())) == {f.__name__ for f in FAMILIES}


def test_limbs_seldom_pass_through_each_other() -> None:
    shaped = BODY.shape(Phenotype(age=TODDLER_AGE))
    volume = capsules(BODY, shaped)
    deep = [volume.overlap(BODY.pose_bones(shaped, s.angles, s.root)) >= DEEP for s in _drawn()]
    assert np.mean(deep) < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_toddlers_stand_among_toys_and_in_none_of_them(seed: int) -> None:
    scene = _scene(seed)
    person = scene.people[0]
    assert abs(float(person.skin[:, 2].min()) - 0.006) < 1e-3
    small = [m for m in scene.meshes if m.instance == 0 and np.ptp(m.vertices, axis=0).max() < 0.3]
    for toy in small:
        away = np.linalg.norm(person.skin[:, :2] - toy.vertices[:, :2].mean(axis=0), axis=1)
        assert away.min() > 0.05
