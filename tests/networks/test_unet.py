"""Tests of the UNet."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from posebridge.networks.unet import StepEmbedding, UNet, UNetShape

BATCH = 2
PYRAMIDS: Mapping[str, tuple[tuple[int, int], dict[str, tuple[int, int, int]]]] = {
    "MoveNet Lightning": (
        (48, 48),
        {
            "stride4": (24, 48, 48),
            "stride8": (24, 24, 24),
            "stride16": (32, 12, 12),
            "stride32": (1280, 6, 6),
        },
    ),
    "SimpleBaseline": (
        (64, 48),
        {
            "stride32": (2048, 8, 6),
            "stride16": (256, 16, 12),
            "stride8": (256, 32, 24),
            "stride4": (256, 64, 48),
        },
    ),
    "HRNet-W32": (
        (64, 48),
        {f"stride{4 * 2**n}": (32 * 2**n, 64 // 2**n, 48 // 2**n) for n in range(4)},
    ),
    "ViTPose": ((64, 48), {"stride16": (384, 16, 12)}),
    "one that cannot be halved": ((7, 7), {"only": (8, 7, 7)}),
    "one finer than its maps": ((8, 8), {"pixels": (3, 32, 32)}),
}
each_pyramid = pytest.mark.parametrize(("size", "shapes"), PYRAMIDS.values(), ids=PYRAMIDS.keys())


def _features(shapes: Mapping[str, tuple[int, int, int]]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(BATCH, *shape, generator=generator) for name, shape in shapes.items()}


def _unet(
    features: Mapping[str, Tensor], size: tuple[int, int], *, guide: int = 17, levels: int = 4
) -> UNet:
    torch.manual_seed(0)
    shape = UNetShape(width=8, levels=levels)
    return UNet(shape, features, guide_channels=guide, keypoints=17, size=size)


@each_pyramid
@pytest.mark.parametrize("guide", [0, 17])
def test_it_gives_a_map_a_keypoint_on_the_features_of_every_estimator(
    size: tuple[int, int], shapes: dict[str, tuple[int, int, int]], guide: int
) -> None:
    features = _features(shapes)
    unet = _unet(features, size, guide=guide)
    maps = unet(unet.levels(features), torch.rand(BATCH, guide, *size), torch.tensor([0, 3]))
    assert maps.shape == (BATCH, 17, *size)
    assert maps.isfinite().all()


@each_pyramid
def test_every_parameter_gets_a_gradient(
    size: tuple[int, int], shapes: dict[str, tuple[int, int, int]]
) -> None:
    features = _features(shapes)
    unet = _unet(features, size)
    maps = unet(unet.levels(features), torch.rand(BATCH, 17, *size), torch.tensor([1, 2]))
    maps.square().sum().backward()
    for name, value in unet.named_parameters():
        assert value.grad is not None, name
        assert (value.grad != 0).any(), name


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("MoveNet Lightning", {"stride4": 0, "stride8": 1, "stride16": 2, "stride32": 3}),
        ("SimpleBaseline", {"stride4": 0, "stride8": 1, "stride16": 2, "stride32": 3}),
        ("ViTPose", {"stride16": 0}),
        ("one finer than its maps", {"pixels": 0}),
    ],
)
def test_features_join_where_their_resolution_is_reached(name: str, read: dict[str, int]) -> None:
    size, shapes = PYRAMIDS[name]
    assert _unet(_features(shapes), size).level_of == read


def test_with_three_levels_the_papers_three_deconvolutions_are_read() -> None:
    size, shapes = PYRAMIDS["SimpleBaseline"]
    unet = _unet(_features(shapes), size, levels=3)
    assert sorted(unet.level_of) == ["stride16", "stride4", "stride8"]
    assert unet.sizes == [(64, 48), (32, 24), (16, 12)]


@pytest.mark.parametrize("changed", ["guide", "step", "finest", "coarsest"])
def test_what_it_gives_depends_on_all_it_is_shown(changed: str) -> None:
    size, shapes = PYRAMIDS["MoveNet Lightning"]
    features, guide, step = _features(shapes), torch.zeros(BATCH, 17, *size), torch.tensor([1, 1])
    unet = _unet(features, size).eval()
    before = unet(unet.levels(features), guide, step)
    if changed == "guide":
        guide = guide + 1
    elif changed == "step":
        step = step + 1
    else:
        name = {"finest": "stride4", "coarsest": "stride32"}[changed]
        features = features | {name: features[name] + 1}
    after = unet(unet.levels(features), guide, step)
    assert not torch.allclose(before, after, rtol=1e-3)


def test_people_do_not_influence_each_other() -> None:
    size, shapes = PYRAMIDS["MoveNet Lightning"]
    features, guide = _features(shapes), torch.rand(BATCH, 17, *size)
    unet = _unet(features, size)
    together = unet(unet.levels(features), guide, torch.tensor([0, 4]))
    first = {name: values[:1] for name, values in features.items()}
    alone = unet(unet.levels(first), guide[:1], torch.tensor([0]))
    torch.testing.assert_close(together[:1], alone, atol=1e-6, rtol=1e-4)


def test_it_starts_near_maps_of_zero() -> None:
    size, shapes = PYRAMIDS["MoveNet Lightning"]
    features = _features(shapes)
    unet = _unet(features, size)
    maps = unet(unet.levels(features), torch.rand(BATCH, 17, *size), torch.tensor([0, 4]))
    assert maps.abs().max() < 0.05


def test_the_step_is_embedded_by_sines_and_cosines_of_many_periods() -> None:
    """Width 4: periods 1 and 100 (10000^(1/2)), so the angles of step 2 are 2 and 0.02."""
    embedding = StepEmbedding(4)
    embedding.layers = torch.nn.Sequential()
    angles = torch.tensor([2.0, 0.02])
    expected = torch.cat((angles.sin(), angles.cos()))[None]
    torch.testing.assert_close(embedding(torch.tensor([2])), expected)


@pytest.mark.parametrize(("width", "levels"), [(12, 4), (0, 4), (16, 0)])
def test_a_shape_that_cannot_be_built_is_refused(width: int, levels: int) -> None:
    message = f"multiple of 8 and at least one level, but got self.width={width}, self.levels"
    with pytest.raises(ValueError, match=message):
        UNetShape(width, levels)
