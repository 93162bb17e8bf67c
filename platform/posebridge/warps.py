"""Points and maps carried from one frame of a person to another by affine maps, in torch.

Matrices are [batch, 2, 3], one per person, and lead from px to px. The NumPy counterparts, for
whoever prepares images, are in `geometry`.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional


def transform(
    out_from_in: Float[Tensor, "batch 2 3"], points: Float[Tensor, "batch point 2"]
) -> Float[Tensor, "batch point 2"]:
    """Points in the output frame; NaN stays NaN.

    Args:
        out_from_in: affine maps.
        points: px of the input frame.

    Returns:
        px of the output frame.

    Example:
        >>> mirror = torch.tensor([[[-1.0, 0.0, 10.0], [0.0, 1.0, 0.0]]])
        >>> transform(mirror, torch.tensor([[[3.0, 4.0]]]))
        tensor([[[7., 4.]]])
    """
    # Not `@`, which autocast would round to half a pixel.
    linear, shift = out_from_in[:, None, :, :2], out_from_in[:, None, :, 2]
    return (linear * points[:, :, None, :]).sum(dim=-1) + shift


def inverse(matrix: Float[Tensor, "batch 2 3"]) -> Float[Tensor, "batch 2 3"]:
    """Affine maps back.

    Raises:
        torch.linalg.LinAlgError: if a matrix squeezes the plane onto a line.
    """
    # Double precision, so that quarter turns stay exact and autocast stays out.
    linear = torch.linalg.inv(matrix[:, :, :2].double())
    shift = -(linear @ matrix[:, :, 2:].double())
    return torch.cat((linear, shift), dim=2).to(matrix.dtype)


def exchange_mirrored(
    values: Shaped[Tensor, "batch keypoint *rest"],
    out_from_in: Float[Tensor, "batch 2 3"],
    flip_order: Sequence[int],
) -> Shaped[Tensor, "batch keypoint *rest"]:
    """Values per keypoint, with left and right exchanged for those people whose matrix mirrors.

    Args:
        values: anything with one entry per keypoint.
        out_from_in: affine maps; one mirrors if its determinant is negative.
        flip_order: the skeleton's exchange of left and right.

    Returns:
        Values of the same shape.
    """
    (a, b), (c, d) = out_from_in[:, 0, :2].unbind(dim=1), out_from_in[:, 1, :2].unbind(dim=1)
    is_mirrored = (a * d < b * c).view(-1, *[1] * (values.ndim - 1))
    return torch.where(is_mirrored, values[:, list(flip_order)], values)


def warp_maps(
    maps: Float[Tensor, "batch keypoint height width"],
    out_from_in: Float[Tensor, "batch 2 3"],
    stride: int,
    *,
    flip_order: Sequence[int] | None = None,
) -> Float[Tensor, "batch keypoint height width"]:
    """Maps moved by an affine map of the image; bilinear, zero where the input does not reach.

    A quarter turn about the centre of a square map moves cells onto cells. Differentiable in
    the maps.

    Args:
        maps: one map per keypoint.
        out_from_in: leads from px of the input image to px of the output image.
        stride: px per cell, in and out.
        flip_order: the skeleton's exchange of left and right. If given, it is applied to the
            channels of those maps whose matrix mirrors (negative determinant).

    Returns:
        Maps of the same size in the output frame.

    Raises:
        torch.linalg.LinAlgError: if a matrix has no inverse.
    """
    height, width = maps.shape[-2:]
    maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
    # The sampler asks where each output cell comes from. Double precision keeps quarter turns on
    # the cells.
    in_from_out = inverse(out_from_in.double())
    linear, shift = in_from_out[:, :, :2], in_from_out[:, :, 2:]
    # Its coordinates run from −1 to 1 between the outer edges of the map.
    half = torch.tensor([[width], [height]], dtype=torch.float64, device=maps.device) * stride / 2
    theta = torch.cat((linear * half.T / half, (linear @ half + shift) / half - 1), dim=2)
    grid = functional.affine_grid(theta, list(maps.shape), align_corners=False)
    warped = functional.grid_sample(maps, grid.to(maps.dtype), align_corners=False)
    return warped if flip_order is None else exchange_mirrored(warped, out_from_in, flip_order)
