"""Frozen dataclasses as plain JSON and back, and the hashes that address what they make."""

import dataclasses
import hashlib
import importlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

CLASS = "class"
VERSION = "version"
OWN_MODULE = "posebridge_experiment_"
"""Begins the name of the module that an experiment's file is, which nobody can install."""

_LATER = "came later"
_ASIDE = "decides no result"
Value = TypeVar("Value")


def later(default: Value) -> Value:
    """A dataclass field that came after others had been described.

    It is left out of a description while it has its default, so that older addresses stay.

    Args:
        default: what the dataclass did before it had this field.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Lamp:
        ...     watts: int = 40
        ...     color: str = later("white")
        >>> list(describe(Lamp())), list(describe(Lamp(color="red")))
        (['class', 'watts'], ['class', 'watts', 'color'])
    """
    found: Value = dataclasses.field(default=default, metadata={_LATER: True})
    return found


def unaddressed(default: Value) -> Value:
    """A dataclass field that decides no result, such as the place of a file of known content.

    No description has it and no comparison looks at it; what is restored has its default.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Stored:
        ...     sha256: str
        ...     place: str = unaddressed("")
        >>> list(describe(Stored("d5eb", "/tmp/x"))), Stored("d5eb", "/a") == Stored("d5eb", "/b")
        (['class', 'sha256'], True)
    """
    found: Value = dataclasses.field(default=default, compare=False, metadata={_ASIDE: True})
    return found


def describe(value: Any) -> Any:  # noqa: ANN401 - any JSON-able value or dataclass of such
    """Turn a dataclass into JSON: its class path, its version where it has one, and its fields.

    Raises:
        TypeError: for a value that has no faithful JSON form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        fields = {f.name: describe(getattr(value, f.name)) for f in _said(value)}
        version = {VERSION: getattr(kind, VERSION)} if VERSION in dir(kind) else {}
        return {CLASS: f"{kind.__module__}:{kind.__qualname__}"} | version | fields
    if isinstance(value, Mapping):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [describe(v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"fields must be numbers, text, tuples or dataclasses of such, but got {type(value)}."
    )


def _said(value: Any) -> list[dataclasses.Field[Any]]:  # noqa: ANN401 - any dataclass
    """Fields that a description names."""
    fields = [f for f in dataclasses.fields(value) if _ASIDE not in f.metadata]
    return [f for f in fields if _LATER not in f.metadata or getattr(value, f.name) != f.default]


def restore(description: Any) -> Any:  # noqa: ANN401 - the inverse of `describe`
    """Rebuild what `describe` described; lists become tuples.

    Raises:
        ValueError: if a class is no longer there, or has another version than the stored one.
    """
    if isinstance(description, list):
        return tuple(restore(v) for v in description)
    if not isinstance(description, dict):
        return description
    if CLASS not in description:
        return {k: restore(v) for k, v in description.items()}
    module, _, name = description[CLASS].partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{description[CLASS]} must be a class that is installed, but {error}: "
            f"{_cure(module)}."
        ) from error
    fields = {f.name for f in dataclasses.fields(kind)}
    # What says no version is at its first.
    stored, current = description.get(VERSION, 1), getattr(kind, VERSION, 1)
    if VERSION not in fields and stored != current:
        raise ValueError(
            f"{name} is at version {current}, but this was made by version {stored}: "
            "make it again, or install the release that made it."
        )
    return kind(**{k: restore(v) for k, v in description.items() if k in fields})


def _cure(module: str) -> str:
    if module.startswith(OWN_MODULE):
        return f"give the file that defines it (--experiment {module.removeprefix(OWN_MODULE)}.py)"
    return "install the release that made it"


def digest(description: Any) -> str:  # noqa: ANN401 - any JSON value
    """Address of a description: 16 hex digits of the SHA-256 of its sorted JSON."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
