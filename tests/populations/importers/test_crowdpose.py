from pathlib import Path

import pytest

from populations.importers.reading import people
from populations.importers.writing import (
    category,
    coco_json,
    person,
    picture,
    standing,
    triples,
    write_image,
    write_json,
)
from posebridge.populations.importers.crowdpose import CrowdPose
from posebridge.populations.importers.source import Source
from posebridge.skeletons import COCO17, CROWDPOSE14


def write(folder: Path, prefix: str = "") -> Path:
    images = [
        picture(100000 + i, file_name=f"10000{i}.jpg", crowdIndex=c) for i, c in enumerate(INDICES)
    ]
    one = {"keypoints": triples(standing(CROWDPOSE14)), "area": None}
    annotated = [person(i, image["id"], **one) for i, image in enumerate(images)]
    for image in images:
        write_image(folder / "images" / image["file_name"])
    # CrowdPose's json carries COCO's drawing.
    left_over = category(COCO17) | {"keypoints": list(CROWDPOSE14.keypoints)}
    content = coco_json(images, annotated, categories=[left_over])
    write_json(folder / "annotations" / f"{prefix}crowdpose_val.json", content)
    return folder


INDICES = (0.0, 0.1, 0.35, 0.8, 0.81)


@pytest.mark.parametrize("prefix", ["", "mmpose_"])
def test_people_have_14_keypoints_and_half_the_area_of_their_box(
    tmp_path: Path, prefix: str
) -> None:
    first = people(CrowdPose(), write(tmp_path, prefix), "val")[0]
    assert first.keypoints.shape == (14, 2)
    assert first.area == pytest.approx(0.53 * 40.0 * 85.0)


def test_the_crowd_index_is_kept_and_graded_as_in_the_paper(tmp_path: Path) -> None:
    found = people(CrowdPose(), write(tmp_path), "val")
    assert [one.attributes["crowd_index"] for one in found] == [
        "0.0",
        "0.1",
        "0.35",
        "0.8",
        "0.81",
    ]
    grades = [one.attributes["crowding"] for one in found]
    assert grades == ["easy", "easy", "medium", "medium", "hard"]


def test_the_same_person_has_the_same_name_in_train_and_trainval(tmp_path: Path) -> None:
    write(tmp_path)
    content = (tmp_path / "annotations/crowdpose_val.json").read_text()
    (tmp_path / "annotations/crowdpose_trainval.json").write_text(content)
    names = [
        [p.person_id for p in people(CrowdPose(), tmp_path, part)] for part in ("val", "trainval")
    ]
    assert names[0] == names[1]


def test_it_is_reported_on_test(tmp_path: Path) -> None:
    source = Source(str(write(tmp_path)))
    assert CrowdPose().splits(source) == {"validation": ("val",)}
    assert CrowdPose().skeleton(source) == CROWDPOSE14
