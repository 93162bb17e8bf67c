"""Skeletons and the maps between them."""

import dataclasses
import hashlib

import numpy as np
import pytest

from posebridge.skeletons import (
    BLAZEPOSE33,
    BODY16,
    COCO17,
    CROWDPOSE14,
    INFANT21,
    SAPIENS308,
    SMIL25,
    Skeleton,
    keypoint_map,
    skeleton,
)

ALL = (COCO17, CROWDPOSE14, SMIL25, BODY16, INFANT21, BLAZEPOSE33, SAPIENS308)
each = pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.name)


@each
def test_flipping_twice_changes_nothing(subject: Skeleton) -> None:
    order = np.array(subject.flip_order)
    assert (order[order] == np.arange(subject.num_keypoints)).all()


@each
def test_flipping_gives_the_same_limbs(subject: Skeleton) -> None:
    limbs = {frozenset(limb) for limb in subject.limbs}
    flipped = {frozenset(subject.flip_order[end] for end in limb) for limb in subject.limbs}
    assert flipped == limbs
    assert len(limbs) == len(subject.limbs)


@each
def test_flipping_exchanges_left_and_right(subject: Skeleton) -> None:
    for index, name in enumerate(subject.keypoints):
        mirrored = subject.keypoints[subject.flip_order[index]]
        if name.startswith("left_"):
            assert mirrored == name.replace("left_", "right_", 1)


@each
def test_mirrored_keypoints_have_one_sigma(subject: Skeleton) -> None:
    """Except the feet of COCO-WholeBody, which Sapiens took over: they were measured by side."""
    feet = ("left_big_toe", "left_small_toe", "left_heel")
    for one, other in subject.flip_pairs if subject.sigmas else ():
        published_apart = subject is SAPIENS308 and subject.keypoints[one] in feet
        assert (subject.sigmas[one] == subject.sigmas[other]) is not published_apart


@each
def test_every_group_but_the_head_has_a_left_and_a_right(subject: Skeleton) -> None:
    assert list(subject.groups) == ["head", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
    assert len(subject.groups["head"]) >= 1
    for name, members in subject.groups.items():
        if name != "head":
            assert {subject.keypoints[i] for i in members} == {f"left_{name}", f"right_{name}"}


@each
def test_a_skeleton_is_found_by_its_name(subject: Skeleton) -> None:
    assert skeleton(subject.name) is subject


@each
def test_the_map_to_itself_is_the_identity(subject: Skeleton) -> None:
    assert keypoint_map(subject, subject).parts == tuple(
        (i,) for i in range(len(subject.keypoints))
    )


def test_the_sizes_are_those_of_the_names() -> None:
    assert [subject.num_keypoints for subject in ALL] == [17, 14, 25, 16, 21, 33, 308]


def test_coco_has_its_published_flips_and_limbs() -> None:
    assert COCO17.flip_pairs == tuple((left, left + 1) for left in range(1, 17, 2))
    published = (
        (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
        (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
    )  # fmt: skip
    assert {frozenset(limb) for limb in COCO17.limbs} == {frozenset(limb) for limb in published}


def test_body16_groups_are_those_of_regda() -> None:
    assert {name: set(members) for name, members in BODY16.groups.items()} == {
        "head": {9}, "shoulder": {12, 13}, "elbow": {11, 14}, "wrist": {10, 15}, "hip": {2, 3},
        "knee": {1, 4}, "ankle": {0, 5},
    }  # fmt: skip


def test_infant21_limbs_are_those_printed_in_aggpose() -> None:
    published = (
        (0, 18), (9, 18), (18, 19), (19, 1), (1, 2), (2, 3), (3, 4), (19, 10), (10, 11),
        (11, 12), (12, 13), (19, 20), (20, 5), (5, 6), (6, 7), (7, 8), (20, 14), (14, 15),
        (15, 16), (16, 17),
    )  # fmt: skip
    assert {frozenset(limb) for limb in INFANT21.limbs} == {frozenset(limb) for limb in published}


def test_blazepose33_limbs_are_mediapipes_pose_connections() -> None:
    published = (
        (0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10), (11, 12),
        (11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (17, 19), (12, 14), (14, 16), (16, 18),
        (16, 20), (16, 22), (18, 20), (11, 23), (12, 24), (23, 24), (23, 25), (24, 26), (25, 27),
        (26, 28), (27, 29), (28, 30), (29, 31), (30, 32), (27, 31), (28, 32),
    )  # fmt: skip
    assert {frozenset(limb) for limb in BLAZEPOSE33.limbs} == {
        frozenset(limb) for limb in published
    }


def test_blazepose_gives_every_keypoint_of_coco() -> None:
    """The published places of COCO's keypoints among the 33."""
    places = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
    assert keypoint_map(BLAZEPOSE33, COCO17).parts == tuple((place,) for place in places)


def test_sapiens308_names_and_mirror_pairs_are_the_published_ones() -> None:
    """Digests of the names and sorted swaps parsed from goliath.py of facebookresearch/sapiens."""

    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    assert digest("\n".join(SAPIENS308.keypoints)) == "2b2ecc79ad3e32cb"
    assert digest(repr(SAPIENS308.flip_pairs)) == "2e550db5297b7b93"
    assert len(SAPIENS308.limbs) == 65


def test_an_unknown_skeleton_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"one of \['blazepose33', 'body16', 'coco17'.*but got 'coco18'"
    ):
        skeleton("coco18")


def test_an_unknown_keypoint_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="crowdpose14 has no keypoint 'nose'; it has"):
        CROWDPOSE14.index("nose")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoints": ("a", "b", "a")}, r"must be unique, but \['a'\] repeat"),
        ({"flip_pairs": ((0, 1), (1, 2))}, "must be disjoint"),
        ({"flip_pairs": ((1, 1),)}, "must be disjoint"),
        ({"flip_pairs": ((0, 3),)}, r"different indices in \[0, 3\), but got \(0, 3\)"),
        ({"limbs": ((2, 2),)}, r"different indices in \[0, 3\), but got \(2, 2\)"),
        ({"limbs": ((-1, 2),)}, r"different indices in \[0, 3\), but got \(-1, 2\)"),
        ({"sigmas": (0.1, 0.1)}, "3 positive numbers or none"),
        ({"sigmas": (0.1, 0.1, 0.0)}, "3 positive numbers or none"),
    ],
)
def test_a_skeleton_whose_parts_do_not_fit_is_refused(
    change: dict[str, tuple[object, ...]], message: str
) -> None:
    sound = Skeleton("tiny", ("a", "b", "c"), ((0, 1),), ((0, 2),), (0.1, 0.1, 0.1))
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(sound, **change)  # type: ignore[arg-type]


def test_neck_and_pelvis_are_derived_from_shoulders_and_hips() -> None:
    keypoints = np.arange(34.0).reshape(17, 2)
    mapped, visible = keypoint_map(COCO17, BODY16, allow_missing=True)(
        keypoints, np.ones(17, bool)
    )
    np.testing.assert_array_equal(mapped[BODY16.index("neck")], keypoints[[5, 6]].mean(0))
    np.testing.assert_array_equal(mapped[BODY16.index("pelvis")], keypoints[[11, 12]].mean(0))
    np.testing.assert_array_equal(mapped[BODY16.index("right_ankle")], keypoints[16])
    assert np.isnan(mapped[BODY16.index("head")]).all()
    assert visible.sum() == 15
    assert not visible[BODY16.index("head")]


def test_mini_rgbd_gives_coco_thirteen_keypoints() -> None:
    """The published conversion: nose 24, shoulders 16 17, elbows 18 19, on to ankles 7 8."""
    parts = keypoint_map(SMIL25, COCO17, allow_missing=True).parts
    assert parts[:5] == ((24,), (), (), (), ())
    assert [part[0] for part in parts[5:]] == [16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]


def test_sapiens_gives_every_keypoint_of_coco_and_crowds_give_none_of_the_face() -> None:
    assert all(keypoint_map(SAPIENS308, COCO17).parts)
    parts = keypoint_map(CROWDPOSE14, COCO17, allow_missing=True).parts
    assert parts[:5] == ((),) * 5


def test_a_map_that_cannot_be_made_names_what_is_missing_and_what_would_do() -> None:
    with pytest.raises(
        ValueError,
        match=r"body16 must come from coco17, which lacks head \(or head_top\)\. Pass allow_",
    ):
        keypoint_map(COCO17, BODY16)
    with pytest.raises(ValueError, match=r"lacks left_eye, right_eye, left_ear, right_ear\. Pass"):
        keypoint_map(SMIL25, COCO17)


def test_a_derived_keypoint_is_as_visible_as_its_least_visible_part() -> None:
    visibility = np.full((2, 17), 2, np.uint8)
    visibility[:, 5] = (1, 0)
    to_crowd = keypoint_map(COCO17, CROWDPOSE14, allow_missing=True)
    _, mapped = to_crowd(np.zeros((2, 17, 3)), visibility)
    np.testing.assert_array_equal(mapped[:, CROWDPOSE14.index("neck")], (1, 0))
    np.testing.assert_array_equal(mapped[:, CROWDPOSE14.index("head_top")], (0, 0))


@each
def test_mapping_commutes_with_mirroring(subject: Skeleton) -> None:
    """The keypoints of a mirror image are those of the image, mirrored, in every skeleton."""
    rng = np.random.default_rng(0)
    keypoints, visible = rng.normal(size=(308, 2)), np.ones(308, bool)
    to_subject = keypoint_map(SAPIENS308, subject, allow_missing=True)
    mirror = np.array([-1.0, 1.0])
    before, _ = to_subject(mirror * keypoints[list(SAPIENS308.flip_order)], visible)
    after, _ = to_subject(keypoints, visible)
    np.testing.assert_allclose(before, mirror * after[list(subject.flip_order)])


def test_the_wrong_number_of_keypoints_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"keypoints must be \[\.\.\., 17, dimension\].*\(16, 2\)"
    ):
        keypoint_map(COCO17, COCO17)(np.zeros((16, 2)), np.ones(16, bool))


def test_the_side_of_a_limb_is_that_of_both_its_ends() -> None:
    left, right = COCO17.index("left_knee"), COCO17.index("right_knee")
    nose = COCO17.index("nose")
    assert COCO17.side(left, COCO17.index("left_hip")) == "left"
    assert COCO17.side(nose, right) == "right"
    assert COCO17.side(left, right) is None
    assert COCO17.side(nose) is None
