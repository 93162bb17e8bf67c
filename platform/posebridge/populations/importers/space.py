"""Points in space: their unit, their image, and the box around them."""

import numpy as np
from jaxtyping import Bool, Float

from posebridge.populations.importers.source import SourceError

MM_PER_M = 1000.0
Intrinsics = tuple[float, float, float, float]
"""fx, fy, cx, cy, px."""
_TORSO_MM = (60.0, 1000.0)
"""Lengths from hips to shoulders that people have, from a premature infant to a giant."""
SAME_PX = 5.0
"""How far the image of points in space may be from the keypoints that are said to be theirs."""
_AXES = ((1, 1, 1), (1, -1, -1), (1, -1, 1), (1, 1, -1))
MARGIN = 0.1
"""Of a box's sides, added on each of them: joints lie inside the body."""


def in_mm(
    points: Float[np.ndarray, "keypoint 3"], shoulders: tuple[int, int], hips: tuple[int, int]
) -> Float[np.ndarray, "keypoint 3"]:
    """Points in millimetres, whether they came in metres or in millimetres.

    Args:
        points: of one person.
        shoulders: indices of both.
        hips: indices of both.

    Raises:
        SourceError: if the person is no size that people have, in either.
    """
    torso = float(np.linalg.norm(points[list(shoulders)].mean(0) - points[list(hips)].mean(0)))
    for factor in (MM_PER_M, 1.0):
        if _TORSO_MM[0] <= torso * factor <= _TORSO_MM[1]:
            return points * factor
    raise SourceError(
        "Points in space must be in metres or millimetres, but somebody's hips and shoulders are "
        f"{torso:g} apart. Convert them first."
    )


def project(
    points: Float[np.ndarray, "keypoint 3"], intrinsics: Intrinsics
) -> Float[np.ndarray, "keypoint 2"]:
    """Where points in front of a camera are in its image, px."""
    fx, fy, cx, cy = intrinsics
    return np.asarray(points[:, :2] / points[:, 2:] * (fx, fy) + (cx, cy))


def in_camera_frame(
    points: Float[np.ndarray, "keypoint 3"],
    keypoints: Float[np.ndarray, "keypoint 2"],
    intrinsics: Intrinsics,
) -> Float[np.ndarray, "keypoint 3"] | None:
    """Points turned to x right, y down and z away, by what their image says.

    Args:
        points: in the camera's frame, with y and z in directions that are not known.
        keypoints: their image, px.
        intrinsics: of the camera.

    Returns:
        None if they are not what the image shows, whichever way the axes point.
    """
    for axes in _AXES:
        turned = points * axes
        if (turned[:, 2] > 0).all():
            off = np.linalg.norm(project(turned, intrinsics) - keypoints, axis=1)
            if np.median(off) <= SAME_PX:
                return turned
    return None


def box_around(
    keypoints: Float[np.ndarray, "keypoint 2"], size: tuple[int, int]
) -> Float[np.ndarray, "4"]:
    """The box of keypoints with a margin, within an image of a height and width."""
    low, high = keypoints.min(0), keypoints.max(0)
    margin = MARGIN * (high - low)
    low, high = np.maximum(low - margin, 0.0), np.minimum(high + margin, size[::-1])
    return np.concatenate([low, high - low]).astype(np.float32)


def inside(
    keypoints: Float[np.ndarray, "keypoint 2"], size: tuple[int, int]
) -> Bool[np.ndarray, " keypoint"]:
    """Which keypoints lie in an image of a height and width."""
    return np.asarray(((keypoints >= 0) & (keypoints <= size[::-1])).all(axis=1))
