"""What `--set name=value` means: the value is JSON or text, and must fit the type of its field."""

import difflib
import json
import math
from collections.abc import Sequence
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints


def parse(text: str) -> tuple[str, Any] | None:
    """Name and value of a setting; None where it has no `=`.

    Example:
        >>> parse("rung=C1"), parse("steps = 7"), parse("scale=[0.5, 2]")
        (('rung', 'C1'), ('steps', 7), ('scale', [0.5, 2]))
    """
    name, equals, raw = text.partition("=")
    if not equals:
        return None
    try:
        return name.strip(), json.loads(raw)
    except json.JSONDecodeError:
        return name.strip(), raw


def fitted_to(owner: Any, name: str, value: Any) -> Any:  # noqa: ANN401 - a dataclass and a field
    """A value in the type that a field of a dataclass has.

    Raises:
        TypeError: if it does not fit.
    """
    return fitted(get_type_hints(type(owner))[name], value)


def fitted(kind: Any, value: Any) -> Any:  # noqa: ANN401 - any type and any value
    """A value in a type: an integer may stand for a real number, and a list for a tuple.

    Raises:
        TypeError: if it does not fit, or is a number that is not finite.

    Example:
        >>> fitted(float, 1), fitted(tuple[float, float], [1, 2]), fitted(float | None, None)
        (1.0, (1.0, 2.0), None)
    """
    origin = get_origin(kind)
    if isinstance(kind, UnionType):
        return _in_one_of(get_args(kind), value)
    if origin is tuple and isinstance(value, list | tuple):
        return _in_tuple(get_args(kind), value)
    if kind is float and type(value) is int:
        return float(value)
    if origin is Literal:
        fits = value in get_args(kind)
    else:
        # A truth value is an int for Python alone.
        fits = kind is Any or (
            isinstance(value, origin or kind) and isinstance(value, bool) == (kind is bool)
        )
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError(f"{value!r} must be a {kind}, but is not.")
    return value


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that is most like another one; None if none is."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)


def _in_one_of(kinds: Sequence[Any], value: Any) -> Any:  # noqa: ANN401 - as of `fitted`
    for kind in kinds:
        try:
            return fitted(kind, value)
        except TypeError:
            continue
    raise TypeError(f"{value!r} must be one of {kinds}, but is none.")


def _in_tuple(kinds: Sequence[Any], values: Sequence[Any]) -> tuple[Any, ...]:
    of_any_length = len(kinds) == 2 and kinds[1] is Ellipsis
    each = [kinds[0]] * len(values) if of_any_length else kinds
    if len(each) != len(values):
        raise TypeError(f"there must be {len(each)} values, but got {values!r}.")
    return tuple(fitted(kind, value) for kind, value in zip(each, values, strict=True))
