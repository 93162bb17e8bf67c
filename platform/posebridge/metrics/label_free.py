"""What predictions say about themselves, where nobody has labelled the people.

Validators of unsupervised adaptation: how sure predictions are, whether they agree with themselves
when the person is looked at in another way, and how much they look like people. None knows the
truth, and a network that has collapsed fools those that its way of collapsing leaves alone:

| whoever is in the crop, the network gives | certainty | agreement | plausibility |
|---|---|---|---|
| one place of the crop for every keypoint | best | bad | none |
| one pose at one place of the crop, such as the mean pose | best | bad | best |
| one place of the person for every keypoint | best | best | none |
| one pose fitted onto each person | best | best | best |

So a rule that chooses by one of them should be read beside the others. Plausibility is in
`pose_prior`.

Axes: `person`, `view` for other looks at the same person, `keypoint` in the order of the skeleton.
NaN means undefined.
"""

import math

import numpy as np
from jaxtyping import Bool, Float

from posebridge.metrics.pck import Tally


def heatmap_entropy(
    heatmaps: Float[np.ndarray, "*batch height width"],
) -> Float[np.ndarray, "*batch"]:
    """Entropy of a map as a distribution over its cells, as a share of the largest possible.

    `H(p) / log n` with `p = max(map, 0) / Σ max(map, 0)` over its n cells. A scale of the map does
    not matter, a floor under its peak does.

    Args:
        heatmaps: any scale, one map per keypoint.

    Returns:
        In [0, 1], lower is surer; 0 for a single cell, 1 for a flat map, NaN for a map that has no
        positive cell or one that is not finite.

    Raises:
        ValueError: if a map has one cell only.

    Sources:
        [0] Liu and Ferrari, Active Learning for Human Pose Estimation, 2017,
            https://doi.org/10.1109/ICCV.2017.468, takes the entropy of a softmax over the local
            maxima. We differ: all cells, so that a broad peak is less sure than a narrow one.
        [1] Peng et al., Source-free Domain Adaptive Human Pose Estimation, 2023,
            https://arxiv.org/abs/2308.03202, takes a softmax over the sums of rows and columns. We
            differ: maps that are trained towards Gaussians of height 1 stay nearly flat under it.
        [2] Musgrave et al., Three New Validators and a Large-Scale Benchmark Ranking for
            Unsupervised Domain Adaptation, 2022, https://arxiv.org/abs/2208.07360: the entropy
            of predictions as a validator.

    Example:
        >>> heatmap_entropy(np.array([[[0.0, 2.0], [2.0, 0.0]]]))
        array([0.5])
    """
    cells = heatmaps.shape[-2] * heatmaps.shape[-1]
    if cells < 2:
        raise ValueError(f"a map needs two cells or more, but got {heatmaps.shape[-2:]}.")
    flat = heatmaps.reshape(*heatmaps.shape[:-2], cells).astype(np.float64)
    height = np.maximum(flat, 0.0)
    total = height.sum(-1, keepdims=True)
    defined = np.isfinite(flat).all(-1, keepdims=True) & (total > 0)
    share = np.where(defined, height, 1.0) / np.where(defined, total, cells)
    surprise = -np.log(share, where=share > 0, out=np.zeros_like(share))
    entropy: Float[np.ndarray, "*batch"] = np.where(
        defined[..., 0], (share * surprise).sum(-1) / math.log(cells), np.nan
    )
    return entropy


def self_agreement(
    predicted: Float[np.ndarray, "person keypoint 2"],
    again: Float[np.ndarray, "person view keypoint 2"],
    in_view: Bool[np.ndarray, "person view keypoint"],
    reference: Float[np.ndarray, " person"],
    *,
    threshold: float = 0.05,
) -> Tally:
    """Keypoints that are found in nearly the same place in another view of the person.

    PCK with the prediction of the upright crop in place of the truth. A keypoint that is not found
    in either look is a miss and a failure; one that the view does not show is absent.

    Args:
        predicted: in the upright crop, pixels; NaN where there is none.
        again: predictions of the views, carried back to the crop and to the order of the person.
        in_view: keypoints whose place in the crop lies in the view.
        reference: sizes in the same pixels, such as the longer side of the box.
        threshold: share of the reference.

    Returns:
        Agreements, pairs and failures. `value` is in [0, 1], higher is better.

    Example:
        >>> found = np.array([[[10.0, 10.0], [20.0, 20.0]]])
        >>> other = found[:, None] + np.array([[1.0, 0.0], [9.0, 0.0]])
        >>> self_agreement(found, other, np.ones((1, 1, 2), bool), np.array([100.0])).value
        0.5
    """
    apart = np.linalg.norm(again.astype(np.float64) - predicted[:, None], axis=-1)
    # What has no place in the crop cannot lie outside of a view: it is asked for, and missed.
    asked = in_view | ~np.isfinite(predicted).all(-1)[:, None]
    hits = asked & (apart < threshold * reference[:, None, None])
    failures = asked & ~np.isfinite(apart)
    return Tally(float(hits.sum()), int(asked.sum()), int(failures.sum()))
