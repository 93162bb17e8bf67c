"""SimpleBaseline against the numbers of its paper, and the fields it refuses."""

from pathlib import Path

import pytest
import torch
from torch import nn

from posebridge.estimators.released import released
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.identity import describe


@pytest.mark.parametrize(("depth", "millions"), [(50, 34.0), (101, 53.0), (152, 68.6)])
def test_number_of_parameters_is_the_published_one(depth: int, millions: float) -> None:
    with torch.device("meta"):
        estimator = SimpleBaseline(depth=depth).build()
    count = sum(value.numel() for value in estimator.parameters())
    assert round(count / 1e6, 1) == millions


@torch.no_grad()
def test_features_have_the_strides_of_their_names() -> None:
    estimator = SimpleBaseline(depth=18, input_height=64, input_width=96).build().eval()
    features = estimator.features(torch.rand(1, 3, 64, 96))
    assert {name: tuple(value.shape) for name, value in features.items()} == {
        "stride32": (1, 512, 2, 3),
        "stride16": (1, 256, 4, 6),
        "stride8": (1, 256, 8, 12),
        "stride4": (1, 256, 16, 24),
    }


def test_deconvolutions_start_near_zero_and_the_maps_at_zero() -> None:
    """N(0, 0.001) has a standard deviation of 0.001; a bias of zero leaves maps near zero."""
    torch.manual_seed(0)
    estimator = SimpleBaseline(depth=18).build()
    for module in estimator.modules():
        if isinstance(module, nn.ConvTranspose2d):
            assert module.weight.std().item() == pytest.approx(1e-3, rel=0.01)
    maps = estimator(torch.rand(2, 3, 64, 64))
    assert maps.offsets is None
    assert maps.heatmaps.abs().max() < 0.1


def test_gaussians_are_as_wide_in_the_picture_at_both_published_sizes() -> None:
    with torch.device("meta"):
        small = SimpleBaseline(depth=18).build()
        large = SimpleBaseline(depth=18, input_height=384, input_width=288).build()
    assert (small.sigma_cells, large.sigma_cells) == (2, 3)


def test_images_are_normalised_by_the_statistics_of_imagenet() -> None:
    class Seen(nn.Module):
        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            self.images = images
            return [torch.zeros(1, 512, 1, 1)]

    estimator = SimpleBaseline(depth=18, input_height=32, input_width=32).build()
    estimator.backbone = Seen()
    estimator(torch.tensor((0.485, 0.456, 0.406 + 0.225)).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    torch.testing.assert_close(estimator.backbone.images[0, :, 0, 0], torch.tensor((0.0, 0, 1)))


def test_a_network_of_blue_first_sees_the_channels_turned_under_unturned_statistics() -> None:
    """Blue 0.485 meets the mean of red, and is 0; red 0.406 + 0.225 that of blue, and is 1."""

    class Seen(nn.Module):
        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            self.images = images
            return [torch.zeros(1, 512, 1, 1)]

    estimator = SimpleBaseline(18, 32, 32, bgr=True).build()
    estimator.backbone = Seen()
    estimator(torch.tensor((0.406 + 0.225, 0.456, 0.485)).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    torch.testing.assert_close(estimator.backbone.images[0, :, 0, 0], torch.tensor((0.0, 0, 1)))


def test_a_file_of_official_names_is_not_taken_without_its_order_of_colors(tmp_path: Path) -> None:
    state = SimpleBaseline(18).build().state_dict()
    official = {
        name.replace("backbone.", "")
        .replace("deconvolutions.stride16.", "deconv_layers.")
        .replace("deconvolutions.stride8.0", "deconv_layers.3")
        .replace("deconvolutions.stride8.1", "deconv_layers.4")
        .replace("deconvolutions.stride4.0", "deconv_layers.6")
        .replace("deconvolutions.stride4.1", "deconv_layers.7")
        .replace("output.", "final_layer."): value
        for name, value in state.items()
    }
    torch.save(official, tmp_path / "official.pth")
    file = released(str(tmp_path / "official.pth"))
    with pytest.raises(ValueError, match=r"names do not tell which: give bgr=True for what the"):
        SimpleBaseline(18, weights=file).build()
    started = SimpleBaseline(18, weights=file, bgr=True).build()
    torch.testing.assert_close(started.state_dict(), state)


def test_fields_that_came_later_leave_older_addresses_as_they_were() -> None:
    assert list(describe(SimpleBaseline())) == [
        "class",
        "depth",
        "input_height",
        "input_width",
        "pretrained",
    ]


def test_unknown_depth_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"depths 18, 50, 101, 152, but got self.depth=34"):
        SimpleBaseline(depth=34)


def test_sizes_that_cannot_be_halved_five_times_are_refused() -> None:
    with pytest.raises(ValueError, match="input_width must be a positive multiple of 32"):
        SimpleBaseline(input_width=200)


def test_missing_imagenet_weights_are_reported_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import timm

    def unreachable(*_: object, **__: object) -> None:
        raise FileNotFoundError("no route to the hub")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(ValueError, match="or use pretrained=False"):
        SimpleBaseline(depth=18, pretrained=True).build()
