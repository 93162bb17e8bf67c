"""Keypoints and limbs drawn over an image."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from posebridge.engine.coco import SURE
from posebridge.skeletons import Skeleton

# Told apart by readers of any colour vision: Okabe and Ito, https://jfly.uni-koeln.de/color/
LEFT = (178, 114, 0)  # BGR, blue
RIGHT = (0, 159, 230)  # orange
MIDDLE = (240, 240, 240)
COLORS = {"left": LEFT, "right": RIGHT, None: MIDDLE}
OUTLINE = (32, 32, 32)

SMALLEST_PX = 512
"""Smaller images are enlarged by a whole number, so that limbs do not cover what they show."""
THICKNESS = 0.006
"""Of a limb, as a share of the picture's longer side."""


def overlay(
    image: UInt8[np.ndarray, "height width 3"],
    people: Sequence[tuple[Float[np.ndarray, "keypoint 2"], Float[np.ndarray, " keypoint"]]],
    skeleton: Skeleton,
) -> UInt8[np.ndarray, "shown_height shown_width 3"]:
    """Draw people over their image: the person's left is blue, the right orange, the rest white.

    What is surer than `SURE` has thick limbs and filled keypoints, the rest thin and hollow ones.

    Args:
        image: RGB, not changed.
        people: keypoints in px of the image, NaN where there is none, and their confidence.
        skeleton: of the keypoints.

    Returns:
        BGR, the image's size or a whole multiple of it.
    """
    factor = max(1, SMALLEST_PX // max(image.shape[:2]))
    size = (factor * image.shape[1], factor * image.shape[0])
    canvas = cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_CUBIC)
    canvas = np.ascontiguousarray(canvas, np.uint8)
    thickness = max(2, round(THICKNESS * max(size)))
    for keypoints, confidence in people:
        _draw(canvas, factor * keypoints, confidence, skeleton=skeleton, thickness=thickness)
    return canvas


def side_color(skeleton: Skeleton, *keypoints: int) -> tuple[int, int, int]:
    """Colour of a keypoint or a limb: of the one side it belongs to, or of the middle."""
    return COLORS[skeleton.side(*keypoints)]


def _draw(
    canvas: UInt8[np.ndarray, "height width 3"],
    keypoints: Float[np.ndarray, "keypoint 2"],
    confidence: Float[np.ndarray, " keypoint"],
    *,
    skeleton: Skeleton,
    thickness: int,
) -> None:
    """Draw one person on the canvas of `overlay`."""
    placed = np.isfinite(keypoints).all(axis=1)
    sure = placed & (confidence >= SURE)
    # OpenCV counts from the centre of the first pixel. Far outside is as good as outside.
    limit = 4 * max(canvas.shape)
    cells = np.clip(np.nan_to_num(keypoints) - 0.5, -limit, limit).round().astype(int)
    for one, other in skeleton.limbs:
        ends = tuple(cells[one].tolist()), tuple(cells[other].tolist())
        color = side_color(skeleton, one, other)
        if sure[one] and sure[other]:
            cv2.line(canvas, *ends, OUTLINE, thickness + 2, cv2.LINE_AA)
            cv2.line(canvas, *ends, color, thickness, cv2.LINE_AA)
        elif placed[one] and placed[other]:
            cv2.line(canvas, *ends, color, 1, cv2.LINE_AA)
    for index in np.flatnonzero(placed).tolist():
        at, color = tuple(cells[index].tolist()), side_color(skeleton, index)
        cv2.circle(canvas, at, thickness + 1, OUTLINE, -1, cv2.LINE_AA)
        filled = -1 if sure[index] else 1
        cv2.circle(canvas, at, thickness, color, filled, cv2.LINE_AA)
