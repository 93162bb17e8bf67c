import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posebridge.engine.coco import PersonBox, image_listing, is_outside, read_boxes, result
from posebridge.skeletons import COCO17

IMAGES = [{"id": 7, "file_name": "a/one.png"}, {"id": 9, "file_name": "one.png"}]
ONE_BOX = [{"image_id": 7, "bbox": [1, 2, 3, 4]}]


def write(folder: Path, content: object) -> Path:
    path = folder / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def annotated(folder: Path, **fields: object) -> Path:
    row = {"image_id": 7, "bbox": [1, 2, 3, 4]} | fields
    return write(folder, {"images": IMAGES, "annotations": [row]})


def test_boxes_are_read_by_image_with_their_scores(tmp_path: Path) -> None:
    rows = [*ONE_BOX, {"image_id": 7, "bbox": [5, 6, 7, 8], "category_id": 1, "score": 0.5}]
    listing = read_boxes(write(tmp_path, {"images": IMAGES, "annotations": rows}))
    first, second = listing.images
    assert first.boxes == (PersonBox((1, 2, 3, 4)), PersonBox((5, 6, 7, 8), 0.5))
    assert second.boxes == ()
    assert listing.left_out == {}


def test_an_image_is_found_by_the_longest_end_of_its_path(tmp_path: Path) -> None:
    listing = read_boxes(write(tmp_path, {"images": IMAGES, "annotations": ONE_BOX}))
    found = [listing.find(Path(name)) for name in ("x/a/one.png", "b/one.png", "x/done.png")]
    assert [one and one.image_id for one in found] == [7, 9, None]


def test_a_file_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "one.png"}, {"id": 2, "file_name": "one.png"}]
    listing = read_boxes(write(tmp_path, {"images": images, "annotations": []}))
    with pytest.raises(ValueError, match=r"'one\.png' stands 2 times, with the ids 1, 2"):
        listing.find(Path("one.png"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"category_id": 18}, "annotation not of a person"),
        ({"iscrowd": 1}, "annotation of a crowd"),
        ({"bbox": [1, 2, 0, 4]}, "box without area"),
        ({"bbox": [1, 2, 3, -4]}, "box without area"),
        ({"bbox": [1, 2, 3]}, "box not four finite numbers"),
        ({"bbox": [1, 2, 3, None]}, "box not four finite numbers"),
        ({"bbox": [1, 2, 3, float("nan")]}, "box not four finite numbers"),
        ({"bbox": "here"}, "box not four finite numbers"),
    ],
)
def test_what_is_no_box_of_a_person_is_left_out_and_counted(
    tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    listing = read_boxes(annotated(tmp_path, **fields))
    assert listing.images[0].boxes == ()
    assert listing.left_out == {reason: 1}


@pytest.mark.parametrize("score", [None, "high", float("inf")])
def test_a_score_that_is_no_number_counts_as_one(tmp_path: Path, score: object) -> None:
    assert read_boxes(annotated(tmp_path, score=score)).images[0].boxes[0].score == 1.0


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "has no JSON"),
        ([], "has a list"),
        ({"images": []}, "has no list 'annotations'"),
        ({"images": [{"id": 1}], "annotations": []}, "one of 'images' without file_name"),
        ({"images": [3], "annotations": []}, "one of 'images' without id, file_name"),
        (
            {"images": [{"id": [1], "file_name": "a"}], "annotations": []},
            r"id = \[1\] in 'images'",
        ),
        ({"images": IMAGES, "annotations": [{"image_id": 7}]}, "without bbox"),
        (
            {"images": IMAGES, "annotations": [{"image_id": 8, "bbox": [1, 2, 3, 4]}]},
            "an annotation of image 8, unlisted",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: object, found: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=rf"must be a COCO file .*{found}.*leave --boxes out"):
        read_boxes(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing that can be read \(No such file"):
        read_boxes(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("xywh", "outside"),
    [
        ((0, 0, 10, 20), False),
        ((-5, -5, 5.5, 5.5), False),
        ((-5, 0, 5, 20), True),
        ((10, 0, 5, 5), True),
        ((0, 20, 5, 5), True),
        ((0, -6, 5, 5), True),
    ],
)
def test_a_box_is_outside_where_it_shares_no_pixel(
    xywh: tuple[float, float, float, float], outside: bool
) -> None:
    assert is_outside(PersonBox(xywh), height=20, width=10) is outside


def test_a_result_has_the_visibility_of_its_confidence() -> None:
    keypoints = np.array([[1.0, 2.0], [3.25, 4.0004], [np.nan, 5.0]])
    confidence = np.array([0.3, 0.29, 0.9])
    entry = result(5, PersonBox((0, 0, 10, 20), 0.5), keypoints, confidence)
    assert entry["keypoints"] == [1, 2, 2, 3.25, 4, 1, 0, 0, 0]
    assert entry["keypoint_scores"] == [0.3, 0.29, 0]
    assert entry["score"] == pytest.approx(0.5 * (0.3 + 0.29) / 3, abs=1e-6)
    assert (entry["image_id"], entry["category_id"]) == (5, 1)
    assert entry["bbox"] == [0, 0, 10, 20]
    json.dumps(entry, allow_nan=False)


def test_the_results_are_read_by_the_coco_tools(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    images = [{"id": 3, "file_name": "a.png", "height": 20, "width": 10}]
    (tmp_path / "images.json").write_text(json.dumps(image_listing(images, COCO17)))
    keypoints = np.arange(34.0).reshape(17, 2)
    entry = result(3, PersonBox((0, 0, 10, 20)), keypoints, np.full(17, 0.8))
    (tmp_path / "keypoints.json").write_text(json.dumps([entry]))
    listed = coco.COCO(str(tmp_path / "images.json"))
    read = listed.loadRes(str(tmp_path / "keypoints.json")).loadAnns(1)[0]
    assert np.reshape(read["keypoints"], (17, 3))[:, :2].tolist() == keypoints.tolist()
    skeleton = listed.loadCats(1)[0]
    assert len(skeleton["keypoints"]) == 17
    assert {index for limb in skeleton["skeleton"] for index in limb} == set(range(1, 18))
