"""The store: artifacts under the keys of what made them.

A local folder or any fsspec URI. Somebody who makes an artifact holds a lease on its folder, and
writes `done` last. A file is replaced whole or not at all (`populations/files.py`).
"""

import errno
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import psutil
from fsspec.implementations.local import LocalFileSystem

from posebridge.populations import files

LEASE = "lease"
LEASE_SECONDS = 60.0
"""After so long without a sign of life, a holder on another host has lost its lease."""


class StoreError(Exception):
    """The store cannot be used as it is; the message says what to do."""


_FREE = "Free some space or give another --store, then run the same command again"
_ASK = "Give a --store of your own, or ask its owner"
_CURES = {
    errno.ENOSPC: f"the disk is full. {_FREE}",
    errno.EDQUOT: f"the quota is used up. {_FREE}",
    errno.EACCES: f"there is no permission to write. {_ASK}",
    errno.EPERM: f"there is no permission to write. {_ASK}",
    errno.EROFS: "the file system is read-only. Give another --store",
}


@dataclass(frozen=True)
class Store:
    """A folder of artifacts.

    Attributes:
        uri: a local path or an fsspec URI such as s3://bucket/folder.
    """

    uri: str

    @property
    def _place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        fs, root = fsspec.core.url_to_fs(self.uri)
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

    def read_json(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Content of a JSON file."""
        return json.loads(self.read(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        fs, root = self._place
        fs.invalidate_cache()
        return bool(fs.exists(f"{root}/{path}"))

    def children(self, path: str) -> list[str]:
        """Names in a folder, sorted, without hidden ones; none if there is no such folder."""
        fs, root = self._place
        fs.invalidate_cache()
        if not fs.exists(f"{root}/{path}"):
            return []
        names = (PurePosixPath(p).name for p in fs.ls(f"{root}/{path}", detail=False))
        return sorted(name for name in names if not name.startswith("."))

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place whole, or leave what was there.

        Raises:
            StoreError: if the disk is full, or may not be written to.
        """
        fs, root = self._place
        try:
            files.put(fs, f"{root}/{path}", content)
        except OSError as error:
            raise self._explained(error, path) from error

    def write_json(self, path: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Put a JSON file in place."""
        self.write(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())

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
            raise StoreError(
                f"the store {self.uri} cannot create a file exclusively, so two workers could do "
                "the same work: use a local folder or an object store with conditional writes."
            ) from error
        return True

    def delete(self, path: str) -> None:
        """Remove a file if it is there."""
        fs, root = self._place
        try:
            fs.rm_file(f"{root}/{path}")
        except FileNotFoundError:
            return

    def _explained(self, error: OSError, path: str) -> StoreError:
        cure = _CURES.get(error.errno or 0)
        if cure is None:
            return StoreError(f"cannot write {path} in the store {self.uri}: {error}.")
        return StoreError(f"cannot write {path} in the store {self.uri}: {cure}.")

    def sweep(self, folder: str) -> None:
        """Remove what somebody who was killed while writing has left in a folder."""
        if not self.is_local:
            return
        for left in Path(self.path(folder)).glob(f".*{files.TEMPORARY}"):
            # Another process may just be trying to take the lease.
            if not left.name.startswith(f".{LEASE}"):
                left.unlink(missing_ok=True)

    @contextmanager
    def lease(self, folder: str) -> Iterator["Lease"]:
        """Hold a folder alone while making what belongs into it.

        Raises:
            LeaseTakenError: if somebody else is at it.
        """
        lease = Lease(self, f"{folder}/{LEASE}")
        lease.take()
        try:
            self.sweep(folder)
            yield lease
        finally:
            self.delete(lease.path)


class LeaseTakenError(Exception):
    """Somebody else is making this artifact."""


@dataclass(frozen=True)
class Lease:
    """The right to make an artifact: a file that says who is at it, since when, and how far."""

    store: Store
    path: str

    def take(self) -> None:
        """Create the lease, or take over one whose holder is gone.

        Raises:
            LeaseTakenError: if its holder is alive.
        """
        path, found = self.path, b""
        # Of several that find the same dead holder, the one that creates its successor file takes
        # over. These files stay: were one removed, a slow process could still take over from a
        # holder that has long been followed. If the successor is dead too, its own is next.
        while not self.store.create(path, self._content({})):
            content = self._read(path)
            holder = parse_holder(content)
            if holder is not None and not holder.is_gone():
                raise LeaseTakenError(
                    f"process {holder.pid} on {holder.host} is making it (since {holder.since})."
                )
            found = found or content
            token = holder.token if holder else hashlib.sha256(content).hexdigest()[:12]
            path = f"{self.path}-after-{token}"
        if path != self.path:
            if self._read(self.path) != found:
                raise LeaseTakenError("another process has just taken it over.")
            self.store.write(self.path, self._content({}))

    def _read(self, path: str) -> bytes:
        try:
            return self.store.read(path)
        except FileNotFoundError:
            raise LeaseTakenError("another process has just finished.") from None

    def beat(self, progress: dict[str, Any]) -> None:
        """Say that the holder lives, and how far it is."""
        self.store.write(self.path, self._content(progress))

    def _content(self, progress: dict[str, Any]) -> bytes:
        return json.dumps(
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "started": psutil.Process().create_time(),
                "beat": time.time(),
                "progress": progress,
            }
        ).encode()


@dataclass(frozen=True)
class Holder:
    """Who holds a lease."""

    host: str
    pid: int
    started: float
    beat: float
    progress: dict[str, Any]

    @property
    def token(self) -> str:
        """Tells this holder from any other."""
        return f"{self.host}-{self.pid}-{self.started:.2f}"

    @property
    def since(self) -> str:
        """When the holder's process started, in local time."""
        return time.strftime("%H:%M:%S", time.localtime(self.started))

    def is_gone(self) -> bool:
        """Whether the holder died on this host, or has not been heard of anywhere."""
        if self.host == socket.gethostname():
            try:
                process = psutil.Process(self.pid)
                if process.status() == psutil.STATUS_ZOMBIE:
                    return True
                return abs(process.create_time() - self.started) > 1.0
            except psutil.NoSuchProcess:
                return True
        return time.time() - self.beat > LEASE_SECONDS


def read_holder(store: Store, path: str) -> Holder | None:
    """Who holds the lease at a path; None if it is free or unreadable."""
    try:
        return parse_holder(store.read(path))
    except FileNotFoundError:
        return None


def parse_holder(content: bytes) -> Holder | None:
    """The holder that the content of a lease names; None if it names none."""
    try:
        return Holder(**json.loads(content))
    except (ValueError, TypeError):
        return None
