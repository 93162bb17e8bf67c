"""HRNet: four resolutions side by side, which exchange what they see.

On timm's modules, in the layout of the official code: the last exchange leads to the finest
resolution only, and a linear layer makes the heatmaps from it.

    HRNet(width=48, weights=released("pose_hrnet_w48_256x192.pth"), decoder=Msra())

Sources:
    [0] Sun et al., Deep High-Resolution Representation Learning for Human Pose Estimation, 2019,
        https://arxiv.org/abs/1902.09212
    [1] https://github.com/leoxiaobin/deep-high-resolution-net.pytorch  lib/models/pose_hrnet.py
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name torch code uses everywhere)

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.decoders import Decoder, Quarter
from posebridge.estimators.imagenet import (
    Normalization,
    check_input,
    heatmap_layer,
    published_sigma,
    timm_backbone,
)
from posebridge.estimators.released import Naming, ReleasedFile, by_prefix, check_start, load
from posebridge.skeletons import skeleton

WIDTHS = (18, 32, 48)
BRANCHES = ("stride4", "stride8", "stride16", "stride32")
NAMINGS = (
    Naming("the official code", by_prefix({"final_layer.": "output.", "": "backbone."})),
    Naming(
        "mmpose",
        by_prefix({"keypoint_head.final_layer.": "output.", "head.final_layer.": "output."}),
    ),
)


@dataclass(frozen=True)
class HRNet(Architecture):
    """HRNet [0]. It reads RGB, as every released file of it does.

    Attributes:
        width: channels of the finest branch: 32 and 48 are published for poses, 18 for ImageNet.
        input_height: pixels, a multiple of 32. Published: 256 and 384.
        input_width: pixels, a multiple of 32. Published: 192 and 288.
        keypoints: name of the skeleton.
        decoder: how its heatmaps are read; `Msra()` for released weights as they are.
        pretrained: start from ImageNet weights, which are fetched from their hub.
        weights: start from a released file, official or mmpose's.
    """

    width: int = 32
    input_height: int = 256
    input_width: int = 192
    keypoints: str = "coco17"
    decoder: Decoder = Quarter()
    pretrained: bool = False
    weights: ReleasedFile | None = None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: for a width without an HRNet, a size it cannot halve five times, an
                unknown skeleton, or two things to start from.
        """
        if self.width not in WIDTHS:
            known = ", ".join(map(str, WIDTHS))
            raise ValueError(f"HRNet has the widths {known}, but got {self.width=}.")
        check_input(self.input_height, self.input_width)
        skeleton(self.keypoints)
        check_start(self.weights, pretrained=self.pretrained)

    def build(self) -> "HighResolutionEstimator":
        """The network with its weights.

        Raises:
            ValueError: if the weights cannot be read, or are another network's.
        """
        estimator = HighResolutionEstimator(self)
        if self.weights is not None:
            what = f"HRNet-W{self.width} for {self.keypoints}"
            load(estimator, self.weights, NAMINGS, what=what)
        return estimator


class HighResolutionEstimator(Estimator):
    """HRNet's branches and linear heatmaps on the finest one."""

    stride = 4

    def __init__(self, asked: HRNet) -> None:
        """Make the network, with a backbone from ImageNet if that is asked."""
        super().__init__()
        self.skeleton = skeleton(asked.keypoints)
        self.input_height = asked.input_height
        self.input_width = asked.input_width
        self.sigma_cells = published_sigma(asked.input_height)
        self.decoder = asked.decoder
        self.normalize = Normalization()
        self.backbone = timm_backbone(
            f"hrnet_w{asked.width}",
            pretrained=asked.pretrained,
            feature_location="",
            out_indices=(1, 2, 3, 4),
        )
        if not asked.pretrained:
            begin_small(self.backbone)
        stage = self.backbone.stage4
        assert isinstance(stage, nn.Sequential)
        stage[-1] = LastExchange(stage[-1])
        self.output = heatmap_layer(asked.width, self.skeleton.num_keypoints)

    def features(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """The four branches, W, 2W, 4W and 8W channels at "stride4" to "stride32".

        The finest has seen the others in the last exchange; the others are as they were before it.
        """
        return dict(zip(BRANCHES, self.backbone(self.normalize(images)), strict=True))

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Linear heatmaps, no offsets."""
        return Maps(heatmaps=self.output(features["stride4"]), offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        """Keypoints as the decoder reads them, in pixels of the input."""
        return self.decoder(maps.heatmaps, self.stride)


def begin_small(network: nn.Module) -> None:
    """Draw every convolution from N(0, 0.001) [1]; timm's beginning grows from block to block."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.001)


class LastExchange(nn.Module):
    """The module that ends HRNet: only the finest branch hears from the others [1]."""

    def __init__(self, module: nn.Module) -> None:
        """Take the branches of one of timm's modules and the fusion into the finest."""
        super().__init__()
        branches, fusions = module.branches, module.fuse_layers
        assert isinstance(branches, nn.ModuleList)
        assert isinstance(fusions, nn.ModuleList)
        self.branches = branches
        self.fuse_layers = fusions[:1]

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """Finest to coarsest, as they came."""
        levels = [branch(level) for branch, level in zip(self.branches, levels, strict=True)]
        (fusion,) = self.fuse_layers
        assert isinstance(fusion, nn.ModuleList)
        heard = [fuse(level) for fuse, level in zip(fusion, levels, strict=True)]
        return [F.relu(sum(heard[1:], start=heard[0])), *levels[1:]]
