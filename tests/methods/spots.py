"""An estimator that finds coloured spots: exact under turns, so that frames can be tested."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Estimator
from posebridge.heatmaps import decode_offset
from posebridge.skeletons import COCO17

SIDE, STRIDE = 32, 4


class Spots(Estimator):
    """Nose red, left eye green, right eye blue; maps are cell means, offsets centres of mass.

    `gain` is its one parameter: it multiplies the maps.
    """

    skeleton = COCO17
    input_height = input_width = SIDE
    stride = STRIDE
    sigma_cells = 1.0

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def features(self, images: Tensor) -> dict[str, Tensor]:
        return {"pixels": images}

    def head(self, features: dict[str, Tensor]) -> Maps:
        images = features["pixels"]
        mass = functional.avg_pool2d(images, STRIDE)
        columns, rows = (
            (torch.arange(size) % STRIDE + 0.5) / STRIDE
            for size in (images.shape[-1], images.shape[-2])
        )
        across = functional.avg_pool2d(images * columns, STRIDE)
        down = functional.avg_pool2d(images * rows[:, None], STRIDE)
        offsets = torch.stack((across, down), dim=2) / mass[:, :, None].clamp(min=1e-9)
        num_others = COCO17.num_keypoints - 3
        others = mass.new_zeros(len(images), num_others, 2, *mass.shape[2:])
        heatmaps = torch.cat((mass, others[:, :, 0]), dim=1) * self.gain
        return Maps(heatmaps, torch.cat((offsets, others), dim=1))

    def decode(self, maps: Maps) -> Predictions:
        assert maps.offsets is not None
        return decode_offset(maps.heatmaps, maps.offsets, STRIDE)


def picture(*pixels: tuple[int, int]) -> Tensor:
    """[1, 3, SIDE, SIDE]: one lit pixel (x, y) per colour on black."""
    image = torch.zeros(1, 3, SIDE, SIDE)
    for color, (x, y) in enumerate(pixels):
        image[0, color, y, x] = 1.0
    return image


def mirrored(image: Tensor) -> Tensor:
    """The mirrored person: left and right change sides and colours."""
    return image.flip(-1)[:, [0, 2, 1]]
