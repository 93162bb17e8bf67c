"""The clean archive that a job runs: what git tracks, as it lies in the working tree.

Never `.git`, an environment or a store, which make uploads too large (ray#45602).
"""

import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST_ARCHIVE = 512 * 1024**2
"""Bytes from which on Ray refuses a package."""
NAMED = 5
"""Files that a line names at most."""
MEGABYTE = 1e6


@dataclass(frozen=True)
class Archive:
    """Files that travel to a cluster.

    Attributes:
        content: a zip file, the same bytes for the same files.
        sizes: bytes of each file before compression, by its path.
        changed: paths of tracked files that differ from the last commit.
        left_out: paths of files that are neither tracked nor ignored.
        commit: the last commit, short; with a + where files differ.
    """

    content: bytes
    sizes: Mapping[str, int]
    changed: tuple[str, ...]
    left_out: tuple[str, ...]
    commit: str

    @property
    def digest(self) -> str:
        """Tells this content from any other: 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    def describe(self) -> str:
        """Its size, what of it is not committed, and what is not in it, in one line."""
        files = f"{len(self.sizes)} tracked files of commit {self.commit.removesuffix('+')}"
        changes = f", {len(self.changed)} of them changed since" if self.changed else ""
        told = f"archive: {len(self.content) / MEGABYTE:.1f} MB, {files}{changes}"
        if not self.left_out:
            return told
        named = ", ".join(self.left_out[:NAMED]) + (", …" if len(self.left_out) > NAMED else "")
        return f"{told}; left out, since git does not track them: {named}"

    def check_size(self, limit: int = LARGEST_ARCHIVE) -> None:
        """Refuse what Ray would not take.

        Raises:
            ValueError: if the archive is too large; the message names its largest files.
        """
        if len(self.content) < limit:
            return
        largest = sorted(self.sizes, key=lambda name: -self.sizes[name])[:NAMED]
        named = ", ".join(f"{name} ({self.sizes[name] / MEGABYTE:.1f} MB)" for name in largest)
        raise ValueError(
            f"an archive must be smaller than {limit / MEGABYTE:.0f} MB, but this one has "
            f"{len(self.content) / MEGABYTE:.1f} MB: git rm --cached what the job does not need. "
            f"The largest files: {named}."
        )

    def check_holds(self, file: Path) -> None:
        """Refuse a file that the job would not find.

        Raises:
            ValueError: if the file is not in the archive.
        """
        if file.is_absolute():
            raise ValueError(
                f"{file} must be given relative to the repository: a job runs in a copy of it."
            )
        if os.path.normpath(file) not in self.sizes:
            raise ValueError(
                f"{file} is not tracked by git, so the job would not have it: git add {file}"
            )


def pack(root: Path) -> Archive:
    """Pack the tracked files of a repository.

    Args:
        root: its top folder.

    Raises:
        ValueError: if this is not the top of a repository.
    """
    top = _git(root, "rev-parse", "--show-toplevel").strip()
    if Path(top).resolve() != root.resolve():
        raise ValueError(f"a job is submitted from the top of its repository: cd {top}")
    # A file may be tracked and gone, a link or a submodule be no file.
    tracked = [name for name in _names(root, "ls-files") if (root / name).is_file()]
    changed = _names(root, "diff", "--name-only", "HEAD")
    head = _git(root, "rev-parse", "--short=12", "HEAD").strip()
    contents = {name: (root / name).read_bytes() for name in sorted(tracked)}
    return Archive(
        content=_zipped(contents),
        sizes={name: len(content) for name, content in contents.items()},
        changed=tuple(changed),
        left_out=tuple(_names(root, "ls-files", "--others", "--exclude-standard")),
        commit=head + ("+" if changed else ""),
    )


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            # Of no time and no owner, so that the same files give the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _names(root: Path, *arguments: str) -> list[str]:
    return [name for name in _git(root, *arguments, "-z").split("\0") if name]


def _git(root: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise ValueError("a job is made of the files that git tracks: install git") from error
    except subprocess.CalledProcessError as error:
        raise ValueError(
            f"a job is made of the files that git tracks, but {root} is no repository with a "
            f"commit ({error.stderr.strip()}): git init, git add and git commit first."
        ) from error
    return answer.stdout
