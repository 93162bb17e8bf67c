"""Whether left and right are the right way round, as far as keypoints can tell.

Names and order of keypoints do not show it: a set whose left and right are exchanged trains well
and is wrong on every limb. Bodies do show it. With the points in space it is certain: left, up and
forward turn one way, and the feet or the nose point forward. In the image, somebody whose both
eyes and nose are seen faces the camera, so that their left shoulder is on the right of the
picture when the head is up, whichever way up the picture is. Where there is no face among the
keypoints, only the many tell: people are photographed from the front more often than from behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from posebridge.skeletons import Skeleton

FEWEST = 20
"""People that a warning is based on, at the least."""
_SEEN = 2
_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_FACE = ("nose", "left_eye", "right_eye")
_FORWARD = (("head", "nose"), ("left_ankle", "left_toes"), ("right_ankle", "right_toes"))
"""From where to where somebody points forward, in space."""
_FACING_LIMIT, _ANYBODY_LIMIT = 0.5, 0.35


@dataclass(frozen=True)
class Handedness:
    """How many people could be looked at, and how many of them are the other way round.

    Attributes:
        in_space: by points in space.
        in_space_swapped: of these.
        facing: by the image, of those who face the camera.
        facing_swapped: of these.
        anybody: by the image, of all with shoulders and hips.
        anybody_swapped: of these; somebody seen from behind is one of them, rightly.
    """

    in_space: int = 0
    in_space_swapped: int = 0
    facing: int = 0
    facing_swapped: int = 0
    anybody: int = 0
    anybody_swapped: int = 0

    def __add__(self, other: "Handedness") -> "Handedness":
        """Of both together."""
        mine, others = vars(self), vars(other)
        return Handedness(**{name: mine[name] + others[name] for name in mine})

    def warning(self) -> str:
        """What to say of it; empty if nothing is wrong, or too few people tell."""
        known = (
            (self.in_space, self.in_space_swapped, _FACING_LIMIT, "by their points in space"),
            (self.facing, self.facing_swapped, _FACING_LIMIT, "of those who face the camera"),
            (self.anybody, self.anybody_swapped, 1 - _ANYBODY_LIMIT, "as seen from the front"),
        )
        for looked, swapped, limit, how in known:
            if looked >= FEWEST:
                if swapped <= limit * looked:
                    return ""
                return (
                    f"left and right seem exchanged: {swapped} of {looked} people have their left "
                    f"shoulder where the right one should be, {how}. Keypoints named left_ are "
                    "the person's own left. Look at them (posebridge data show), and mend the "
                    "order of the keypoints or their names if it is so."
                )
        return ""


def handedness(rows: Sequence[Mapping[str, Any]], skeleton: Skeleton) -> Handedness:
    """Look at some people.

    Args:
        rows: of people, as `Table.to_pylist` gives them.
        skeleton: of their keypoints.

    Returns:
        Zeros for a skeleton without shoulders or hips.
    """
    if not rows or not all(name in skeleton.keypoints for name in _TORSO):
        return Handedness()
    points = np.array([row["keypoints"] for row in rows]).reshape(len(rows), -1, 2)
    visibility = np.array([row["visibility"] for row in rows])
    torso = _all(visibility > 0, _TORSO, skeleton)
    turned = _turned(points, skeleton)
    # Some data sets know no more than whether a keypoint is labelled.
    seen = visibility == _SEEN if (visibility == _SEEN).any() else visibility > 0
    facing = torso & _all(seen, _FACE, skeleton)
    in_space, swapped = _in_space(rows, skeleton)
    return Handedness(
        in_space,
        swapped,
        int(facing.sum()),
        int((facing & turned).sum()),
        int(torso.sum()),
        int((torso & turned).sum()),
    )


def _all(
    visible: Bool[np.ndarray, "person keypoint"], names: Sequence[str], skeleton: Skeleton
) -> Bool[np.ndarray, " person"]:
    if not all(name in skeleton.keypoints for name in names):
        return np.zeros(len(visible), bool)
    return np.asarray(visible[:, [skeleton.index(name) for name in names]].all(axis=1))


def _frame(
    points: Float[np.ndarray, "person keypoint dimension"], skeleton: Skeleton
) -> tuple[np.ndarray, np.ndarray]:
    """From the right to the left shoulder, and from the hips up to the shoulders."""
    left, right, left_hip, right_hip = (points[:, skeleton.index(name)] for name in _TORSO)
    return left - right, (left + right) / 2 - (left_hip + right_hip) / 2


def _turned(
    points: Float[np.ndarray, "person keypoint 2"], skeleton: Skeleton
) -> Bool[np.ndarray, " person"]:
    """Whether, with the head up in the picture, the left shoulder is on the left of it."""
    across, up = _frame(points, skeleton)
    return np.asarray(up[:, 0] * across[:, 1] - up[:, 1] * across[:, 0] < 0)


def _in_space(rows: Sequence[Mapping[str, Any]], skeleton: Skeleton) -> tuple[int, int]:
    """How many people have points in space that tell, and how many are the other way round."""
    known = [row["keypoints_3d_mm"] for row in rows if row["keypoints_3d_mm"] is not None]
    pairs = [pair for pair in _FORWARD if all(name in skeleton.keypoints for name in pair)]
    if not known or not pairs:
        return 0, 0
    points = np.array(known).reshape(len(known), -1, 3)
    across, up = _frame(points, skeleton)
    steps = [points[:, skeleton.index(tip)] - points[:, skeleton.index(end)] for end, tip in pairs]
    forward = np.sum([_unit(step) for step in steps], axis=0)
    # x right, y down, z away is a right-handed frame, in which left × up points forward.
    turn = (np.cross(across, up) * forward).sum(axis=1)
    told = np.isfinite(turn)
    return int(told.sum()), int((turn[told] < 0).sum())


def _unit(vectors: Float[np.ndarray, "person 3"]) -> Float[np.ndarray, "person 3"]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9))
