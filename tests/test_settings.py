import math
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from posebridge.settings import fitted, fitted_to, nearest, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps=7", ("steps", 7)),
        ("a.b = 1e-3", ("a.b", 1e-3)),
        ("flag=false", ("flag", False)),
        ("limit=null", ("limit", None)),
        ("rung=C1", ("rung", "C1")),
        ("note=some=words", ("note", "some=words")),
        ("steps", None),
    ],
)
def test_a_setting_is_json_or_text(text: str, expected: tuple[str, object] | None) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 3, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (str, "C1", "C1"),
        (float | None, None, None),
        (float | None, 3, 3.0),
        (tuple[float, float], [1, 2.5], (1.0, 2.5)),
        (tuple[int, ...], [], ()),
        (tuple[int, ...], [1, 2, 3], (1, 2, 3)),
        (Literal["a", "b"], "a", "a"),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Any, 3, 3),
    ],
)
def test_a_value_takes_the_type_of_its_field(kind: Any, value: object, expected: object) -> None:
    found = fitted(kind, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, 1.5),
        (int, True),
        (int, None),
        (bool, 1),
        (float, "1"),
        (float, True),
        (float, math.nan),
        (float, -math.inf),
        (float | None, "much"),
        (tuple[float, float], [1.0]),
        (tuple[float, float], [1.0, "a"]),
        (tuple[int, ...], [1, None]),
        (tuple[float, float], 1.0),
        (Literal["a", "b"], "c"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: Any, value: object) -> None:
    with pytest.raises(TypeError, match="must be"):
        fitted(kind, value)


def test_a_field_says_its_type() -> None:
    @dataclass(frozen=True)
    class Knobs:
        turn: float = 0.0

    assert fitted_to(Knobs(), "turn", 3) == 3.0


def test_the_nearest_name_is_found_or_none() -> None:
    assert nearest("momentun", ["steps", "momentum"]) == "momentum"
    assert nearest("zzz", ["steps", "momentum"]) is None
