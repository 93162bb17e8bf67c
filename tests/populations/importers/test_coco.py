from pathlib import Path

import numpy as np
import pytest

from populations.importers.reading import listed, people, samples
from populations.importers.writing import (
    BOX,
    coco_json,
    person,
    picture,
    standing,
    write_coco,
    write_json,
)
from posebridge.populations.checks import (
    CROWD,
    NO_KEYPOINTS,
    NOT_A_PERSON,
    UNKNOWN_IMAGE,
)
from posebridge.populations.importers.coco import CocoKeypoints
from posebridge.populations.importers.source import Source, SourceError


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return write_coco(tmp_path)


def test_people_are_as_the_json_says(coco: Path) -> None:
    first, second, *_ = people(CocoKeypoints(), coco, "train2017")
    assert first.person_id == "train2017/10"
    assert first.image_id == second.image_id == "train2017/1"
    assert first.box.tolist() == BOX
    assert first.area == 1700.5
    assert np.array_equal(first.keypoints, standing())
    assert first.visibility.tolist() == [2] * 17


def test_the_bytes_of_an_image_stay_as_they_are(coco: Path) -> None:
    sample = samples(CocoKeypoints(), coco, "val2017")[0]
    assert sample.image.encoded == (coco / "val2017" / "000000001001.jpg").read_bytes()
    assert (sample.image.height, sample.image.width) == (96, 64)


def test_what_is_reported_is_on_val2017(coco: Path) -> None:
    source = Source(str(coco))
    assert CocoKeypoints().splits(source) == {"train": ("train2017",), "test": ("val2017",)}


def test_a_half_that_is_not_there_is_not_missed(coco: Path) -> None:
    (coco / "annotations" / "person_keypoints_train2017.json").unlink()
    assert CocoKeypoints().splits(Source(str(coco))) == {"test": ("val2017",)}


def test_whoever_cannot_be_used_is_counted(coco: Path) -> None:
    odd = [
        person(1, 1, iscrowd=1),
        person(2, 1, keypoints=[0.0] * 51, num_keypoints=0),
        person(3, 1, category_id=18),
        person(4, 99),
        person(5, 1),
    ]
    write_json(coco / "annotations/person_keypoints_train2017.json", coco_json([picture(1)], odd))
    found, left_out = listed(CocoKeypoints(), coco, "train2017")
    assert [p.person_id for p in found[0].people] == ["train2017/5"]
    assert left_out == {CROWD: 1, NO_KEYPOINTS: 1, NOT_A_PERSON: 1, UNKNOWN_IMAGE: 1}


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(
        SourceError,
        match=r"must be a file annotations/person_keypoints_train2017\.json below .*there is none",
    ):
        listed(CocoKeypoints(), tmp_path, "train2017")


def _detections(coco: Path) -> CocoKeypoints:
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": [11.0, 6.0, 40.0, 85.0], "score": 0.9},
        {"image_id": 1, "category_id": 1, "bbox": [8.0, 5.0, 40.0, 85.0], "score": 0.3},
        {"image_id": 1, "category_id": 18, "bbox": [5.0, 5.0, 30.0, 80.0], "score": 0.9},
        {"image_id": 2, "category_id": 1, "bbox": [50.0, 5.0, 9.0, 9.0], "score": 0.9},
    ]
    write_json(coco / "detected.json", rows)
    return CocoKeypoints(detections="detected.json")


def test_a_detected_box_takes_the_place_of_the_annotated_one(coco: Path) -> None:
    one, other, alone, _ = people(_detections(coco), coco, "train2017")
    assert one.box.tolist() == [11.0, 6.0, 40.0, 85.0]
    assert one.attributes["box"] == "detected"
    assert other.box.tolist() == [8.0, 5.0, 40.0, 85.0]
    assert alone.box.tolist() == BOX
    assert alone.attributes["box"] == "annotated"


def test_the_surest_box_chooses_first_and_each_person_is_taken_once(coco: Path) -> None:
    """The second box overlaps the first person most, whom the first box has taken already."""
    one, other, *_ = people(_detections(coco), coco, "train2017")
    assert one.box[0] == 11.0
    assert other.box[0] == 8.0


def test_a_file_of_detections_that_is_none_is_refused(coco: Path) -> None:
    write_json(coco / "detected.json", [{"image_id": 1, "bbox": BOX}])
    with pytest.raises(SourceError, match=r"Every detection must have image_id, bbox, score, but"):
        listed(CocoKeypoints(detections="detected.json"), coco, "train2017")
