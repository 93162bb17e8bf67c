"""A small disk of one's own, which can be full."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")
INSIDE = "POSEBRIDGE_FAULTS_HAS_ITS_MOUNTS"


def begin_again_with_own_mounts() -> None:
    """Become the same command where mounting needs no rights, and nobody else sees the mounts.

    Raises:
        OSError: if this system does not let its users do that.
    """
    if INSIDE in os.environ:
        return
    able = (
        shutil.which(UNSHARE[0]) and not subprocess.run([*UNSHARE, "true"], check=False).returncode
    )
    if not able:
        raise OSError(
            "a small disk must be mounted, but unshare --user --mount does not work here: let "
            "users have namespaces (sysctl user.max_user_namespaces, or a container with "
            "SYS_ADMIN), or leave the disk out with --kinds."
        )
    os.environ[INSIDE] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """A disk at a folder for as long as this lasts, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "faults", str(folder))
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


@contextmanager
def filled(folder: Path, left_bytes: int) -> Iterator[None]:
    """A disk with no more than so many bytes free, for as long as this lasts."""
    filler = folder / "filler"
    try:
        with filler.open("wb") as file:
            while (free := shutil.disk_usage(folder).free - left_bytes) > 0:
                # Somebody else may just have taken some of it.
                with suppress(OSError):
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, free)
        yield
    finally:
        filler.unlink()
