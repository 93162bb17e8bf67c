"""Weights and images that two programs can make alike, from names alone.

A network under test and the official code it is compared with hold the same tensors under the
official names; each tensor is drawn from its name. Scales keep activations near 1.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def seeded_state(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """A state dict: every tensor drawn from its name."""
    return {name: _tensor(name, tuple(shape)) for name, shape in shapes.items()}


def seeded_images(height: int, width: int) -> Float[Tensor, "1 3 height width"]:
    """One RGB image in [0, 1]: blobs, so that neighbouring pixels are alike, and some noise."""
    rng = _rng(f"image {height} {width}")
    coarse = torch.from_numpy(rng.random((1, 3, height // 16, width // 16), np.float32))
    blobs = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    noise = torch.from_numpy(rng.random((1, 3, height, width), np.float32))
    return 0.8 * blobs + 0.2 * noise


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    rng = _rng(name)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.endswith("running_var"):
        values = rng.uniform(0.5, 1.5, shape)
    elif len(shape) == 1 and name.endswith("weight"):
        values = rng.uniform(0.2, 0.6, shape)
    elif len(shape) == 1:
        values = rng.normal(0.0, 0.1, shape)
    elif len(shape) == 3:
        values = rng.normal(0.0, 0.3, shape)
    elif "deconv" in name:
        # Of the 4 × 4 weights of a stride of 2, every output meets 2 × 2 of every channel.
        values = rng.normal(0.0, math.sqrt(2 / (4 * shape[0])), shape)
    else:
        values = rng.normal(0.0, 1 / math.sqrt(math.prod(shape[1:])), shape)
    return torch.from_numpy(values.astype(np.float32))


def _rng(name: str) -> np.random.Generator:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))
