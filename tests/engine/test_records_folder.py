import threading
from pathlib import Path

import pytest

from posebridge.engine.artifacts import Store
from posebridge.engine.records_folder import RecordsFolder
from posebridge.records import Record, append_record
from test_records import record


@pytest.fixture(params=["a folder", "an object store"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> RecordsFolder:
    uri = request.getfixturevalue("bucket") if "object" in request.param else tmp_path
    return RecordsFolder.of(Store(f"{uri}/store"))


@pytest.fixture
def objects(bucket: str) -> RecordsFolder:
    return RecordsFolder.of(Store(f"{bucket}/store/"))


def _several(first: int, last: int) -> list[Record]:
    return [record(key=f"k{number}", seed=number) for number in range(first, last)]


def test_what_is_added_is_read_back_in_order_and_never_twice(kept: RecordsFolder) -> None:
    kept.add("first", _several(0, 2))
    kept.add("first", _several(1, 4))
    kept.add("first", _several(0, 4))
    kept.add("second", _several(7, 8))
    assert kept.read("first") == (_several(0, 4), 0)
    assert kept.by_key("first") == {one.key: one for one in _several(0, 4)}


def test_where_there_are_none_it_says_what_to_do(kept: RecordsFolder) -> None:
    with pytest.raises(FileNotFoundError, match=r"no records at .*/records/first.*: run the exp"):
        kept.read("first")
    assert kept.by_key("first") == {}
    assert kept.has_people() == set()
    assert kept.people("people/a.parquet") is None


def test_the_errors_of_people_lie_beside_them(kept: RecordsFolder) -> None:
    kept.write_people("people/a.parquet", b"errors")
    assert kept.has_people() == {"people/a.parquet"}
    assert kept.people("people/a.parquet") == b"errors"


def test_a_folder_has_the_file_that_has_always_been_there(tmp_path: Path) -> None:
    kept, file = RecordsFolder.of(Store(str(tmp_path))), tmp_path / "records" / "first.jsonl"
    append_record(file, record(key="k0", seed=0))
    kept.add("first", _several(0, 2))
    assert kept.place("first") == str(file)
    assert file.read_bytes().count(b"\n") == 2


def test_on_an_object_store_each_addition_is_an_object_of_its_own(objects: RecordsFolder) -> None:
    for last in (2, 3):
        objects.add("first", _several(0, last))
    assert objects.store.children("first") == ["000001.jsonl", "000002.jsonl"]
    assert objects.place("first") == f"{objects.store.uri}/first/"
    # Somebody tidied up: the next still comes last.
    objects.store.delete("first/000001.jsonl")
    objects.add("first", _several(0, 1))
    assert objects.read("first")[0] == [*_several(2, 3), *_several(0, 1)]


def test_of_many_who_add_at_once_nothing_is_lost_and_nothing_is_there_twice(
    objects: RecordsFolder,
) -> None:
    """Each adds two records of its own, one by one, and the same two as everybody."""

    def add(who: int) -> None:
        mate = RecordsFolder(Store(objects.store.uri))
        for number in range(2):
            mate.add("first", [record(key=f"{who}-{number}"), *_several(number, number + 1)])

    threads = [threading.Thread(target=add, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [one.key for one in objects.read("first")[0]]
    assert len(keys) == 4 * 2 + 2
    assert set(keys) == {f"{w}-{n}" for w in range(4) for n in range(2)} | {"k0", "k1"}


def test_whoever_never_heard_that_it_was_added_does_not_add_it_again(
    objects: RecordsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost, the client asked again, and was told that there is such an object."""
    create = Store.create

    def create_unheard(store: Store, path: str, content: bytes) -> bool:
        create(store, path, content)
        return False

    monkeypatch.setattr(Store, "create", create_unheard)
    objects.add("first", _several(0, 3))
    assert objects.read("first") == (_several(0, 3), 0)


def test_damaged_lines_of_an_object_are_skipped_and_counted(objects: RecordsFolder) -> None:
    objects.add("first", _several(0, 2))
    whole = objects.store.read("first/000001.jsonl")
    objects.store.write("first/000001.jsonl", whole[:-20])
    assert objects.read("first") == (_several(0, 1), 1)
    objects.add("first", _several(0, 2))
    assert objects.read("first") == (_several(0, 2), 1)


def test_a_line_that_is_no_record_names_its_object(objects: RecordsFolder) -> None:
    objects.store.write("first/000001.jsonl", b"[1]\n")
    with pytest.raises(ValueError, match=r"s3://.*/first/000001.jsonl, line 1: .* JSON object"):
        objects.read("first")
