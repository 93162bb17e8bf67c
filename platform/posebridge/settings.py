"""What `--set name=value` means: the value is JSON or text, and must fit the type of its field."""

import dataclasses
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


def field_names(value: Any) -> list[str]:  # noqa: ANN401 - any dataclass, or none
    """Names of the fields of a dataclass; none of anything else."""
    return [f.name for f in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []


def value_at(owner: Any, path: str, called: str) -> Any:  # noqa: ANN401 - a dataclass and a value
    """A field of a dataclass; dots lead into nested ones.

    Args:
        owner: the dataclass.
        path: of the field.
        called: how the user names it.

    Raises:
        ValueError: if there is no such field; the message names the nearest right one.
    """
    for name in path.split("."):
        owner = getattr(owner, _known(owner, name, called))
    return owner


def with_value(owner: Any, path: str, value: Any, called: str) -> Any:  # noqa: ANN401 - likewise
    """The same dataclass with one field replaced; dots lead into nested ones.

    Args:
        owner: the dataclass.
        path: of the field.
        value: the new value.
        called: how the user names it.

    Raises:
        ValueError: if there is no such field, or the value is not of its type.
    """
    name, _, rest = path.partition(".")
    old = getattr(owner, _known(owner, name, called))
    if rest:
        return dataclasses.replace(owner, **{name: with_value(old, rest, value, called)})
    try:
        new = fitted_to(owner, name, value)
    except TypeError:
        wanted = "number or none" if old is None else type(old).__name__
        raise ValueError(
            f"{called} is a {wanted} (now {old!r}), but got {value!r}, a {type(value).__name__}."
        ) from None
    return dataclasses.replace(owner, **{name: new})


def hint(name: str, known: Sequence[str]) -> str:
    """What to say behind a name that is not known."""
    close = nearest(name, known)
    return (f", did you mean {close!r}?" if close else "") + f" (known: {', '.join(known)})"


def _known(owner: Any, name: str, called: str) -> str:  # noqa: ANN401 - any dataclass, or none
    names = field_names(owner)
    if name not in names:
        raise ValueError(f"{called!r} leads nowhere: no field {name!r}{hint(name, names)}.")
    return name


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
