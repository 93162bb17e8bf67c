"""How the code bases of ViTPose name its tensors, told in the names of transformers' VitPose.

Sources:
    [1] https://github.com/ViTAE-Transformer/ViTPose  mmpose/models/backbones/vit.py and
        vit_moe.py, tools/model_split.py; mmpose before its version 1 has the same names
    [2] https://github.com/open-mmlab/mmpretrain  models/backbones/vision_transformer.py, which
        mmpose uses since its version 1
"""

import torch

from posebridge.estimators.released import Naming, Tensors, by_prefix

_HEAD = {
    "deconv_layers.0.": "head.deconv1.",
    "deconv_layers.1.": "head.batchnorm1.",
    "deconv_layers.3.": "head.deconv2.",
    "deconv_layers.4.": "head.batchnorm2.",
    "final_layer.": "head.conv.",
}
_PREFIXES = {
    "backbone.patch_embed.proj.": "backbone.embeddings.patch_embeddings.projection.",
    "backbone.patch_embed.projection.": "backbone.embeddings.patch_embeddings.projection.",
    "backbone.pos_embed": "backbone.embeddings.position_embeddings",
    "backbone.blocks.": "backbone.encoder.layer.",
    "backbone.layers.": "backbone.encoder.layer.",
    "backbone.last_norm.": "backbone.layernorm.",
    "backbone.ln1.": "backbone.layernorm.",
} | {f"{head}.{k}": v for head in ("keypoint_head", "head") for k, v in _HEAD.items()}
_IN_BLOCKS = {
    ".norm1.": ".layernorm_before.",
    ".norm2.": ".layernorm_after.",
    ".ln1.": ".layernorm_before.",
    ".ln2.": ".layernorm_after.",
    ".attn.proj.": ".attention.output.dense.",
    ".ffn.layers.0.0.": ".mlp.fc1.",
    ".ffn.layers.1.": ".mlp.fc2.",
}
_PROJECTIONS = ("query", "key", "value")
"""Of attention, in the order in which one matrix holds them."""
_QKV = ".attn.qkv."
_POSITIONS = "backbone.embeddings.position_embeddings"
_CLASS_TOKEN = "backbone.cls_token"
"""Left from pre-training; the network does not read it [1]."""
_OTHER_HEADS = "associate_keypoint_heads."
"""Of ViTPose++: for the keypoints of its other data sets."""
_EXPERTS = ".mlp.experts."


def _renamed(tensors: Tensors) -> Tensors:
    """One code base's tensors by another's names; attention's one matrix becomes three."""
    ours: Tensors = {}
    for name, value in by_prefix(_PREFIXES)(tensors).items():
        for theirs, part in _IN_BLOCKS.items():
            name = name.replace(theirs, part)  # noqa: PLW2901 - one name after the other
        if _QKV not in name:
            ours[name] = value
            continue
        for projection, matrix in zip(_PROJECTIONS, value.chunk(3), strict=True):
            ours[name.replace(_QKV, f".attention.attention.{projection}.")] = matrix
    return ours


def _official(tensors: Tensors) -> Tensors:
    unread = (_CLASS_TOKEN, _OTHER_HEADS)
    return _renamed({n: value for n, value in tensors.items() if not n.startswith(unread)})


def _split(tensors: Tensors) -> Tensors:
    """A file that model_split.py made: the expert is part of the layer, and still beside it."""
    return {name: value for name, value in _official(tensors).items() if _EXPERTS not in name}


def _since_version_1(tensors: Tensors) -> Tensors:
    """There is no place for the class token there, which is added to every position."""
    ours = _renamed(tensors)
    if _POSITIONS in ours:
        positions = ours[_POSITIONS]
        ours[_POSITIONS] = torch.cat([torch.zeros_like(positions[:, :1]), positions], dim=1)
    return ours


OFFICIAL = Naming("the official code", _official)
SPLIT = Naming("the official model_split.py", _split)
MMPOSE = Naming("mmpose 1", _since_version_1)
TRANSFORMERS = Naming("transformers", dict)
