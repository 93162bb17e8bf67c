"""From a detector's boxes to a result: scores of poses, and one pose a person.

A detector finds some people twice. Its boxes give nearly the same pose then, and the surer stays.

Sources:
    [0] https://github.com/leoxiaobin/deep-high-resolution-net.pytorch
        lib/dataset/coco.py, evaluate; lib/nms/nms.py, oks_nms
"""

import numpy as np
from jaxtyping import Float, Int

from posebridge.metrics.oks import Detections, known_sigmas
from posebridge.skeletons import Skeleton

SURE = 0.2
"""Confidence above which a keypoint counts for the score of its pose."""
SAME_POSE = 0.9
"""OKS above which two poses are one person's."""


def rescored(
    box_scores: Float[np.ndarray, " detection"],
    confidence: Float[np.ndarray, "detection keypoint"],
    *,
    sure: float = SURE,
) -> Float[np.ndarray, " detection"]:
    """The box's score times the mean confidence of the keypoints that are sure [0].

    Args:
        box_scores: of the detector.
        confidence: of the keypoints; NaN where there is none.
        sure: confidence above which a keypoint counts.

    Returns:
        Scores; 0 for a pose without a sure keypoint.

    Example:
        >>> rescored(np.array([0.5]), np.array([[0.1, 0.4, 0.8]])).round(3)
        array([0.3])
    """
    counted = confidence > sure
    total = np.where(counted, confidence, 0.0).sum(axis=1)
    scores: Float[np.ndarray, " detection"] = box_scores * total / np.maximum(counted.sum(1), 1)
    return scores


def oks_nms(
    detections: Detections,
    areas: Float[np.ndarray, " detection"],
    skeleton: Skeleton,
    *,
    same_pose: float = SAME_POSE,
) -> Int[np.ndarray, " kept"]:
    """The detections that stay when, in each image, a surer one with the same pose is there [0].

    Args:
        detections: of any images.
        areas: of what the estimator was shown, px² of the image: the padded box.
        skeleton: supplies the sigmas.
        same_pose: OKS above which two poses are one person's, under the mean of their areas. A
            keypoint that either lacks adds nothing to it.

    Returns:
        Indices of the kept, rising. Of equal scores, the first stays.

    Raises:
        ValueError: if no sigmas are known for the skeleton.
    """
    variances = (2 * known_sigmas(skeleton)) ** 2
    kept: list[int] = []
    for image in np.unique(detections.image):
        waiting = np.flatnonzero(detections.image == image)
        waiting = waiting[np.argsort(-detections.scores[waiting], kind="stable")]
        while len(waiting):
            surest, waiting = waiting[0], waiting[1:]
            kept.append(int(surest))
            off = detections.keypoints[waiting] - detections.keypoints[surest]
            mean_area = (areas[waiting] + areas[surest]) / 2
            scale = 2 * (mean_area[:, None] + np.spacing(1)) * variances
            similarity = np.nan_to_num(np.exp(-(off**2).sum(axis=2) / scale)).mean(axis=1)
            waiting = waiting[similarity <= same_pose]
    return np.array(sorted(kept), dtype=np.int64)
