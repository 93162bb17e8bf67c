from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest

from posebridge.synthesis.adult_poses import FAMILIES, Family
from posebridge.synthesis.angles import PoseAngles, SideAngles
from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.pose_samples import (
    ADULT_LIMITS,
    INFANT_LIMITS,
    Limits,
    PoseSample,
    clip_angles,
    mirrored,
)
from posebridge.synthesis.poses import adult_pose, infant_pose, without_deep_contact
from posebridge.synthesis.self_contact import DEEP, capsules, segment_distances

BODY = Body.load()
ADULT = BODY.shape(Phenotype())
INFANT = BODY.shape(Phenotype(age=-0.2))


def draws(count: int) -> list[PoseSample]:
    rng = np.random.default_rng(0)
    return [adult_pose(rng) for _ in range(count)]


def is_inside(angles: PoseAngles, limits: Limits) -> bool:
    return clip_angles(angles, limits) == angles


def test_mean_adult_pose_in_the_box_is_a_poor_guess() -> None:
    """PCK@0.05 of the box's long side of the mean pose, on the very sample it is fitted to."""
    shares, sides = [], []
    skin = BODY.group_vertices["body"]
    for sample in draws(200):
        vertices = BODY.pose(ADULT, sample.angles, sample.root).vertices
        seen = vertices[:, [0, 2]]  # an orthographic look along +y
        corner, side = seen[skin].min(axis=0), np.ptp(seen[skin], axis=0)
        shares.append((BODY.coco_keypoints(vertices)[:, [0, 2]] - corner) / side)
        sides.append(side)
    truth, box = np.array(shares), np.array(sides)
    error = np.linalg.norm((truth - truth.mean(axis=0)) * box[:, None], axis=2)
    pck = 100 * (error < 0.05 * box.max(axis=1, keepdims=True)).mean()
    print(f"mean adult pose: PCK@0.05 of the box = {pck:.1f}")
    assert pck < 30
    assert truth.min() > -0.02
    assert truth.max() < 1.02


def test_most_adults_are_upright_and_every_family_is_drawn() -> None:
    samples = draws(400)
    upright = np.mean([sample.root[2, 2] > np.cos(np.deg2rad(45)) for sample in samples])
    assert 0.9 < upright < 0.99
    assert set(Counter(sample.kind for sample in samples)) == {f.__name__ for f in FAMILIES}
    towards_camera = np.mean([sample.root[1, 1] > 0 for sample in samples])
    assert 0.95 < towards_camera < 1


@pytest.mark.parametrize("family", list(FAMILIES), ids=lambda family: family.__name__)
def test_adult_family_respects_the_range_of_motion(family: Family) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        sample = family(rng)
        assert sample.kind == family.__name__
        assert is_inside(sample.angles, ADULT_LIMITS)
        np.testing.assert_allclose(sample.root @ sample.root.T, np.eye(3), atol=1e-12)


def test_infant_angles_are_inside_the_limits_and_of_the_stated_spread() -> None:
    rng = np.random.default_rng(2)
    samples = [infant_pose(rng) for _ in range(300)]
    assert all(is_inside(sample.angles, INFANT_LIMITS) for sample in samples)
    knees = np.array([sample.angles.left.knee for sample in samples])
    assert knees.mean() == pytest.approx(80, abs=8)
    assert knees.std() == pytest.approx(28, abs=6)
    fists = np.array([sample.angles.right.fist for sample in samples])
    assert fists.min() >= 30
    turns = np.array([sample.angles.neck[2] for sample in samples])
    assert turns.std() == pytest.approx(32, abs=5)


def test_infants_lie_on_their_backs() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        root = infant_pose(rng).root
        assert (root @ [0, -1, 0])[2] > 0.7  # the belly looks up
        assert (root @ [0, 0, 1])[1] > 0.99  # the crown to +y


def test_same_generator_gives_the_same_pose() -> None:
    for draw in (adult_pose, infant_pose):
        one, other = (draw(np.random.default_rng(7)) for _ in range(2))
        assert one.angles == other.angles
        assert one.kind == other.kind
        np.testing.assert_array_equal(one.root, other.root)
        assert draw(np.random.default_rng(8)).angles != one.angles


def test_mirrored_sample_is_the_mirror_image_of_the_person() -> None:
    sample = adult_pose(np.random.default_rng(11))
    other = mirrored(sample)
    bones, reflected = (BODY.pose_bones(ADULT, s.angles, s.root) for s in (sample, other))
    for name in ("wrist", "foot", "lowerleg01"):
        left, right = BODY.bone(name + ".L"), BODY.bone(name + ".R")
        np.testing.assert_allclose(reflected[right], bones[left] * [-1, 1, 1], atol=3e-3)


def test_limits_clip_every_number() -> None:
    far = SideAngles((500,) * 3, 500, (500,) * 2, (500,) * 3, 500, (500,) * 2, 500)
    clipped = clip_angles(PoseAngles(far, far, (500,) * 3, (500,) * 3), INFANT_LIMITS)
    expected = [tuple(high for _, high in INFANT_LIMITS.hip), INFANT_LIMITS.knee[1]]
    assert [clipped.left.hip, clipped.left.knee] == expected
    assert max(np.hstack([np.ravel(v) for v in astuple(clipped.right)])) == 140


def test_drawn_poses_seldom_put_limbs_through_each_other() -> None:
    volume = capsules(BODY, ADULT)
    deep = [volume.overlap(BODY.pose_bones(ADULT, s.angles, s.root)) >= DEEP for s in draws(150)]
    assert np.mean(deep) < 0.02
    small = capsules(BODY, INFANT)
    rng = np.random.default_rng(5)
    samples = [infant_pose(rng) for _ in range(100)]
    deep = [small.overlap(BODY.pose_bones(INFANT, s.angles, s.root)) >= DEEP for s in samples]
    assert np.mean(deep) < 0.02


def test_capsules_notice_an_arm_inside_the_trunk() -> None:
    volume = capsules(BODY, ADULT)

    def overlap(side: SideAngles) -> float:
        angles = PoseAngles(left=side, right=SideAngles(shoulder=(0, 40, 0)))
        return volume.overlap(BODY.pose_bones(ADULT, angles, np.eye(3)))

    assert overlap(SideAngles(shoulder=(0, 40, 0))) < DEEP
    assert overlap(SideAngles(shoulder=(10, -20, 0))) > DEEP


def test_drawing_gives_up_rather_than_running_forever() -> None:
    inside = PoseAngles(left=SideAngles(shoulder=(10, -25, 0)))
    count = Counter[str]()

    def draw(_: np.random.Generator) -> PoseSample:
        count["draws"] += 1
        return PoseSample(inside, np.eye(3), "stuck")

    rng = np.random.default_rng(0)
    assert without_deep_contact(draw, rng, age=2 / 3).kind == "stuck"
    assert count["draws"] == 20


def test_segment_distance_agrees_with_a_dense_search() -> None:
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=(4, 40, 3))
    along = np.linspace(0, 1, 201)[:, None]
    dense = [
        np.linalg.norm(
            (a[i] + (b[i] - a[i]) * along)[:, None] - (c[i] + (d[i] - c[i]) * along)[None], axis=2
        ).min()
        for i in range(len(a))
    ]
    np.testing.assert_allclose(segment_distances(a, b, c, d), dense, atol=0.02)
    parallel = segment_distances(a, b, a + [0, 0, 1], b + [0, 0, 1])
    assert (parallel <= 1 + 1e-9).all()
