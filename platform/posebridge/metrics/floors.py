"""What one scores without looking at the image: the floors under every table.

Both floors know the person's box, as every top-down estimator does.
"""

import numpy as np
from jaxtyping import Bool, Float


def mean_pose(
    keypoints: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
    boxes: Float[np.ndarray, "person 4"],
) -> Float[np.ndarray, "keypoint 2"]:
    """The mean pose of a training split.

    Args:
        keypoints: truth, pixels.
        labelled: which of them count.
        boxes: (x, y, width, height), pixels.

    Returns:
        The mean of each keypoint over the people who have it, as shares of a box's width and
        height from its top-left corner; NaN where nobody has it.

    Raises:
        ValueError: if a box has no area.

    Example:
        >>> people = np.array([[[0.0, 5.0]], [[10.0, 5.0]]])
        >>> boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
        >>> mean_pose(people, np.ones((2, 1), bool), boxes)
        array([[0.5, 0.5]])
    """
    shares = np.where(labelled[..., None], into_box(keypoints, boxes), 0.0)
    count = labelled.sum(0)[:, None]
    mean = shares.sum(0) / np.where(count > 0, count, 1)
    pose: Float[np.ndarray, "keypoint 2"] = np.where(count > 0, mean, np.nan)
    return pose


def predict_mean_pose(
    pose: Float[np.ndarray, "keypoint 2"], boxes: Float[np.ndarray, "person 4"]
) -> Float[np.ndarray, "person keypoint 2"]:
    """The floor that guesses the mean pose for everybody.

    Args:
        pose: from `mean_pose`.
        boxes: (x, y, width, height), pixels.

    Returns:
        Pixels.

    Example:
        >>> predict_mean_pose(np.array([[0.5, 0.5]]), np.array([[100.0, 200, 20, 40]]))
        array([[[110., 220.]]])
    """
    return from_box(np.broadcast_to(pose, (len(boxes), *pose.shape)), boxes)


def shuffled_truth(
    keypoints: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
    boxes: Float[np.ndarray, "person 4"],
    *,
    seed: int,
) -> Float[np.ndarray, "person keypoint 2"]:
    """The floor that guesses somebody else's true pose, fitted into one's own box.

    It shows how much alike the poses of a test set are.

    Args:
        keypoints: truth of the test split, pixels.
        labelled: which of them are known.
        boxes: (x, y, width, height), pixels.
        seed: of the order; nobody is given his own pose.

    Returns:
        Pixels; NaN where the other person lacks the keypoint.

    Raises:
        ValueError: if there are fewer than two people, or a box has no area.

    Example:
        >>> people = np.array([[[1.0, 2.0]], [[5.0, 5.0]]])
        >>> boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
        >>> shuffled_truth(people, np.ones((2, 1), bool), boxes, seed=0).tolist()
        [[[5.0, 5.0]], [[1.0, 2.0]]]
    """
    if len(keypoints) < 2:
        raise ValueError(
            f"shuffling needs two people or more, but got {len(keypoints)}. Evaluate on more."
        )
    # One cycle through everybody, in random order: each is given the next one's pose.
    order = np.random.default_rng(seed).permutation(len(keypoints))
    other = np.empty_like(order)
    other[order] = np.roll(order, -1)
    shares = np.where(labelled[..., None], into_box(keypoints, boxes), np.nan)
    return from_box(shares[other], boxes)


def into_box(
    keypoints: Float[np.ndarray, "person keypoint 2"], boxes: Float[np.ndarray, "person 4"]
) -> Float[np.ndarray, "person keypoint 2"]:
    """Pixels as shares of the box's width and height, from its top-left corner.

    Raises:
        ValueError: if a box has no area.
    """
    if not (boxes[:, 2:] > 0).all():
        empty = np.flatnonzero(~(boxes[:, 2:] > 0).all(1))
        raise ValueError(
            f"boxes must have an area, but those of people {empty[:5].tolist()} have none."
        )
    shares: Float[np.ndarray, "person keypoint 2"] = (
        keypoints.astype(np.float64) - boxes[:, None, :2]
    ) / boxes[:, None, 2:]
    return shares


def from_box(
    shares: Float[np.ndarray, "person keypoint 2"], boxes: Float[np.ndarray, "person 4"]
) -> Float[np.ndarray, "person keypoint 2"]:
    """Shares of the box's width and height as pixels; the inverse of `into_box`."""
    pixels: Float[np.ndarray, "person keypoint 2"] = (
        boxes[:, None, :2] + shares * boxes[:, None, 2:]
    )
    return pixels
