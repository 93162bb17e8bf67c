"""Weights as their authors released them: a file, how it names its tensors, and what fits.

    HRNet(width=32, weights=released("pose_hrnet_w32_256x192.pth"), decoder=Msra())

A file is addressed by its content, so that a stage's key is the same wherever the file lies, and
another file under the same name is another stage.
"""

import dataclasses
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import fsspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from posebridge.estimators.base import Architecture
from posebridge.identity import unaddressed

Tensors = dict[str, Tensor]

COUNTER = "num_batches_tracked"
"""Of batch norm: no result depends on it, and files of early versions of torch lack it."""
SHOWN_NAMES = 20
WRAPPERS = ("state_dict", "model")
"""Under which of its entries a training checkpoint holds the tensors."""
PARALLEL = "module."
"""Begins every name where a network was saved within torch's DataParallel."""


@dataclass(frozen=True)
class ReleasedFile:
    """A file of weights.

    Attributes:
        sha256: of its content.
        uri: where it is: a path, or what fsspec opens (`s3://…`, `hf://…`) from every machine
            that trains.
    """

    sha256: str
    uri: str = unaddressed("")

    def tensors(self) -> Tensors:
        """What the file holds, under the names it has there.

        Raises:
            ValueError: if there is no such file, it is another one, or it holds no tensors.
        """
        content = _content(self.uri)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ValueError(
                f"{self.uri} must have the SHA-256 {self.sha256}, but has {found}: give the file "
                "this was set up with, or its new content by released(...), which is another "
                "stage."
            )
        return _tensors(content, self.uri)


@dataclass(frozen=True)
class Naming:
    """How a code base names the tensors of a network.

    Attributes:
        name: of the code base, for people.
        to_ours: the same tensors under our names; what it does not know keeps its name.
    """

    name: str
    to_ours: Callable[[Tensors], Tensors]


def released(uri: str) -> ReleasedFile:
    """The file of that path or URI as it is now.

    Raises:
        ValueError: if there is no such file.
    """
    return ReleasedFile(hashlib.sha256(_content(uri)).hexdigest(), uri)


def without_weights(architecture: Architecture) -> Architecture:
    """The same network for weights that are loaded over it, so that its file need not be there."""
    files: dict[str, Any] = {
        field.name: None
        for field in dataclasses.fields(architecture)
        if isinstance(getattr(architecture, field.name), ReleasedFile)
    }
    return dataclasses.replace(architecture, **files)


def by_prefix(prefixes: Mapping[str, str]) -> Callable[[Tensors], Tensors]:
    """A renaming that replaces the first of these beginnings that a name has.

    Example:
        >>> renamed = by_prefix({"final_layer.": "output.", "": "backbone."})
        >>> list(renamed({"final_layer.bias": torch.zeros(17)}))
        ['output.bias']
    """

    def to_ours(tensors: Tensors) -> Tensors:
        return {_renamed(name, prefixes): value for name, value in tensors.items()}

    return to_ours


def load(
    network: nn.Module, file: ReleasedFile, namings: Sequence[Naming], *, what: str
) -> Naming:
    """Put released weights into a network; every tensor of either must have its counterpart.

    Args:
        network: takes them.
        file: that holds them.
        namings: that the file may have; the one that fits best is taken.
        what: the network is, for the message.

    Returns:
        The naming that the file has.

    Raises:
        ValueError: if a tensor is missing, left over or of another shape; all are named.
    """
    theirs, ours = file.tensors(), network.state_dict()
    naming = min(namings, key=lambda one: len(_misfits(one.to_ours(theirs), ours)))
    renamed = naming.to_ours(theirs)
    misfits = _misfits(renamed, ours)
    if misfits:
        rest = len(misfits) - SHOWN_NAMES
        raise ValueError(
            f"{file.uri} must hold the tensors of {what}, as named by "
            f"{' or '.join(one.name for one in namings)}, but by {naming.name} {len(misfits)} do "
            "not fit:\n"
            + "\n".join(misfits[:SHOWN_NAMES])
            + (f"\n… and {rest} more" if rest > 0 else "")
            + "\nGive a file of this network, or the network of this file: its size and keypoints."
        )
    network.load_state_dict(
        {name: renamed.get(name, torch.zeros_like(value)) for name, value in ours.items()}
    )
    return naming


def check_start(weights: ReleasedFile | None, *, pretrained: bool) -> None:
    """Check that a network starts from one thing.

    Raises:
        ValueError: if it would start from both ImageNet and a released file.
    """
    if pretrained and weights is not None:
        raise ValueError(
            f"A network starts from ImageNet or from a released file, but got pretrained=True and "
            f"weights={weights}: leave one."
        )


def _misfits(found: Tensors, wanted: Tensors) -> list[str]:
    """What is missing, left over or of another shape, a line each."""
    missing = [n for n in wanted if n not in found and not n.endswith(COUNTER)]
    left_over = [n for n in found if n not in wanted]
    reshaped = [n for n in wanted if n in found and found[n].shape != wanted[n].shape]
    return [
        *(f"  {n} {tuple(wanted[n].shape)} is missing" for n in missing),
        *(f"  {n} {tuple(found[n].shape)} is left over" for n in left_over),
        *(f"  {n} is {tuple(found[n].shape)}, not {tuple(wanted[n].shape)}" for n in reshaped),
    ]


def _renamed(name: str, prefixes: Mapping[str, str]) -> str:
    for theirs, ours in prefixes.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _content(uri: str) -> bytes:
    if not uri:
        raise ValueError(
            "Released weights must be read from a file, but none is named: give its path, as in "
            "weights=released('pose_hrnet_w32_256x192.pth')."
        )
    try:
        with fsspec.open(uri, "rb") as file:
            content: bytes = file.read()
    except Exception as error:
        # Every file system of fsspec fails by errors of its own.
        raise ValueError(
            f"Released weights must be at {uri}, but {type(error).__name__}: {error}. Put the "
            "file there, or say where it is, on every machine that trains."
        ) from error
    return content


def _tensors(content: bytes, uri: str) -> Tensors:
    held = _unpacked(content, uri)
    for wrapper in WRAPPERS:
        if isinstance(held, dict) and isinstance(held.get(wrapper), dict):
            held = held[wrapper]
    if not isinstance(held, dict) or not all(isinstance(v, Tensor) for v in held.values()):
        raise ValueError(
            f"{uri} must hold named tensors, or a checkpoint with `state_dict`, but holds "
            f"{_kinds(held)}: give the file of the network's weights."
        )
    return {str(name).removeprefix(PARALLEL): value for name, value in held.items()}


def _unpacked(content: bytes, uri: str) -> Any:  # noqa: ANN401 - whatever was saved
    """What a file of safetensors or of torch holds; no code in it is run."""
    try:
        if uri.endswith(".safetensors"):
            return load_safetensors(content)
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{uri} must hold tensors alone, since anything else may run code when it is read, "
            f"but: {reason} If you trust who made it, write its tensors to a new file: "
            'python -c "import sys, torch; torch.save(torch.load(sys.argv[1], weights_only=False)'
            "['state_dict'], sys.argv[2])\" OLD NEW"
        ) from error
    except (SafetensorError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"{uri} must be a whole file of torch or of safetensors, but {type(error).__name__}: "
            f"{error}. Fetch it again."
        ) from error


def _kinds(held: object) -> str:
    if not isinstance(held, dict):
        return f"a {type(held).__name__}"
    kinds = {type(value).__name__ for value in held.values()} - {"Tensor"}
    return f"a dict with {', '.join(sorted(kinds))}"
