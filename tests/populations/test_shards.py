import dataclasses
import errno
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from populations.toy import png, toy_person
from posebridge.populations import checks
from posebridge.populations.crops import decode_image
from posebridge.populations.files import file_sizes
from posebridge.populations.people import ImageRow, Person, row_person
from posebridge.populations.shards import (
    ShardError,
    ShardReport,
    count_maps,
    find_shard,
    images_file,
    people_file,
    read_images,
    read_people,
    read_shard,
    write_shard,
)
from posebridge.skeletons import COCO17


def _people(number: int = 10) -> list[Person]:
    rng = np.random.default_rng(0)
    return [toy_person(f"person-{i}", f"image-{i // 2}", rng) for i in range(number)]


def _images(number: int = 5) -> list[ImageRow]:
    pixels = [np.full((48, 64, 3), 10 * i, np.uint8) for i in range(number)]
    return [ImageRow(f"image-{i}", 48, 64, png(pixels[i]), depth_png=b"d") for i in range(number)]


def _write(
    folder: Path | str, people: list[Person] | None = None, images: list[ImageRow] | None = None
) -> ShardReport:
    return write_shard(
        folder,
        0,
        people=_people() if people is None else people,
        images=_images() if images is None else images,
        skeleton=COCO17,
        recipe="abc",
    )


def _same(first: Person, second: Person) -> bool:
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_ten_people_come_back_as_they_were(tmp_path: Path) -> None:
    people = _people()
    people[3] = dataclasses.replace(
        people[3],
        sequence="video",
        frame=7,
        keypoints_3d_mm=np.arange(51, dtype=np.float32).reshape(17, 3),
        intrinsics=(500.0, 501.0, 32.0, 24.0),
    )
    report = _write(tmp_path, people)
    table = read_shard(tmp_path, 0)
    for person, row in zip(people, table.to_pylist(), strict=True):
        assert _same(person, row_person(row))
        assert (decode_image(row["encoded"]) == 10 * int(row["image_id"][-1])).all()
    assert (report.people.rows, report.images.rows) == (10, 5)
    assert report.subjects == tuple(sorted(p.subject for p in people))
    assert report.rejected == {}


def test_an_image_of_several_people_is_stored_once(tmp_path: Path) -> None:
    report = _write(tmp_path, [dataclasses.replace(p, image_id="image-0") for p in _people()])
    assert (report.people.rows, report.images.rows) == (10, 1)
    assert len(set(read_shard(tmp_path, 0)["encoded"].to_pylist())) == 1


def test_only_the_columns_asked_for_are_read_in_their_order(tmp_path: Path) -> None:
    _write(tmp_path)
    columns = ["person_id", "box", "keypoints", "encoded"]
    assert read_shard(tmp_path, 0, columns).column_names == columns
    assert read_shard(tmp_path, 0, ["depth_png", "box"]).column_names == ["depth_png", "box"]
    assert read_people(tmp_path, 0, ["subject"]).column_names == ["subject"]
    assert "depth_png" not in read_shard(tmp_path, 0).column_names


def test_images_are_read_once_each_however_many_people_are_in_them(tmp_path: Path) -> None:
    _write(tmp_path)
    table = read_images(tmp_path, 0, ["width", "image_id"])
    assert table.column_names == ["width", "image_id"]
    assert table["image_id"].to_pylist() == [f"image-{i}" for i in range(5)]


def test_maps_are_counted_without_being_read(tmp_path: Path) -> None:
    images = _images()
    images[1] = dataclasses.replace(images[1], depth_png=None, parts_png=b"p")
    _write(tmp_path, images=images)
    found = count_maps(tmp_path, 0)
    assert found == {"depth_png": 4, "normals_png": 0, "parts_png": 1, "instance_png": 0}
    _write(tmp_path, people=[], images=[])
    assert set(count_maps(tmp_path, 0).values()) == {0}


@pytest.mark.parametrize("read", [count_maps, partial(read_images, columns=["image_id"])])
def test_images_that_are_gone_or_cut_are_named(
    tmp_path: Path, read: Callable[[Path, int], object]
) -> None:
    _write(tmp_path)
    path = tmp_path / images_file(0)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ShardError, match=r"images-00000\.parquet cannot be read: .*Delete it and"):
        read(tmp_path, 0)
    path.unlink()
    with pytest.raises(ShardError, match=r"images-00000\.parquet is missing"):
        read(tmp_path, 0)


def test_an_unknown_column_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    _write(tmp_path)
    with pytest.raises(ValueError, match=r"among person_id, .* got \['joints'\]"):
        read_shard(tmp_path, 0, ["joints"])


def test_people_who_fail_a_check_are_counted_and_their_images_left_out(tmp_path: Path) -> None:
    people = _people()
    for i in (0, 1):
        people[i] = dataclasses.replace(people[i], box=np.zeros(4, np.float32))
    people[9] = dataclasses.replace(people[9], image_id="nowhere")
    report = _write(tmp_path, people)
    expected = {checks.EMPTY_BOX: 2, checks.UNKNOWN_IMAGE: 1, checks.IMAGE_WITHOUT_PEOPLE: 1}
    assert report.rejected == expected
    assert (report.people.rows, report.images.rows) == (7, 4)


def test_two_images_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an id of its own, but shard 0 repeats some"):
        _write(tmp_path, images=[*_images(), _images()[0]])


def test_a_shard_that_is_there_is_found_with_the_same_report(tmp_path: Path) -> None:
    report = _write(tmp_path)
    found = find_shard(tmp_path, 0, file_sizes(tmp_path))
    assert found == dataclasses.replace(report, kept=True)


def test_the_same_people_give_the_same_bytes(tmp_path: Path) -> None:
    assert _write(tmp_path / "a") == _write(tmp_path / "b")


@pytest.mark.parametrize("file", [people_file(0), images_file(0)])
def test_a_shard_cut_in_half_is_damaged_not_empty(tmp_path: Path, file: str) -> None:
    _write(tmp_path)
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(ShardError, match=f"complete Parquet file, but .*{file} cannot be read"):
        read_shard(tmp_path, 0)
    assert find_shard(tmp_path, 0, file_sizes(tmp_path)) is None


@pytest.mark.parametrize("file", [people_file(0), images_file(0)])
def test_a_shard_that_misses_a_file_says_which(tmp_path: Path, file: str) -> None:
    _write(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(ShardError, match=f"two files, but .*{file} is missing"):
        read_shard(tmp_path, 0)
    assert find_shard(tmp_path, 0, file_sizes(tmp_path)) is None


def test_a_shard_may_lie_at_any_uri() -> None:
    _write("memory://somewhere/train")
    assert read_shard("memory://somewhere/train", 0).num_rows == 10


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_refuses_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Free some space or choose a folder") as caught:
        _write(tmp_path)
    assert caught.value.errno == number
    assert list(tmp_path.iterdir()) == []


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    _write(tmp_path)
    assert sorted(f.name for f in tmp_path.iterdir()) == [images_file(0), people_file(0)]


def test_what_was_rejected_is_remembered_by_the_shard(tmp_path: Path) -> None:
    people = _people()
    people[0] = dataclasses.replace(people[0], box=np.zeros(4, np.float32))
    _write(tmp_path, people)
    found = find_shard(tmp_path, 0, file_sizes(tmp_path))
    assert found is not None
    assert Counter(found.rejected) == Counter({checks.EMPTY_BOX: 1})
