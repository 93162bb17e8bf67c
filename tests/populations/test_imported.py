import pytest

from posebridge.identity import describe, restore
from posebridge.populations.imported import Imported, check_name
from posebridge.stages import Feed

COCO = Imported("coco", "0123456789ab", train=10, test=4)


def test_its_address_is_its_content() -> None:
    assert COCO.fingerprint() == "0123456789ab"
    assert Imported("coco", "0123456789ac", train=10, test=4).fingerprint() != COCO.fingerprint()


def test_it_is_declared_by_the_line_that_was_printed() -> None:
    assert COCO.declaration == 'Imported("coco", "0123456789ab", train=10, test=4)'
    assert eval(COCO.declaration) == COCO  # noqa: S307 - as an experiment's file does


def test_it_survives_being_described() -> None:
    assert restore(describe(COCO)) == COCO


def test_its_people_feed_a_stage() -> None:
    assert Feed(COCO, "train", 2).description()["population"] == "0123456789ab"
    with pytest.raises(
        ValueError, match=r"'coco' has the splits train, test, but got 'validation'"
    ):
        Feed(COCO, "validation", 2)


@pytest.mark.parametrize("content", ["", "0123456789", "0123456789AB", "0123456789abc"])
def test_what_is_no_hash_is_refused(content: str) -> None:
    with pytest.raises(
        ValueError, match=r"content must be 12 hex digits, but got .*Paste the line"
    ):
        Imported("coco", content, test=1)


@pytest.mark.parametrize("sizes", [{}, {"train": -1, "test": 3}])
def test_nobody_is_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(
        ValueError, match=r"'coco' must have people in a split, but got self\.train"
    ):
        Imported("coco", "0123456789ab", **sizes)


@pytest.mark.parametrize("name", ["", "My infants", "a/b", "-a"])
def test_a_name_that_would_make_a_poor_folder_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"name must be small letters, digits, .*Give another with"
    ):
        check_name(name)
