import json
from pathlib import Path

import pytest

from populations.importers.reading import people
from populations.importers.writing import standing, write_human36m
from posebridge.populations.importers.human36m import Human36M
from posebridge.populations.importers.source import Source, SourceError
from posebridge.skeletons import BODY16


def test_one_image_in_five_is_taken(tmp_path: Path) -> None:
    write_human36m(tmp_path)
    assert [one.frame for one in people(Human36M(), tmp_path, "S1")] == [0, 2]
    assert len(people(Human36M(every=1), tmp_path, "S1")) == 6


def test_joints_in_the_room_are_seen_by_the_camera(tmp_path: Path) -> None:
    first = people(Human36M(), write_human36m(tmp_path), "S1")[0]
    wanted = standing(BODY16)
    wanted[BODY16.index("thorax")] = (30, 25)
    assert first.keypoints == pytest.approx(wanted, abs=1e-4)
    assert first.keypoints_3d_mm is not None
    assert first.keypoints_3d_mm[:, 2] == pytest.approx(5000.0)


def test_a_subject_and_a_camera_are_named(tmp_path: Path) -> None:
    first, second = people(Human36M(), write_human36m(tmp_path), "S9")
    assert first.subject == second.subject == "human36m-S9"
    assert (first.sequence, second.sequence) == ("human36m-S9-2-1-1", "human36m-S9-2-1-2")
    assert first.attributes["action"] == "Directions"


def test_subjects_are_parted_as_usual(tmp_path: Path) -> None:
    source = Source(str(write_human36m(tmp_path)))
    assert Human36M().splits(source) == {"train": ("S1",), "test": ("S9",)}


def test_another_number_of_joints_is_refused(tmp_path: Path) -> None:
    write_human36m(tmp_path)
    file = tmp_path / "annotations" / "Human36M_subject1_joint_3d.json"
    file.write_text(json.dumps({"2": {"1": {"0": [[0, 0, 0]] * 32, "2": [[0, 0, 0]] * 32}}}))
    with pytest.raises(
        SourceError, match=r"must have 17 joints of 3 coordinates, but has .*32, 3"
    ):
        people(Human36M(), tmp_path, "S1")


def test_none_in_so_many_is_refused() -> None:
    with pytest.raises(ValueError, match=r"every must be at least 1, but got self\.every=0"):
        Human36M(every=0)
