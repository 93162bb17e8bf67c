"""Tests of covering parts of images."""

import torch

from posebridge.occlusion import cover

SIDE = 32


def test_a_cover_is_a_patch_of_the_same_image() -> None:
    torch.manual_seed(0)
    images = torch.arange(SIDE * SIDE).view(1, 1, SIDE, SIDE).expand(2, 3, -1, -1).float()
    before = images.clone()
    covered = cover(images, torch.tensor([[16.0, 16.0], [0.0, 32.0]]), 4.0)
    patch = covered[0, 0, 12:20, 12:20]
    corner = int(patch[0, 0])
    row, column = divmod(corner, SIDE)
    assert torch.equal(patch, before[0, 0, row : row + 8, column : column + 8])
    assert (covered[0] != images[0]).any(dim=0).sum() == 64
    assert (covered[1] != images[1]).any(dim=0).sum() == 16
    assert torch.equal(images, before)


def test_a_cover_outside_the_image_covers_nothing() -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 3, SIDE, SIDE)
    assert torch.equal(cover(images, torch.tensor([[-9.0, 5.0]]), 4.0), images)
