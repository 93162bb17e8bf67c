"""Paths of poses, from a canonical one to a predicted one, and the maps that are drawn of them.

S poses P_0 … P_{S-1} lie between the two ends, G_s are their Gaussians, and the gradient map of
step t is the brightest of the weighted ones, cell by cell: H_t = max_s w[t, s]·G_s [0].
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, assert_never

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.heatmaps import gaussian_profiles

Schedule = Literal["cosine", "ease_out", "linear", "linear_decreasing"]
Weights = tuple[tuple[Fraction, ...], ...]
"""One row a step, one column a pose."""


@dataclass(frozen=True)
class Grid:
    """Where maps are drawn.

    Attributes:
        height: rows.
        width: columns.
        stride: px per cell.
        sigma_cells: standard deviation of the Gaussians, in cells.
    """

    height: int
    width: int
    stride: int
    sigma_cells: float


def progress(schedule: Schedule, poses: int) -> Float[Tensor, " pose"]:
    """How far each pose of a path is from its start, 0, to its end, 1.

    With u from 0 to 1 in even steps: "cosine" is (1 − cos πu)/2, "ease_out" sin(πu/2), "linear" u,
    "linear_decreasing" 1 − (1 − u)². Of three poses the middle one is half-way under "cosine" and
    "linear" alike.

    Args:
        schedule: which of them.
        poses: how many; at least 2.

    Example:
        >>> progress("linear_decreasing", 3)
        tensor([0.0000, 0.7500, 1.0000], dtype=torch.float64)
    """
    u = torch.linspace(0.0, 1.0, poses, dtype=torch.float64)
    match schedule:
        case "cosine":
            return (1.0 - torch.cos(math.pi * u)) / 2.0
        case "ease_out":
            return torch.sin(math.pi * u / 2.0)
        case "linear":
            return u
        case "linear_decreasing":
            return 1.0 - (1.0 - u) ** 2
        case _:
            assert_never(schedule)


def interpolate(
    start: Float[Tensor, "keypoint 2"],
    ends: Float[Tensor, "batch keypoint 2"],
    shares: Float[Tensor, " pose"],
) -> Float[Tensor, "batch pose keypoint 2"]:
    """Poses on the straight way from one pose to each of several."""
    share = shares.to(ends)[:, None, None]
    return (1.0 - share) * start + share * ends[:, None]


def exact_weights(poses: int) -> Weights:
    """Weights that fuse two neighbouring poses; a row for each of S + 2 steps.

    w[t, s] = max(0, 1 − |s − p(t)|) where p rises from 0 to S − 1. Each row sums to 1, the first
    step is the first pose alone and the last the last, and both worked examples of [0] (S = 4,
    steps 2 and 4) come out exactly.

    Args:
        poses: S, at least 2.

    Example:
        >>> [str(weight) for weight in exact_weights(4)[2]]
        ['2/3', '1/3', '0', '0']
    """
    last = poses - 1
    if poses == 2:
        places = [Fraction(step, 3) for step in range(4)]
    else:
        ramp = (last - Fraction(2, last)) / (poses - 2)
        inner = [Fraction(1, last) + step * ramp for step in range(poses - 1)]
        places = [Fraction(0), Fraction(1, 2 * last), *inner, Fraction(last)]
    return tuple(
        tuple(max(Fraction(0), 1 - abs(pose - place)) for pose in range(poses)) for place in places
    )


def printed_weights(poses: int) -> Weights:
    """Weights as the formula of [0], section 3.3.3, has them; a row for each of S + 2 steps.

    Rows do not sum to 1: at S = 3 the inner steps are single poses at half their height.

    Args:
        poses: S, at least 3 (the formula is all zero within at 2).

    Example:
        >>> [str(weight) for weight in printed_weights(4)[4]]
        ['0', '0', '1/3', '2/3']
    """
    steps, reach = poses + 2, poses - 2

    def weight(step: int, pose: int) -> Fraction:
        if step in (0, steps - 1):
            return Fraction(pose == (0 if step == 0 else poses - 1))
        return Fraction(max(0, reach - abs(pose - (step - 1))), poses - 1)

    return tuple(tuple(weight(step, pose) for pose in range(poses)) for step in range(steps))


def single_weights(poses: int) -> Weights:
    """No fusion: step t is pose t alone, and there are as many steps as poses."""
    return tuple(tuple(Fraction(step == pose) for pose in range(poses)) for step in range(poses))


@torch.no_grad()
def gradient_maps(
    poses: Float[Tensor, "batch pose keypoint 2"],
    known: Bool[Tensor, "batch keypoint"],
    weights: Weights,
    steps: Int[Tensor, "batch step"],
    grid: Grid,
) -> Float[Tensor, "batch step keypoint {grid.height} {grid.width}"]:
    """The maps of some steps of each person's path, drawn in one go.

    A keypoint whose end is not known has the first pose alone: no ghost of it is drawn on the way.

    Args:
        poses: of each person's path, px; all finite.
        known: keypoints whose end was predicted.
        weights: of every pose in every step.
        steps: which are wanted, of each person; all of them, or one that was drawn at random.
        grid: where.

    Returns:
        Maps in [0, 1], without gradient.

    Sources:
        [0] Tu et al., Structure-Guided Framework for Human Pose Estimation, 2026,
            https://doi.org/10.11897/SP.J.1016.2026.00760 sections 3.3.2 and 3.3.3. We differ:
            columns go with x and rows with y, and dropped keypoints are masked, not at (0, 0).
    """
    index, height = (table.to(poses.device)[steps] for table in _drawn(weights))
    down, across = gaussian_profiles(
        poses, grid.height, grid.width, stride=grid.stride, sigma_cells=grid.sigma_cells
    )
    person = torch.arange(len(poses), device=poses.device)[:, None, None]
    is_first = (index == 0)[..., None]
    shown = height.to(poses)[..., None] * (known[:, None, None] | is_first)
    down, across = down[person, index] * shown[..., None], across[person, index]
    maps = down.new_empty(*down.shape[:2], *known.shape[1:], grid.height, grid.width)
    other = torch.empty_like(maps[:, 0])
    # Step by step into the same memory: fresh memory costs more than what is drawn in it.
    for number in range(steps.shape[1]):
        for part in range(index.shape[2]):
            drawn = other if part else maps[:, number]
            rows, columns = down[:, number, part], across[:, number, part]
            torch.mul(rows[..., :, None], columns[..., None, :], out=drawn)
            if part:
                torch.maximum(maps[:, number], other, out=maps[:, number])
    return maps


def _drawn(weights: Weights) -> tuple[Int[Tensor, "step part"], Float[Tensor, "step part"]]:
    """Of each step the poses that weigh anything, and how much; filled up with weights of 0."""
    rows = [[(pose, weight) for pose, weight in enumerate(row) if weight] for row in weights]
    most = max(map(len, rows))
    filled = [_filled(row, most) for row in rows]
    index = torch.tensor([[pose for pose, _ in row] for row in filled])
    height = torch.tensor([[float(weight) for _, weight in row] for row in filled])
    return index, height


def _filled(row: Sequence[tuple[int, Fraction]], count: int) -> Sequence[tuple[int, Fraction]]:
    return [*row, *[(0, Fraction(0))] * (count - len(row))]
