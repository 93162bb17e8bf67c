import dataclasses
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.people import ADULTS, INFANTS, Mislabelled, make
from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.reading import LeftOut, Reader, Shard, read_directly, reader, windows
from posebridge.engine.work import open_in, population_path
from posebridge.populations.crops import decode_image
from posebridge.populations.manifest import ManifestError, OpenPopulation
from posebridge.populations.shards import ShardError


def _reader(store: Store, population: Toy, people: int | None = None) -> Reader:
    opened = open_in(store, population)
    return reader(opened, "train", labelled=True, read_tables=read_directly, people=people)


def _bytes_of(shards: Sequence[Shard]) -> int:
    return sum(shard.bytes for shard in shards)


def test_people_come_with_the_image_they_are_in(made: Store) -> None:
    infants = _reader(made, INFANTS)
    people = infants.read(infants.shards)
    assert len(people) == 21
    assert np.array_equal(people.sizes, np.tile((48, 64), (21, 1)))
    assert people.people[0].image_id == people.people[1].image_id
    assert people.encoded(0) == people.encoded(1) != people.encoded(2)
    expected = INFANTS.render("train", 7)
    row = [person.person_id for person in people.people].index(expected.people[0].person_id)
    assert people.encoded(row) == expected.image.encoded
    assert np.array_equal(people.people[row].keypoints, expected.people[0].keypoints)
    assert decode_image(people.encoded(row)).shape == (48, 64, 3)


def test_only_the_first_people_of_a_feed_are_read(made: Store) -> None:
    """The first shard holds 65 people in 64 images."""
    shards = _reader(made, ADULTS, people=70).shards
    assert [(shard.index, shard.people) for shard in shards] == [(0, 65), (1, 5)]
    assert [shard.people for shard in _reader(made, ADULTS, people=3).shards] == [3]
    assert [shard.people for shard in _reader(made, ADULTS).shards] == [65, 64, 2]
    few = _reader(made, ADULTS, people=3)
    everybody = _reader(made, ADULTS)
    first = [person.person_id for person in everybody.read(everybody.shards).people[:3]]
    assert [person.person_id for person in few.read(few.shards).people] == first


def test_a_reader_without_labels_gives_none_though_the_shards_have_them(made: Store) -> None:
    opened = open_in(made, INFANTS)
    unlabelled = reader(opened, "train", labelled=False, read_tables=read_directly)
    for person in unlabelled.read(unlabelled.shards).people:
        assert not person.visibility.any()
        assert not person.keypoints.any()
        assert person.box[2] > 0


def test_windows_keep_the_order_and_the_limit() -> None:
    shards = [Shard(number, 1, size) for number, size in enumerate((4, 4, 4, 9, 1, 2))]
    groups = windows(shards, 8)
    assert [shard for group in groups for shard in group] == shards
    assert [[shard.index for shard in group] for group in groups] == [[0, 1], [2], [3], [4, 5]]
    assert all(_bytes_of(group) <= 8 or len(group) == 1 for group in groups)
    assert windows([], 8) == []


def test_labels_that_nobody_can_use_are_left_out_and_counted(tmp_path: Path) -> None:
    store, clean = Store(str(tmp_path)), Toy(train=4, test=2)
    make(store, [clean])
    spoilt = _reader(store, clean)
    _spoil(Path(store.path(population_path(clean)), "train", "people-00000.parquet"))
    people = spoilt.read(spoilt.shards)
    assert spoilt.left_out.counts() == {
        "box without area": 1,
        "keypoint not finite": 1,
        "labelled keypoint outside the image": 1,
    }
    assert len(people) == 2
    assert len(people.images) == len(people.sizes) == 2


def _spoil(path: Path) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[1]["box"][2] = 0.0
    rows[2]["keypoints"][0] = float("nan")
    rows[3]["keypoints"][0] = 1e6
    spoilt = pa.Table.from_pylist(rows, schema=table.schema)
    pq.write_table(spoilt, path)


def test_a_writer_counts_what_it_leaves_out_in_the_manifest(tmp_path: Path) -> None:
    store, population = Store(str(tmp_path)), Mislabelled()
    make(store, [population])
    manifest = open_in(store, population).manifest
    assert manifest.rejected == {
        "box without area": 2,
        "keypoint not finite": 2,
        "labelled keypoint outside the image": 2,
        "image without people": 6,
    }
    assert manifest.splits["train"].people == 9 - 3


def test_a_split_of_which_nobody_can_be_used_is_an_error(made: Store) -> None:
    infants = _reader(made, INFANTS)

    def boxless(of: OpenPopulation, split: str, indices: Sequence[int]) -> Iterator[pa.Table]:
        for table in read_directly(of, split, indices):
            column = table.column_names.index("box")
            boxes = pa.array([[1.0, 1.0, 0.0, 0.0]] * len(table), table["box"].type)
            yield table.set_column(column, "box", boxes)

    with pytest.raises(
        ValueError, match=r"must hold people that can be used, but all were left o"
    ):
        dataclasses.replace(infants, read_tables=boxless).read(infants.shards)


@pytest.fixture
def own(made: Store, tmp_path: Path) -> Store:
    """A store whose shards may be damaged."""
    shutil.copytree(Path(made.uri, "populations"), tmp_path / "populations")
    return Store(str(tmp_path))


def _shard(store: Store, name: str) -> Path:
    return Path(store.path(population_path(ADULTS)), "train", name)


@pytest.mark.parametrize("name", ["images-00001.parquet", "people-00001.parquet"])
def test_a_shard_that_is_cut_in_half_says_which_and_what_to_do(own: Store, name: str) -> None:
    adults, path = _reader(own, ADULTS), _shard(own, name)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ShardError, match=f"{name} cannot be read.* Delete it and make or import"):
        adults.read(adults.shards)


def test_a_damaged_shard_is_found_before_anything_is_read(own: Store) -> None:
    path = _shard(own, "images-00001.parquet")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ManifestError, match="must have .* bytes, but has .*make or import"):
        _reader(own, ADULTS)
    path.unlink()
    with pytest.raises(ManifestError, match="must have .* bytes, but is missing.*make or import"):
        _reader(own, ADULTS)


@pytest.mark.parametrize("name", ["images-00001.parquet", "people-00001.parquet"])
def test_a_shard_that_is_missing_says_which_and_what_to_do(own: Store, name: str) -> None:
    adults = _reader(own, ADULTS)
    _shard(own, name).unlink()
    with pytest.raises(ShardError, match=f"{name} is missing. Make or import the population"):
        adults.read(adults.shards)


def test_what_was_left_out_is_counted_once_however_often_it_is_read() -> None:
    told = LeftOut()
    for _ in range(2):
        told.undecodable.add("anna")
        told.rejected["infants/train/0 to 5"] = {"box without area": 2}
    assert told.counts() == {"box without area": 2, "undecodable image": 1}
    again = LeftOut()
    again.add(told.content())
    again.add(told.content())
    assert again == told
