"""Lets timm be imported where torchvision's compiled operators do not fit the installed torch.

Why this exists: the package index serves a torchvision that is linked against CUDA. Beside a CPU
build of torch its compiled library does not load, and `import torchvision` (hence `import timm`)
dies with `RuntimeError: operator torchvision::nms does not exist`, because torchvision describes
the shapes of an operator that was never defined. Declaring the two operators it describes is
enough to import the models and the transforms. The operators stay without code:
`torchvision.ops.nms` and `torchvision.io` do not work then, and nothing here uses them. On a
matching pair of builds nothing happens.

Call `import_torchvision()` before `import timm`, in every process.
"""

import importlib
import sys

import torch

_MISSING = "operator torchvision::nms does not exist"
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> None:
    """Import torchvision, declaring the operators whose compiled code is missing.

    Raises:
        RuntimeError: whatever torchvision raises for any other reason.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise
        # The failed import leaves half-made submodules behind, which a second one would reuse.
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", _SCHEMA)
        importlib.import_module("torchvision")
