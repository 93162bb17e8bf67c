"""MoveNet SinglePose: a published model of adults, small enough to be trained on two CPU cores.

MobileNetV2 [2], a feature pyramid down to stride 4 and four CenterNet heads [1]. The published
weights come with batch norm folded into the convolutions, so there are no running statistics to
adapt. `weights/NOTICE.md` tells where they come from; `movenet_convert` remakes them.

Sources:
    [0] https://blog.tensorflow.org/2021/05/next-generation-pose-detection-with-movenet-and-tensorflowjs.html
    [1] Zhou et al., Objects as Points, 2019, https://arxiv.org/abs/1904.07850
    [2] Sandler et al., MobileNetV2, 2018, https://arxiv.org/abs/1801.04381  table 2
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name torch code uses everywhere)

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Architecture, Estimator
from posebridge.heatmaps import decode_offset
from posebridge.published import read_checked
from posebridge.skeletons import COCO17

WEIGHTS = Path(__file__).parent / "weights"

STEM_CHANNELS = 32
# (expansion, channels at width 1, blocks, stride of the first block) [2]
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# What the pyramid reads. Stage 4 has stride 16 too and is not read.
TAPS = {1: "stride4", 2: "stride8", 3: "stride16"}
TOP_CHANNELS = 1280  # at both widths
COARSEST_STRIDE = 32
PYRAMID_CHANNELS = (64, 32, 24, 24)  # strides 32, 16, 8 and 4
HEAD_CHANNELS = 96


@dataclass(frozen=True)
class AllHeads:
    """What the four heads of MoveNet give.

    Attributes:
        maps: heatmaps and offsets, all that PoseBridge decodes.
        regress: (x, y) from a cell to each keypoint of the person centred there, in cells.
        center: how likely a person's centre lies in the cell, 0–1.
    """

    maps: Maps
    regress: Float[Tensor, "batch keypoint 2 height width"]
    center: Float[Tensor, "batch 1 height width"]


class MoveNet(Estimator):
    """The network of [0] for one person.

    The regress and the center head are frozen: `Maps` does not depend on them, and a parameter
    that never receives a gradient stalls training on several workers.
    """

    skeleton = COCO17
    stride = 4
    sigma_cells = 1.5

    def __init__(self, *, width: float, input_px: int) -> None:
        """Make the network with random weights.

        Args:
            width: multiplies the channels of the backbone; 1 for Lightning, 1.75 for Thunder.
            input_px: height and width of its canonical input.
        """
        super().__init__()
        self.input_height = self.input_width = input_px
        self.backbone = MobileNetV2(width)
        self.pyramid = Pyramid(width)
        num_keypoints = self.skeleton.num_keypoints
        self.heatmap_head = Head(num_keypoints)
        self.offset_head = Head(2 * num_keypoints)
        self.regress_head = Head(2 * num_keypoints).requires_grad_(False)
        self.center_head = Head(1).requires_grad_(False)

    def features(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """Levels "stride4", "stride8", "stride16" of the pyramid; "stride32", the backbone's last.

        Raises:
            ValueError: if the height or the width is no multiple of 32.
        """
        height, width = images.shape[-2:]
        if height % COARSEST_STRIDE or width % COARSEST_STRIDE:
            raise ValueError(
                f"MoveNet needs images whose height and width are multiples of {COARSEST_STRIDE}, "
                f"but got {height} × {width} pixels: resize or pad them."
            )
        # Channels last is 1.5 times as fast on a CPU, for inference and training.
        normalized = (images * 2 - 1).contiguous(memory_format=torch.channels_last)
        levels: dict[str, Tensor] = self.pyramid(self.backbone(normalized))
        return levels

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Heatmaps after the sigmoid, and offsets."""
        finest = features["stride4"]
        offsets = self.offset_head(finest).unflatten(1, (-1, 2))
        return Maps(heatmaps=self.heatmap_head(finest).sigmoid(), offsets=offsets)

    def all_heads(self, features: dict[str, Tensor]) -> AllHeads:
        """The maps, and the two heads that tell several people apart."""
        finest = features["stride4"]
        regress = self.regress_head(finest).unflatten(1, (-1, 2))
        center = self.center_head(finest).sigmoid()
        return AllHeads(maps=self.head(features), regress=regress, center=center)

    def decode(self, maps: Maps) -> Predictions:
        """Keypoints at the highest cell plus its offset, in pixels of the input.

        Raises:
            ValueError: if the maps have no offsets, hence are not MoveNet's.
        """
        if maps.offsets is None:
            raise ValueError("MoveNet decodes maps with offsets, but got maps.offsets=None.")
        return decode_offset(maps.heatmaps, maps.offsets, self.stride)


class MobileNetV2(nn.Module):
    """The backbone of [2] without its classifier."""

    def __init__(self, width: float) -> None:
        """Make it with random weights and its channels multiplied by `width`."""
        super().__init__()
        channels = scaled_channels(STEM_CHANNELS, width)
        self.stem = convolution(3, channels, stride=2)
        self.stages = nn.ModuleList()
        for expansion, base_channels, num_blocks, first_stride in STAGES:
            stage = nn.Sequential()
            for index in range(num_blocks):
                before, channels = channels, scaled_channels(base_channels, width)
                stride = first_stride if index == 0 else 1
                block = InvertedResidual(before, channels, expansion=expansion, stride=stride)
                stage.append(block)
            self.stages.append(stage)
        self.top = nn.Conv2d(channels, TOP_CHANNELS, 1)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """Features at four strides. `images` are in [-1, 1]."""
        features = {}
        hidden = F.relu6(self.stem(pad_right_and_bottom(images)))
        for index, stage in enumerate(self.stages):
            hidden = stage(hidden)
            if index in TAPS:
                features[TAPS[index]] = hidden
        return {**features, "stride32": F.relu6(self.top(hidden))}


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; a shortcut where the shape stays [2]."""

    def __init__(self, channels: int, out_channels: int, *, expansion: int, stride: int) -> None:
        """Make it with random weights; `expansion` times as many channels inside."""
        super().__init__()
        hidden = channels * expansion
        self.expand = nn.Conv2d(channels, hidden, 1) if expansion > 1 else None
        self.depthwise = convolution(hidden, hidden, stride=stride, groups=hidden)
        self.project = nn.Conv2d(hidden, out_channels, 1)
        self.is_strided = stride > 1
        self.has_shortcut = stride == 1 and channels == out_channels

    def forward(
        self, features: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch out_channel out_height out_width"]:
        """Features of `out_channels` channels; half the height and width at a stride of 2."""
        hidden = features if self.expand is None else F.relu6(self.expand(features))
        if self.is_strided:
            hidden = pad_right_and_bottom(hidden)
        out: Tensor = self.project(F.relu6(self.depthwise(hidden)))
        return features + out if self.has_shortcut else out


class Pyramid(nn.Module):
    """From stride 32 to stride 4: double the size, add the features of the backbone, filter."""

    def __init__(self, width: float) -> None:
        """Make it with random weights for a backbone of this `width`."""
        super().__init__()
        channels = PYRAMID_CHANNELS[0]
        self.top = nn.Conv2d(TOP_CHANNELS, channels, 1)
        self.laterals = nn.ModuleDict()
        self.merges = nn.ModuleDict()
        for (stage, name), out_channels in zip(
            reversed(TAPS.items()), PYRAMID_CHANNELS[1:], strict=True
        ):
            tapped = scaled_channels(STAGES[stage][1], width)
            self.laterals[name] = nn.Conv2d(tapped, channels, 1)
            self.merges[name] = Separable(channels, out_channels)
            channels = out_channels

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same names; all but "stride32" are the pyramid's own levels."""
        levels = dict(features)
        merged = self.top(features["stride32"])
        for name, lateral in self.laterals.items():
            coarser = F.interpolate(merged, scale_factor=2, mode="bilinear", align_corners=False)
            merged = self.merges[name](coarser + lateral(features[name]))
            levels[name] = merged
        return levels


class Separable(nn.Module):
    """Filter each channel by itself, then mix the channels."""

    def __init__(self, channels: int, out_channels: int) -> None:
        """Make it with random weights."""
        super().__init__()
        self.depthwise = convolution(channels, channels, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, out_channels, 1)

    def forward(
        self, features: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch out_channel height width"]:
        """Features of `out_channels` channels, not negative."""
        return F.relu(self.pointwise(self.depthwise(features)))


class Head(nn.Module):
    """A separable layer and a linear one over the finest level."""

    def __init__(self, out_channels: int) -> None:
        """Make it with random weights for `out_channels` maps."""
        super().__init__()
        self.hidden = Separable(PYRAMID_CHANNELS[-1], HEAD_CHANNELS)
        self.output = nn.Conv2d(HEAD_CHANNELS, out_channels, 1)

    def forward(
        self, features: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch out_channel height width"]:
        """Maps, before any sigmoid."""
        out: Tensor = self.output(self.hidden(features))
        return out


def scaled_channels(channels: int, width: float) -> int:
    """Channels at a width multiplier: a multiple of eight, not more than a tenth too few [2]."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


def convolution(
    channels: int, out_channels: int, *, stride: int = 1, groups: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A 3 × 3 convolution; at a stride of 2 it wants its input from `pad_right_and_bottom`."""
    padding = 1 if stride == 1 else 0
    return nn.Conv2d(
        channels, out_channels, 3, stride=stride, padding=padding, groups=groups, bias=bias
    )


def pad_right_and_bottom(
    features: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch channel height+1 width+1"]:
    """The padding TensorFlow calls SAME, for a 3 × 3 convolution of stride 2 and even inputs."""
    return F.pad(features, (0, 1, 0, 1))


def read_weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """Published weights as float32.

    Args:
        path: a safetensors file.
        sha256: what the file has to hash to.

    Raises:
        ValueError: if there is no such file, or another one.
    """
    remedy = "install posebridge again or run `python -m posebridge.estimators.movenet_convert`"
    content = read_checked(path, sha256, whose="MoveNet", remedy=remedy)
    return {name: tensor.float() for name, tensor in load_safetensors(content).items()}


@dataclass(frozen=True)
class Lightning(Architecture):
    """MoveNet SinglePose Lightning: 192 × 192 pixels, 2.3 M parameters, trained on adults."""

    file: ClassVar[str] = "movenet_lightning.safetensors"
    sha256: ClassVar[str] = "d5eba34c3095598f57fabb8f182443dc38b9a26241791381a9c7b1780acfa880"

    def build(self) -> MoveNet:
        """The network with its published weights."""
        estimator = MoveNet(width=1.0, input_px=192)
        estimator.load_state_dict(read_weights(WEIGHTS / self.file, self.sha256))
        return estimator


@dataclass(frozen=True)
class Thunder(Architecture):
    """MoveNet SinglePose Thunder: 256 × 256 pixels, 6.2 M parameters, trained on adults."""

    file: ClassVar[str] = "movenet_thunder.safetensors"
    sha256: ClassVar[str] = "b4033282811cb257b184190f6d062de95a3251fc14f1d7f97d1a08ebb0678d99"

    def build(self) -> MoveNet:
        """The network with its published weights."""
        estimator = MoveNet(width=1.75, input_px=256)
        estimator.load_state_dict(read_weights(WEIGHTS / self.file, self.sha256))
        return estimator
