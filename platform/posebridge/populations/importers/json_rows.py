"""Json files read row by row: one of any size takes the memory of its longest row."""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ijson

from posebridge.populations.importers.source import Source, SourceError


def rows(source: Source, file: str, prefix: str) -> Iterator[dict[str, Any]]:
    """The rows of a list in a json file, one by one.

    Args:
        source: where the file lies.
        file: below it.
        prefix: of the rows as ijson names them, such as "annotations.item".

    Raises:
        SourceError: if the file is missing, no complete json, or has something else in the list.
    """

    def items(handle: io.IOBase) -> Iterator[Any]:
        return iter(ijson.items(handle, prefix, use_float=True))

    for row in _read(source, file, items):
        if not isinstance(row, dict):
            raise SourceError(f"Every {prefix} of {file} must be an object, but one is {row!r}.")
        yield row


def members(source: Source, file: str) -> Iterator[tuple[str, Any]]:
    """Names and values of the object that a json file is, one by one.

    Raises:
        SourceError: if the file is missing, or no complete json.
    """

    def items(handle: io.IOBase) -> Iterator[Any]:
        return iter(ijson.kvitems(handle, "", use_float=True))

    yield from _read(source, file, items)


def _read(source: Source, file: str, items: Callable[[io.IOBase], Iterator[Any]]) -> Iterator[Any]:
    with source.open(file) as handle:
        try:
            yield from items(handle)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            where = re.sub(r"\s+", " ", str(error)).strip()
            raise SourceError(
                f"{file} in {source.folder} must be complete json, but is not: {where}. Unpack "
                "or export it again."
            ) from error


def needed(row: Mapping[str, Any], names: Sequence[str], what: str) -> tuple[Any, ...]:
    """Values that a row must have.

    Raises:
        SourceError: if it lacks one.
    """
    lacking = [name for name in names if name not in row]
    if lacking:
        shown = ", ".join(row) or "nothing"
        raise SourceError(
            f"Every {what} must have {', '.join(names)}, but one lacks {', '.join(lacking)} (it "
            f"has {shown}). Is it a COCO json of person keypoints?"
        )
    return tuple(row[name] for name in names)
