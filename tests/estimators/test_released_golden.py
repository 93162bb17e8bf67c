"""Our networks against the official code: every tensor finds its place, and the heatmaps agree.

golden/released/make_golden.py tells how the golden files were made.
"""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from _pytest.mark import ParameterSet
from torch import Tensor

from estimators.seeded import seeded_images, seeded_state
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.hrnet import HRNet
from posebridge.estimators.released import ReleasedFile, released
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.estimators.vitpose import ViTPose, ViTPosePlus

GOLDEN = Path(__file__).parents[1] / "golden" / "released"
Released = HRNet | SimpleBaseline | ViTPose | ViTPosePlus
EVERY = 3  # the golden files hold every third cell


@dataclass(frozen=True)
class Golden:
    """What the official code holds and gives."""

    heatmaps: Tensor
    state: dict[str, Tensor]


def golden(name: str) -> Golden:
    content = np.load(GOLDEN / f"{name}.npz")
    words = [line.split() for line in content["tensors"].tolist()]
    state = seeded_state({key: [int(size) for size in shape] for key, *shape in words})
    return Golden(torch.from_numpy(content["heatmaps"]), state)


def file_of(state: dict[str, Tensor], folder: Path) -> ReleasedFile:
    """A file as it would be released."""
    path = folder / "released.pth"
    torch.save({"state_dict": state}, path)
    return released(str(path))


@torch.no_grad()
def check(estimator: Estimator, expected: Tensor) -> None:
    images = seeded_images(estimator.input_height, estimator.input_width)
    found = estimator.eval()(images).heatmaps[0, :, ::EVERY, ::EVERY]
    # A map that hardly changes would agree whatever the network sees.
    assert expected.flatten(1).std(dim=1).min() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def needs_transformers(name: str, architecture: Released) -> ParameterSet:
    """A case that only runs where transformers is installed."""
    missing = find_spec("transformers") is None
    mark = pytest.mark.skipif(missing, reason="needs transformers: pip install 'posebridge[hub]'")
    return pytest.param(name, architecture, marks=mark)


def started(architecture: Released, file: ReleasedFile) -> Architecture:
    """The architecture, starting from the file."""
    return replace(architecture, weights=file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("official_hrnet_w32", HRNet(32)),
        ("official_hrnet_w48", HRNet(48)),
        ("mmpose_hrnet_w32", HRNet(32)),
        ("official_resnet_50", SimpleBaseline(50, bgr=True)),
        ("mmpose_resnet_50", SimpleBaseline(50)),
        needs_transformers("vitpose_base", ViTPose("base")),
        needs_transformers("vitpose_base_simple", ViTPose("base", head="simple")),
        needs_transformers("vitpose_plus_base", ViTPosePlus("base")),
    ],
)
def test_a_released_file_gives_the_heatmaps_of_the_official_code(
    name: str, architecture: Released, tmp_path: Path
) -> None:
    expected = golden(name)
    file = file_of(expected.state, tmp_path)
    check(started(architecture, file).build(), expected.heatmaps)


@pytest.mark.slow
def test_the_official_files_of_simple_baseline_need_blue_first(tmp_path: Path) -> None:
    expected = golden("official_resnet_50")
    file = file_of(expected.state, tmp_path)
    with pytest.raises(AssertionError):
        check(SimpleBaseline(50, bgr=False, weights=file).build(), expected.heatmaps)


def split(state: dict[str, Tensor], expert: int) -> dict[str, Tensor]:
    """What tools/model_split.py of ViTPose++ makes for its first data set."""
    joined = dict(state)
    for name, value in state.items():
        if ".mlp.fc2." in name:
            own = state[name.replace(".fc2.", f".experts.{expert}.")]
            joined[name] = torch.cat([value, own], dim=0)
    return joined


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="needs transformers")
def test_a_split_file_of_vitpose_plus_is_a_vitpose(tmp_path: Path) -> None:
    expected = golden("vitpose_plus_base")
    file = file_of(split(expected.state, expert=0), tmp_path)
    check(ViTPose("base", weights=file).build(), expected.heatmaps)


IN_MMPOSE_1 = {
    "patch_embed.proj.": "patch_embed.projection.",
    "blocks.": "layers.",
    "norm1.": "ln1.",
    "norm2.": "ln2.",
    "mlp.fc1.": "ffn.layers.0.0.",
    "mlp.fc2.": "ffn.layers.1.",
    "last_norm.": "ln1.",
    "keypoint_head.": "head.",
}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="needs transformers")
def test_the_names_of_mmpose_1_are_known(tmp_path: Path) -> None:
    """Its transformer has no class token, whose position the old code adds to every other."""
    expected = golden("vitpose_base")
    state = {}
    for name, value in expected.state.items():
        for old, new in IN_MMPOSE_1.items():
            name = name.replace(old, new)
        state[name] = value
    positions = state["backbone.pos_embed"]
    state["backbone.pos_embed"] = positions[:, 1:] + positions[:, :1]
    check(ViTPose("base", weights=file_of(state, tmp_path)).build(), expected.heatmaps)
