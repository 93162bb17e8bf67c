"""How an estimator's heatmaps are read, as pure data: a field of its architecture.

Code bases differ in where a cell lies, by up to two pixels. Maps must be read in the frame they
were trained in:

- PoseBridge's, that of `Quarter` and `Dark`: cell j of stride s is [j·s, (j + 1)·s).
- that of the released SimpleBaseline and HRNet, and of mmpose but for UDP, `Msra`: cell j is the
  pixel j·s, whose centre is at j·s + 0.5 for us.
- UDP's, that of the released ViTPose, `Udp`: from the first pixel's centre to the last one's.

Whoever trains released weights further here gives them PoseBridge's decoder from then on.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from posebridge.batch import Predictions
from posebridge.heatmaps import decode_dark, decode_quarter, image_from_udp


@dataclass(frozen=True)
class Decoder(ABC):
    """A way to read heatmaps."""

    @abstractmethod
    def __call__(
        self, heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
    ) -> Predictions:
        """Keypoints in px of the image, from maps of `stride` px a cell."""


@dataclass(frozen=True)
class Quarter(Decoder):
    """A quarter of a cell from the highest one towards its higher neighbour."""

    def __call__(
        self, heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
    ) -> Predictions:
        """See `heatmaps.decode_quarter`."""
        return decode_quarter(heatmaps, stride)


@dataclass(frozen=True)
class Dark(Decoder):
    """The peak of a parabola through the logarithm of the smoothed map.

    Attributes:
        kernel: width of the smoothing in cells, odd; 11 for maps of sigma 2, 17 for 3.
    """

    kernel: int = 11

    def __call__(
        self, heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
    ) -> Predictions:
        """See `heatmaps.decode_dark`."""
        return decode_dark(heatmaps, stride, kernel=self.kernel)


@dataclass(frozen=True)
class Msra(Decoder):
    """A quarter of a cell towards the higher neighbour, in the frame of released networks.

    Sources:
        [0] https://github.com/leoxiaobin/deep-high-resolution-net.pytorch
            lib/dataset/JointsDataset.py, generate_target; lib/core/inference.py, get_final_preds
        [1] https://github.com/open-mmlab/mmpose  mmpose/codecs/msra_heatmap.py
    """

    def __call__(
        self, heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
    ) -> Predictions:
        """Keypoints in px of the image."""
        decoded = decode_quarter(heatmaps, stride)
        return Predictions(decoded.keypoints - stride / 2 + 0.5, decoded.confidence)


@dataclass(frozen=True)
class Udp(Decoder):
    """DARK for maps in the frame of UDP, as ViTPose was trained.

    Attributes:
        kernel: as of `Dark`.
    """

    kernel: int = 11

    def __call__(
        self, heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
    ) -> Predictions:
        """See `heatmaps.decode_dark` and `heatmaps.image_from_udp`."""
        height, width = heatmaps.shape[-2:]
        decoded = decode_dark(heatmaps, stride, kernel=self.kernel)
        return image_from_udp(decoded, height, width, stride=stride)
