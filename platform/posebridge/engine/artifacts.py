"""The store: artifacts under the keys of what made them.

A local folder, or any fsspec URI where a file can be created exclusively, such as s3://. Somebody
who makes an artifact holds its lease (`leases.py`), and writes `done` last. A file is replaced
whole or not at all (`populations/files.py`).
"""

import errno
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from posebridge.populations import files


class StoreError(Exception):
    """The store cannot be used as it is; the message says what to do."""


_PROBE = "is-exclusive"
_FREE = "Free some space or give another --store, then run the same command again"
_ASK = "Give a --store of your own, or ask its owner"
_CURES = {
    errno.ENOSPC: f"the disk is full. {_FREE}",
    errno.EDQUOT: f"the quota is used up. {_FREE}",
    errno.EACCES: f"there is no permission to write. {_ASK}",
    errno.EPERM: f"there is no permission to write. {_ASK}",
    errno.EROFS: "the file system is read-only. Give another --store",
}


def to_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    """A value as a JSON file has it: the same bytes for the same value."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


@dataclass(frozen=True)
class Store:
    """A folder of artifacts.

    Attributes:
        uri: a local path or an fsspec URI such as s3://bucket/folder.
    """

    uri: str

    @property
    def _place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            fs, root = files.locate(self.uri)
        except ImportError as error:
            raise StoreError(
                f"the store {self.uri} needs a library that is not installed ({error}). For s3:// "
                "run: pip install 'posebridge[s3]'"
            ) from error
        except ValueError as error:
            raise StoreError(
                f"a store must be a folder or a URI such as s3://bucket/folder, but got "
                f"{self.uri} ({error})."
            ) from error
        return fs, root.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether the store is a folder of this machine."""
        return isinstance(self._place[0], LocalFileSystem)

    def path(self, *parts: str) -> str:
        """Full path or URI of something in the store."""
        fs, root = self._place
        start = root if isinstance(fs, LocalFileSystem) else self.uri.rstrip("/")
        return "/".join([start, *parts])

    def read(self, path: str) -> bytes:
        """Content of a file.

        Raises:
            FileNotFoundError: if there is none.
        """
        fs, root = self._place
        content: bytes = fs.cat_file(f"{root}/{path}")
        return content

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Contents of files by path, those that do not exist left out.

        An object store is asked for all of them at once.
        """
        fs, root = self._place
        asked = list(dict.fromkeys(paths))
        if not asked:
            return {}
        contents = fs.cat_ranges([f"{root}/{path}" for path in asked], None, None)
        found = {}
        for path, content in zip(asked, contents, strict=True):
            if isinstance(content, bytes):
                found[path] = content
            elif not isinstance(content, FileNotFoundError):
                raise content
        return found

    def read_json(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Content of a JSON file."""
        return json.loads(self.read(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        fs, root = self._place
        return bool(fs.exists(f"{root}/{path}"))

    def children(self, path: str) -> list[str]:
        """Names in a folder, sorted, without hidden ones; none if there is no such folder."""
        fs, root = self._place
        folder = f"{root}/{path}".rstrip("/")
        try:
            found = [str(child).rstrip("/") for child in fs.ls(folder, detail=False)]
        except FileNotFoundError:
            return []
        # Object stores may keep an empty object for a folder, which lists itself.
        names = (PurePosixPath(child).name for child in found if child != folder)
        return sorted(name for name in names if not name.startswith("."))

    def write(self, path: str, content: bytes, *, confirm: files.Confirm = files.agree) -> None:
        """Put a file in place whole, or leave what was there.

        Args:
            path: of the file.
            content: all of it.
            confirm: called at the last moment; raises if the file may no longer be put there.

        Raises:
            StoreError: if the disk is full, or may not be written to.
        """
        fs, root = self._place
        try:
            files.put(fs, f"{root}/{path}", content, confirm)
        except OSError as error:
            raise self._explained(error, path) from error

    def write_json(self, path: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Put a JSON file in place."""
        self.write(path, to_json(value))

    def create(self, path: str, content: bytes) -> bool:
        """Put a file in place if there is none; False if there is.

        Raises:
            StoreError: if the file system cannot create a file exclusively.
        """
        fs, root = self._place
        try:
            files.create(fs, f"{root}/{path}", content)
        except FileExistsError:
            return False
        except OSError as error:
            raise self._explained(error, path) from error
        except (NotImplementedError, TypeError, ValueError) as error:
            raise self._not_exclusive() from error
        return True

    def require_exclusive_creation(self) -> None:
        """Refuse a store where two could hold the same lease, or that cannot be used at all.

        Raises:
            StoreError: saying what is wrong, and what to do.
        """
        name = f"{_PROBE}-{uuid.uuid4().hex}"
        try:
            created = self.create(name, b"first")
            twice = self.create(name, b"second")
            self.delete(name)
        except StoreError:
            raise
        except Exception as error:  # each file system has errors of its own
            raise StoreError(
                f"the store {self.uri} cannot be used: {type(error).__name__}: {error}. "
                "See that its address and credentials are right (of s3:// those in "
                "AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
            ) from error
        if not created or twice:
            raise self._not_exclusive()

    def delete(self, path: str) -> None:
        """Remove a file if it is there."""
        fs, root = self._place
        try:
            fs.rm_file(f"{root}/{path}")
        except FileNotFoundError:
            return

    def _not_exclusive(self) -> StoreError:
        return StoreError(
            f"the store {self.uri} cannot create a file exclusively, so two workers could do the "
            "same work: use a local folder or an object store with conditional writes."
        )

    def _explained(self, error: OSError, path: str) -> StoreError:
        denied = isinstance(error, PermissionError)  # of an object store without a number
        cure = _CURES.get(errno.EACCES if denied else error.errno or 0)
        if cure is None:
            return StoreError(f"cannot write {path} in the store {self.uri}: {error}.")
        return StoreError(f"cannot write {path} in the store {self.uri}: {cure}.")
