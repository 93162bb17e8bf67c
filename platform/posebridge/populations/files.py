"""Reading and writing whole files below a folder, which may be a local path or any fsspec URI."""

import hashlib
import io
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec

Folder = str | Path


class PopulationError(ValueError):
    """A population that cannot be used as it lies there."""


@dataclass(frozen=True)
class StoredFile:
    """A file that was written: its path below the population's folder, its size, hash and rows."""

    file: str
    bytes: int
    sha256: str
    rows: int


def sha256_of(data: bytes) -> str:
    """Hex digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()


def join(folder: Folder, *names: str) -> str:
    """A path below a folder, which may be a URI."""
    return "/".join([str(folder).rstrip("/"), *names])


def write_file(path: Folder, data: bytes) -> None:
    """Write a file under a temporary name and rename it, so that it is never seen half written.

    Args:
        path: local, or any fsspec URI; missing folders are made.
        data: the whole content.

    Raises:
        OSError: with its error number, if the disk is full or the folder cannot be written.
    """
    filesystem, target = _locate(path)
    temporary = f"{target}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part"
    try:
        filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        filesystem.pipe_file(temporary, data)
        filesystem.mv(temporary, target)
    except OSError as error:
        _remove(filesystem, temporary)
        raise OSError(
            error.errno,
            f"{len(data):,} bytes must be written to {path}, but got {error.strerror or error}. "
            "Free some space or choose a folder that can be written, then run the command again",
        ) from error


def read_file(path: Folder) -> bytes | None:
    """The content of a file, or None where there is none."""
    filesystem, target = _locate(path)
    try:
        content: bytes = filesystem.cat_file(target)
    except FileNotFoundError:
        return None
    return content


def open_file(path: Folder) -> io.IOBase | None:
    """A file open for reading in parts, or None where there is none."""
    filesystem, target = _locate(path)
    try:
        handle: io.IOBase = filesystem.open(target, "rb")
    except FileNotFoundError:
        return None
    return handle


def file_sizes(folder: Folder) -> dict[str, int]:
    """Sizes in bytes of all files below a folder, by path; empty where there is no folder."""
    filesystem, target = _locate(folder)
    start = len(target.rstrip("/")) + 1
    found: dict[str, dict[str, Any]] = filesystem.find(target, detail=True)
    return {path[start:]: int(info["size"]) for path, info in found.items()}


def _locate(path: Folder) -> tuple[Any, str]:
    filesystem, target = fsspec.core.url_to_fs(str(path))
    return filesystem, str(target)


def _remove(filesystem: Any, path: str) -> None:  # noqa: ANN401 - fsspec is untyped
    try:
        filesystem.rm_file(path)
    except OSError:
        # Nothing was written, or nothing can be: the first error is the one to tell.
        return
