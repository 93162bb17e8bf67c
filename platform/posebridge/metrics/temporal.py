"""What only sequences show: limbs that change their length, and motion that is not there.

Axes: `frame` in order of time and evenly spaced, of one person in one sequence; `keypoint` in the
order of the skeleton; `dimension` 2 for pixels or 3 for space. Sequences are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

_LEAST_FRAMES = 2  # that show both ends of a limb, for its length to vary


@dataclass(frozen=True)
class ErrorSum:
    """An error as a sum and a count, so that sequences can be added up exactly.

    Attributes:
        total: sum of what could be measured.
        count: of what could be measured; unlike a miss, what failed has no size.
        failures: how many could not, for want of a prediction. Say so beside the mean.
    """

    total: float
    count: int
    failures: int

    @property
    def value(self) -> float:
        """The mean, NaN where nothing was measured."""
        return self.total / self.count if self.count else float("nan")

    def __add__(self, other: "ErrorSum") -> "ErrorSum":
        """Both together."""
        return ErrorSum(
            self.total + other.total, self.count + other.count, self.failures + other.failures
        )


def limb_length_variation(
    keypoints: Float[np.ndarray, "frame keypoint dimension"],
    known: Bool[np.ndarray, "frame keypoint"],
    limbs: Sequence[tuple[int, int]],
) -> ErrorSum:
    """G-Error: how much limbs change their length in time, as variance over squared mean.

    A bone keeps its length, so in space the truth is 0. Seen in pixels limbs shorten as they point
    at the camera: compare with the value of the true keypoints, or lift them first. Invariant to
    rotation, translation and scale of a whole sequence; blind to errors that stay as they are.

    Args:
        keypoints: predictions of one person; NaN where they failed.
        known: which to look at.
        limbs: pairs of indices, as `Skeleton.limbs`.

    Returns:
        Sum over limbs of Var(length) / mean(length)², and how many limbs there are. A limb whose
        ends are known in at least two frames, but predicted in fewer, is a failure; one that is
        known in fewer is absent. In [0, inf), lower is better.

    Sources:
        [0] Geo-Sapiens (a proposal) names the variance of each limb's length in time G-Error. We
            divide by the squared mean, so that limbs and cameras of any size count alike.

    Example:
        >>> limb = np.array([[[0.0, 0], [1, 0]], [[0, 0], [3, 0]]])
        >>> limb_length_variation(limb, np.ones((2, 2), bool), [(0, 1)])
        ErrorSum(total=0.25, count=1, failures=0)
    """
    total, count, failures = 0.0, 0, 0
    finite = np.isfinite(keypoints).all(axis=-1)
    for one, other in limbs:
        asked = known[:, one] & known[:, other]
        found = asked & finite[:, one] & finite[:, other]
        if asked.sum() < _LEAST_FRAMES:
            continue
        lengths = np.linalg.norm(keypoints[found, one] - keypoints[found, other], axis=-1)
        if len(lengths) < _LEAST_FRAMES or not lengths.mean() > 0:
            failures += 1
            continue
        total, count = total + float(lengths.var() / lengths.mean() ** 2), count + 1
    return ErrorSum(total, count, failures)


def accelerations(
    keypoints: Float[np.ndarray, "frame keypoint dimension"], frame_rate_hz: float
) -> Float[np.ndarray, "inner keypoint dimension"]:
    """Second differences in time; the first and the last frame have none.

    Args:
        keypoints: any frame and unit; NaN where unknown.
        frame_rate_hz: frames in a second.

    Returns:
        Units a second squared, NaN where one of three frames is unknown.

    Raises:
        ValueError: if the frame rate is not positive.

    Example:
        >>> fall = -4.9 * np.array([0.0, 0.1, 0.2, 0.3]).reshape(4, 1, 1) ** 2
        >>> accelerations(fall, 10.0).ravel().round(3)
        array([-9.8, -9.8])
    """
    if not frame_rate_hz > 0:
        raise ValueError(f"frame_rate_hz must be above 0, but got {frame_rate_hz}.")
    found: Float[np.ndarray, "inner keypoint dimension"] = (
        np.diff(keypoints.astype(np.float64), n=2, axis=0) * frame_rate_hz**2
    )
    return found


def acceleration_error(
    predicted: Float[np.ndarray, "frame keypoint dimension"],
    truth: Float[np.ndarray, "frame keypoint dimension"],
    labelled: Bool[np.ndarray, "frame keypoint"],
    *,
    frame_rate_hz: float,
    reference: float = 1.0,
) -> ErrorSum:
    """How far the acceleration of predictions is from the true one: jitter, and lag.

    Errors that stay as they are, or move evenly, cost nothing.

    Args:
        predicted: one person in one sequence; NaN where the prediction failed.
        truth: same frame and unit; not read where not labelled.
        labelled: which keypoints have a truth.
        frame_rate_hz: frames in a second.
        reference: a size in the same unit, such as the longer side of the box, to divide by.

    Returns:
        Sum over frames and keypoints of the norm of the difference, and how many there are whose
        three frames are labelled and predicted; what is labelled but not predicted is a failure.
        Units (or reference sizes) a second squared; lower is better.

    Raises:
        ValueError: if the frame rate or the reference is not positive.

    Sources:
        [0] Kanazawa et al., Learning 3D human dynamics from video, 2019,
            https://arxiv.org/abs/1812.01601, acceleration error. We differ: per second squared
            instead of per frame squared, so that frame rates compare.

    Example:
        >>> still, labelled = np.zeros((3, 1, 2)), np.ones((3, 1), bool)
        >>> shaken = still + [[[0.0, 0]], [[3, 4]], [[0, 0]]]
        >>> acceleration_error(shaken, still, labelled, frame_rate_hz=1.0)
        ErrorSum(total=10.0, count=1, failures=0)
    """
    if not reference > 0:
        raise ValueError(f"reference must be above 0, but got {reference}.")
    known = np.where(labelled[..., None], truth, np.nan)
    asked = np.isfinite(accelerations(known, frame_rate_hz)).all(axis=-1)
    off = accelerations(predicted, frame_rate_hz) - accelerations(known, frame_rate_hz)
    norms = np.linalg.norm(off, axis=-1) / reference
    found = asked & np.isfinite(norms)
    return ErrorSum(float(norms[found].sum()), int(found.sum()), int((asked & ~found).sum()))
