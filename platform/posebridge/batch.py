"""What flows between the data, the estimators and the methods, and the legend of its shapes.

Axes, wherever an annotation names them:

    batch     people looked at together
    keypoint  in the order of the skeleton
    height, width   pixels of an image, or cells of a map
    2         (x, y), in that order

Frames: all coordinates are continuous pixels with (0, 0) at the corner of the top-left pixel, its
centre at (0.5, 0.5). *canonical* is the upright crop an estimator is given at test time;
a *view* is an augmented look at the same crop. Images are RGB in [0, 1]; each estimator normalises
them for itself.
"""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class View:
    """One look at each person of a batch, and the way back to the canonical crop.

    Attributes:
        images: the look itself.
        canonical_from_view: affine matrices in pixels. Where the determinant is negative the view
            is mirrored, and its keypoint channels are those of the mirrored person.
    """

    images: Float[Tensor, "batch 3 height width"]
    canonical_from_view: Float[Tensor, "batch 2 3"]


@dataclass(frozen=True)
class LabeledBatch:
    """People whose keypoints are known.

    Attributes:
        images: augmented crops.
        keypoints: pixels of these images. Undefined where not visible.
        visible: labelled and inside the image, whether seen or occluded.
    """

    images: Float[Tensor, "batch 3 height width"]
    keypoints: Float[Tensor, "batch keypoint 2"]
    visible: Bool[Tensor, "batch keypoint"]


@dataclass(frozen=True)
class UnlabeledBatch:
    """People of a target population: two views of each, and no field that could hold a label."""

    strong: View
    weak: View


@dataclass(frozen=True)
class Maps:
    """What an estimator gives for a batch.

    Attributes:
        heatmaps: one map per keypoint; the target is a Gaussian of height 1.
        offsets: (x, y) from the corner of a cell to the keypoint, in cells; None for estimators
            without them.
    """

    heatmaps: Float[Tensor, "batch keypoint height width"]
    offsets: Float[Tensor, "batch keypoint 2 height width"] | None


@dataclass(frozen=True)
class Predictions:
    """Decoded keypoints.

    Attributes:
        keypoints: pixels of the images that were given; NaN where nothing could be decoded.
        confidence: height of the heatmap's peak.
    """

    keypoints: Float[Tensor, "batch keypoint 2"]
    confidence: Float[Tensor, "batch keypoint"]
