from typing import Any

import numpy as np
import pytest

from populations.importers.writing import standing
from posebridge.populations.handedness import FEWEST, Handedness, handedness
from posebridge.skeletons import BODY16, COCO17, SMIL25, Skeleton


def rows(
    points: np.ndarray,
    count: int = FEWEST,
    *,
    visibility: int = 2,
    space: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    row = {
        "keypoints": points.ravel().tolist(),
        "visibility": [visibility] * len(points),
        "keypoints_3d_mm": None if space is None else space.ravel().tolist(),
    }
    return [row] * count


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((points - 40) @ matrix.T + 40)


def swapped(points: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    return points[list(skeleton.flip_order)]


def in_space(skeleton: Skeleton) -> np.ndarray:
    """Somebody who stands two metres before the camera and looks into it, mm."""
    points = np.column_stack([standing(skeleton) * 20, np.full(skeleton.num_keypoints, 2000.0)])
    for name in ("nose", "left_toes", "right_toes"):
        points[skeleton.index(name), 2] -= 120
    return points


@pytest.mark.parametrize("degrees", [0, 45, 90, 180, 270])
def test_whoever_faces_the_camera_is_right_whichever_way_up(degrees: float) -> None:
    found = handedness(rows(turned(standing(), degrees)), COCO17)
    assert (found.facing, found.facing_swapped) == (FEWEST, 0)
    assert found.warning() == ""


@pytest.mark.parametrize("degrees", [0, 45, 90, 180, 270])
def test_exchanged_sides_are_seen_whichever_way_up(degrees: float) -> None:
    found = handedness(rows(turned(swapped(standing(), COCO17), degrees)), COCO17)
    assert found.facing_swapped == FEWEST
    warning = found.warning()
    assert "left and right seem exchanged: 20 of 20 people have their left shoulder" in warning
    assert "of those who face the camera. Keypoints named left_ are the person's own" in warning


def test_a_mirrored_picture_with_its_labels_is_seen_too() -> None:
    mirrored = standing() * (-1, 1) + (64, 0)
    assert handedness(rows(mirrored), COCO17).facing_swapped == FEWEST


def test_whoever_is_seen_from_behind_has_no_face_that_is_seen() -> None:
    behind = rows(swapped(standing(), COCO17))
    behind = [row | {"visibility": [1, 1, 1, 2, 2] + [2] * 12} for row in behind]
    found = handedness(behind * 2 + rows(standing(), 30), COCO17)
    assert (found.facing, found.facing_swapped) == (30, 0)
    assert found.warning() == ""


def test_too_few_people_prove_nothing() -> None:
    assert handedness(rows(swapped(standing(), COCO17), FEWEST - 1), COCO17).warning() == ""


def test_without_a_face_only_a_clear_majority_warns() -> None:
    """Of 100 who have neither eyes nor nose, some are seen from behind."""
    front, behind = standing(BODY16), swapped(standing(BODY16), BODY16)
    some = handedness(rows(front, 40) + rows(behind, 60), BODY16)
    most = handedness(rows(front, 30) + rows(behind, 70), BODY16)
    assert (some.facing, some.anybody, some.anybody_swapped) == (0, 100, 60)
    assert some.warning() == ""
    assert "70 of 100 people" in most.warning()
    assert "as seen from the front" in most.warning()


def test_points_in_space_are_believed_before_the_picture() -> None:
    """Seen from behind, without a face that could tell: in the picture all seem exchanged."""
    behind = in_space(SMIL25) * (-1, 1, -1) + (1200, 0, 4000)
    found = handedness(rows(behind[:, :2], space=behind), SMIL25)
    assert (found.anybody_swapped, found.in_space, found.in_space_swapped) == (20, 20, 0)
    assert found.warning() == ""


def test_exchanged_sides_in_space_are_seen() -> None:
    wrong = in_space(SMIL25)[list(SMIL25.flip_order)]
    found = handedness(rows(wrong[:, :2], space=wrong), SMIL25)
    assert found.in_space_swapped == FEWEST
    assert "by their points in space" in found.warning()


def test_shards_add_up() -> None:
    one, other = Handedness(1, 0, 2, 1, 3, 1), Handedness(10, 1, 20, 2, 30, 3)
    assert one + other == Handedness(11, 1, 22, 3, 33, 4)


def test_a_skeleton_without_a_torso_tells_nothing() -> None:
    face = Skeleton("face", ("left_eye", "right_eye"), ((0, 1),), ())
    assert handedness(rows(np.ones((2, 2))), face) == Handedness()
