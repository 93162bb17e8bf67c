import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from populations.importers.reading import listed, people, samples
from populations.importers.writing import (
    coco_json,
    person,
    picture,
    standing,
    triples,
    write_folder,
    write_image,
)
from posebridge.populations.checks import INVALID_BOX
from posebridge.populations.importers.base import ListedPerson, UnusableImageError
from posebridge.populations.importers.coco_json import coco_entries, find_image
from posebridge.populations.importers.json_rows import members, rows
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.wheelpose import WheelPose

PART = "babies"


def write(folder: Path, *people: dict[str, Any], **changes: Any) -> Path:
    return write_folder(folder, [picture(1)], people or [person(1, 1)], **changes)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"images": [{"id": 1', r"premature EOF"),
        ('{"images": [{"id": 1, "file_name": "a"} x]}', r"invalid char in json text"),
        ("", r"premature EOF"),
        ("\x00", r"invalid char"),
    ],
)
def test_broken_json_is_named_with_its_place(tmp_path: Path, content: str, told: str) -> None:
    write(tmp_path)
    (tmp_path / "babies.json").write_text(content)
    with pytest.raises(
        SourceError, match=rf"babies\.json in .* complete json, but is not: .*{told}"
    ):
        listed(WheelPose(), tmp_path, PART)


def test_rows_that_are_no_objects_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "babies.json").write_text('{"images": [1]}')
    with pytest.raises(SourceError, match=r"Every images\.item of babies\.json must be an object"):
        list(rows(Source(str(tmp_path)), "babies.json", "images.item"))


def test_an_object_is_read_member_by_member(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"one": [1, 2], "two": {"x": 0.5}}')
    found = list(members(Source(str(tmp_path)), "a.json"))
    assert found == [("one", [1, 2]), ("two", {"x": 0.5})]


def test_an_image_without_a_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "babies.json").write_text('{"images": [{"id": 1, "width": 3}]}')
    with pytest.raises(
        SourceError,
        match=r"Every image of babies\.json must have id, file_name, but one lacks "
        r"file_name \(it has id, width\)",
    ):
        listed(WheelPose(), tmp_path, PART)


def test_a_box_that_is_none_is_counted(tmp_path: Path) -> None:
    write(tmp_path, person(1, 1, bbox=[1.0, 2.0]), person(2, 1))
    assert listed(WheelPose(), tmp_path, PART)[1] == {INVALID_BOX: 1}


def test_confidences_do_not_pass_for_visibilities(tmp_path: Path) -> None:
    flat = triples(standing())
    flat[2] = 0.9
    write(tmp_path, person(1, 1, keypoints=flat))
    (found,) = people(WheelPose(), tmp_path, PART)
    assert found.visibility[0] not in (0, 1, 2)


def test_a_wrong_number_of_keypoints_is_left_to_the_check(tmp_path: Path) -> None:
    write(
        tmp_path,
        person(1, 1, keypoints=triples(standing())[:42]),
        person(2, 1, keypoints=[2] * 52),
    )
    found = people(WheelPose(), tmp_path, PART)
    assert [len(one.keypoints) for one in found] == [14, 0]


def test_an_unlabelled_keypoint_is_nowhere(tmp_path: Path) -> None:
    flat = triples(standing())
    flat[:3] = [7.0, 7.0, 0]
    write(tmp_path, person(1, 1, keypoints=flat))
    (found,) = people(WheelPose(), tmp_path, PART)
    assert found.keypoints[0].tolist() == [0.0, 0.0]


def test_a_person_without_an_area_has_that_of_the_box(tmp_path: Path) -> None:
    one = person(1, 1)
    del one["area"]
    write(tmp_path, one)
    (found,) = people(WheelPose(), tmp_path, PART)
    assert found.area == 40.0 * 85.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("gone", "missing image"),
        ("text", "file that is no image"),
        ("turned", "image of another size than annotated"),
    ],
)
def test_an_image_that_cannot_be_used_says_why(tmp_path: Path, change: str, reason: str) -> None:
    write(tmp_path)
    file = tmp_path / "images" / "000000000001.jpg"
    if change == "gone":
        file.unlink()
    elif change == "text":
        file.write_text("a letter")
    else:
        write_image(file, size=(64, 96))
    with pytest.raises(UnusableImageError, match=f"^{reason}$"):
        samples(WheelPose(), tmp_path, PART)


def test_an_image_is_looked_for_where_its_makers_may_have_put_it(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.png")
    source = Source(str(tmp_path))
    assert find_image(source, "a.png", ("", "images")) == "images/a.png"
    assert find_image(source, ".\\images\\a.png", ("", "images")) == "images/a.png"
    assert find_image(source, "b.png", ("", "images")) == "b.png"


def test_no_image_is_looked_for_outside_its_data_set(tmp_path: Path) -> None:
    source = Source(str(tmp_path / "inner"))
    write_image(tmp_path / "secret.png")
    write_image(tmp_path / "inner" / "a.png")
    assert find_image(source, "../secret.png", ("",)) == "secret.png"
    assert find_image(source, str(tmp_path / "secret.png"), ("",)).startswith(str(tmp_path)[1:])


def test_a_json_may_list_people_before_images(tmp_path: Path) -> None:
    write(tmp_path)
    content = coco_json([picture(1)], [person(1, 1)])
    turned = dict(reversed(content.items()))
    (tmp_path / "babies.json").write_text(json.dumps(turned))
    assert len(people(WheelPose(), tmp_path, PART)) == 1


def _peak_bytes(folder: Path, count: int) -> int:
    write_coco_of(folder, count)
    source = Source(str(folder))
    source.sizes  # noqa: B018 - the folder's own listing is not what is measured
    tracemalloc.start()
    try:
        entries = coco_entries(source, "big.json", "big", ("",))
        assert sum(isinstance(entry, ListedPerson) for entry in entries) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def write_coco_of(folder: Path, count: int) -> None:
    images = [picture(number) for number in range(count)]
    people = [person(i, i, segmentation=[[0.5] * 100]) for i in range(count)]
    folder.mkdir()
    (folder / "big.json").write_text(json.dumps(coco_json(images, people)))


@pytest.mark.slow
def test_memory_does_not_grow_with_a_json(tmp_path: Path) -> None:
    _peak_bytes(tmp_path / "first", 10)  # what is loaded once
    few, many = (_peak_bytes(tmp_path / str(count), count) for count in (200, 1600))
    # Eight times as long a file, of three megabytes.
    assert many < 1.5 * few + 50_000
