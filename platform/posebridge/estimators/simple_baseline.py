"""SimpleBaseline: a ResNet, three deconvolutions and a linear layer.

    file = released("pose_resnet_50_256x192.pth.tar")
    SimpleBaseline(50, weights=file, bgr=True, decoder=Msra())

The files its authors released [1], also those of [2], were trained on images in OpenCV's order,
blue first; mmpose's on RGB. What is trained here sees RGB.

Sources:
    [0] Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, 2018,
        https://arxiv.org/abs/1804.06208
    [1] https://github.com/microsoft/human-pose-estimation.pytorch  lib/models/pose_resnet.py;
        lib/dataset/JointsDataset.py reads by cv2.imread, and nothing turns the channels
    [2] https://github.com/leoxiaobin/deep-high-resolution-net.pytorch  experiments/coco/resnet/
        has COLOR_RGB: false
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

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
from posebridge.identity import later
from posebridge.skeletons import skeleton

RESNET_CHANNELS = {18: 512, 50: 2048, 101: 2048, 152: 2048}  # of the last stage, by depth
DECONVOLUTION_CHANNELS = 256
DECONVOLVED = ("stride16", "stride8", "stride4")
# Theirs are one list: convolution, batch norm and ReLU of each of the three.
_LAYERS = {
    f"deconv_layers.{3 * number + part}.": f"deconvolutions.{name}.{part}."
    for number, name in enumerate(DECONVOLVED)
    for part in (0, 1)
} | {"final_layer.": "output."}
OFFICIAL = Naming("the official code", by_prefix(_LAYERS | {"": "backbone."}))
_HEADS = ("keypoint_head", "head")  # before and since its version 1
MMPOSE = Naming(
    "mmpose", by_prefix({f"{head}.{k}": v for head in _HEADS for k, v in _LAYERS.items()})
)


@dataclass(frozen=True)
class SimpleBaseline(Architecture):
    """SimpleBaseline [0].

    Attributes:
        depth: of the ResNet; 18, 50, 101 or 152.
        input_height: pixels, a multiple of 32. Published: 256 and 384.
        input_width: pixels, a multiple of 32. Published: 192 and 288.
        pretrained: start the ResNet from its ImageNet weights, which are fetched from their hub.
            The deconvolutions start at random either way.
        weights: start from a released file, official or mmpose's.
        bgr: the network sees blue first. Must be said where a file has the official names, which
            do not tell; the files that were released want True.
        keypoints: name of the skeleton.
        decoder: how its heatmaps are read; `Msra()` for released weights as they are.
    """

    depth: int = 50
    input_height: int = 256
    input_width: int = 192
    pretrained: bool = False
    weights: ReleasedFile | None = later(None)
    bgr: bool | None = later(None)
    keypoints: str = later("coco17")
    decoder: Decoder = later(Quarter())

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: for a depth without a ResNet, a size the ResNet cannot halve five times,
                an unknown skeleton, or two things to start from.
        """
        if self.depth not in RESNET_CHANNELS:
            known = ", ".join(map(str, RESNET_CHANNELS))
            raise ValueError(f"SimpleBaseline has the depths {known}, but got {self.depth=}.")
        check_input(self.input_height, self.input_width)
        skeleton(self.keypoints)
        check_start(self.weights, pretrained=self.pretrained)

    def build(self) -> "DeconvolutionEstimator":
        """The network with its weights.

        Raises:
            ValueError: if the weights cannot be had, are another network's, or were trained on
                an order of colours that nobody has said.
        """
        estimator = DeconvolutionEstimator(self)
        if self.weights is not None:
            what = f"SimpleBaseline-R{self.depth} for {self.keypoints}"
            naming = load(estimator, self.weights, (OFFICIAL, MMPOSE), what=what)
            if naming is OFFICIAL and self.bgr is None:
                raise ValueError(
                    f"{self.weights.uri} was trained on either BGR or RGB, and its names do not "
                    "tell which: give bgr=True for what the authors of it or of HRNet have "
                    "released, or bgr=False for what was trained with COLOR_RGB: true."
                )
        return estimator


class DeconvolutionEstimator(Estimator):
    """A backbone of stride 32, three deconvolutions to stride 4, and linear heatmaps [0]."""

    stride = 4

    def __init__(self, asked: SimpleBaseline) -> None:
        """Make the network, with a ResNet from ImageNet if that is asked."""
        super().__init__()
        self.skeleton = skeleton(asked.keypoints)
        self.input_height = asked.input_height
        self.input_width = asked.input_width
        self.sigma_cells = published_sigma(asked.input_height)
        self.decoder = asked.decoder
        self.sees_bgr = bool(asked.bgr)
        self.normalize = Normalization()
        # timm starts each block as the identity; the published network does not [1].
        self.backbone = timm_backbone(
            f"resnet{asked.depth}.tv_in1k",
            pretrained=asked.pretrained,
            out_indices=(4,),
            zero_init_last=False,
        )
        channels = RESNET_CHANNELS[asked.depth]
        self.deconvolutions = nn.ModuleDict()
        for name in DECONVOLVED:
            self.deconvolutions[name] = deconvolution(channels)
            channels = DECONVOLUTION_CHANNELS
        self.output = heatmap_layer(channels, self.skeleton.num_keypoints)

    def features(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """The backbone's last layer, "stride32", and each deconvolution down to "stride4"."""
        # The statistics keep their order, red first, whatever they meet [1].
        seen = images.flip(1) if self.sees_bgr else images
        (hidden,) = self.backbone(self.normalize(seen))
        levels = {"stride32": hidden}
        for name, layer in self.deconvolutions.items():
            hidden = layer(hidden)
            levels[name] = hidden
        return levels

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Linear heatmaps, no offsets."""
        return Maps(heatmaps=self.output(features["stride4"]), offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        """Keypoints as the decoder reads them, in pixels of the input."""
        return self.decoder(maps.heatmaps, self.stride)


def deconvolution(channels: int) -> nn.Sequential:
    """Twice the height and width, 256 channels; starts from N(0, 0.001) [0]."""
    width = DECONVOLUTION_CHANNELS
    layer = nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=False)
    nn.init.normal_(layer.weight, std=0.001)
    return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
