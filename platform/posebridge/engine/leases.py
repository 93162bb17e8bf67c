"""The right to make an artifact: a file beside it that says who is at it.

All that it needs of a store is that one of several can create a file, and whole reads and writes.
Whose name the file has is the holder; every holder looks just before it puts a file in place. A
pause between that look and the file cannot be excluded, but does no harm: everybody who makes an
artifact makes the same bits, and a file is replaced whole.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from posebridge.engine.artifacts import Store, to_json
from posebridge.engine.holders import Holder, Watch, lease_name, parse_holder
from posebridge.populations import files

LEASE = "lease"
BEAT_SECONDS = 2.0
"""Between two signs of life."""
log = logging.getLogger(__name__)


class LeaseTakenError(Exception):
    """Somebody else is making this artifact."""


class LeaseLostError(Exception):
    """Somebody else has taken the lease over: nothing more may be written under it."""


@dataclass
class Lease:
    """A lease that this process holds, or wants.

    A copy in another process of the same training may write under it as well.

    Attributes:
        store: where it lies.
        path: of its file.
        holder: this process, when it took the lease.
        lost: set once it is known that somebody else has it.
    """

    store: Store
    path: str
    holder: Holder = field(default_factory=Holder.here)
    lost: LeaseLostError | None = None
    _progress: dict[str, float] = field(default_factory=dict, init=False)

    @property
    def folder(self) -> str:
        """In which it lies."""
        return self.path.rpartition("/")[0]

    def take(self, watch: Watch) -> None:
        """Create the lease, or take over one whose holder is gone.

        Of several that find the same holder gone, the one that creates the claim to follow it
        takes over. If that one is gone too, its own claim is next. A claim counts only while the
        lease is as it was found, so that nobody follows a holder that was followed long ago.

        Raises:
            LeaseTakenError: if its holder is alive.
        """
        path, found, mine = self.path, b"", self.holder.content()
        while not self.store.create(path, mine):
            content = self._read(path)
            if content == mine:
                break  # It was created, but an object store's answer was lost and it asked again.
            if not watch.is_gone(path, content):
                raise LeaseTakenError(f"{parse_holder(content)} is making it.")
            found = found or content
            path = f"{self.path}-after-{lease_name(content)}"
        if path != self.path:
            self.store.write(self.path, mine, confirm=partial(self._check, found, path))
            self._delete_claims()

    def tell(self, progress: dict[str, float]) -> None:
        """Set how far the holder is; the next sign of life says so.

        Raises:
            LeaseLostError: if it is known by now that somebody else has the lease.
        """
        if self.lost is not None:
            raise self.lost
        self._progress = progress

    def beat(self) -> None:
        """Say that the holder lives, and how far it is.

        Raises:
            LeaseLostError: if somebody else has the lease.
        """
        # Another process of the same training may have said how far it is.
        said = self.confirm().progress
        progress = self._progress or said
        sign = replace(self.holder, beat=time.time(), progress=progress)
        self.write(self.path, sign.content())

    def confirm(self) -> Holder:
        """See that the lease is still held.

        Raises:
            LeaseLostError: if somebody else has the lease.
        """
        found = read_holder(self.store, self.path)
        if found is None or found.lease != self.holder.lease:
            raise LeaseLostError(
                f"{self.path} must be held by {self.holder}, but is by {found or 'nobody'}: this "
                "process gave no sign of life for too long, and stops without writing any more. "
                "Let the other finish, or run the same command again."
            )
        return found

    def write(self, path: str, content: bytes) -> None:
        """Put a file of the artifact in place, as `Store.write` does.

        Raises:
            LeaseLostError: if somebody else has the lease.
        """
        self.store.write(path, content, confirm=self.confirm)

    def write_json(self, path: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Put a JSON file of the artifact in place, likewise."""
        self.write(path, to_json(value))

    def delete(self, path: str) -> None:
        """Remove a file of the artifact, likewise."""
        self.confirm()
        self.store.delete(path)

    def release(self) -> None:
        """Give the lease back, unless somebody else has it."""
        with suppress(LeaseLostError):
            self.delete(self.path)
            self._delete_claims()

    def _delete_claims(self) -> None:
        folder, _, name = self.path.rpartition("/")
        for child in self.store.children(folder):
            if child.startswith(f"{name}-after-"):
                self.store.delete(f"{folder}/{child}")

    def _check(self, found: bytes, claim: str) -> None:
        if self.store.read_many([self.path]) != {self.path: found}:
            self.store.delete(claim)
            raise LeaseTakenError("another process has just taken it over, or finished.")

    def _read(self, path: str) -> bytes:
        try:
            return self.store.read(path)
        except FileNotFoundError:
            raise LeaseTakenError("another process has just finished.") from None


@contextmanager
def hold(
    store: Store, folder: str, name: str = LEASE, watch: Watch | None = None
) -> Iterator[Lease]:
    """Hold a folder alone while making what belongs into it, with a sign of life now and then.

    Args:
        store: where it lies.
        folder: of the artifact.
        name: of the lease, where several artifacts share a folder; starts with `lease`.
        watch: has seen the lease before; without it only a process that ended here is followed.

    Raises:
        LeaseTakenError: if somebody else is at it.
        LeaseLostError: if somebody else has taken it over meanwhile.
    """
    lease = Lease(store, f"{folder}/{name}")
    lease.take(watch or Watch())
    try:
        with beating(lease):
            sweep(store, folder)
            yield lease
    except LeaseLostError:
        raise
    except Exception:
        # Whatever went wrong, somebody else who is at the same files may have caused it.
        lease.confirm()
        raise
    finally:
        lease.release()


@contextmanager
def beating(lease: Lease) -> Iterator[None]:
    """Give a sign of life now and then."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                lease.beat()
            except LeaseLostError as lost:
                lease.lost = lost
                return
            except Exception as error:  # noqa: BLE001 - the next sign of life may get through
                log.warning("%s: no sign of life could be given: %s", lease.path, error)

    thread = threading.Thread(target=beat, name=f"beat of {lease.path}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def clear(store: Store, path: str, watch: Watch) -> None:
    """Remove a lease whose holder is gone, so that who takes it next need not watch it as well."""
    if not store.exists(path):
        return
    lease = Lease(store, path)
    with suppress(LeaseTakenError):
        lease.take(watch)
        lease.release()


def sweep(store: Store, folder: str) -> None:
    """Remove what somebody who was killed while writing has left in a folder."""
    if not store.is_local:
        return
    for left in Path(store.path(folder)).glob(f".*{files.TEMPORARY}"):
        # Another process may just be trying to take the lease.
        if not left.name.startswith(f".{LEASE}"):
            left.unlink(missing_ok=True)


def read_holder(store: Store, path: str) -> Holder | None:
    """Who holds the lease at a path; None if it is free or unreadable."""
    try:
        return parse_holder(store.read(path))
    except FileNotFoundError:
        return None
