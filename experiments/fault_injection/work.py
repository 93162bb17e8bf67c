"""Who is at work in a store, on what, and what is just being written."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from posebridge.engine.holders import parse_holder
from posebridge.engine.leases import LEASE
from posebridge.populations.files import TEMPORARY

LEASES = (f"stages/*/{LEASE}", f"evaluations/*/{LEASE}", f"populations/*/leases/{LEASE}-*")


@dataclass(frozen=True)
class Work:
    """Somebody at work.

    Attributes:
        pid: the process.
        folder: of what it makes.
        file: that it is just writing, where that is known.
    """

    pid: int
    folder: Path
    file: Path | None = None

    def __str__(self) -> str:
        """What it makes, or writes."""
        kind = self.folder.parent.name.removesuffix("s")
        what = f"{kind} {self.folder.name[:20]}"
        return what if self.file is None else f"{self.file.name.split('.')[1]} of {what}"


def at_work(store: Path) -> Iterator[Work]:
    """Who holds a lease."""
    for pattern in LEASES:
        for path in store.glob(pattern):
            try:
                holder = parse_holder(path.read_bytes())
            except FileNotFoundError:
                continue
            if holder is not None:
                in_place = path.name == LEASE
                yield Work(holder.pid, path.parent if in_place else path.parent.parent)


def writing(store: Path) -> Iterator[Work]:
    """Who is just writing a file, other than a sign of life."""
    for work in at_work(store):
        for file in work.folder.rglob(f".*{TEMPORARY}"):
            if not file.name.startswith(f".{LEASE}"):
                yield Work(work.pid, work.folder, file)


def is_whole(checkpoint: Path) -> bool:
    """Whether the content of a checkpoint is what its name says."""
    return checkpoint.stem.endswith(f"-{zlib.crc32(checkpoint.read_bytes()):08x}")


def unfinished_checkpoints(store: Path) -> list[Path]:
    """Checkpoints of stages that are not done, the newest last."""
    found = [
        path for path in store.glob("stages/*/checkpoint-*") if not path.with_name("done").exists()
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)
