"""What an estimator with heatmaps, and perhaps offsets, learns from labelled people."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.batch import LabeledBatch, Maps
from posebridge.heatmaps import encode_gaussian


def heatmap_mse(
    predicted: Float[Tensor, "batch keypoint height width"],
    truth: Float[Tensor, "batch keypoint height width"],
    visible: Bool[Tensor, "batch keypoint"],
) -> Float[Tensor, ""]:
    """Half the squared error, summed over the cells of a map, averaged over the visible keypoints.

    The sum over cells makes it independent of the map's size for a sigma given in cells: a zero
    map against a Gaussian costs π·sigma²/2, and one weight fits all resolutions.

    Args:
        predicted: maps as they are decoded (MoveNet: after the sigmoid).
        truth: maps to reach, same frame. Not read where not visible.
        visible: labelled keypoints; only their maps count.

    Returns:
        A number in [0, inf), lower is better; exactly 0, with zero gradient, if none is visible.

    Sources:
        [0] Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, 2018,
            https://arxiv.org/abs/1804.06208 section 2. We differ: theirs is a mean over the cells
            and over all keypoints, so that a person with few labels weighs less.

    Example:
        >>> maps = torch.zeros(1, 1, 2, 2)
        >>> heatmap_mse(maps, maps + 1, torch.tensor([[True]]))
        tensor(2.)
    """
    error = torch.where(visible[..., None, None], predicted - truth, 0.0)
    return 0.5 * error.square().sum() / visible.sum().clamp(min=1)


def offset_l1(
    offsets: Float[Tensor, "batch keypoint 2 height width"],
    keypoints: Float[Tensor, "batch keypoint 2"],
    visible: Bool[Tensor, "batch keypoint"],
    stride: int,
) -> Float[Tensor, ""]:
    """Absolute error of the offsets at the true cells, averaged over keypoints and coordinates.

    Only the cell that holds the keypoint is trained, as in CenterNet and MoveNet.

    Args:
        offsets: (x, y) from the top-left corner of a cell to the keypoint, in cells.
        keypoints: px of the image; not read where not visible.
        visible: labelled keypoints; one whose cell lies outside the map does not count.
        stride: px per cell.

    Returns:
        Cells, in [0, inf), lower is better; exactly 0, with zero gradient, if none counts.

    Sources:
        [0] Zhou et al., Objects as Points, 2019, https://arxiv.org/abs/1904.07850 eq. (2)

    Example:
        >>> at = torch.tensor([[[5.0, 2.0]]])  # cell 1 and a quarter, cell 0 and a half
        >>> offset_l1(torch.zeros(1, 1, 2, 2, 2), at, torch.tensor([[True]]), 4)
        tensor(0.3750)
    """
    size = keypoints.new_tensor([offsets.shape[-1], offsets.shape[-2]])
    position = torch.where(visible[..., None], keypoints, 0.0) / stride
    cells = position.floor()
    is_counted = visible & ((cells >= 0) & (cells < size)).all(dim=-1)
    columns, rows = torch.where(is_counted[..., None], cells, 0.0).long().unbind(dim=-1)
    index = (rows * offsets.shape[-1] + columns)[..., None, None].expand(-1, -1, 2, 1)
    read = offsets.flatten(3).gather(3, index)[..., 0]
    error = (read - (position - cells)).abs().mean(dim=-1)
    return torch.where(is_counted, error, 0.0).sum() / is_counted.sum().clamp(min=1)


def labeled_losses(
    maps: Maps, batch: LabeledBatch, *, stride: int, sigma_cells: float
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """`heatmap_mse` against Gaussians at the keypoints, and `offset_l1`.

    Args:
        maps: what the estimator gave for the images of the batch.
        batch: the truth.
        stride: px per cell.
        sigma_cells: standard deviation of the Gaussians, in cells.

    Returns:
        The two losses; the second is 0 for an estimator without offsets.
    """
    height, width = maps.heatmaps.shape[-2:]
    truth = encode_gaussian(
        batch.keypoints, batch.visible, height, width, stride=stride, sigma_cells=sigma_cells
    )
    heatmap = heatmap_mse(maps.heatmaps, truth, batch.visible)
    if maps.offsets is None:
        return heatmap, torch.zeros_like(heatmap)
    return heatmap, offset_l1(maps.offsets, batch.keypoints, batch.visible, stride)
