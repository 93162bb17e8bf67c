"""Tests of what the UNet is shown."""

import json

import pytest
import torch

from posebridge.identity import describe, restore
from posebridge.networks.canonical_poses import SUPINE
from posebridge.networks.guides import Ends, Guide, NoGuide, PosePath, PredictedHeatmaps
from posebridge.networks.pose_paths import Grid

GRID = Grid(4, 3, 4, 1.0)
HEATMAPS = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
ENDS = Ends(torch.zeros(2, 5, 2), torch.ones(2, 5, dtype=torch.bool), HEATMAPS)
START = torch.zeros(5, 2)
each_guide = pytest.mark.parametrize(
    "guide",
    [NoGuide(), PredictedHeatmaps(), PosePath(), PosePath(poses=5, fusion="none")],
    ids=["none", "heatmaps", "path", "poses"],
)


@each_guide
def test_maps_have_the_channels_and_steps_it_says(guide: Guide) -> None:
    steps = torch.zeros(2, 3, dtype=torch.int64)
    maps = guide.maps(START, ENDS, steps, GRID)
    assert maps.shape == (2, 3, guide.channels(5), 4, 3)
    assert not maps.requires_grad


@each_guide
def test_it_survives_its_description(guide: Guide) -> None:
    assert restore(json.loads(json.dumps(describe(guide)))) == guide


def test_predicted_heatmaps_are_shown_as_they_are() -> None:
    maps = PredictedHeatmaps().maps(START, ENDS, torch.zeros(2, 2, dtype=torch.int64), GRID)
    assert torch.equal(maps[:, 0], HEATMAPS)
    assert torch.equal(maps[:, 1], HEATMAPS)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        (PosePath(), 5),
        (PosePath(poses=2), 4),
        (PosePath(poses=8), 10),
        (PosePath(fusion="none"), 3),
    ],
)
def test_there_are_two_steps_more_than_poses_but_for_single_ones(
    path: PosePath, steps: int
) -> None:
    assert path.num_steps == len(path.weights) == steps


def test_a_path_begins_where_it_is_told() -> None:
    assert PosePath(start=SUPINE).canonical == SUPINE
    assert PosePath(start=None).canonical is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"poses": 1},
            r"needs at least 2 poses, but got self.poses=1. One pose, the predicted, is",
        ),
        ({"poses": 2, "fusion": "printed"}, r"path with printed weights needs at least 3 poses"),
        ({"sigma": 0.0}, r"sigma must be positive, a multiple of 1, but got self.sigma=0.0"),
    ],
)
def test_what_is_no_path_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PosePath(**fields)  # type: ignore[arg-type]
