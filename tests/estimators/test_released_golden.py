"""Our networks against the official code: every tensor finds its place, and the heatmaps agree.

golden/released/make_golden.py tells how the golden files were made.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from estimators.seeded import seeded_images, seeded_state
from posebridge.estimators.base import Architecture, Estimator
from posebridge.estimators.hrnet import HRNet
from posebridge.estimators.released import ReleasedFile, released
from posebridge.estimators.simple_baseline import SimpleBaseline

GOLDEN = Path(__file__).parents[1] / "golden" / "released"
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


def started(architecture: HRNet | SimpleBaseline, file: ReleasedFile) -> Architecture:
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
    ],
)
def test_a_released_file_gives_the_heatmaps_of_the_official_code(
    name: str, architecture: HRNet | SimpleBaseline, tmp_path: Path
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
