"""Affine maps of the plane, projection, limb lengths and angles, and Procrustes alignment.

Affine maps and the alignment are NumPy and float64, since they prepare data and measure; what a
loss may need is torch and has a gradient.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

Affine = Float[np.ndarray, "*#batch 2 3"]


def compose(outer: Affine, inner: Affine) -> Affine:
    """The map that goes through `inner` first, then `outer`.

    Named by their frames, what meets must match: `image_from_view` is
    `compose(image_from_crop, crop_from_view)`.

    Args:
        outer: 2×3 matrices, applied last.
        inner: 2×3 matrices, applied first.

    Returns:
        2×3 matrices, float64.

    Example:
        >>> shift, double = np.array([[1.0, 0, 5], [0, 1, 0]]), np.array([[2.0, 0, 0], [0, 2, 0]])
        >>> compose(double, shift)
        array([[ 2.,  0., 10.],
               [ 0.,  2.,  0.]])
    """
    outer, inner = outer.astype(np.float64), inner.astype(np.float64)
    product: Affine = outer[..., :2] @ inner
    product[..., 2] += outer[..., 2]
    return product


def invert(matrix: Affine) -> Affine:
    """The map back: `crop_from_image` from `image_from_crop`.

    Args:
        matrix: 2×3 matrices.

    Returns:
        2×3 matrices, float64.

    Raises:
        ValueError: if a matrix squeezes the plane onto a line or is not finite.

    Example:
        >>> invert(np.array([[2.0, 0, 10], [0, 2, 0]]))
        array([[ 0.5, -0. , -5. ],
               [-0. ,  0.5,  0. ]])
    """
    matrix = matrix.astype(np.float64)
    (a, b), (c, d) = np.moveaxis(matrix[..., :2], (-2, -1), (0, 1))
    determinant = a * d - b * c
    sound = np.isfinite(matrix).all((-2, -1)) & (np.abs(determinant) > 0)
    if not sound.all():
        raise ValueError(
            "an affine map must be finite and have an area to be inverted, but got "
            f"{matrix[~sound][0].tolist()}. Check the box it was made from."
        )
    rows = (np.stack((d, -b), -1), np.stack((-c, a), -1))
    linear = np.stack(rows, -2) / determinant[..., None, None]
    return np.concatenate((linear, -linear @ matrix[..., 2:]), -1)


def apply(
    matrix: Affine, points: Float[np.ndarray, "*#batch point 2"]
) -> Float[np.ndarray, "*#batch point 2"]:
    """Points carried from the right-hand frame of the matrix's name to the left-hand one.

    Args:
        matrix: 2×3 matrices; leading axes broadcast against those of `points` but the last.
        points: [..., point, 2], (x, y).

    Returns:
        [..., point, 2], float64. NaN stays NaN.

    Example:
        >>> apply(np.array([[2.0, 0, 10], [0, 2, 0]]), np.array([[1.0, 1.0]]))
        array([[12.,  2.]])
    """
    matrix = matrix.astype(np.float64)
    moved: Float[np.ndarray, "*#batch point 2"] = (
        points @ matrix[..., :2].mT + matrix[..., None, :, 2]
    )
    return moved


def project(
    points: Float[Tensor, "*#batch point 3"], intrinsics: Float[Tensor, "*#batch 3 3"]
) -> Float[Tensor, "*#batch point 2"]:
    """Pixels at which a pinhole camera sees points.

    Args:
        points: camera frame (x right, y down, z forward), millimetres.
        intrinsics: in pixels, whose principal point counts from the corner of the top-left pixel.

    Returns:
        (x, y) in pixels, NaN for a point that is not in front of the camera.

    Example:
        >>> camera = torch.tensor([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
        >>> project(torch.tensor([[100.0, 0, 1000]]), camera)
        tensor([[370., 240.]])
    """
    in_front = points[..., 2:] > 0
    # Dividing by one where the result is thrown away keeps the gradient finite.
    depth = torch.where(in_front, points[..., 2:], 1)
    pixels = (points @ intrinsics.mT)[..., :2] / depth
    return torch.where(in_front, pixels, torch.nan)


def limb_lengths(
    keypoints: Float[Tensor, "*batch keypoint dimension"], limbs: Sequence[tuple[int, int]]
) -> Float[Tensor, "*batch limb"]:
    """Distances between the ends of limbs.

    Args:
        keypoints: any frame and unit.
        limbs: pairs of indices, as `Skeleton.limbs`.

    Returns:
        Lengths in the unit of the keypoints. The gradient of a length of zero is zero.

    Example:
        >>> limb_lengths(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), ((0, 1),))
        tensor([5.])
    """
    starts, ends = [limb[0] for limb in limbs], [limb[1] for limb in limbs]
    lengths: Tensor = torch.linalg.vector_norm(
        keypoints[..., starts, :] - keypoints[..., ends, :], dim=-1
    )
    return lengths


def limb_lengths_25d(
    keypoints: Float[Tensor, "*batch keypoint 2"],
    depth: Float[Tensor, "*batch keypoint"],
    limbs: Sequence[tuple[int, int]],
    *,
    px_per_depth: float,
) -> Float[Tensor, "*batch limb"]:
    """Limb lengths in pixels that count how far a limb points along the view.

    `sqrt(Δx² + Δy² + (px_per_depth·Δdepth)²)`, as in Geo-Sapiens, whose λ_z is `px_per_depth²`.

    Args:
        keypoints: pixels.
        depth: along the camera's axis, any unit.
        limbs: pairs of indices, as `Skeleton.limbs`.
        px_per_depth: what one unit of depth measures in the image: focal length in pixels over
            the distance of the person, where both are known.

    Returns:
        Lengths in pixels. The gradient of a length of zero is zero.

    Example:
        >>> ends = torch.tensor([[0.0, 0.0], [3.0, 0.0]])
        >>> limb_lengths_25d(ends, torch.tensor([0.0, 8.0]), ((0, 1),), px_per_depth=0.5)
        tensor([5.])
    """
    return limb_lengths(torch.cat((keypoints, px_per_depth * depth[..., None]), -1), limbs)


def angles(
    keypoints: Float[Tensor, "*batch keypoint dimension"], corners: Sequence[tuple[int, int, int]]
) -> Float[Tensor, "*batch corner"]:
    """Angles at the middle keypoints of corners, such as shoulder, elbow, wrist.

    Invariant to rotation, translation and scale.

    Args:
        keypoints: any frame and unit, two dimensions or more.
        corners: triples of indices.

    Returns:
        Radians in [0, π], π for a straight limb; NaN, with no gradient, where a side has no
        length.

    Example:
        >>> elbow = torch.tensor([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
        >>> torch.rad2deg(angles(elbow, ((0, 1, 2),)))
        tensor([90.])
    """
    first, middle, last = (keypoints[..., list(index), :] for index in zip(*corners, strict=True))
    one, other = first - middle, last - middle
    one_length = torch.linalg.vector_norm(one, dim=-1, keepdim=True)
    other_length = torch.linalg.vector_norm(other, dim=-1, keepdim=True)
    has_length = (one_length > 0) & (other_length > 0)
    # A right angle stands in where a side has no length, so that no gradient divides by zero.
    stand_in = torch.eye(keypoints.shape[-1], dtype=keypoints.dtype, device=keypoints.device)
    one = torch.where(has_length, one / torch.where(has_length, one_length, 1), stand_in[0])
    other = torch.where(has_length, other / torch.where(has_length, other_length, 1), stand_in[1])
    # Kahan's formula, exact near 0 and π, where arccos loses half of the digits.
    difference = torch.linalg.vector_norm(one - other, dim=-1)
    angle = 2 * torch.atan2(difference, torch.linalg.vector_norm(one + other, dim=-1))
    return torch.where(has_length[..., 0], angle, torch.nan)


def procrustes_align(
    points: Float[np.ndarray, "*batch point dimension"],
    onto: Float[np.ndarray, "*batch point dimension"],
    visible: Bool[np.ndarray, "*batch point"],
) -> Float[np.ndarray, "*batch point dimension"]:
    """`points` after the rotation, scale and translation that bring them closest to `onto`.

    Closest in the mean square over the visible points. Mirror images are not allowed.

    Args:
        points: what is moved, two or three dimensions.
        onto: same unit as the result.
        visible: points that decide; all of them are moved.

    Returns:
        Moved points, float64. NaN for a person with fewer than three visible points, with points
        that leave the rotation open (all in one place, or, in three dimensions, on one line), or
        with a visible point that is not finite: such a fit would look perfect.

    Sources:
        [0] Umeyama, Least-squares estimation of transformation parameters between two point
            patterns, 1991.

    Example:
        >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
        >>> np.allclose(procrustes_align(square * 3 + 7, square, np.ones(4, bool)), square)
        True
    """
    weights = visible[..., None].astype(np.float64)
    usable = visible.sum(-1) >= 3
    usable &= np.isfinite(np.where(visible[..., None], points + onto, 0)).all((-2, -1))
    keep = visible[..., None] & usable[..., None, None]
    source, goal = (np.where(keep, given, 0.0).astype(np.float64) for given in (points, onto))
    count = np.maximum(weights.sum(-2, keepdims=True), 1)
    source_mean, goal_mean = (p.sum(-2, keepdims=True) / count for p in (source, goal))
    source, goal = weights * (source - source_mean), weights * (goal - goal_mean)
    left, spread, right = np.linalg.svd(goal.mT @ source)
    usable &= spread[..., -2] > 1e-9 * np.maximum(spread[..., 0], np.finfo(np.float64).tiny)
    mirrored = np.linalg.det(left @ right) < 0
    signs = np.ones_like(spread)
    signs[..., -1] = np.where(mirrored, -1.0, 1.0)
    rotation = (left * signs[..., None, :]) @ right
    variance = np.where(usable, (source**2).sum((-2, -1)), 1.0)
    scale = (spread * signs).sum(-1) / variance
    moved = scale[..., None, None] * ((points - source_mean) @ rotation.mT) + goal_mean
    aligned: Float[np.ndarray, "*batch point dimension"] = np.where(
        usable[..., None, None], moved, np.nan
    )
    return aligned
