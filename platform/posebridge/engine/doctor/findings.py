"""What a check answers with: what it found, how bad that is, and a cure in one line."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

GIGABYTE = 1e9


class State(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: of what was looked at.
        state: how bad it is.
        found: what it is like.
        cure: what to do; empty where all is well.
    """

    name: str
    state: State
    found: str
    cure: str = ""


@dataclass(frozen=True)
class Tried:
    """Something that was tried: what it gave, or why it failed (then `error` is not empty)."""

    found: str = ""
    error: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, found)


def attempt(function: Callable[[], str]) -> Tried:
    """What a function gives, or in one line why it fails."""
    try:
        return Tried(function())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        first = str(error).strip().partition("\n")[0]
        return Tried(error=f"{type(error).__name__}: {first}")
