"""An `Architecture` says which network, an `Estimator` is the network."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from posebridge.batch import Maps, Predictions
from posebridge.skeletons import Skeleton


@dataclass(frozen=True)
class Architecture(ABC):
    """A network as pure data; its path and fields are part of every stage's key.

    One whose numbers change says so by a class attribute `version`, which is 1 where there is none
    and part of the key where there is one.
    """

    @abstractmethod
    def build(self) -> "Estimator":
        """Make the network, with its published weights where it has some."""


class Estimator(nn.Module, ABC):
    """Backbone and head of a top-down pose network.

    Attributes:
        skeleton: the keypoints, in the order of the map channels.
        input_height: pixels.
        input_width: pixels.
        stride: pixels per map cell.
        sigma_cells: standard deviation of the Gaussians it is trained on, in cells.
    """

    skeleton: Skeleton
    input_height: int
    input_width: int
    stride: int
    sigma_cells: float

    @abstractmethod
    def features(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """Named multi-scale features, for the head and for what later stages attach."""

    @abstractmethod
    def head(self, features: dict[str, Tensor]) -> Maps:
        """Heatmaps, and offsets where the estimator has them."""

    @abstractmethod
    def decode(self, maps: Maps) -> Predictions:
        """Keypoints in pixels of the input."""

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Maps:
        """Maps of a batch of images in [0, 1]."""
        return self.head(self.features(images))
