"""The flip test: what it leaves alone, what it averages, and the official shift."""

import numpy as np
import pytest
import torch
from torch import Tensor

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Estimator
from posebridge.estimators.flipping import FlipTest, put_back
from posebridge.estimators.movenet import Lightning
from posebridge.heatmaps import decode_offset
from posebridge.skeletons import COCO17

ORDER = COCO17.flip_order


class Shown(Estimator):
    """Gives the red channel as the map of every keypoint, times a factor of its own."""

    skeleton = COCO17
    input_height, input_width, stride, sigma_cells = 4, 6, 1, 1.0

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.factors = factors

    def features(self, images: Tensor) -> dict[str, Tensor]:
        return {"stride1": images[:, :1]}

    def head(self, features: dict[str, Tensor]) -> Maps:
        return Maps(heatmaps=features["stride1"] * self.factors[:, None, None], offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        raise NotImplementedError


IMAGES = torch.rand(2, 3, 4, 6, generator=torch.Generator().manual_seed(0))


def test_a_network_that_mirrors_with_its_image_keeps_its_maps() -> None:
    """Left and right have the same factor, so the mirror image says the same, mirrored."""
    factors = torch.arange(17.0)
    symmetric = Shown((factors + factors[list(ORDER)]) / 2)
    maps = FlipTest()(symmetric, IMAGES)
    torch.testing.assert_close(maps.heatmaps, symmetric(IMAGES).heatmaps)


def test_a_network_that_prefers_a_side_is_averaged_over_both() -> None:
    factors = torch.arange(17.0)
    maps = FlipTest()(Shown(factors), IMAGES)
    mean = (factors + factors[list(ORDER)]) / 2
    torch.testing.assert_close(maps.heatmaps, IMAGES[:, :1] * mean[:, None, None])


@torch.no_grad()
def test_the_mirror_image_gives_the_mirrored_maps() -> None:
    """Averaging over both makes any network indifferent to which of the two it is shown."""
    lightning = Lightning().build().eval()
    images = torch.rand(1, 3, 192, 192, generator=torch.Generator().manual_seed(1))
    one, other = FlipTest()(lightning, images), FlipTest()(lightning, images.flip(3))
    back = put_back(other, ORDER)
    torch.testing.assert_close(back.heatmaps, one.heatmaps)
    assert back.offsets is not None
    torch.testing.assert_close(back.offsets, one.offsets)


def test_offsets_point_to_the_same_place_from_the_other_edge() -> None:
    """A keypoint at x = 2.25 of 6 is at 3.75 in the mirror: cell 3, offset 0.75."""
    heatmaps, offsets = torch.zeros(1, 17, 4, 6), torch.zeros(1, 17, 2, 4, 6)
    heatmaps[..., 1, 3] = 1
    offsets[:, :, 0, 1, 3], offsets[:, :, 1, 1, 3] = 0.75, 0.4
    back = put_back(Maps(heatmaps=heatmaps, offsets=offsets), ORDER)
    assert back.offsets is not None
    found = decode_offset(back.heatmaps, back.offsets, stride=1).keypoints
    torch.testing.assert_close(found, torch.tensor((2.25, 1.4)).expand(1, 17, 2))


@pytest.mark.parametrize("shift", [False, True])
def test_maps_are_put_back_as_the_official_code_does(shift: bool) -> None:
    """Flip_back and SHIFT_HEATMAP of the released networks, written out."""
    values = np.random.default_rng(2).random((2, 17, 4, 6), np.float32)
    expected = values[:, :, :, ::-1].copy()
    for one, other in COCO17.flip_pairs:
        expected[:, [one, other]] = expected[:, [other, one]]
    if shift:
        expected[:, :, :, 1:] = expected[:, :, :, :-1].copy()
    back = put_back(Maps(heatmaps=torch.from_numpy(values), offsets=None), ORDER, shift=shift)
    torch.testing.assert_close(back.heatmaps, torch.from_numpy(expected))
    assert back.offsets is None
