"""SimpleBaseline: a ResNet, three deconvolutions and a linear layer.

Sources:
    [0] Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, 2018,
        https://arxiv.org/abs/1804.06208
    [1] https://github.com/microsoft/human-pose-estimation.pytorch (we differ: RGB, not BGR)
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.torchvision_guard import import_torchvision
from posebridge.heatmaps import decode_quarter
from posebridge.skeletons import COCO17

RESNET_CHANNELS = {18: 512, 50: 2048, 101: 2048, 152: 2048}  # of the last stage, by depth
COARSEST_STRIDE = 32
DECONVOLUTION_CHANNELS = 256
DECONVOLVED = ("stride16", "stride8", "stride4")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class SimpleBaseline(Architecture):
    """SimpleBaseline [0] on COCO's keypoints.

    Attributes:
        depth: of the ResNet; 18, 50, 101 or 152.
        input_height: pixels, a multiple of 32. Published: 256 and 384.
        input_width: pixels, a multiple of 32. Published: 192 and 288.
        pretrained: start the ResNet from its ImageNet weights, which are fetched from their hub.
            The deconvolutions start at random either way.
    """

    depth: int = 50
    input_height: int = 256
    input_width: int = 192
    pretrained: bool = False

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: for a depth without a ResNet, or a size the ResNet cannot halve five times.
        """
        if self.depth not in RESNET_CHANNELS:
            known = ", ".join(map(str, RESNET_CHANNELS))
            raise ValueError(f"SimpleBaseline has the depths {known}, but got {self.depth=}.")
        sizes = {"input_height": self.input_height, "input_width": self.input_width}
        for name, size_px in sizes.items():
            if size_px <= 0 or size_px % COARSEST_STRIDE:
                raise ValueError(
                    f"{name} must be a positive multiple of {COARSEST_STRIDE} pixels, "
                    f"but got {size_px}."
                )

    def build(self) -> "DeconvolutionEstimator":
        """The network, with a ResNet from ImageNet if `pretrained`.

        Raises:
            ValueError: if the ImageNet weights cannot be fetched.
        """
        return DeconvolutionEstimator(
            resnet(self.depth, pretrained=self.pretrained),
            RESNET_CHANNELS[self.depth],
            input_height=self.input_height,
            input_width=self.input_width,
        )


class DeconvolutionEstimator(Estimator):
    """A backbone of stride 32, three deconvolutions to stride 4, and linear heatmaps [0]."""

    skeleton = COCO17
    stride = 4
    mean: Tensor
    std: Tensor

    def __init__(
        self, backbone: nn.Module, channels: int, *, input_height: int, input_width: int
    ) -> None:
        """Put deconvolutions with random weights on a backbone.

        Args:
            backbone: gives a list whose only entry is its features at stride 32.
            channels: of these features.
            input_height: pixels.
            input_width: pixels.
        """
        super().__init__()
        self.input_height = input_height
        self.input_width = input_width
        # 2 cells at a height of 256 and 3 at 384: equally wide in the picture [1].
        self.sigma_cells = 2 * input_height / 256
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.backbone = backbone
        self.deconvolutions = nn.ModuleDict()
        for name in DECONVOLVED:
            self.deconvolutions[name] = deconvolution(channels)
            channels = DECONVOLUTION_CHANNELS
        self.output = nn.Conv2d(channels, self.skeleton.num_keypoints, 1)
        nn.init.normal_(self.output.weight, std=0.001)
        assert self.output.bias is not None  # it was just made with one
        nn.init.zeros_(self.output.bias)

    def features(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """The backbone's last layer, "stride32", and each deconvolution down to "stride4"."""
        (hidden,) = self.backbone((images - self.mean) / self.std)
        levels = {"stride32": hidden}
        for name, layer in self.deconvolutions.items():
            hidden = layer(hidden)
            levels[name] = hidden
        return levels

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Linear heatmaps, no offsets."""
        return Maps(heatmaps=self.output(features["stride4"]), offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        """Keypoints at the highest cell, a quarter towards the higher neighbour, in pixels."""
        return decode_quarter(maps.heatmaps, self.stride)


def deconvolution(channels: int) -> nn.Sequential:
    """Twice the height and width, 256 channels; starts from N(0, 0.001) [0]."""
    width = DECONVOLUTION_CHANNELS
    layer = nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=False)
    nn.init.normal_(layer.weight, std=0.001)
    return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def resnet(depth: int, *, pretrained: bool) -> nn.Module:
    """A ResNet that gives its last stage; ImageNet weights are the ones torchvision began with.

    Raises:
        ValueError: if the ImageNet weights are neither on this machine nor to be fetched.
    """
    import_torchvision()
    import timm  # only now, see torchvision_guard

    name = f"resnet{depth}.tv_in1k"
    try:
        # timm starts each block as the identity; the published network does not [1].
        backbone: nn.Module = timm.create_model(
            name,
            pretrained=pretrained,
            features_only=True,
            out_indices=(4,),
            zero_init_last=False,
        )
    except OSError as error:
        raise ValueError(
            f"The ImageNet weights of {name} must be in the cache of the Hugging Face hub or "
            f"within reach, but got {type(error).__name__}: fetch them on a machine with network, "
            "or use pretrained=False."
        ) from error
    return backbone
