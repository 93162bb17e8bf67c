"""Runs the official code of SimpleBaseline, HRNet, mmpose and ViTPose and writes what it gives.

In an empty folder outside the repository, which is $REPOSITORY and whose .venv is active:

    git clone https://github.com/microsoft/human-pose-estimation.pytorch simple_baseline
    git -C simple_baseline checkout 49f3f4458c9d5917c75c37a6db48c6a0d7cd89a1
    git clone https://github.com/leoxiaobin/deep-high-resolution-net.pytorch hrnet
    git -C hrnet checkout 6f69e4676ad8d43d0d61b64b1b9726f0c369e7b1
    git clone https://github.com/ViTAE-Transformer/ViTPose vitpose
    git -C vitpose checkout c050ed29112da7704797cc1a65af0234b525010d
    PYTHONPATH=$REPOSITORY/tests python $REPOSITORY/tests/golden/released/make_golden.py

Each network gets the weights of estimators/seeded.py under its own names, and one image of
256 × 192 pixels as its own pipeline would give it. Output: <network>.npz beside this file, with
`heatmaps` at every third cell and `tensors`, the name and the shape of each tensor.

The code of mmpose is the one that ViTPose's repository holds (its version 0.24). mmcv, which it
wants and which no longer builds, is replaced by the four of its functions that are called: for
these networks each makes the layer of torch that its name says.
"""

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import Tensor, nn

from estimators.seeded import seeded_images, seeded_state
from posebridge.estimators.torchvision_guard import import_torchvision

HERE = Path(__file__).parent
SIZE = (256, 192)
EVERY = 3
MEAN = torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
STD = torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
Forward = Callable[[Tensor], Tensor]


class Config(dict[str, Any]):
    """Settings that are read as attributes and as entries."""

    __getattr__ = dict.__getitem__


def as_rgb(images: Tensor) -> Tensor:
    """What COLOR_RGB: true and mmpose's default give the network."""
    return (images - MEAN) / STD


def as_bgr(images: Tensor) -> Tensor:
    """What cv2.imread gives the network, under statistics in the order of RGB."""
    return (images.flip(1) - MEAN) / STD


def write(name: str, network: nn.Module, prepare: Forward) -> None:
    """Run a network with the weights of its names, and write what it gives."""
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    network.load_state_dict(seeded_state(shapes))
    network.eval()
    with torch.no_grad():
        heatmaps = network(prepare(seeded_images(*SIZE)))[0]
    print(f"{name}: {tuple(heatmaps.shape)}, deviation {heatmaps.std():.3f}")
    tensors = [" ".join([key, *map(str, shape)]) for key, shape in shapes.items()]
    kept = heatmaps[:, ::EVERY, ::EVERY].numpy()
    np.savez_compressed(HERE / f"{name}.npz", heatmaps=kept, tensors=np.array(tensors))


def official_resnet(depth: int) -> nn.Module:
    """PoseResNet of the configuration resnet<depth>/256x192_d256x3_adam_lr1e-3.yaml."""
    extra = Config(
        NUM_LAYERS=depth,
        DECONV_WITH_BIAS=False,
        NUM_DECONV_LAYERS=3,
        NUM_DECONV_FILTERS=[256, 256, 256],
        NUM_DECONV_KERNELS=[4, 4, 4],
        FINAL_CONV_KERNEL=1,
    )
    model = Config(EXTRA=extra, NUM_JOINTS=17, STYLE="pytorch")
    code = module_at("official_resnet", "simple_baseline/lib/models/pose_resnet.py")
    network: nn.Module = code.get_pose_net(Config(MODEL=model), is_train=False)
    return network


def official_hrnet(width: int) -> nn.Module:
    """PoseHighResolutionNet of the configuration w<width>_256x192_adam_lr1e-3.yaml."""
    extra = Config(FINAL_CONV_KERNEL=1, PRETRAINED_LAYERS=["*"])
    for number, modules in ((2, 1), (3, 4), (4, 3)):
        extra[f"STAGE{number}"] = Config(
            NUM_MODULES=modules,
            NUM_BRANCHES=number,
            BLOCK="BASIC",
            NUM_BLOCKS=[4] * number,
            NUM_CHANNELS=[width * 2**branch for branch in range(number)],
            FUSE_METHOD="SUM",
        )
    code = module_at("official_hrnet", "hrnet/lib/models/pose_hrnet.py")
    model = Config(EXTRA=extra, NUM_JOINTS=17)
    network: nn.Module = code.get_pose_net(Config(MODEL=model), is_train=False)
    return network


class TopDown(nn.Module):
    """mmpose's detector: a backbone and a head, under these two names."""

    def __init__(self, backbone: nn.Module, keypoint_head: nn.Module) -> None:
        """Put a head on a backbone."""
        super().__init__()
        self.backbone = backbone
        self.keypoint_head = keypoint_head

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps."""
        heatmaps: Tensor = self.keypoint_head(self.backbone(images))
        return heatmaps


class TopDownMoE(TopDown):
    """The detector of ViTPose++: five more heads; people come from the first data set, COCO."""

    def __init__(self, backbone: nn.Module, heads: list[nn.Module]) -> None:
        """Put six heads on a backbone."""
        super().__init__(backbone, heads[0])
        self.associate_keypoint_heads = nn.ModuleList(heads[1:])

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps of COCO's head."""
        source = torch.zeros(len(images), dtype=torch.long)
        heatmaps: Tensor = self.keypoint_head(self.backbone(images, source))
        return heatmaps


def mmpose_head(channels: int, keypoints: int = 17, **options: Any) -> nn.Module:
    """TopdownHeatmapSimpleHead as the configurations ask for it."""
    code = importlib.import_module("mmpose.models.heads.topdown_heatmap_simple_head")
    asked = {"extra": {"final_conv_kernel": 1}, **options}
    made: nn.Module = code.TopdownHeatmapSimpleHead(channels, keypoints, **asked)
    return made


def mmpose_resnet(depth: int) -> nn.Module:
    """The configuration res<depth>_coco_256x192.py."""
    code = importlib.import_module("mmpose.models.backbones.resnet")
    return TopDown(code.ResNet(depth), mmpose_head(2048))


def mmpose_hrnet(width: int) -> nn.Module:
    """The configuration hrnet_w<width>_coco_256x192.py."""
    extra: dict[str, dict[str, Any]] = {
        f"stage{number}": {
            "num_modules": modules,
            "num_branches": number,
            "block": "BASIC",
            "num_blocks": (4,) * number,
            "num_channels": tuple(width * 2**branch for branch in range(number)),
        }
        for number, modules in ((2, 1), (3, 4), (4, 3))
    }
    extra["stage1"] = extra["stage2"] | {"num_branches": 1, "block": "BOTTLENECK"}
    extra["stage1"] |= {"num_blocks": (4,), "num_channels": (64,)}
    code = importlib.import_module("mmpose.models.backbones.hrnet")
    return TopDown(code.HRNet(extra), mmpose_head(width, num_deconv_layers=0))


DECONVOLUTIONS = {
    "num_deconv_layers": 2,
    "num_deconv_filters": (256, 256),
    "num_deconv_kernels": (4, 4),
}
UPSAMPLING = {
    "num_deconv_layers": 0,
    "num_deconv_filters": [],
    "num_deconv_kernels": [],
    "upsample": 4,
    "extra": {"final_conv_kernel": 3},
}
VIT_BASE = {"img_size": SIZE, "embed_dim": 768, "depth": 12, "num_heads": 12, "qkv_bias": True}


def vitpose_base(**head: Any) -> nn.Module:
    """The configurations ViTPose_base_coco_256x192.py and ViTPose_base_simple_coco_256x192.py."""
    code = importlib.import_module("mmpose.models.backbones.vit")
    return TopDown(code.ViT(**VIT_BASE), mmpose_head(768, **head))


def vitpose_plus_base() -> nn.Module:
    """vitPose+_base_coco+aic+mpii+ap10k+apt36k+wholebody_256x192_udp.py."""
    code = importlib.import_module("mmpose.models.backbones.vit_moe")
    backbone = code.ViTMoE(**VIT_BASE, num_expert=6, part_features=192)
    heads = [mmpose_head(768, keypoints, **DECONVOLUTIONS) for keypoints in PLUS_KEYPOINTS]
    return TopDownMoE(backbone, heads)


# Of COCO and AI Challenger, MPII, AP-10K, APT-36K, COCO-WholeBody. The configuration gives each
# associate head the channels of its data set.
PLUS_KEYPOINTS = (17, 14, 16, 17, 17, 133)


def module_at(name: str, path: str) -> Any:
    """A module by its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand_in_for_mmcv() -> None:
    """Let single files of mmpose be imported without mmcv and without mmpose's own registries."""
    stand_in(
        "mmcv.cnn",
        build_conv_layer=lambda cfg, *sizes, **named: nn.Conv2d(*sizes, **named),
        build_norm_layer=lambda cfg, width, postfix="": (f"bn{postfix}", nn.BatchNorm2d(width)),
        build_upsample_layer=lambda cfg, **named: nn.ConvTranspose2d(**named),
        **dict.fromkeys(("constant_init", "normal_init", "kaiming_init", "ConvModule")),
    )
    stand_in("mmcv.utils.parrots_wrapper", _BatchNorm=nn.modules.batchnorm._BatchNorm)
    register = MagicMock(register_module=lambda: lambda kind: kind)
    stand_in(
        "mmpose.models.builder", BACKBONES=register, HEADS=register, build_loss=lambda asked: None
    )
    for name in UNUSED:
        sys.modules[name] = MagicMock()
    for name in PACKAGES:
        # Without what its __init__.py would import.
        stand_in(name, __path__=[str(Path("vitpose", *name.split(".")))])


UNUSED = (
    "mmcv",
    "mmcv.utils",
    "mmcv_custom",
    "mmcv_custom.checkpoint",
    "mmpose.core.evaluation",
    "mmpose.core.evaluation.top_down_eval",
    "mmpose.core.post_processing",
    "mmpose.models.backbones.utils",
    "mmpose.utils",
)
PACKAGES = (
    "mmpose",
    "mmpose.core",
    "mmpose.models",
    "mmpose.models.backbones",
    "mmpose.models.heads",
    "mmpose.models.utils",
)


def stand_in(name: str, **members: object) -> None:
    """Let a module of that name be imported, with these members."""
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module


def main() -> None:
    """Write every golden file."""
    stand_in_for_mmcv()
    import_torchvision()
    networks: dict[str, tuple[Callable[[], nn.Module], Forward]] = {
        "official_resnet_50": (lambda: official_resnet(50), as_bgr),
        "official_hrnet_w32": (lambda: official_hrnet(32), as_rgb),
        "official_hrnet_w48": (lambda: official_hrnet(48), as_rgb),
        "mmpose_resnet_50": (lambda: mmpose_resnet(50), as_rgb),
        "mmpose_hrnet_w32": (lambda: mmpose_hrnet(32), as_rgb),
        "vitpose_base": (lambda: vitpose_base(**DECONVOLUTIONS), as_rgb),
        "vitpose_base_simple": (lambda: vitpose_base(**UPSAMPLING), as_rgb),
        "vitpose_plus_base": (vitpose_plus_base, as_rgb),
    }
    for name, (build, prepare) in networks.items():
        write(name, build(), prepare)


if __name__ == "__main__":
    main()
