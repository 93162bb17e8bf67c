"""From stored images to what an estimator sees: decoding, crops, and views in a single warp."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8

from posebridge.populations.people import Person
from posebridge.populations.views import ViewPolicy, apply_colour
from posebridge.skeletons import Skeleton

BOX_PADDING = 1.25
"""How much larger than a box its crop is, in training, tests and predictions."""
# What lies outside the stored image.
_BORDER = (127, 127, 127)


class UndecodableImageError(ValueError):
    """Bytes that are no image, or only a part of one."""


def decode_image(encoded: bytes) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a JPEG, PNG or other image that OpenCV reads.

    An orientation tag is ignored: keypoints are given in the pixels as they are stored.

    Args:
        encoded: the bytes of the file.

    Returns:
        RGB.

    Raises:
        UndecodableImageError: if the bytes are empty, cut short or of no known format.
    """
    image = None
    if encoded:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        try:
            image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
        except cv2.error as error:
            raise UndecodableImageError(_undecodable(encoded)) from error
    if image is None:
        raise UndecodableImageError(_undecodable(encoded))
    return np.asarray(image, dtype=np.uint8)


def crop_from_image(
    box_xywh: Sequence[float | int] | Float[np.ndarray, "4"],
    height: int,
    width: int,
    *,
    padding: float = BOX_PADDING,
) -> Float64[np.ndarray, "2 3"]:
    """Affine matrix from image pixels to the pixels of the crop around a box.

    The box grows about its centre to the crop's aspect ratio, then by `padding` on both axes, so
    that the scale is the same for both.

    Args:
        box_xywh: left, top, width, height, px of the image.
        height: of the crop, px.
        width: of the crop, px.
        padding: ≥ 1 leaves a margin.

    Returns:
        The matrix.

    Raises:
        ValueError: if the box has no area, or the crop or the padding is not positive.
    """
    left, top, box_width, box_height = (float(value) for value in box_xywh)
    if not (box_width > 0.0 and box_height > 0.0):
        raise ValueError(
            f"A box must have a positive width and height, but got {box_width} × {box_height} px. "
            "Leave such people out (posebridge.populations.checks does)."
        )
    if height <= 0 or width <= 0 or not padding > 0.0:
        raise ValueError(
            f"A crop needs a positive size and padding, but got {height=}, {width=}, {padding=}. "
            "Take the estimator's input size."
        )
    scale = min(width / box_width, height / box_height) / padding
    centre_x, centre_y = left + box_width / 2.0, top + box_height / 2.0
    return np.array(
        [
            [scale, 0.0, width / 2.0 - scale * centre_x],
            [0.0, scale, height / 2.0 - scale * centre_y],
        ]
    )


def look(
    image: UInt8[np.ndarray, "image_height image_width 3"],
    view_from_image: Float[np.ndarray, "2 3"],
    height: int,
    width: int,
) -> UInt8[np.ndarray, "height width 3"]:
    """Warp an image once, bilinearly; what lies outside it is mid-grey.

    Args:
        image: RGB.
        view_from_image: affine matrix in corner coordinates (the centre of pixel i is i + 0.5).
        height: of the result, px.
        width: of the result, px.

    Returns:
        RGB.
    """
    linear = view_from_image[:, :2].astype(np.float64)
    # OpenCV counts from the centre of the first pixel: half a pixel in, half a pixel out.
    offset = view_from_image[:, 2] + linear @ np.array([0.5, 0.5]) - 0.5
    warped = cv2.warpAffine(
        image,
        np.column_stack([linear, offset]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_BORDER,
    )
    return np.asarray(warped, dtype=np.uint8)


@dataclass(frozen=True)
class CropSize:
    """The estimator's canonical input: `height` × `width` px, the box grown by `padding`."""

    height: int
    width: int
    padding: float = BOX_PADDING


@dataclass(frozen=True, eq=False)
class PersonView:
    """One look at one person.

    Attributes:
        image: RGB.
        keypoints: px of this view, in the skeleton's order as seen in this view: in a mirrored
            view what was the left wrist is the right wrist.
        visible: labelled, and inside the view.
        canonical_from_view: affine matrix, view pixels to the pixels of the upright crop. In a
            mirrored view its determinant is negative; maps brought back by it are in place, but
            their channels still carry the view's left and right and must be permuted by
            `skeleton.flip_order`.
    """

    image: UInt8[np.ndarray, "height width 3"]
    keypoints: Float32[np.ndarray, "keypoint 2"]
    visible: Bool[np.ndarray, " keypoint"]
    canonical_from_view: Float32[np.ndarray, "2 3"]


def person_view(
    image: UInt8[np.ndarray, "image_height image_width 3"],
    person: Person,
    *,
    policy: ViewPolicy,
    rng: np.random.Generator,
    size: CropSize,
    skeleton: Skeleton,
) -> PersonView:
    """Crop a person and draw a view of the crop, with one warp of the stored image.

    Args:
        image: the decoded image of the person.
        person: in pixels of that image.
        policy: the ranges of the view.
        rng: for the draw.
        size: of the crop and the view.
        skeleton: of the person; gives the mirrored order.

    Returns:
        The view.
    """
    sample = policy.sample(rng, size.height, size.width)
    crop = crop_from_image(person.box, size.height, size.width, padding=size.padding)
    view_from_image = compose(sample.view_from_crop, crop)
    keypoints = apply_affine(view_from_image, person.keypoints)
    visible = person.visibility > 0
    if sample.flipped:
        order = list(skeleton.flip_order)
        keypoints, visible = keypoints[order], visible[order]
    inside = (keypoints >= 0.0) & (keypoints < np.array([size.width, size.height]))
    return PersonView(
        image=apply_colour(look(image, view_from_image, size.height, size.width), sample),
        keypoints=keypoints.astype(np.float32),
        visible=visible & inside.all(axis=1),
        canonical_from_view=invert(sample.view_from_crop).astype(np.float32),
    )


def compose(
    outer: Float[np.ndarray, "2 3"], inner: Float[np.ndarray, "2 3"]
) -> Float64[np.ndarray, "2 3"]:
    """The affine map that applies `inner`, then `outer`."""
    linear = outer[:, :2].astype(np.float64)
    return np.column_stack([linear @ inner[:, :2], linear @ inner[:, 2] + outer[:, 2]])


def invert(matrix: Float[np.ndarray, "2 3"]) -> Float64[np.ndarray, "2 3"]:
    """The inverse of an affine map."""
    linear = np.linalg.inv(matrix[:, :2].astype(np.float64))
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def apply_affine(
    matrix: Float[np.ndarray, "2 3"], points: Float[np.ndarray, "point 2"]
) -> Float64[np.ndarray, "point 2"]:
    """Points moved by an affine map."""
    moved: np.ndarray[Any, np.dtype[np.float64]] = (
        points.astype(np.float64) @ matrix[:, :2].astype(np.float64).T + matrix[:, 2]
    )
    return moved


def _undecodable(encoded: bytes) -> str:
    return (
        f"An image must be a complete JPEG or PNG, but got {len(encoded)} bytes starting with "
        f"{encoded[:8]!r}. Replace the file and import it again, or leave it out."
    )
