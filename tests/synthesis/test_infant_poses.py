from collections import Counter
from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.infant_joints import infant_limits, months_of
from posebridge.synthesis.infant_poses import FAMILIES, INFANT_POSES, check_poses, posture_of
from posebridge.synthesis.infant_rest import pose_at_rest
from posebridge.synthesis.infant_scenes import on_mattress
from posebridge.synthesis.people import Figure
from posebridge.synthesis.pose_samples import PoseSample, clip_angles
from posebridge.synthesis.self_contact import DEEP, capsules

BODY = Body.load()
DRAWS = 6
SYRIP = {"supine", "prone", "sitting", "standing"}
every_family = pytest.mark.parametrize("kind", list(FAMILIES))


@cache
def infant(kind: str) -> tuple[Phenotype, list[tuple[PoseSample, Figure]]]:
    person = Phenotype(age=float(np.mean(FAMILIES[kind].ages)))
    shaped, rng = BODY.shape(person), np.random.default_rng(0)
    months = months_of(person.age)
    samples = [pose_at_rest(kind, rng, BODY, shaped, months=months) for _ in range(DRAWS)]
    return person, [(sample, on_mattress(BODY, shaped, sample)) for sample in samples]


@every_family
def test_joints_stay_within_the_measured_ranges(kind: str) -> None:
    person, drawn = infant(kind)
    limits = infant_limits(months_of(person.age))
    for sample, _ in drawn:
        assert sample.kind == kind
        assert clip_angles(sample.angles, limits) == sample.angles
        np.testing.assert_allclose(sample.root @ sample.root.T, np.eye(3), atol=1e-9)


@every_family
def test_limbs_do_not_pass_through_each_other(kind: str) -> None:
    person, drawn = infant(kind)
    shaped = BODY.shape(person)
    volume = capsules(BODY, shaped)
    deep = [volume.overlap(BODY.pose_bones(shaped, s.angles, s.root)) >= DEEP for s, _ in drawn]
    assert sum(deep) <= 1


@every_family
def test_nothing_sinks_into_the_bed(kind: str) -> None:
    for _, figure in infant(kind)[1]:
        assert -0.03 < figure.skin[:, 2].min() <= 0
        assert (figure.skin[:, 2] < 0.01).sum() > 100


@pytest.mark.parametrize(
    ("kind", "postures"),
    [
        ("curled", {"supine"}),
        ("kicking", {"supine"}),
        ("side-lying", {"supine", "prone"}),
        ("prone", {"prone"}),
        ("crawling", {"prone"}),
        ("sitting", {"sitting"}),
        ("standing", {"standing"}),
    ],
)
def test_postures_are_those_of_syrip(kind: str, postures: set[str]) -> None:
    found = Counter(posture_of(sample.root, kind) for sample, _ in infant(kind)[1])
    assert set(found) <= postures <= SYRIP


def height(figure: Figure, *bones: str) -> float:
    return float(np.mean([figure.bone_heads[BODY.bone(bone), 2] for bone in bones]))


def test_each_posture_is_what_its_name_says() -> None:
    for sample, figure in infant("side-lying")[1]:
        assert abs((sample.root @ [1, 0, 0])[2]) > 0.5  # one shoulder is above the other
        assert height(figure, "head") < 0.2
    for _, figure in infant("crawling")[1]:
        assert height(figure, "root") > height(figure, "foot.L", "foot.R") + 0.05
        assert height(figure, "spine01") > height(figure, "wrist.L", "wrist.R") + 0.05
    for _, figure in infant("sitting")[1]:
        assert height(figure, "head") > height(figure, "root") + 0.15
        assert height(figure, "root") < 0.15
    for _, figure in infant("standing")[1]:
        assert height(figure, "root") > 0.2
        assert height(figure, "foot.L", "foot.R") < 0.08


def test_prone_infants_turn_or_lift_their_heads() -> None:
    """A face that looks straight down could not breathe."""
    for sample, _ in infant("prone")[1]:
        nod, _, turn = sample.angles.neck
        assert abs(turn) > 45 or nod < -15


def test_kicking_hips_and_knees_move_together() -> None:
    drawn = [FAMILIES["kicking"].draw(np.random.default_rng(seed)) for seed in range(60)]
    hips = [sample.angles.left.hip[0] for sample in drawn]
    knees = [sample.angles.left.knee for sample in drawn]
    assert np.corrcoef(hips, knees)[0, 1] > 0.7


@pytest.mark.parametrize(
    ("months", "hip", "knee"), [(1.4, 19.0, None), (3.0, 7.0, 10.7), (0.0, None, 21.4)]
)
def test_joints_lack_the_extension_that_was_measured(
    months: float, hip: float | None, knee: float | None
) -> None:
    limits = infant_limits(months)
    assert hip is None or limits.hip[0][0] == pytest.approx(hip)
    assert knee is None or limits.knee[0] == pytest.approx(knee)


def test_infants_straighten_as_they_grow() -> None:
    lacks = [
        (limits.hip[0][0], limits.knee[0], limits.elbow[0])
        for limits in map(infant_limits, (0.0, 1.5, 3.0, 6.0, 9.0))
    ]
    assert (np.diff(lacks, axis=0) <= 0).all()
    assert infant_limits(0.0).hip[2][1] > -infant_limits(0.0).hip[2][0]  # out further than in


def test_the_same_numbers_give_the_same_pose() -> None:
    person, _ = infant("prone")
    shaped = BODY.shape(person)
    one, other = (
        pose_at_rest("prone", np.random.default_rng(4), BODY, shaped, months=3.0) for _ in range(2)
    )
    assert one.angles == other.angles
    np.testing.assert_array_equal(one.root, other.root)


@pytest.mark.parametrize(("poses", "told"), [(("prone", "flying"), "flying"), ((), "none")])
def test_unknown_poses_are_answered_with_the_known_ones(poses: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValueError, match=f"poses must be some of supine, curled, .*got {told}"):
        check_poses(poses)
    check_poses(INFANT_POSES)
