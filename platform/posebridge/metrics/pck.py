"""PCK: the share of keypoints that are predicted within a share of a reference size.

The published protocols differ in that size alone; `posebridge.metrics.errors` gives the four of
them. Everything here works on per-person arrays, so that a table can be remade from stored errors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class Tally:
    """A metric as a sum and a count, so that parts can be added up exactly.

    Attributes:
        total: the sum; for PCK, how many keypoints were hit.
        count: how many were asked for, failures included.
        failures: how many of them have no prediction.
    """

    total: float
    count: int
    failures: int

    @property
    def value(self) -> float:
        """The mean, NaN where nothing was asked for."""
        return self.total / self.count if self.count else float("nan")


def pck(
    distances: Float[np.ndarray, "person keypoint"],
    labelled: Bool[np.ndarray, "person keypoint"],
    reference: Float[np.ndarray, " person"],
    *,
    threshold: float = 0.05,
) -> Tally:
    """Keypoints nearer to their truth than `threshold` reference sizes.

    What has no label is absent. A labelled keypoint without a prediction is a miss: it is counted,
    adds nothing to the total, and is listed as a failure besides, for it is no less wrong than a
    bad guess. A person whose reference size is undefined is absent; the caller says how many.

    Args:
        distances: of predictions from truth, pixels; NaN where not labelled or where the
            prediction failed.
        labelled: which keypoints have a truth.
        reference: sizes in the same pixels, NaN where undefined.
        threshold: share of the reference. A distance of exactly that much is a miss, as in RegDA.

    Returns:
        Hits, keypoints and failures. `value` is in [0, 1], higher is better.

    Sources:
        [0] https://github.com/thuml/Transfer-Learning-Library
            tllib/utils/metric/keypoint_detection.py: distances between arg-max cells over a tenth
            of the map's side, below 0.5, which is `threshold=0.05` of the side. We differ: it
            skips truths in the first two columns or rows of cells, and averages over batches.

    Example:
        >>> pck(np.array([[3.0, 5.0, np.nan]]), np.array([[True, True, True]]), np.array([100.0]))
        Tally(total=1.0, count=3, failures=1)
    """
    asked = labelled & (reference > 0)[:, None]
    hits = asked & (distances < threshold * reference[:, None])
    failures = asked & np.isnan(distances)
    return Tally(float(hits.sum()), int(asked.sum()), int(failures.sum()))


def pck_by_group(
    distances: Float[np.ndarray, "person keypoint"],
    labelled: Bool[np.ndarray, "person keypoint"],
    reference: Float[np.ndarray, " person"],
    *,
    groups: Mapping[str, Sequence[int]],
    threshold: float = 0.05,
) -> dict[str, Tally]:
    """PCK of each group of keypoints.

    Args:
        distances: as in `pck`.
        labelled: as in `pck`.
        reference: as in `pck`.
        groups: keypoint indices by name, as `Skeleton.groups`.
        threshold: as in `pck`.

    Returns:
        One tally a group.

    Example:
        >>> off, known, size = np.array([[3.0, 7.0]]), np.ones((1, 2), bool), np.array([100.0])
        >>> by_group = pck_by_group(off, known, size, groups={"wrist": (0,), "knee": (1,)})
        >>> {name: tally.value for name, tally in by_group.items()}
        {'wrist': 1.0, 'knee': 0.0}
    """
    return {
        name: pck(
            distances[:, list(members)], labelled[:, list(members)], reference, threshold=threshold
        )
        for name, members in groups.items()
    }


def limb_average(by_group: Mapping[str, Tally]) -> float:
    """Mean of the groups' PCK without the head, the average that RegDA, UniFrame and SHIFT print.

    Args:
        by_group: what `pck_by_group` gives for `Skeleton.groups`.

    Returns:
        In [0, 1]; NaN if a group has no labelled keypoint, since a mean over other groups is
        another quantity.

    Example:
        >>> head, knee, hip = Tally(0.0, 4, 0), Tally(1.0, 4, 0), Tally(3.0, 4, 0)
        >>> limb_average({"head": head, "knee": knee, "hip": hip})
        0.5
    """
    return float(np.mean([tally.value for name, tally in by_group.items() if name != "head"]))
