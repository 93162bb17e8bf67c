"""How crowded a picture is: other people's keypoints in each person's box.

Sources:
    [0] Li et al., CrowdPose: Efficient Crowded Scenes Pose Estimation and A New Benchmark, 2019,
        https://arxiv.org/abs/1812.00324 section 4.1: the mean over people of N_b / N_a, where N_a
        counts a person's own joints and N_b those of others inside the person's box; easy up to
        0.1, medium up to 0.8, hard above. We differ: the joints are COCO's 17, not their 14.
"""

import numpy as np
from jaxtyping import Bool, Float

EASY_UP_TO, MEDIUM_UP_TO = 0.1, 0.8


def crowd_index(
    keypoints: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
    boxes: Float[np.ndarray, "person 4"],
) -> float:
    """Mean over people of others' keypoints in their box per keypoint of their own.

    Args:
        keypoints: px; not read where not labelled.
        labelled: seen and hidden ones alike. A person without any is absent.
        boxes: left, top, width, height, px; closed.

    Returns:
        0 where nobody's box holds another's keypoint; may exceed 1. NaN for nobody.

    Example:
        >>> two = np.array([[[1.0, 1.0]], [[2.0, 2.0]]])
        >>> boxes = np.array([[0.0, 0.0, 3.0, 3.0], [1.5, 1.5, 2.0, 2.0]])
        >>> crowd_index(two, np.ones((2, 1), bool), boxes)
        0.5
    """
    own = labelled.sum(axis=1)
    if not own.any():
        return float("nan")
    low, high = boxes[:, None, None, :2], (boxes[:, :2] + boxes[:, 2:])[:, None, None]
    inside = ((keypoints[None] >= low) & (keypoints[None] <= high)).all(axis=-1)
    inside &= labelled[None] & ~np.eye(len(boxes), dtype=bool)[:, :, None]
    others = inside.sum(axis=(1, 2))
    return float((others[own > 0] / own[own > 0]).mean())


def crowd_level(index: float) -> str:
    """Easy, medium or hard, by the paper's limits."""
    return "easy" if index <= EASY_UP_TO else "medium" if index <= MEDIUM_UP_TO else "hard"
