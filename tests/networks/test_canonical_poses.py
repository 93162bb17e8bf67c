"""Tests of canonical poses."""

import numpy as np
import pytest
import torch

from posebridge.networks.canonical_poses import SEATED, STANDING, SUPINE, CanonicalPose, StartPose
from posebridge.populations.crops import apply_affine, crop_from_image
from posebridge.populations.infant_real import InfantReal
from posebridge.skeletons import BODY16, COCO17, CROWDPOSE14, SMIL25, Skeleton

each_pose = pytest.mark.parametrize("pose", [STANDING, SUPINE, SEATED], ids=lambda pose: pose.name)


@each_pose
@pytest.mark.parametrize(("height", "width"), [(256, 192), (192, 192)])
def test_a_pose_lies_in_the_crop_and_mirrors_itself(
    pose: CanonicalPose, height: int, width: int
) -> None:
    keypoints = pose.keypoints(COCO17, height, width)
    assert keypoints.shape == (17, 2)
    assert ((keypoints > 0) & (keypoints < torch.tensor((width, height)))).all()
    mirrored = keypoints[list(COCO17.flip_order)] * torch.tensor((-1.0, 1.0))
    torch.testing.assert_close(mirrored + torch.tensor((float(width), 0.0)), keypoints)


@each_pose
def test_the_subjects_left_is_on_the_right_of_the_picture(pose: CanonicalPose) -> None:
    keypoints = pose.keypoints(COCO17, 192, 192)
    left, right = COCO17.index("left_shoulder"), COCO17.index("right_shoulder")
    assert keypoints[left, 0] > keypoints[right, 0]


def test_an_adult_stands_as_in_a_crop_of_the_paper() -> None:
    """Nose (0.50, 0.16) and left wrist (0.67, 0.52) of 192 × 256 px."""
    keypoints = STANDING.keypoints(COCO17, 256, 192)
    torch.testing.assert_close(keypoints[0], torch.tensor((96.0, 40.96)))
    torch.testing.assert_close(keypoints[9], torch.tensor((128.64, 133.12)))


@pytest.mark.parametrize("skeleton", [COCO17, CROWDPOSE14, BODY16], ids=lambda s: s.name)
def test_the_standing_adult_has_the_keypoints_of_the_paper_and_its_code(
    skeleton: Skeleton,
) -> None:
    assert STANDING.keypoints(skeleton, 256, 192).shape == (skeleton.num_keypoints, 2)


def test_a_skeleton_it_does_not_know_is_answered_with_what_to_do() -> None:
    message = "'supine' must place every keypoint of smil25, but lacks pelvis, .*or start=None"
    with pytest.raises(ValueError, match=message):
        SUPINE.keypoints(SMIL25, 256, 192)


def test_a_start_that_is_given_does_not_learn() -> None:
    start = StartPose(STANDING, COCO17, 192, 192)
    start.observe(torch.full((2, 17, 2), 5.0), torch.ones(2, 17, dtype=torch.bool))
    torch.testing.assert_close(start(), STANDING.keypoints(COCO17, 192, 192))


def test_a_start_without_a_pose_is_the_mean_of_who_was_seen() -> None:
    start = StartPose(None, COCO17, 192, 192)
    keypoints = torch.full((2, 17, 2), torch.nan)
    keypoints[0, 0], keypoints[1, 0] = torch.tensor((10.0, 20.0)), torch.tensor((30.0, 60.0))
    keypoints[1, 1] = torch.tensor((7.0, 8.0))
    start.observe(keypoints, keypoints.isfinite().all(dim=-1))
    start.observe(torch.full((1, 17, 2), 5.0), torch.zeros(1, 17, dtype=torch.bool))
    expected = torch.full((17, 2), 96.0)
    expected[0], expected[1] = torch.tensor((20.0, 40.0)), torch.tensor((7.0, 8.0))
    torch.testing.assert_close(start(), expected)


def test_the_mean_survives_a_checkpoint() -> None:
    one, other = (StartPose(None, COCO17, 192, 192) for _ in range(2))
    one.observe(torch.rand(3, 17, 2), torch.ones(3, 17, dtype=torch.bool))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(), other())


@pytest.mark.slow
def test_the_supine_infant_is_the_mean_of_rendered_ones() -> None:
    """Of 12, where the constant is the mean of 120: their standard deviation is up to 0.11."""
    infants, shares = InfantReal(rung="C0", rotation_deg=0.0), []
    for index in range(12):
        for person in infants.render("train", index).people:
            crop = crop_from_image(person.box, 192, 192)
            placed = (apply_affine(crop, person.keypoints) - 96) / 192
            placed[person.visibility == 0] = np.nan
            shares += [placed, placed[list(COCO17.flip_order)] * [-1, 1]]
    mean = torch.from_numpy(np.nanmean(shares, axis=0)).float() * 192 + 96
    torch.testing.assert_close(mean, SUPINE.keypoints(COCO17, 192, 192), atol=0.09 * 192, rtol=0)
