from pathlib import Path

from populations.importers.reading import people
from populations.importers.writing import person, picture, write_folder
from posebridge.populations.importers.source import Source
from posebridge.populations.importers.wheelpose import WheelPose


def write(folder: Path) -> Path:
    return write_folder(folder, [picture(1)], [person(1, 1)])


def test_photographs_are_for_evaluation(tmp_path: Path) -> None:
    assert WheelPose().splits(Source(str(write(tmp_path)))) == {"test": ("babies",)}


def test_jsons_that_are_named_are_parted_by_name(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "babies.json").rename(tmp_path / "annotations" / "wheel_train.json")
    assert WheelPose().splits(Source(str(tmp_path))) == {"train": ("wheel_train",)}


def test_wheelchair_users_are_named_so(tmp_path: Path) -> None:
    (real,) = people(WheelPose(), write(tmp_path), "babies")
    (rendered,) = people(WheelPose(photographed=False), tmp_path, "babies")
    assert real.attributes == {"mobility": "wheelchair", "origin": "photograph"}
    assert rendered.attributes["origin"] == "rendered"
