"""Tests of supervised training."""

from dataclasses import replace

import torch
from torch import Tensor

from methods.spots import SIDE, Spots, picture
from posebridge.batch import LabeledBatch, UnlabeledBatch, View
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.supervised import Supervised

PICTURE = picture((5, 9), (22, 6), (13, 29))
KEYPOINTS = torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(0)) * SIDE
BATCH = LabeledBatch(PICTURE, KEYPOINTS, torch.ones(1, 17, dtype=torch.bool))


def test_the_loss_is_the_heatmap_term_plus_the_weighted_offset_term() -> None:
    method = replace(Supervised(), offset_weight=3.0)
    handed: list[Tensor] = []
    nets = method.setup(Spots())
    terms = method.update(nets, BATCH, None, lambda _, loss: handed.append(loss))
    heatmap, offset = labeled_losses(Spots()(PICTURE), BATCH, stride=4, sigma_cells=1.0)
    assert (terms["heatmap"], terms["offset"]) == (heatmap, offset)
    torch.testing.assert_close(handed, [heatmap + 3.0 * offset])


def test_a_target_is_not_looked_at() -> None:
    assert Supervised().views.target is None
    method = Supervised()
    broken = View(torch.full((1, 3, SIDE, SIDE), torch.nan), torch.zeros(1, 2, 3))
    target = UnlabeledBatch(strong=broken, weak=broken)
    nets = method.setup(Spots())
    with_target = method.update(nets, BATCH, target, lambda *_: None)
    assert with_target == method.update(nets, BATCH, None, lambda *_: None)


def test_it_learns() -> None:
    method = Supervised()
    nets = method.setup(Spots())
    optimizer = torch.optim.Adam(nets.parameters(), 0.1)

    def optimize(_: str, loss: Tensor) -> None:
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    points = torch.full((1, 17, 2), torch.nan)
    points[0, 0] = torch.tensor([6.0, 10.0])
    visible = points.isfinite().all(dim=-1)
    batch = LabeledBatch(PICTURE, points, visible)
    losses = [float(method.update(nets, batch, None, optimize)["heatmap"]) for _ in range(60)]
    assert losses[-1] < losses[0] - 0.1
