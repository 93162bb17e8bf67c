"""The flip test: maps averaged over an image and its mirror image.

Published numbers of SimpleBaseline, HRNet and ViTPose are made with it. It costs a second pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.batch import Maps
from posebridge.estimators.base import Estimator


@dataclass(frozen=True)
class FlipTest:
    """The choice of testing with both images.

    Attributes:
        shift: move what comes from the mirror image one cell to the right, as the official code
            of SimpleBaseline and HRNet does: in the frame that `Msra` reads, the mirror image of a
            map is 0.75 cells off. Leave it for maps in PoseBridge's frame or UDP's, which are not.
    """

    shift: bool = False

    def __call__(
        self, estimator: Estimator, images: Float[Tensor, "batch 3 height width"]
    ) -> Maps:
        """Mean of the maps of the images and of their mirror images, put back.

        Args:
            estimator: any; its decoder reads the result.
            images: in [0, 1].

        Returns:
            Maps as of the images alone.

        Sources:
            [0] https://github.com/leoxiaobin/deep-high-resolution-net.pytorch
                lib/core/function.py, validate: FLIP_TEST and SHIFT_HEATMAP
        """
        seen, order = estimator(images), estimator.skeleton.flip_order
        back = put_back(estimator(images.flip(3)), order, shift=self.shift)
        heatmaps = (seen.heatmaps + back.heatmaps) / 2
        if seen.offsets is None or back.offsets is None:
            return Maps(heatmaps=heatmaps, offsets=None)
        return Maps(heatmaps=heatmaps, offsets=(seen.offsets + back.offsets) / 2)


def put_back(maps: Maps, flip_order: Sequence[int], *, shift: bool = False) -> Maps:
    """The maps of a mirror image as those of the image.

    Args:
        maps: of the mirror image.
        flip_order: the skeleton's exchange of left and right.
        shift: move the heatmaps one cell to the right; the first column stays as it is.

    Returns:
        Columns and channels in the order of the image; offsets point the other way along x.
    """
    order = list(flip_order)
    heatmaps = maps.heatmaps[:, order].flip(3)
    if shift:
        heatmaps = torch.cat([heatmaps[..., :1], heatmaps[..., :-1]], dim=3)
    if maps.offsets is None:
        return Maps(heatmaps=heatmaps, offsets=None)
    across, down = maps.offsets[:, order].flip(4).unbind(dim=2)
    # An offset counts from the left edge of its cell, which in the mirror is the right one.
    return Maps(heatmaps=heatmaps, offsets=torch.stack((1 - across, down), dim=2))
