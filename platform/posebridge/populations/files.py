"""Reading and writing whole files below a folder, which may be a local path or any fsspec URI.

Every byte that is written, also those of the engine's store, goes through `put` and `create`.
"""

import errno
import hashlib
import io
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.local import LocalFileSystem

TEMPORARY = ".tmp"
"""End of the name of a file that is being written; its first letter is a dot."""
_REFUSALS = ("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted")
"""How S3 says that there is an object, or that somebody is just creating it."""

Folder = str | Path
Confirm = Callable[[], object]


def agree() -> None:
    """Nothing speaks against it."""


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
    """Put a file in place whole, or leave what was there.

    Args:
        path: local, or any fsspec URI; missing folders are made.
        data: the whole content.

    Raises:
        OSError: with its error number, if the disk is full or the folder cannot be written.
    """
    filesystem, target = locate(path)
    try:
        put(filesystem, target, data)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{len(data):,} bytes must be written to {path}, but got {error.strerror or error}. "
            "Free some space or choose a folder that can be written, then run the command again",
        ) from error


def put(
    filesystem: fsspec.AbstractFileSystem, path: str, data: bytes, confirm: Confirm = agree
) -> None:
    """Put a file in place whole, or leave what was there.

    A local file is written under another name and renamed, so that nobody ever sees half of it;
    an object store shows an object only when all of it has arrived.

    Args:
        filesystem: where.
        path: in it.
        data: the whole content.
        confirm: called at the last moment; raises if the file may no longer be put there.

    Raises:
        OSError: with its error number, if the disk is full or the folder cannot be written.
    """
    if not isinstance(filesystem, LocalFileSystem):
        confirm()
        filesystem.pipe_file(path, data)
        return
    with _written_beside(path, data) as temporary:
        confirm()
        os.replace(temporary, path)


def create(filesystem: fsspec.AbstractFileSystem, path: str, data: bytes) -> None:
    """Put a file in place whole, unless there is one.

    Raises:
        FileExistsError: if there is one.
        NotImplementedError: if the file system cannot make sure of that.
        OSError: with its error number, if the disk is full or the folder cannot be written.
    """
    if not isinstance(filesystem, LocalFileSystem):
        _create_object(filesystem, path, data)
        return
    with _written_beside(path, data) as temporary:
        try:
            os.link(temporary, path)
        except OSError as error:
            # The folder can be written: the file was put beside it. It has no links, as FAT.
            if error.errno in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise NotImplementedError(str(error)) from error
            raise


def _create_object(filesystem: fsspec.AbstractFileSystem, path: str, data: bytes) -> None:
    kind = type(filesystem)
    # What fsspec does for a file system that has no way of its own is to look first and to write
    # then: of two that do so at the same time, both succeed.
    generic = (
        kind._pipe_file is AsyncFileSystem._pipe_file
        if filesystem.async_impl
        else kind.pipe_file is fsspec.AbstractFileSystem.pipe_file
    )
    if generic:
        raise NotImplementedError(f"{kind.__name__} creates no file exclusively")
    try:
        filesystem.pipe_file(path, data, mode="create")
    except OSError as error:
        answer = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
        if answer in _REFUSALS:
            raise FileExistsError(errno.EEXIST, "there is such a file", path) from error
        if error.errno == errno.ENOSYS:
            raise NotImplementedError(str(error)) from error
        raise


@contextmanager
def _written_beside(path: str, data: bytes) -> Iterator[str]:
    folder, _, name = path.rpartition("/")
    os.makedirs(folder, exist_ok=True)
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex[:8]}{TEMPORARY}"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def move(source: Folder, target: Folder) -> None:
    """Put a file elsewhere in its file system, whole or not at all."""
    filesystem, start = locate(source)
    _, end = locate(target)
    if isinstance(filesystem, LocalFileSystem):
        os.makedirs(end.rpartition("/")[0], exist_ok=True)
        os.replace(start, end)
        return
    filesystem.cp_file(start, end)
    filesystem.rm_file(start)


def read_file(path: Folder) -> bytes | None:
    """The content of a file, or None where there is none."""
    filesystem, target = locate(path)
    try:
        content: bytes = filesystem.cat_file(target)
    except FileNotFoundError:
        return None
    return content


def open_file(path: Folder) -> io.IOBase | None:
    """A file open for reading in parts, or None where there is none."""
    filesystem, target = locate(path)
    try:
        handle: io.IOBase = filesystem.open(target, "rb")
    except FileNotFoundError:
        return None
    return handle


def file_sizes(folder: Folder) -> dict[str, int]:
    """Sizes in bytes of all files below a folder, by path; empty where there is no folder."""
    filesystem, target = locate(folder)
    start = len(target.rstrip("/")) + 1
    found: dict[str, dict[str, Any]] = filesystem.find(target, detail=True)
    return {path[start:]: int(info["size"]) for path, info in found.items()}


def locate(path: Folder) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a path or URI, and the path in it.

    It remembers no listing of a folder: other processes write there too.
    """
    filesystem, target = fsspec.core.url_to_fs(str(path), use_listings_cache=False)
    return filesystem, str(target)
