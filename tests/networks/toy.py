"""Two joints whose heatmaps are two channels of the image, and a UNet that one can follow."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Estimator
from posebridge.heatmaps import decode_argmax, encode_gaussian
from posebridge.skeletons import Skeleton

HAND = Skeleton("hand", ("wrist", "finger"), (), ((0, 1),))
STRIDE, SIDE = 4, 32
CELLS = SIDE // STRIDE


class Hand(Estimator):
    """Heatmaps are means of the first two channels over a cell, times its one parameter.

    Batch norm follows the images, without an effect on the maps: to see whether it is frozen.
    """

    skeleton = HAND
    input_height = input_width = SIDE
    stride = STRIDE
    sigma_cells = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        self.norm = nn.BatchNorm2d(3)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        self.norm(images)
        return {"stride4": functional.avg_pool2d(images, STRIDE)}

    def head(self, features: dict[str, Tensor]) -> Maps:
        return Maps(features["stride4"][:, :2] * self.gain, None)

    def decode(self, maps: Maps) -> Predictions:
        return decode_argmax(maps.heatmaps, STRIDE)


class Follower(nn.Module):
    """In the place of a UNet: it notes what it is shown, and gives the guide, a cell to the right.

    So the joints wander, and one can say beforehand where they are after each step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[Tensor, Tensor]] = []

    def levels(self, features: dict[str, Tensor]) -> list[list[Tensor]]:
        return [list(features.values())]

    def forward(self, levels: list[list[Tensor]], guide: Tensor, step: Tensor) -> Tensor:
        self.shown.append((guide, step))
        return guide[:, :2].roll(1, dims=-1)


def cell(column: int, row: int) -> tuple[float, float]:
    """Its centre, px."""
    return (column + 0.5) * STRIDE, (row + 0.5) * STRIDE


def gaussians(*cells: tuple[int, int]) -> Tensor:
    """Heatmaps [1, joint, CELLS, CELLS] of joints in the middle of cells."""
    keypoints = torch.tensor([[cell(*each) for each in cells]])
    seen = torch.ones(keypoints.shape[:2], dtype=torch.bool)
    return encode_gaussian(keypoints, seen, CELLS, CELLS, stride=STRIDE, sigma_cells=1.0)


def image(*cells: tuple[int, int], height: float = 1.0) -> Tensor:
    """[1, 3, SIDE, SIDE]: an image in which `Hand` sees two joints."""
    maps = torch.cat((gaussians(*cells) * height, torch.zeros(1, 1, CELLS, CELLS)), dim=1)
    return functional.interpolate(maps, scale_factor=STRIDE, mode="nearest")
