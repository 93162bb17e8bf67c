from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from posebridge.identity import describe, digest, later, restore, unaddressed


@dataclass(frozen=True)
class Inner:
    version: ClassVar[int] = 3
    width: float = 1.5


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    sizes: tuple[int, ...] = (1, 2)
    note: str | None = None
    flags: tuple[bool, ...] = (True,)


def test_a_description_is_plain_json_with_class_paths_and_versions() -> None:
    assert describe(Outer()) == {
        "class": f"{__name__}:Outer",
        "inner": {"class": f"{__name__}:Inner", "version": 3, "width": 1.5},
        "sizes": [1, 2],
        "note": None,
        "flags": [True],
    }
    assert describe({1: (2.0, "a")}) == {"1": [2.0, "a"]}


@pytest.mark.parametrize("value", [Outer(), Outer(Inner(2.0), (), "x"), {"a": (1, None)}, 1.5])
def test_what_was_described_is_restored(value: object) -> None:
    assert restore(describe(value)) == value


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object(), Outer])
def test_what_has_no_faithful_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="fields must be numbers, text, tuples or dataclasses"):
        describe(value)


def test_another_version_is_not_restored() -> None:
    old = describe(Outer())
    old["inner"]["version"] = 2
    with pytest.raises(
        ValueError, match=r"Inner is at version 3, .* made by version 2: make it ag"
    ):
        restore(old)


def test_what_says_no_version_is_at_its_first() -> None:
    old = describe(Outer())
    del old["inner"]["version"]
    with pytest.raises(ValueError, match=r"Inner is at version 3, .* made by version 1"):
        restore(old)


@pytest.mark.parametrize("path", [f"{__name__}:Gone", "posebridge.gone:Inner"])
def test_a_class_that_is_gone_is_named(path: str) -> None:
    with pytest.raises(ValueError, match=f"{path} must be a class that is installed"):
        restore({"class": path})


def test_a_class_of_an_experiments_file_says_which_file_to_give() -> None:
    with pytest.raises(ValueError, match=r"give the file that .* \(--experiment infants.py\)"):
        restore({"class": "posebridge_experiment_infants:Mine"})


def test_a_digest_depends_on_content_alone() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert len(digest(None)) == 16
    different: list[Any] = [1, 1.5, "1", [1], {"a": 1}, None, True]
    assert len({digest(value) for value in different}) == len(different)


def test_what_is_not_a_number_has_no_digest() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"rate": float("nan")})


def test_a_digest_is_the_same_in_every_process() -> None:
    """Of `{"a":1}`: sha256 begins with these digits."""
    assert digest({"a": 1}) == "015abd7f5cc57a2d"


@dataclass(frozen=True)
class Grown:
    """What got a field after it had been described."""

    steps: int = 3
    view: str = later("any")


def test_a_field_that_came_later_is_left_out_while_it_changes_nothing() -> None:
    assert describe(Grown()) == {"class": f"{__name__}:Grown", "steps": 3}
    assert describe(Grown(view="side"))["view"] == "side"
    assert restore(describe(Grown(view="side"))) == Grown(view="side")
    assert restore(describe(Grown(steps=5))) == Grown(steps=5)


@dataclass(frozen=True)
class Stored:
    content: str
    place: str = unaddressed("")


def test_a_place_is_no_part_of_a_description_and_no_difference() -> None:
    assert describe(Stored("a", "/x")) == {"class": f"{__name__}:Stored", "content": "a"}
    assert Stored("a", "/x") == Stored("a", "/y") != Stored("b", "/x")
    assert hash(Stored("a", "/x")) == hash(Stored("a", "/y"))
    assert restore(describe(Stored("a", "/x"))).place == ""
