"""HRNet against the numbers of its paper, and the fields it refuses."""

import pytest
import torch
from torch import nn

from posebridge.estimators.decoders import Dark
from posebridge.estimators.hrnet import HRNet, LastExchange
from posebridge.heatmaps import decode_dark


@pytest.mark.parametrize(("width", "millions"), [(32, 28.5), (48, 63.6)])
def test_number_of_parameters_is_the_published_one(width: int, millions: float) -> None:
    with torch.device("meta"):
        estimator = HRNet(width).build()
    count = sum(value.numel() for value in estimator.parameters())
    assert round(count / 1e6, 1) == millions


@pytest.mark.slow
@torch.no_grad()
def test_branches_have_the_channels_and_strides_of_the_paper() -> None:
    estimator = HRNet(32, input_height=384, input_width=288).build().eval()
    features = estimator.features(torch.rand(1, 3, 384, 288))
    assert {name: tuple(value.shape) for name, value in features.items()} == {
        "stride4": (1, 32, 96, 72),
        "stride8": (1, 64, 48, 36),
        "stride16": (1, 128, 24, 18),
        "stride32": (1, 256, 12, 9),
    }
    assert estimator(torch.rand(1, 3, 384, 288)).heatmaps.shape == (1, 17, 96, 72)
    assert estimator.sigma_cells == 3


def test_it_begins_as_the_official_code_does() -> None:
    """N(0, 0.001) has a standard deviation of 0.001."""
    torch.manual_seed(0)
    for module in HRNet(18).build().modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.std().item() == pytest.approx(1e-3, rel=0.15)


class Fusing(nn.Module):
    """A module of two branches that double and triple, and a fusion that adds."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList([Times(2.0), Times(3.0)])
        self.fuse_layers = nn.ModuleList([nn.ModuleList([Times(1.0), Times(10.0)]) for _ in "ab"])


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.factor * values


def test_the_last_exchange_reaches_the_finest_branch_only() -> None:
    """Finest: relu(2·1 + 10·(3·2)) = 62. The other: 3·2 = 6, as its branch left it."""
    given = [torch.tensor([1.0]), torch.tensor([2.0])]
    finest, other = LastExchange(Fusing())(given)
    assert (finest.item(), other.item()) == (62, 6)
    (negative, _) = LastExchange(Fusing())([torch.tensor([-1.0]), torch.tensor([0.0])])
    assert negative.item() == 0
    assert [value.item() for value in given] == [1, 2]


def test_keypoints_and_decoder_are_what_is_asked_for() -> None:
    asked = HRNet(18, 64, 64, keypoints="crowdpose14", decoder=Dark(kernel=7))
    estimator = asked.build().eval()
    with torch.no_grad():
        maps = estimator(torch.rand(1, 3, 64, 64))
    assert maps.heatmaps.shape == (1, 14, 16, 16)
    found, expected = estimator.decode(maps), decode_dark(maps.heatmaps, 4, kernel=7)
    torch.testing.assert_close(found.keypoints, expected.keypoints, equal_nan=True)


def test_unknown_width_lists_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"HRNet has the widths 18, 32, 48, but got self.width=64"
    ):
        HRNet(64)


def test_sizes_that_cannot_be_halved_five_times_are_refused() -> None:
    with pytest.raises(ValueError, match="input_height must be a positive multiple of 32"):
        HRNet(input_height=250)


def test_unknown_keypoints_are_refused() -> None:
    with pytest.raises(ValueError, match="coco18"):
        HRNet(keypoints="coco18")
