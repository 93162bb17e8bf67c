"""Tests of the losses on labelled people."""

import math

import pytest
import torch
from torch import Tensor

from posebridge.batch import LabeledBatch, Maps
from posebridge.heatmaps import encode_gaussian
from posebridge.losses.labeled import heatmap_mse, labeled_losses, offset_l1

STRIDE = 4


def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def test_heatmap_mse_is_half_the_sum_over_cells_and_the_mean_over_visible_keypoints() -> None:
    """Keypoint 0: ½(1 + 4 + 0 + 0) = 2.5; keypoint 2: ½(9) = 4.5; their mean is 3.5."""
    predicted = torch.tensor([[[[1.0, 2], [0, 0]], [[7.0, 7], [7, 7]], [[0.0, 0], [3, 0]]]])
    visible = torch.tensor([[True, False, True]])
    assert heatmap_mse(predicted, torch.zeros_like(predicted), visible) == 3.5


@pytest.mark.parametrize("side", [24, 48])
def test_a_zero_map_costs_the_same_at_any_size(side: int) -> None:
    """The squares of a Gaussian sum to π·sigma²."""
    points, visible = torch.tensor([[[48.3, 51.1]]]), torch.tensor([[True]])
    truth = encode_gaussian(points, visible, side, side, stride=STRIDE, sigma_cells=1.5)
    loss = heatmap_mse(torch.zeros_like(truth), truth, visible)
    assert loss.item() == pytest.approx(math.pi * 1.5**2 / 2, rel=1e-4)


def test_heatmap_mse_ignores_what_is_not_visible() -> None:
    predicted, truth = random(2, 3, 4, 4), random(2, 3, 4, 4).flip(0)
    visible = torch.tensor([[True, False, True], [False, True, True]])
    expected = heatmap_mse(predicted, truth, visible)
    broken = torch.where(visible[..., None, None], truth, torch.nan)
    assert heatmap_mse(predicted, broken, visible) == expected


def test_heatmap_mse_does_not_depend_on_the_order_of_people() -> None:
    predicted, truth = random(3, 2, 4, 4), random(3, 2, 4, 4).flip(1)
    visible = torch.tensor([[True, False], [True, True], [False, True]])
    shuffled = heatmap_mse(predicted.flip(0), truth.flip(0), visible.flip(0))
    torch.testing.assert_close(shuffled, heatmap_mse(predicted, truth, visible))


def test_heatmap_mse_has_the_gradient_of_its_value() -> None:
    predicted = random(2, 2, 3, 3, dtype=torch.float64).requires_grad_()
    truth = random(2, 2, 3, 3, dtype=torch.float64).flip(0)
    visible = torch.tensor([[True, False], [True, True]])
    assert torch.autograd.gradcheck(lambda maps: heatmap_mse(maps, truth, visible), (predicted,))


def test_offset_l1_is_read_at_the_true_cell() -> None:
    """(9, 7) px is cell (2, 1), offset (0.25, 0.75); |0.5 − 0.25| and |0.5 − 0.75| are 0.25."""
    offsets = torch.full((1, 1, 2, 3, 4), 100.0)
    offsets[0, 0, :, 1, 2] = 0.5
    points, visible = torch.tensor([[[9.0, 7.0]]]), torch.tensor([[True]])
    assert offset_l1(offsets, points, visible, STRIDE) == 0.25


def test_offset_l1_counts_visible_keypoints_inside_the_map_alone() -> None:
    """Of a map of 4 × 3 cells (16 × 12 px); only the first keypoint counts, (0.5 + 0) / 2."""
    points = torch.tensor([[[2.0, 4.0], [2.0, 2.0], [16.0, 2.0], [2.0, -0.1], [math.nan, 1.0]]])
    visible = torch.tensor([[True, False, True, True, False]])
    assert offset_l1(torch.zeros(1, 5, 2, 3, 4), points, visible, STRIDE) == 0.25


def test_the_true_offsets_cost_nothing() -> None:
    points, visible = random(2, 5, 2) * 15.9, torch.ones(2, 5, dtype=torch.bool)
    position = points / STRIDE
    offsets = (position - position.floor())[..., None, None].expand(2, 5, 2, 4, 4)
    assert offset_l1(offsets, points, visible, STRIDE) == 0.0


def test_offset_l1_has_the_gradient_of_its_value() -> None:
    offsets = (2 * random(1, 3, 2, 3, 3, dtype=torch.float64) + 1).requires_grad_()
    points = random(1, 3, 2, dtype=torch.float64) * 12
    visible = torch.tensor([[True, True, False]])
    assert torch.autograd.gradcheck(
        lambda maps: offset_l1(maps, points, visible, STRIDE), (offsets,)
    )


def test_nobody_visible_costs_exactly_nothing_and_pulls_nowhere() -> None:
    maps, offsets = random(1, 2, 3, 3).requires_grad_(), random(1, 2, 2, 3, 3).requires_grad_()
    visible = torch.zeros(1, 2, dtype=torch.bool)
    points = torch.full((1, 2, 2), math.nan)
    heatmap = heatmap_mse(maps, torch.full_like(maps, math.nan), visible)
    offset = offset_l1(offsets, points, visible, STRIDE)
    assert (heatmap.item(), offset.item()) == (0.0, 0.0)
    gradients = torch.autograd.grad(heatmap + offset, (maps, offsets))
    assert all((gradient == 0).all() for gradient in gradients)


def test_labeled_losses_are_the_two_losses_against_encoded_keypoints() -> None:
    maps = Maps(random(1, 2, 4, 4), random(1, 2, 2, 4, 4))
    batch = LabeledBatch(
        torch.zeros(1, 3, 16, 16), random(1, 2, 2) * 16, torch.tensor([[True, False]])
    )
    heatmap, offset = labeled_losses(maps, batch, stride=STRIDE, sigma_cells=1.0)
    truth = encode_gaussian(batch.keypoints, batch.visible, 4, 4, stride=STRIDE, sigma_cells=1.0)
    assert heatmap == heatmap_mse(maps.heatmaps, truth, batch.visible)
    assert maps.offsets is not None
    assert offset == offset_l1(maps.offsets, batch.keypoints, batch.visible, STRIDE)


def test_an_estimator_without_offsets_has_no_offset_loss() -> None:
    maps = Maps(random(1, 1, 4, 4), None)
    batch = LabeledBatch(torch.zeros(1, 3, 16, 16), random(1, 1, 2), torch.tensor([[True]]))
    assert labeled_losses(maps, batch, stride=STRIDE, sigma_cells=1.0)[1] == 0.0
