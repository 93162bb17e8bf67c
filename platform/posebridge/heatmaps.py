"""Heatmaps: one map of confidence per keypoint, made from coordinates and read back.

Frames and units, for every function here:

- Coordinates are (x, y) px of the estimator's input image; (0, 0) is the corner of its top-left
  pixel. Cell `j` of a map of stride `s` covers [j·s, (j + 1)·s), so its centre is (j + 0.5)·s.
- A map that has no peak (all cells equal) or holds a NaN cannot be read: its keypoint is NaN, and
  its confidence the common value or NaN. It is never read as a keypoint at (0, 0).
- The confidence is the highest value of the map.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from posebridge.batch import Predictions

# Blurred values below this are noise; the floor keeps the logarithm of `decode_dark` finite.
_LOG_FLOOR = 1e-10
# Central differences over two cells reach this far; a longer Newton step is an extrapolation.
_LONGEST_NEWTON_STEP = 2.0


def encode_gaussian(
    keypoints: Float[Tensor, "batch keypoint 2"],
    visible: Bool[Tensor, "batch keypoint"],
    height: int,
    width: int,
    *,
    stride: int,
    sigma_cells: float,
) -> Float[Tensor, "batch keypoint {height} {width}"]:
    """Gaussians of amplitude 1 at the real positions of the keypoints.

    The centre is at x/stride − 0.5 in units of the cell index and is not rounded, so the highest
    cell is below 1 unless the keypoint lies at the centre of a cell. Nothing is truncated: of a
    keypoint outside the map, the part of its Gaussian that falls inside remains.

    Args:
        keypoints: px of the image; not read where not visible (may be NaN there).
        visible: labelled keypoints. The map of any other is zero everywhere.
        height: rows of the map.
        width: columns of the map.
        stride: px per cell.
        sigma_cells: standard deviation, in cells.

    Returns:
        Maps in [0, 1].

    Sources:
        [0] Zhang et al., Distribution-aware coordinate representation, 2020,
            https://arxiv.org/abs/1910.06278 section 3.2 (encoding without quantisation).

    Example:
        >>> maps = encode_gaussian(
        ...     torch.tensor([[[6.0, 2.0]]]), torch.tensor([[True]]), 2, 3,
        ...     stride=4, sigma_cells=1.0,
        ... )
        >>> maps[0, 0, 0].tolist()[1]
        1.0
    """
    centers = keypoints / stride - 0.5
    return _gaussians(centers, visible, height, width, sigma_cells)


def gaussian_profiles(
    keypoints: Float[Tensor, "*batch keypoint 2"],
    height: int,
    width: int,
    *,
    stride: int,
    sigma_cells: float,
) -> tuple[Float[Tensor, "*batch keypoint {height}"], Float[Tensor, "*batch keypoint {width}"]]:
    """The two profiles, down and across, whose product is the map of `encode_gaussian`.

    For whoever combines many Gaussians, and so need not draw each.

    Args:
        keypoints: px of the image, all of them finite.
        height: rows of the map.
        width: columns of the map.
        stride: px per cell.
        sigma_cells: standard deviation, in cells.

    Returns:
        Values in [0, 1] along the rows, and along the columns.

    Example:
        >>> down, across = gaussian_profiles(
        ...     torch.tensor([[6.0, 2.0]]), 2, 3, stride=4, sigma_cells=1.0
        ... )
        >>> (down[0, 0] * across[0, 1]).item()
        1.0
    """
    return _profiles(keypoints / stride - 0.5, height, width, sigma_cells)


def encode_udp(
    keypoints: Float[Tensor, "batch keypoint 2"],
    visible: Bool[Tensor, "batch keypoint"],
    height: int,
    width: int,
    *,
    stride: int,
    sigma_cells: float,
) -> Float[Tensor, "batch keypoint {height} {width}"]:
    """Gaussians of amplitude 1 in the convention of UDP.

    UDP measures from the centre of the first pixel and cell to the centre of the last, so that
    one cell is (width·stride − 1)/(width − 1) px and not `stride`. Use it with weights trained
    that way. The decoders of this module read such maps too, followed by `image_from_udp`.

    Args:
        keypoints: px of the image (corner convention, as everywhere); not read where not visible.
        visible: labelled keypoints. The map of any other is zero everywhere.
        height: rows of the map.
        width: columns of the map.
        stride: px per cell; the image has width·stride columns.
        sigma_cells: standard deviation, in cells.

    Returns:
        Maps in [0, 1].

    Sources:
        [0] Huang et al., The Devil is in the Details: Delving into Unbiased Data Processing,
            2020, https://arxiv.org/abs/1911.07524 section 3.1.
    """
    centers = (keypoints - 0.5) / _udp_px_per_cell(keypoints, height, width, stride)
    return _gaussians(centers, visible, height, width, sigma_cells)


def image_from_udp(decoded: Predictions, height: int, width: int, *, stride: int) -> Predictions:
    """Keypoints in px of the image, from a map of UDP's convention that a decoder here has read.

    Args:
        decoded: what `decode_argmax`, `decode_quarter` or `decode_dark` gave for the map.
        height: rows of the map.
        width: columns of the map.
        stride: px per cell, as given to the decoder.

    Returns:
        The same keypoints under UDP's scale; the confidence is unchanged.
    """
    px_per_cell = _udp_px_per_cell(decoded.keypoints, height, width, stride)
    cells = decoded.keypoints / stride - 0.5
    return Predictions(cells * px_per_cell + 0.5, decoded.confidence)


def decode_argmax(
    heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
) -> Predictions:
    """Centres of the highest cells; of equal cells, the first in reading order.

    Args:
        heatmaps: one map per keypoint.
        stride: px per cell.

    Returns:
        Keypoints in px of the image, NaN where the map has no peak.
    """
    cells, confidence = _peaks(heatmaps)
    return Predictions((cells + 0.5) * stride, confidence)


def decode_quarter(
    heatmaps: Float[Tensor, "batch keypoint height width"], stride: int
) -> Predictions:
    """Highest cells, moved by a quarter of a cell towards the higher neighbour along each axis.

    No move along an axis where the neighbours are equal or the peak lies on the map's border.

    Args:
        heatmaps: one map per keypoint.
        stride: px per cell.

    Returns:
        Keypoints in px of the image, NaN where the map has no peak.

    Sources:
        [0] Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, 2018,
            https://arxiv.org/abs/1804.06208 section 2.
    """
    cells, confidence = _peaks(heatmaps)
    patches = _patches(heatmaps, cells, radius=1)
    slope = torch.stack(
        (patches[..., 1, 2] - patches[..., 1, 0], patches[..., 2, 1] - patches[..., 0, 1]), dim=-1
    )
    shift = 0.25 * slope.sign() * _is_inside(cells, heatmaps, margin=1)
    return Predictions((cells + shift + 0.5) * stride, confidence)


def decode_dark(
    heatmaps: Float[Tensor, "batch keypoint height width"], stride: int, *, kernel: int = 11
) -> Predictions:
    """Peaks of a parabola fitted to the logarithm of the smoothed map (DARK).

    The map is smoothed with the Gaussian it was trained on; one Newton step on its logarithm then
    leads from the highest cell to the peak, within 0.001 cells for a whole Gaussian. No step is
    taken near the border, where the fit is no peak, or where it would leave the fitted cells.

    Args:
        heatmaps: one map per keypoint, trained on Gaussians. Negative values count as zero.
        stride: px per cell.
        kernel: width of the smoothing kernel in cells, odd; 11 for maps of sigma 2, 17 for 3.

    Returns:
        Keypoints in px of the image, NaN where the map has no peak; confidence before smoothing.

    Raises:
        ValueError: if the kernel is not odd and positive.

    Sources:
        [0] Zhang et al., Distribution-aware coordinate representation, 2020,
            https://arxiv.org/abs/1910.06278 eq. (5)-(9). We differ: their code takes the step
            where the fit is no peak, too.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"The kernel of DARK must be odd and positive, but got {kernel=}.")
    cells, confidence = _peaks(heatmaps)
    # Smoothing lowers the peak; rescaling it would only add a constant to the logarithm.
    logs = _smooth(heatmaps, kernel).clamp(min=_LOG_FLOOR).log()
    step = _newton_step(_patches(logs, cells, radius=2))
    is_near = step.abs().amax(dim=-1, keepdim=True) <= _LONGEST_NEWTON_STEP
    is_inside = _is_inside(cells, heatmaps, margin=2).all(dim=-1, keepdim=True)
    shift = torch.where(is_near & is_inside, step, 0.0)
    return Predictions((cells + shift + 0.5) * stride, confidence)


def decode_soft_argmax(
    heatmaps: Float[Tensor, "batch keypoint height width"],
    stride: int,
    *,
    temperature: float = 0.05,
) -> Predictions:
    """Expected positions under softmax(heatmap / temperature); differentiable.

    A low temperature approaches the arg-max. At the default, the flat part of a map of amplitude
    1 hardly weighs.

    Args:
        heatmaps: one map per keypoint.
        stride: px per cell.
        temperature: positive, in the unit of the maps.

    Returns:
        Keypoints in px of the image, NaN (without gradient) where the map has no peak.

    Raises:
        ValueError: if the temperature is not positive.

    Sources:
        [0] Sun et al., Integral Human Pose Regression, 2018, https://arxiv.org/abs/1711.08229.
    """
    if temperature <= 0.0:
        raise ValueError(f"A soft-argmax needs a positive temperature, but got {temperature=}.")
    height, width = heatmaps.shape[-2:]
    weights = torch.softmax(heatmaps.flatten(2) / temperature, dim=2).view_as(heatmaps)
    columns, rows = _indices(heatmaps, height, width)
    # Not `@`, which autocast would round to half a pixel.
    means = ((weights.sum(dim=2) * columns).sum(-1), (weights.sum(dim=3) * rows).sum(-1))
    keypoints = (torch.stack(means, dim=-1) + 0.5) * stride
    cells, confidence = _peaks(heatmaps)
    return Predictions(torch.where(cells.isnan(), torch.nan, keypoints), confidence)


def decode_offset(
    heatmaps: Float[Tensor, "batch keypoint height width"],
    offsets: Float[Tensor, "batch keypoint 2 height width"],
    stride: int,
) -> Predictions:
    """Highest cells plus the offset that is read there: x = (cell + offset)·stride (MoveNet).

    Args:
        heatmaps: one map per keypoint.
        offsets: (x, y) from the top-left corner of the cell, in cells; not clipped.
        stride: px per cell.

    Returns:
        Keypoints in px of the image, NaN where the map has no peak.
    """
    cells, confidence = _peaks(heatmaps)
    columns, rows = cells.nan_to_num(0.0).long().unbind(dim=-1)
    index = (rows * heatmaps.shape[-1] + columns)[..., None, None].expand(-1, -1, 2, 1)
    read = offsets.flatten(3).gather(3, index)[..., 0]
    return Predictions((cells + read) * stride, confidence)


def _indices(
    like: Tensor, height: int, width: int
) -> tuple[Float[Tensor, " width"], Float[Tensor, " height"]]:
    """Indices of the columns and of the rows, with the type and device of `like`."""
    return like.new_tensor(range(width)), like.new_tensor(range(height))


def _udp_px_per_cell(like: Tensor, height: int, width: int, stride: int) -> Float[Tensor, " 2"]:
    """UDP's scale for (x, y), px per cell."""
    cells = like.new_tensor([width, height])
    return (cells * stride - 1) / (cells - 1)


def _gaussians(
    centers: Float[Tensor, "batch keypoint 2"],
    visible: Bool[Tensor, "batch keypoint"],
    height: int,
    width: int,
    sigma_cells: float,
) -> Float[Tensor, "batch keypoint {height} {width}"]:
    """Gaussians at real positions, in units of the cell index; a product of two profiles."""
    centers = torch.where(visible[..., None], centers, 0.0)
    down, across = _profiles(centers, height, width, sigma_cells)
    down = down * visible[..., None]
    return down[..., :, None] * across[..., None, :]


def _profiles(
    centers: Float[Tensor, "*batch keypoint 2"], height: int, width: int, sigma_cells: float
) -> tuple[Float[Tensor, "*batch keypoint {height}"], Float[Tensor, "*batch keypoint {width}"]]:
    columns, rows = _indices(centers, height, width)
    across = torch.exp(-0.5 * ((columns - centers[..., :1]) / sigma_cells) ** 2)
    down = torch.exp(-0.5 * ((rows - centers[..., 1:]) / sigma_cells) ** 2)
    return down, across


def _peaks(
    heatmaps: Float[Tensor, "batch keypoint height width"],
) -> tuple[Float[Tensor, "batch keypoint 2"], Float[Tensor, "batch keypoint"]]:
    """Column and row of the highest cells, NaN where there is no peak, and their values."""
    width = heatmaps.shape[-1]
    flat = heatmaps.flatten(2)
    index = flat.argmax(dim=2)
    # Read by gather, so that the confidence carries a gradient. A NaN wins both extremes.
    confidence = flat.gather(2, index[..., None])[..., 0]
    has_peak = confidence > flat.amin(dim=2)
    # Half precision would round positions to half a pixel.
    wide = torch.promote_types(heatmaps.dtype, torch.float32)
    cells = torch.stack((index % width, index // width), dim=-1).to(wide)
    return torch.where(has_peak[..., None], cells, torch.nan), confidence


def _is_inside(
    cells: Float[Tensor, "batch keypoint 2"],
    heatmaps: Float[Tensor, "batch keypoint height width"],
    margin: int,
) -> Bool[Tensor, "batch keypoint 2"]:
    """Whether `margin` more cells follow on both sides, along x and along y."""
    height, width = heatmaps.shape[-2:]
    last = cells.new_tensor([width - 1, height - 1])
    return (cells >= margin) & (cells <= last - margin)


def _patches(
    maps: Float[Tensor, "batch keypoint height width"],
    cells: Float[Tensor, "batch keypoint 2"],
    radius: int,
) -> Float[Tensor, "batch keypoint side side"]:
    """Squares of 2·radius + 1 cells around the given cells; border cells repeat outwards."""
    height, width = maps.shape[-2:]
    columns, rows = cells.nan_to_num(0.0).long().unbind(dim=-1)
    reach = torch.arange(-radius, radius + 1, device=maps.device)
    columns = (columns[..., None] + reach).clamp(0, width - 1)
    rows = (rows[..., None] + reach).clamp(0, height - 1)
    index = rows[..., :, None] * width + columns[..., None, :]
    return maps.flatten(2).gather(2, index.flatten(2)).view(index.shape)


def _smooth(
    heatmaps: Float[Tensor, "batch keypoint height width"], kernel: int
) -> Float[Tensor, "batch keypoint height width"]:
    """Gaussian smoothing with zeros beyond the border."""
    # OpenCV's rule for the width of a kernel: 11 cells are sigma 2.
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    reach = heatmaps.new_tensor(range(kernel)) - kernel // 2
    weights = torch.exp(-0.5 * (reach / sigma) ** 2)
    weights = weights / weights.sum()
    flat = heatmaps.flatten(0, 1)[:, None]
    across = functional.conv2d(flat, weights.view(1, 1, 1, -1), padding=(0, kernel // 2))
    both = functional.conv2d(across, weights.view(1, 1, -1, 1), padding=(kernel // 2, 0))
    return both.view_as(heatmaps)


def _newton_step(
    logs: Float[Tensor, "batch keypoint 5 5"],
) -> Float[Tensor, "batch keypoint 2"]:
    """Step (x, y) in cells from the middle to the peak of the parabola; zero where it has none."""
    dx = 0.5 * (logs[..., 2, 3] - logs[..., 2, 1])
    dy = 0.5 * (logs[..., 3, 2] - logs[..., 1, 2])
    dxx = 0.25 * (logs[..., 2, 4] - 2 * logs[..., 2, 2] + logs[..., 2, 0])
    dyy = 0.25 * (logs[..., 4, 2] - 2 * logs[..., 2, 2] + logs[..., 0, 2])
    dxy = 0.25 * (logs[..., 3, 3] - logs[..., 1, 3] - logs[..., 3, 1] + logs[..., 1, 1])
    determinant = dxx * dyy - dxy**2
    is_peak = (determinant > 0) & (dxx < 0)
    determinant = torch.where(is_peak, determinant, 1.0)
    step = torch.stack((dxy * dy - dyy * dx, dxy * dx - dxx * dy), -1) / determinant[..., None]
    return torch.where(is_peak[..., None], step, 0.0)
