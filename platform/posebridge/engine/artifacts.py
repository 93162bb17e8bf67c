"""The store: artifacts under the keys of what made them, with a lease while somebody makes one and `done` at the end.

A local folder or any fsspec URI. Every byte goes through `Store.write`, which replaces a file whole or not at all.
"""

import errno
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec
import psutil
from fsspec.implementations.local import LocalFileSystem

LEASE_SECONDS = 60.0
"""A lease whose holder has not been heard of for so long is free, unless the holder is seen alive on this host."""


class StoreError(Exception):
    """The store cannot be used as it is; the message says what to do."""


_CURES = {
    errno.ENOSPC: "the disk is full. Free some space or give another --store, then run the same command again",
    errno.EDQUOT: "the quota is used up. Free some space or give another --store, then run the same command again",
    errno.EACCES: "there is no permission to write. Give a --store of your own, or ask its owner",
    errno.EPERM: "there is no permission to write. Give a --store of your own, or ask its owner",
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
        return "/".join([self.uri.rstrip("/"), *parts])

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
        """Names in a folder, sorted; none if there is no such folder."""
        fs, root = self._place
        fs.invalidate_cache()
        if not fs.exists(f"{root}/{path}"):
            return []
        return sorted(PurePosixPath(p).name for p in fs.ls(f"{root}/{path}", detail=False))

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place whole, or leave what was there.

        Raises:
            StoreError: if the disk is full, or may not be written to.
        """
        fs, root = self._place
        full = f"{root}/{path}"
        try:
            if isinstance(fs, LocalFileSystem):
                _replace_local(full, content)
            else:
                fs.pipe_file(full, content)
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
        full = f"{root}/{path}"
        try:
            if isinstance(fs, LocalFileSystem):
                os.makedirs(os.path.dirname(full), exist_ok=True)
                _link_local(full, content)
            else:
                fs.pipe_file(full, content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise self._explained(error, path) from error
        except (NotImplementedError, TypeError, ValueError) as error:
            raise StoreError(
                f"the store {self.uri} cannot create a file exclusively, so two workers could do the same work: "
                "use a local folder or an object store with conditional writes."
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

    @contextmanager
    def lease(self, folder: str) -> Iterator["Lease"]:
        """Hold a folder alone while making what belongs into it.

        Raises:
            LeaseTakenError: if somebody else is at it.
        """
        lease = Lease(self, f"{folder}/lease")
        lease.take()
        try:
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
        if self.store.create(self.path, self._content({})):
            return
        holder = read_holder(self.store, self.path)
        if holder is not None and not holder.is_gone():
            raise LeaseTakenError(
                f"process {holder.pid} on {holder.host} is making it (since {holder.since})."
            )
        # Of several that find the same dead holder, the one that creates this file takes over. It stays: were it
        # removed, a slow one could still delete the new holder's lease.
        marker = f"{self.path}-{holder.token if holder else 'unreadable'}-ended"
        if not self.store.create(marker, b""):
            raise LeaseTakenError("another process took it over just now.")
        self.store.write(self.path, self._content({}))

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
                return abs(psutil.Process(self.pid).create_time() - self.started) > 1.0
            except psutil.NoSuchProcess:
                return True
        return time.time() - self.beat > LEASE_SECONDS


def read_holder(store: Store, path: str) -> Holder | None:
    """Who holds the lease at a path; None if it is free or unreadable."""
    try:
        return Holder(**store.read_json(path))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _replace_local(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _link_local(path: str, content: bytes) -> None:
    """Create a file exclusively, with its content in it from the first moment."""
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    with open(temporary, "xb") as file:
        file.write(content)
    try:
        os.link(temporary, path)
    finally:
        os.unlink(temporary)
