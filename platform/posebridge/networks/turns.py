"""A vote of one network over turned copies of the same images."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.batch import Maps


def vote(
    network: Callable[[Tensor], Maps],
    images: Float[Tensor, "batch 3 height width"],
    turns: Sequence[int],
) -> Maps:
    """Mean maps of the images under several quarter turns, each turned back; in one pass.

    Args:
        network: from images to maps; called once, on all turned copies together.
        images: square, unless every turn is even.
        turns: counter-clockwise quarter turns, as of `torch.rot90`.

    Returns:
        Maps for the images as given, float32 at least.
    """
    maps = network(torch.cat([images.rot90(turn, (2, 3)) for turn in turns]))
    parts = split(maps, [len(images)] * len(turns))
    votes = [turn_back(part, turn) for part, turn in zip(parts, turns, strict=True)]
    offsets = [each.offsets for each in votes if each.offsets is not None]
    return Maps(
        heatmaps=torch.stack([each.heatmaps for each in votes]).mean(dim=0),
        offsets=torch.stack(offsets).mean(dim=0) if offsets else None,
    )


def turn_back(maps: Maps, turns: int) -> Maps:
    """Undo counter-clockwise quarter turns of the image in its maps.

    Undoing one turn sends a point (x, y) of the unit cell to (1 − y, x); offsets are such points.
    """
    wide = torch.promote_types(maps.heatmaps.dtype, torch.float32)
    heatmaps = maps.heatmaps.to(wide).rot90(-turns, (2, 3))
    if maps.offsets is None:
        return Maps(heatmaps, None)
    offsets = maps.offsets.to(wide).rot90(-turns, (3, 4))
    for _ in range(turns % 4):
        offsets = torch.stack((1 - offsets[:, :, 1], offsets[:, :, 0]), dim=2)
    return Maps(heatmaps, offsets)


def split(maps: Maps, sizes: Sequence[int]) -> list[Maps]:
    """Consecutive parts of a batch of maps; the sizes add up to the batch."""
    heatmaps = torch.split(maps.heatmaps, list(sizes))
    if maps.offsets is None:
        return [Maps(part, None) for part in heatmaps]
    pairs = zip(heatmaps, torch.split(maps.offsets, list(sizes)), strict=True)
    return [Maps(*pair) for pair in pairs]
