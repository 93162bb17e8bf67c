"""ViTPose and ViTPose++: a plain vision transformer and a small head, of the library transformers.

    ViTPose("base", weights=released("vitpose-b.pth"))                         # official file
    ViTPose("base", weights=released("folder/model.safetensors"))              # of transformers
    ViTPosePlus("base", weights=released("hf://usyd-community/vitpose-plus-base/model.safetensors"))

Needs `pip install 'posebridge[hub]'`. Nothing of the library is imported until a network is built.

We differ: no stochastic depth in training, which transformers' VitPose has no place for.

Sources:
    [0] Xu et al., ViTPose: Simple Vision Transformer Baselines for Human Pose Estimation, 2022,
        https://arxiv.org/abs/2204.12484
    [1] Xu et al., ViTPose++: Vision Transformer for Generic Body Pose Estimation, 2022,
        https://arxiv.org/abs/2212.04246
    [2] https://github.com/ViTAE-Transformer/ViTPose  configs/body/…/coco/
"""

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.decoders import Decoder, Udp
from posebridge.estimators.imagenet import Normalization, published_sigma
from posebridge.estimators.released import ReleasedFile, load
from posebridge.estimators.torchvision_guard import import_torchvision
from posebridge.estimators.vitpose_names import MMPOSE, OFFICIAL, SPLIT, TRANSFORMERS
from posebridge.skeletons import skeleton

PATCH = 16
EXPERTS = 6
COCO_EXPERT = 0
EPSILON = 1e-6  # of layer norm [2]; transformers' default is another one

SizeName = Literal["small", "base", "large", "huge"]


@dataclass(frozen=True)
class Size:
    """Of a vision transformer.

    Attributes:
        channels: of every token.
        depth: blocks.
        heads: of attention.
        part_features: channels that ViTPose++ leaves to the experts.
    """

    channels: int
    depth: int
    heads: int
    part_features: int


SIZES: dict[SizeName, Size] = {
    # The configuration in [2] says 192, but transformers reads the released file with 96.
    "small": Size(384, 12, 12, 96),
    "base": Size(768, 12, 12, 192),
    "large": Size(1024, 24, 16, 256),
    "huge": Size(1280, 32, 16, 320),
}


@dataclass(frozen=True)
class ViTPose(Architecture):
    """ViTPose [0].

    Attributes:
        size: of the transformer.
        head: two deconvolutions, or one interpolation.
        input_height: pixels, a multiple of 16. Published: 256.
        input_width: pixels, a multiple of 16. Published: 192.
        keypoints: name of the skeleton.
        decoder: how its heatmaps are read; `Udp()` for released weights as they are.
        weights: start from a released file: official, mmpose's or transformers'.
    """

    size: SizeName = "base"
    head: Literal["classic", "simple"] = "classic"
    input_height: int = 256
    input_width: int = 192
    keypoints: str = "coco17"
    decoder: Decoder = Udp()
    weights: ReleasedFile | None = None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: for an unknown size or skeleton, or a side that patches do not fill.
        """
        check(self.size, self.input_height, self.input_width)
        skeleton(self.keypoints)

    def build(self) -> "VisionTransformerEstimator":
        """The network with its weights.

        Raises:
            ValueError: if transformers is missing, or the weights cannot be read or are another
                network's.
        """
        estimator = VisionTransformerEstimator(self)
        if self.weights is not None:
            what = f"ViTPose-{self.size} with the {self.head} head for {self.keypoints}"
            namings = (OFFICIAL, SPLIT, MMPOSE, TRANSFORMERS)
            load(estimator.model, self.weights, namings, what=what)
        return estimator


@dataclass(frozen=True)
class ViTPosePlus(Architecture):
    """ViTPose++ [1]: parts of its layers belong to six data sets; people go COCO's way.

    The other experts are held, and frozen. The heads of the other data sets are not read.

    Attributes:
        size: of the transformer.
        part_features: channels left to the experts; None takes the published number.
        input_height: pixels, a multiple of 16. Published: 256.
        input_width: pixels, a multiple of 16. Published: 192.
        keypoints: name of the skeleton.
        decoder: how its heatmaps are read; `Udp()` for released weights as they are.
        weights: start from a released file: official (all experts) or transformers'. What
            model_split.py makes of one is a `ViTPose`.
    """

    size: SizeName = "base"
    part_features: int | None = None
    input_height: int = 256
    input_width: int = 192
    keypoints: str = "coco17"
    decoder: Decoder = Udp()
    weights: ReleasedFile | None = None

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ValueError: for an unknown size or skeleton, or a side that patches do not fill.
        """
        check(self.size, self.input_height, self.input_width)
        skeleton(self.keypoints)

    def build(self) -> "VisionTransformerEstimator":
        """The network with its weights.

        Raises:
            ValueError: if transformers is missing, or the weights cannot be read or are another
                network's.
        """
        estimator = VisionTransformerEstimator(self)
        if self.weights is not None:
            what = f"ViTPose++-{self.size} for {self.keypoints}"
            load(estimator.model, self.weights, (OFFICIAL, TRANSFORMERS), what=what)
        return estimator


class VisionTransformerEstimator(Estimator):
    """transformers' VitPose, taken apart into features and head.

    Experts of other data sets are frozen: a parameter that never receives a gradient stalls
    training on several workers.
    """

    stride = 4

    def __init__(self, asked: ViTPose | ViTPosePlus) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.skeleton = skeleton(asked.keypoints)
        self.input_height = asked.input_height
        self.input_width = asked.input_width
        self.sigma_cells = published_sigma(asked.input_height)
        self.decoder = asked.decoder
        self.normalize = Normalization()
        self.is_simple = isinstance(asked, ViTPose) and asked.head == "simple"
        self.has_experts = isinstance(asked, ViTPosePlus)
        self.model: Any = vitpose_model(asked)
        used = f".mlp.experts.{COCO_EXPERT}."
        for name, value in self.model.named_parameters():
            if ".mlp.experts." in name and used not in name:
                value.requires_grad_(False)

    def features(self, images: Float[Tensor, "batch 3 height width"]) -> dict[str, Tensor]:
        """The tokens as a map, "stride16", and what the head makes of it down to "stride4"."""
        source = images.new_full((len(images),), COCO_EXPERT, dtype=torch.long)
        routing = {"dataset_index": source} if self.has_experts else {}
        (tokens,) = self.model.backbone(self.normalize(images), **routing).feature_maps
        rows, columns = self.input_height // PATCH, self.input_width // PATCH
        grid = tokens.transpose(1, 2).unflatten(2, (rows, columns)).contiguous()
        head = self.model.head
        if self.is_simple:
            return {"stride16": grid, "stride4": head.upsampling(head.activation(grid))}
        middle = head.relu1(head.batchnorm1(head.deconv1(grid)))
        finest = head.relu2(head.batchnorm2(head.deconv2(middle)))
        return {"stride16": grid, "stride8": middle, "stride4": finest}

    def head(self, features: dict[str, Tensor]) -> Maps:
        """Linear heatmaps, no offsets."""
        return Maps(heatmaps=self.model.head.conv(features["stride4"]), offsets=None)

    def decode(self, maps: Maps) -> Predictions:
        """Keypoints as the decoder reads them, in pixels of the input."""
        return self.decoder(maps.heatmaps, self.stride)


def vitpose_model(asked: ViTPose | ViTPosePlus) -> Any:  # noqa: ANN401 - may be missing
    """VitPoseForPoseEstimation of transformers, with random weights.

    Raises:
        ValueError: if transformers is missing.
    """
    library, size = import_transformers(), SIZES[asked.size]
    experts = {}
    if isinstance(asked, ViTPosePlus):
        part_features = asked.part_features or size.part_features
        experts = {"num_experts": EXPERTS, "part_features": part_features}
    backbone = library.VitPoseBackboneConfig(
        image_size=(asked.input_height, asked.input_width),
        hidden_size=size.channels,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        layer_norm_eps=EPSILON,
        out_indices=[size.depth],
        **experts,
    )
    config = library.VitPoseConfig(
        backbone_config=backbone,
        num_labels=skeleton(asked.keypoints).num_keypoints,
        use_simple_decoder=isinstance(asked, ViTPose) and asked.head == "simple",
    )
    return library.VitPoseForPoseEstimation(config)


def check(size: str, height: int, width: int) -> None:
    """Check what both networks are asked for.

    Raises:
        ValueError: for an unknown size, or a side that patches do not fill.
    """
    if size not in SIZES:
        raise ValueError(f"ViTPose has the sizes {', '.join(SIZES)}, but got {size!r}.")
    for name, size_px in {"input_height": height, "input_width": width}.items():
        if size_px <= 0 or size_px % PATCH:
            raise ValueError(
                f"{name} must be a positive multiple of {PATCH} pixels, but got {size_px}."
            )


def import_transformers() -> ModuleType:
    """The library, whose import takes seconds.

    Raises:
        ValueError: if it is not installed.
    """
    import_torchvision()
    try:
        return importlib.import_module("transformers")
    except ModuleNotFoundError as error:
        raise ValueError(
            "ViTPose is built by the library transformers, but it is not installed: run "
            "pip install 'posebridge[hub]'."
        ) from error
