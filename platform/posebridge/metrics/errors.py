"""How far predictions are off, person by person, and the sizes that errors are compared with.

Axes: `person`, and `keypoint` in the order of the skeleton. Everything is in pixels of one image;
NaN means undefined.
"""

import numpy as np
from jaxtyping import Bool, Float, Shaped

from posebridge.skeletons import Skeleton

# What the size of a head is taken from: the first set that a skeleton has.
HEAD_KEYPOINTS = (
    ("nose", "left_ear", "right_ear"),
    ("nose", "head"),
    ("head_top", "neck"),
    ("head", "neck"),
    ("chin", "left_eye", "right_eye"),
)


def keypoint_distances(
    predicted: Float[np.ndarray, "person keypoint 2"],
    truth: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
) -> Float[np.ndarray, "person keypoint"]:
    """Distances between predictions and truth.

    Args:
        predicted: pixels; NaN where the estimator failed.
        truth: pixels of the same image; not read where not labelled.
        labelled: which keypoints have a truth.

    Returns:
        Pixels, float64; NaN where not labelled and where the prediction is not finite. The two are
        told apart by `labelled`.

    Raises:
        ValueError: if a labelled truth is not finite.

    Example:
        >>> truth, labelled = np.zeros((1, 2, 2)), np.array([[True, False]])
        >>> keypoint_distances(np.full((1, 2, 2), (3.0, 4.0)), truth, labelled)
        array([[ 5., nan]])
    """
    if not np.isfinite(truth[labelled]).all():
        people = np.flatnonzero((~np.isfinite(truth).all(-1) & labelled).any(-1))
        raise ValueError(
            "the truth of a labelled keypoint must be finite, but is not for people "
            f"{people[:5].tolist()}. Mark such keypoints as not labelled."
        )
    known = labelled & np.isfinite(predicted).all(-1)
    offset = np.where(known[..., None], predicted.astype(np.float64) - truth, np.nan)
    distances: Float[np.ndarray, "person keypoint"] = np.hypot(offset[..., 0], offset[..., 1])
    return distances


def box_size(boxes: Float[np.ndarray, "person 4"]) -> Float[np.ndarray, " person"]:
    """The longer side of the person's box, as mmpose normalises by default.

    Args:
        boxes: (x, y, width, height), pixels, without padding.

    Returns:
        Pixels, NaN where the box has no area.

    Example:
        >>> box_size(np.array([[10.0, 10, 30, 40], [0, 0, 0, 5]]))
        array([40., nan])
    """
    return _positive(np.where(boxes[:, 2:].min(1) > 0, boxes[:, 2:].max(1), np.nan))


def head_size(
    truth: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
    skeleton: Skeleton,
) -> Float[np.ndarray, " person"]:
    """How large the head is, by the keypoints a skeleton has there.

    The longest distance between any two of nose and ears, where a skeleton has ears. The body
    model's young adult measures 16 cm from ear to ear and 14 cm from nose to ear (its newborn 10
    and 8), so the size is much the same from the front and from the side. MPII's own unit, 0.6 of
    the diagonal of a head box, needs boxes that these sets do not have: scores by this size are
    not PCKh. Without ears it is the longest distance within another set (`HEAD_KEYPOINTS`), and
    comparable within that skeleton only.

    Args:
        truth: pixels.
        labelled: which keypoints have a truth.
        skeleton: names the keypoints.

    Returns:
        Pixels; NaN where fewer than two of them are labelled.

    Raises:
        ValueError: if the skeleton has none of these sets.

    Example:
        >>> from posebridge.skeletons import CROWDPOSE14
        >>> truth = np.zeros((1, 14, 2))
        >>> truth[0, CROWDPOSE14.index("neck")] = (3.0, 4.0)
        >>> head_size(truth, np.ones((1, 14), bool), CROWDPOSE14)
        array([5.])
    """
    for names in HEAD_KEYPOINTS:
        if set(names) <= set(skeleton.keypoints):
            ends = [skeleton.index(name) for name in names]
            points = np.where(labelled[:, ends, None], truth[:, ends], np.nan)
            apart = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
            return _positive(np.where(np.isnan(apart), 0.0, apart).max((1, 2)))
    raise ValueError(
        f"the head of {skeleton.name} has none of the keypoint sets {HEAD_KEYPOINTS}."
    )


def torso_size(
    truth: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
    skeleton: Skeleton,
) -> Float[np.ndarray, " person"]:
    """The torso's diagonal from the left shoulder to the right hip, as PDJ takes it on FLIC.

    Args:
        truth: pixels.
        labelled: which keypoints have a truth.
        skeleton: names the keypoints.

    Returns:
        Pixels; NaN where one of the two is not labelled or both are in one place.

    Sources:
        [0] Toshev and Szegedy, DeepPose, 2014, https://arxiv.org/abs/1312.4659, section 4.1.

    Example:
        >>> from posebridge.skeletons import COCO17
        >>> truth = np.zeros((1, 17, 2))
        >>> truth[0, COCO17.index("right_hip")] = (30.0, 40.0)
        >>> torso_size(truth, np.ones((1, 17), bool), COCO17)
        array([50.])
    """
    shoulder, hip = skeleton.index("left_shoulder"), skeleton.index("right_hip")
    both = labelled[:, shoulder] & labelled[:, hip]
    lengths = np.linalg.norm(truth[:, shoulder] - truth[:, hip], axis=-1)
    return _positive(np.where(both, lengths, np.nan))


def side_size(
    heights: Shaped[np.ndarray, " person"], widths: Shaped[np.ndarray, " person"]
) -> Float[np.ndarray, " person"]:
    """The side of the image after padding it to a square, the unit of RegDA, UniFrame and SHIFT.

    Their people are not cropped, so 5 % of it is loose: 12.8 of 256 pixels.

    Args:
        heights: of the whole image, pixels.
        widths: of the whole image, pixels.

    Returns:
        Pixels.

    Example:
        >>> side_size(np.array([480]), np.array([640]))
        array([640.])
    """
    return _positive(np.maximum(heights, widths).astype(np.float64))


def _positive(sizes: Float[np.ndarray, " person"]) -> Float[np.ndarray, " person"]:
    """Sizes in float64, with NaN for zero: nothing is within a share of no length."""
    positive: Float[np.ndarray, " person"] = np.where(sizes > 0, sizes, np.nan).astype(np.float64)
    return positive
