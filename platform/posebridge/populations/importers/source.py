"""The folder of a data set, as somebody has unpacked it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from posebridge.identity import digest
from posebridge.populations.files import PopulationError, join, locate, open_file, read_file

_CHANGED = ("mtime", "LastModified", "ETag")
"""What file systems say of a file that changes with it."""


class SourceError(PopulationError):
    """A data set that cannot be imported as it lies there."""


@dataclass(frozen=True)
class Source:
    """A folder with a data set.

    Attributes:
        folder: a local path or any fsspec URI, which every process can read that imports.
    """

    folder: str

    @cached_property
    def _files(self) -> dict[str, dict[str, Any]]:
        filesystem, target = locate(self.folder)
        start = len(target.rstrip("/")) + 1
        found: dict[str, dict[str, Any]] = filesystem.find(target, detail=True)
        return {path[start:]: info for path, info in sorted(found.items())}

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every file, by its path below the folder, sorted.

        Raises:
            SourceError: if there is none.
        """
        if not self._files:
            raise SourceError(
                f"A data set must lie in a folder with files, but {self.folder} has none, or does "
                "not exist. Unpack it there, and give a folder that every node can read."
            )
        return {path: int(info["size"]) for path, info in self._files.items()}

    def state(self) -> str:
        """Hash of all paths, sizes and times of change: another one wherever a file changed."""
        return digest(
            [
                [path, size, str([self._files[path].get(key) for key in _CHANGED])]
                for path, size in self.sizes.items()
            ]
        )

    def read(self, path: str) -> bytes | None:
        """Content of a file, None where there is none."""
        return read_file(join(self.folder, path))

    def need(self, path: str) -> bytes:
        """Content of a file.

        Raises:
            SourceError: if there is none.
        """
        content = self.read(path)
        if content is None:
            raise self._missing(path)
        return content

    def open(self, path: str) -> io.IOBase:
        """A file open for reading in parts.

        Raises:
            SourceError: if there is none.
        """
        handle = open_file(join(self.folder, path))
        if handle is None:
            raise self._missing(path)
        return handle

    def numbers(self, path: str, columns: int) -> np.ndarray:
        """A text file of numbers, [row, column].

        Raises:
            SourceError: if there is none, or it holds something else.
        """
        text = self.need(path).decode("utf-8", errors="replace")
        try:
            rows = [[float(word) for word in line.split()] for line in text.splitlines() if line]
        except ValueError as error:
            raise self._not_numbers(path, columns, str(error)) from error
        if {len(row) for row in rows} != {columns}:
            found = sorted({len(row) for row in rows})
            raise self._not_numbers(path, columns, f"rows of {found or 'nothing'}")
        return np.array(rows)

    def _missing(self, path: str) -> SourceError:
        return SourceError(
            f"There must be a file {path} below {self.folder}, but there is none. Give the folder "
            "that the data set was unpacked into; posebridge data import --help shows how each "
            "must lie there."
        )

    def _not_numbers(self, path: str, columns: int, found: str) -> SourceError:
        return SourceError(
            f"{join(self.folder, path)} must be lines of {columns} numbers, but has {found}. "
            "Unpack the data set again."
        )
