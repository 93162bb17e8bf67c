"""An estimator of a few thousand parameters, which a test can train."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Architecture, Estimator
from posebridge.heatmaps import decode_offset
from posebridge.skeletons import COCO17, Skeleton


class TinyEstimator(Estimator):
    """A convolution with batch norm, and one for maps and offsets."""

    input_height = input_width = 32
    stride = 4
    sigma_cells = 1.0

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.BatchNorm2d(8), nn.ReLU())
        self.top = nn.Conv2d(8, 3 * skeleton.num_keypoints, 1)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        return {"stride4": self.trunk(images)}

    def head(self, features: dict[str, Tensor]) -> Maps:
        maps = self.top(features["stride4"])
        count, size = self.skeleton.num_keypoints, maps.shape[-2:]
        offsets = maps[:, count:].reshape(-1, count, 2, *size)
        return Maps(maps[:, :count].sigmoid(), offsets)

    def decode(self, maps: Maps) -> Predictions:
        assert maps.offsets is not None
        return decode_offset(maps.heatmaps, maps.offsets, self.stride)


@dataclass(frozen=True)
class Tiny(Architecture):
    """The tiny estimator, its weights from a seed."""

    weights: int = 0
    skeleton_name: str = COCO17.name

    def build(self) -> TinyEstimator:
        from posebridge.skeletons import skeleton

        with torch.random.fork_rng():
            torch.manual_seed(self.weights)
            return TinyEstimator(skeleton(self.skeleton_name))
