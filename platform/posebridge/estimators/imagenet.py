"""What estimators share that start from ImageNet: its statistics, its weights, sizes, a head."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.estimators.torchvision_guard import import_torchvision

COARSEST_STRIDE = 32
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normalization(nn.Module):
    """Images in [0, 1] to those of mean 0 and deviation 1 over ImageNet, channel by channel."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        """Hold the statistics, which no state dict has."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The same images, normalised."""
        return (images - self.mean) / self.std


def timm_backbone(
    name: str,
    *,
    pretrained: bool,
    **options: Any,  # noqa: ANN401 - as timm has them
) -> nn.Module:
    """A backbone of timm that gives a list of features.

    Args:
        name: as timm knows it.
        pretrained: start from ImageNet weights, which are fetched from their hub.
        **options: of timm's model.

    Raises:
        ValueError: if the ImageNet weights are neither on this machine nor to be fetched.
    """
    import_torchvision()
    import timm  # only now, see torchvision_guard

    try:
        backbone: nn.Module = timm.create_model(
            name, pretrained=pretrained, features_only=True, **options
        )
    except OSError as error:
        raise ValueError(
            f"The ImageNet weights of {name} must be in the cache of the Hugging Face hub or "
            f"within reach, but got {type(error).__name__}: fetch them on a machine with network, "
            "or use pretrained=False."
        ) from error
    return backbone


def heatmap_layer(channels: int, keypoints: int) -> nn.Conv2d:
    """The linear layer at the end; starts from N(0, 0.001) and a bias of zero."""
    layer = nn.Conv2d(channels, keypoints, 1)
    nn.init.normal_(layer.weight, std=0.001)
    assert layer.bias is not None  # it was just made with one
    nn.init.zeros_(layer.bias)
    return layer


def check_input(height: int, width: int) -> None:
    """Check the size of an input that is halved five times.

    Raises:
        ValueError: if a side is no positive multiple of 32 pixels.
    """
    for name, size_px in {"input_height": height, "input_width": width}.items():
        if size_px <= 0 or size_px % COARSEST_STRIDE:
            raise ValueError(
                f"{name} must be a positive multiple of {COARSEST_STRIDE} pixels, "
                f"but got {size_px}."
            )


def published_sigma(input_height: int) -> float:
    """Cells: 2 at a height of 256 and 3 at 384, equally wide in the picture."""
    return 2 * input_height / 256
