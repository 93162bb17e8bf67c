"""Covering parts of images, on the device and in one pass."""

import torch
from jaxtyping import Float
from torch import Tensor


def cover(
    images: Float[Tensor, "batch 3 height width"],
    centers: Float[Tensor, "batch 2"],
    half_side_px: float,
) -> Float[Tensor, "batch 3 height width"]:
    """Images with a square around a point replaced by a random square of the same image.

    Args:
        images: left unchanged.
        centers: px; where the square reaches beyond the image, what is inside is replaced.
        half_side_px: half the side of the square.
    """
    height, width = images.shape[-2:]
    size = centers.new_tensor([width, height])
    donors = half_side_px + torch.rand_like(centers) * (size - 2 * half_side_px)
    shift = (donors - centers).round().long()
    columns, rows = (torch.arange(side, device=images.device) for side in (width, height))
    from_columns = (columns + shift[:, :1]).clamp(0, width - 1)
    from_rows = (rows + shift[:, 1:]).clamp(0, height - 1)
    people = torch.arange(len(images), device=images.device)
    moved = images[people[:, None, None], :, from_rows[:, :, None], from_columns[:, None, :]]
    across = (columns + 0.5 - centers[:, :1]).abs() < half_side_px
    down = (rows + 0.5 - centers[:, 1:]).abs() < half_side_px
    is_inside = down[:, None, :, None] & across[:, None, None, :]
    return torch.where(is_inside, moved.permute(0, 3, 1, 2), images)
