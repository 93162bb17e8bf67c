"""Tests of the vote over turned images."""

import pytest
import torch

from methods.spots import Spots, picture
from posebridge.batch import Maps
from posebridge.networks.turns import split, turn_back, vote

IMAGES = torch.cat((picture((5, 9), (22, 7), (13, 30)), picture((0, 31), (17, 3), (8, 8))))


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_turning_the_image_and_the_maps_back_changes_nothing(turn: int) -> None:
    """Spots is exact under turns, and the centre of mass of a cell turns with it."""
    network = Spots()
    upright, turned = network(IMAGES), turn_back(network(IMAGES.rot90(turn, (2, 3))), turn)
    torch.testing.assert_close(turned.heatmaps, upright.heatmaps)
    lit = upright.heatmaps[:, :3] > 0
    assert turned.offsets is not None
    assert upright.offsets is not None
    where = lit[:, :, None].expand(-1, -1, 2, -1, -1)
    torch.testing.assert_close(turned.offsets[:, :3][where], upright.offsets[:, :3][where])


def test_a_vote_asks_the_network_once_and_averages() -> None:
    asked = []

    def first_row(images: torch.Tensor) -> Maps:
        asked.append(len(images))
        heatmaps = torch.zeros(len(images), 1, 2, 2)
        heatmaps[:, 0, 0, 0] = 1.0
        return Maps(heatmaps, None)

    voted = vote(first_row, torch.zeros(3, 3, 8, 8), (0, 1, 2, 3))
    assert asked == [12]
    assert voted.offsets is None
    assert voted.heatmaps.shape == (3, 1, 2, 2)
    assert (voted.heatmaps == 0.25).all()


def test_half_turns_need_no_square() -> None:
    network = Spots()
    images = IMAGES[:, :, :16]
    voted = vote(network, images, (0, 2))
    torch.testing.assert_close(voted.heatmaps, network(images).heatmaps)


def test_a_batch_of_maps_is_split_in_order() -> None:
    maps = Maps(torch.arange(3.0).view(3, 1, 1, 1), torch.arange(6.0).view(3, 1, 2, 1, 1))
    first, second = split(maps, (1, 2))
    assert first.heatmaps.flatten().tolist() == [0.0]
    assert second.heatmaps.flatten().tolist() == [1.0, 2.0]
    assert second.offsets is not None
    assert second.offsets.flatten().tolist() == [2.0, 3.0, 4.0, 5.0]
