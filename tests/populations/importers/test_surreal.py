import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from populations.importers.reading import people, samples
from populations.importers.writing import standing, write_surreal
from posebridge.populations.handedness import handedness
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.surreal import Surreal
from posebridge.populations.people import people_table
from posebridge.skeletons import BODY16

PART = "train/run0"


def test_left_is_left_although_the_images_are_mirrored(tmp_path: Path) -> None:
    """The writer mirrors the picture, as SURREAL does, and keeps SMPL's names."""
    first = people(Surreal(), write_surreal(tmp_path), PART)[0]
    wanted = standing(BODY16)
    for name in ("left_wrist", "right_ankle", "right_hip"):
        index = BODY16.index(name)
        assert first.keypoints[index] == pytest.approx(wanted[index]), name
    rows = people_table([first]).to_pylist()
    assert handedness(rows, BODY16).anybody_swapped == 0


def test_points_in_space_are_in_millimetres(tmp_path: Path) -> None:
    first = people(Surreal(), write_surreal(tmp_path), PART)[0]
    assert first.keypoints_3d_mm is not None
    assert first.keypoints_3d_mm[:, 2] == pytest.approx(5000.0)
    assert first.intrinsics == (500.0, 500.0, 32.0, 48.0)


def test_crops_may_lie_with_their_run_or_their_half(tmp_path: Path) -> None:
    write_surreal(tmp_path)
    crop = tmp_path / "train" / "run0" / "train_00000.jpg"
    crop.rename(tmp_path / "train" / "train_00000.jpg")
    assert len(samples(Surreal(), tmp_path, PART)) == 2


def test_runs_that_are_there_are_parted_as_published(tmp_path: Path) -> None:
    source = Source(str(write_surreal(tmp_path)))
    assert Surreal().splits(source) == {"train": (PART,), "test": ("test/run0",)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"keypoint2d": np.zeros((16, 2)).tolist()},
            r"must have SMPL's 24 joints, but has the shape",
        ),
        ({"name": None}, None),
    ],
)
def test_other_crops_are_refused(tmp_path: Path, change: Any, message: Any) -> None:
    write_surreal(tmp_path)
    file = tmp_path / "train" / "run0.json"
    rows = json.loads(file.read_text())
    rows[0] |= change
    if message is None:
        del rows[0]["name"]
    file.write_text(json.dumps(rows))
    with pytest.raises(
        SourceError, match=message or r"Every row of train/run0 must have name, key"
    ):
        people(Surreal(), tmp_path, PART)
