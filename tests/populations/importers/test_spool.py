import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from posebridge.populations.importers.base import (
    Entry,
    LeftOut,
    Listed,
    ListedBox,
    ListedImage,
    ListedPerson,
)
from posebridge.populations.importers.source import SourceError
from posebridge.populations.importers.spool import from_row, spool, to_row

ENTRIES: tuple[Entry, ...] = (
    ListedPerson("p", "a", {"x": 1.5}),
    ListedImage("b", "b.jpg"),
    ListedImage("a", "a.jpg", {"height": 3}),
    ListedPerson("q", "b"),
    ListedPerson("r", "a"),
    ListedBox("a", {"score": 0.5}),
    ListedImage("empty", "empty.jpg"),
)


def test_people_come_with_their_image_whatever_the_order() -> None:
    with spool() as spooled:
        spooled.fill(ENTRIES)
        spooled.close()
        b, a = spooled.images()
    assert b == Listed(ListedImage("b", "b.jpg"), (ListedPerson("q", "b"),))
    assert a.image == ListedImage("a", "a.jpg", {"height": 3})
    assert a.people == (ListedPerson("p", "a", {"x": 1.5}), ListedPerson("r", "a"))
    assert a.boxes == (ListedBox("a", {"score": 0.5}),)


def test_a_listed_image_survives_as_json() -> None:
    with spool() as spooled:
        spooled.fill(ENTRIES)
        spooled.close()
        for one in spooled.images():
            assert from_row(to_row(one)) == one


def test_two_people_of_one_id_are_one_and_one_left_out() -> None:
    with spool() as spooled:
        spooled.fill([*ENTRIES, ListedPerson("p", "b"), LeftOut("asleep")])
        spooled.close()
        assert spooled.left_out == {"duplicate person id": 1, "asleep": 1}


def test_people_of_no_image_are_left_out() -> None:
    with spool() as spooled:
        spooled.fill([*ENTRIES, ListedPerson("s", "nowhere")])
        spooled.close()
        assert spooled.left_out == {"unknown image": 1}


def test_two_images_of_one_id_are_refused() -> None:
    with (
        spool() as spooled,
        pytest.raises(SourceError, match=r"'a' is a\.jpg and other\.jpg\. Number the images"),
    ):
        spooled.fill([*ENTRIES, ListedImage("a", "other.jpg")])


def _many(count: int) -> Iterator[Entry]:
    for number in range(count):
        yield ListedImage(f"i{number}", f"{number:012d}.jpg", {"height": 480, "width": 640})
    for number in range(2 * count):
        about = {"bbox": [1.0, 2.0, 3.0, 4.0], "keypoints": [float(number)] * 51}
        yield ListedPerson(f"p{number}", f"i{number // 2}", about)


def _peak_bytes(count: int) -> int:
    tracemalloc.start()
    try:
        with spool() as spooled:
            spooled.fill(_many(count))
            spooled.close()
            assert sum(len(one.people) for one in spooled.images()) == 2 * count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_listed() -> None:
    _peak_bytes(10)  # what is loaded once
    few, many = _peak_bytes(200), _peak_bytes(1600)
    # Eight times as many people, more than a megabyte in all.
    assert many < 1.5 * few + 50_000


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with spool() as spooled:
        spooled.fill(ENTRIES)
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []
