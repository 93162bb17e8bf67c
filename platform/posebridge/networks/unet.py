"""A UNet that reads an estimator's features at every level, and knows which step it is at.

The guide enters at the finest level beside the features of the same resolution; coarser features
join the encoder where their resolution is reached; the step is added in every residual block. The
paper [0] gives no widths, depths or norms: ours are those of diffusion models [1], with group
norm, which treats each person by itself.

Sources:
    [0] Tu et al., Structure-Guided Framework for Human Pose Estimation, 2026,
        https://doi.org/10.11897/SP.J.1016.2026.00760 section 3.4.2
    [1] Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from posebridge.search_space import choice, tunable

CHANNELS_PER_GROUP = 8
WIDEST = 4
"""Channels double from level to level up to so many times those of the finest."""
LONGEST_PERIOD = 10_000.0
Size = tuple[int, int]


@dataclass(frozen=True)
class UNetShape:
    """How large a UNet is.

    Attributes:
        width: channels of its finest level, a multiple of 8.
        levels: resolutions, each half the one before, from that of the heatmaps on; fewer where
            the size cannot be halved so often. Coarser features are not read.
    """

    width: int = tunable(64, choice((16, 32, 64, 128)))
    levels: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.width < CHANNELS_PER_GROUP or self.width % CHANNELS_PER_GROUP or self.levels < 1:
            raise ValueError(
                f"a UNet needs a width that is a multiple of {CHANNELS_PER_GROUP} and at least "
                f"one level, but got {self.width=}, {self.levels=}."
            )

    def channels(self) -> list[int]:
        """Of every level, the finest first."""
        return [self.width * min(2**level, WIDEST) for level in range(self.levels)]


class UNet(nn.Module):
    """Heatmaps from an estimator's features, a guide and a step."""

    def __init__(
        self,
        shape: UNetShape,
        features: Mapping[str, Tensor],
        *,
        guide_channels: int,
        keypoints: int,
        size: Size,
    ) -> None:
        """Make it with random weights for an estimator.

        Args:
            shape: how large.
            features: what the estimator gives, for one person or more; only their shapes are read.
            guide_channels: maps in the guide; may be 0.
            keypoints: maps to give.
            size: (height, width) of the maps.
        """
        super().__init__()
        self.sizes = _halved(size, shape.levels)
        channels = shape.channels()[: len(self.sizes)]
        self.level_of = _levels({k: v.shape[-2] for k, v in features.items()}, self.sizes)
        self.step = StepEmbedding(shape.width)
        self.read = nn.ModuleDict(
            {
                name: nn.Conv2d(features[name].shape[1], channels[level], 1)
                for name, level in self.level_of.items()
            }
        )
        joined = [channels[level] * self._count(level) for level in range(len(channels))]
        self.stem = nn.Conv2d(guide_channels + joined[0], channels[0], 3, padding=1)
        step = self.step.channels
        self.encoder = nn.ModuleList([ResidualBlock(channels[0], channels[0], step)])
        self.coarsen, self.enlarge = nn.ModuleList(), nn.ModuleList()
        self.decoder = nn.ModuleList()
        for level in range(1, len(channels)):
            fine, coarse = channels[level - 1], channels[level]
            self.coarsen.append(nn.Conv2d(fine, coarse, 3, stride=2, padding=1))
            self.encoder.append(ResidualBlock(coarse + joined[level], coarse, step))
            self.enlarge.append(nn.Conv2d(coarse, fine, 3, padding=1))
            self.decoder.append(ResidualBlock(2 * fine, fine, step))
        self.middle = ResidualBlock(channels[-1], channels[-1], step)
        self.output = nn.Sequential(_norm(channels[0]), nn.SiLU(), _linear(channels[0], keypoints))

    def levels(self, features: Mapping[str, Tensor]) -> list[list[Float[Tensor, "batch _ _ _"]]]:
        """What each level reads of the features. It depends on no step: once is enough."""
        read: list[list[Tensor]] = [[] for _ in self.sizes]
        for name, level in self.level_of.items():
            fitted = _fit(features[name], self.sizes[level])
            read[level].append(self.read[name](fitted))
        return read

    def forward(
        self,
        levels: list[list[Float[Tensor, "batch _ _ _"]]],
        guide: Float[Tensor, "batch shown height width"],
        step: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch keypoint height width"]:
        """Heatmaps at one step of each person.

        Args:
            levels: what `levels` gave.
            guide: at the size of the heatmaps.
            step: of each person.
        """
        embedded = self.step(step)
        hidden = self.stem(torch.cat((guide, *levels[0]), dim=1))
        skips = [self.encoder[0](hidden, embedded)]
        for level in range(1, len(self.sizes)):
            halved = self.coarsen[level - 1](skips[-1])
            joined = torch.cat((halved, *levels[level]), dim=1)
            skips.append(self.encoder[level](joined, embedded))
        hidden = self.middle(skips.pop(), embedded)
        for level in reversed(range(len(skips))):
            narrowed = self.enlarge[level](hidden)
            doubled = functional.interpolate(narrowed, size=self.sizes[level], mode="nearest")
            joined = torch.cat((doubled, skips[level]), dim=1)
            hidden = self.decoder[level](joined, embedded)
        maps: Tensor = self.output(hidden)
        return maps

    def _count(self, level: int) -> int:
        return list(self.level_of.values()).count(level)


class StepEmbedding(nn.Module):
    """Sines and cosines of the step at many periods, and two linear layers [1]."""

    def __init__(self, width: int) -> None:
        """Make it with random weights."""
        super().__init__()
        self.width, self.channels = width, 4 * width
        self.layers = nn.Sequential(
            nn.Linear(width, self.channels), nn.SiLU(), nn.Linear(self.channels, self.channels)
        )

    def forward(self, step: Int[Tensor, " batch"]) -> Float[Tensor, "batch channel"]:
        """A vector for each step."""
        half = self.width // 2
        exponents = torch.arange(half, device=step.device) / half
        angles = step[:, None] * torch.exp(-math.log(LONGEST_PERIOD) * exponents)
        embedded: Tensor = self.layers(torch.cat((angles.sin(), angles.cos()), dim=1))
        return embedded


class ResidualBlock(nn.Module):
    """Two convolutions, between which the step is added, and a shortcut."""

    def __init__(self, channels: int, out_channels: int, step_channels: int) -> None:
        """Make it with random weights."""
        super().__init__()
        self.before = nn.Sequential(
            _norm(channels), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)
        )
        self.step = nn.Linear(step_channels, out_channels)
        self.after = nn.Sequential(
            _norm(out_channels), nn.SiLU(), nn.Conv2d(out_channels, out_channels, 3, padding=1)
        )
        is_same = channels == out_channels
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(channels, out_channels, 1)

    def forward(
        self,
        features: Float[Tensor, "batch channel height width"],
        step: Float[Tensor, "batch step_channel"],
    ) -> Float[Tensor, "batch out_channel height width"]:
        """Features of `out_channels` channels."""
        hidden = self.before(features) + self.step(step)[:, :, None, None]
        out: Tensor = self.shortcut(features) + self.after(hidden)
        return out


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // CHANNELS_PER_GROUP, channels)


def _linear(channels: int, keypoints: int) -> nn.Conv2d:
    """Maps are zero nearly everywhere: start near there, as SimpleBaseline's do."""
    layer = nn.Conv2d(channels, keypoints, 1)
    nn.init.normal_(layer.weight, std=0.001)
    assert layer.bias is not None  # it was just made with one
    nn.init.zeros_(layer.bias)
    return layer


def _halved(size: Size, levels: int) -> list[Size]:
    """The sizes of the levels; fewer than asked where one is odd."""
    sizes = [size]
    while len(sizes) < levels and not (sizes[-1][0] % 2 or sizes[-1][1] % 2):
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes


def _levels(heights: Mapping[str, int], sizes: list[Size]) -> dict[str, int]:
    """The level that reads each feature: the nearest in resolution; of the coarsest, none.

    The finest features are read at the finest level whatever their size, so that it sees the
    person (a plain transformer's are coarse).
    """
    finest = max(heights.values())
    nearest = {
        name: 0 if height == finest else max(0, round(math.log2(sizes[0][0] / height)))
        for name, height in heights.items()
    }
    return {name: level for name, level in nearest.items() if level < len(sizes)}


def _fit(
    features: Float[Tensor, "batch channel height width"], size: Size
) -> Float[Tensor, "batch channel out_height out_width"]:
    """Features at another size: means where it is smaller, repeated where it is larger."""
    if features.shape[-2:] == size:
        return features
    if features.shape[-2] > size[0]:
        return functional.adaptive_avg_pool2d(features, size)
    return functional.interpolate(features, size=size, mode="nearest")
