"""How an estimator's heatmaps are read, as pure data: a field of its architecture.

A published number stands on one of them: 0.25 cells towards the higher neighbour (SimpleBaseline,
HRNet), DARK, or DARK in the frame of UDP (ViTPose). Maps must have been trained in the frame they
are read in; PoseBridge trains in that of `Quarter` and `Dark`.
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
