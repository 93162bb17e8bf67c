from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from populations.importers.reading import listed, people, samples
from populations.importers.writing import standing, write_mini_rgbd
from posebridge.populations.importers.mini_rgbd import INTRINSICS, MiniRgbd
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.space import project
from posebridge.skeletons import SMIL25


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_joints_are_in_the_image_and_in_millimetres(tmp_path: Path, unit: float) -> None:
    first = people(MiniRgbd(), write_mini_rgbd(tmp_path, unit=unit), "01")[0]
    assert first.keypoints == pytest.approx(standing(SMIL25) * 4 + (100, 40), abs=1e-3)
    assert first.keypoints_3d_mm is not None
    assert first.keypoints_3d_mm[0, 2] == pytest.approx(900.0)
    flat = project(first.keypoints_3d_mm.astype(float), INTRINSICS)
    # The file gives six digits.
    assert flat == pytest.approx(first.keypoints, abs=0.5)
    assert first.intrinsics == INTRINSICS


def test_axes_that_point_elsewhere_are_turned(tmp_path: Path) -> None:
    write_mini_rgbd(tmp_path)
    file = tmp_path / "01/joints_3D/syn_joints_3D_00000.txt"
    rows = np.loadtxt(file) * (1, -1, -1, 1)
    np.savetxt(file, rows, fmt="%.6f %.6f %.6f %d")
    turned, as_it_was = people(MiniRgbd(), tmp_path, "01")
    assert turned.keypoints_3d_mm == pytest.approx(as_it_was.keypoints_3d_mm)


def test_points_in_space_of_something_else_are_left_away(tmp_path: Path) -> None:
    write_mini_rgbd(tmp_path)
    file = tmp_path / "01/joints_3D/syn_joints_3D_00000.txt"
    rows = np.loadtxt(file)
    rows[:, 0] += 0.2
    np.savetxt(file, rows, fmt="%.6f %.6f %.6f %d")
    first, second = people(MiniRgbd(), tmp_path, "01")
    assert first.keypoints_3d_mm is None
    assert second.keypoints_3d_mm is not None


def test_people_of_no_size_are_refused(tmp_path: Path) -> None:
    write_mini_rgbd(tmp_path, unit=1e-3)
    with pytest.raises(
        SourceError, match=r"must be in metres or millimetres, but somebody's hips"
    ):
        people(MiniRgbd(), tmp_path, "01")


def test_a_frame_has_its_depth_as_it_is_and_its_mask_as_numbers(tmp_path: Path) -> None:
    sample = samples(MiniRgbd(), write_mini_rgbd(tmp_path), "11")[0]
    assert sample.image.depth_png == (tmp_path / "11/depth/syn_00000_depth.png").read_bytes()
    assert sample.image.instance_png is not None
    mask = cv2.imdecode(np.frombuffer(sample.image.instance_png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    assert np.unique(mask).tolist() == [0, 1]


def test_box_and_area_are_those_of_the_mask(tmp_path: Path) -> None:
    (first, *_) = people(MiniRgbd(), write_mini_rgbd(tmp_path), "01")
    assert first.box.tolist() == [120.0, 50.0, 210.0, 350.0]
    assert first.area == 210.0 * 350.0


def test_a_frame_without_mask_and_depth_has_a_box_around_its_joints(tmp_path: Path) -> None:
    write_mini_rgbd(tmp_path)
    (tmp_path / "01/fg_mask/mask_00000.png").unlink()
    (tmp_path / "01/depth/syn_00000_depth.png").unlink()
    sample = samples(MiniRgbd(), tmp_path, "01")[0]
    assert sample.image.depth_png is None
    assert sample.image.instance_png is None
    x, y, width, height = sample.people[0].box.tolist()
    inside = sample.people[0].keypoints - (x, y)
    assert (inside > 0).all()
    assert (inside < (width, height)).all()


def test_a_sequence_is_one_infant_frame_by_frame(tmp_path: Path) -> None:
    found = people(MiniRgbd(), write_mini_rgbd(tmp_path), "01")
    assert {one.subject for one in found} == {"mini-rgbd-01"}
    assert [(one.sequence, one.frame) for one in found] == [
        ("mini-rgbd-01", 0),
        ("mini-rgbd-01", 1),
    ]


def test_sequences_are_parted_as_zedo_and_shift_do(tmp_path: Path) -> None:
    source = Source(str(write_mini_rgbd(tmp_path, ("01", "10", "11", "12"))))
    assert MiniRgbd().splits(source) == {"train": ("01", "10"), "test": ("11", "12")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(" 24\n", " 23\n"), r"must have the joints 0 to 24 once each"),
        (
            lambda text: text.replace("0 0\n", "0\n", 1),
            r"must be lines of 4 numbers, but has rows",
        ),
        (lambda text: "u v\n" + text, r"must be lines of 4 numbers, but has could not convert"),
        (lambda text: "", r"must be lines of 4 numbers, but has rows of nothing"),
    ],
)
def test_a_file_of_joints_that_is_none_is_refused(
    tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    write_mini_rgbd(tmp_path)
    file = tmp_path / "01/joints_2Ddep/syn_joints_2Ddep_00001.txt"
    file.write_text(change(file.read_text()))
    with pytest.raises(SourceError, match=message):
        people(MiniRgbd(), tmp_path, "01")


def test_the_wrong_folder_is_refused(tmp_path: Path) -> None:
    write_mini_rgbd(tmp_path / "MINI-RGBD_web")
    with pytest.raises(SourceError, match=r"Sequence 01 must have frames 01/rgb/syn_00000\.png"):
        listed(MiniRgbd(), tmp_path, "01")
