"""Where a result comes from: the commit and the libraries.

Kept beside results, never part of a key.
"""

import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "ray", "numpy", "opencv-python-headless", "numba", "pyarrow", "posebridge")
COMMIT_VARIABLE = "POSEBRIDGE_COMMIT"
"""Tells a job its commit: what it runs is a copy of the tracked files, without `.git`."""


@functools.cache
def commit() -> str:
    """The commit of the code that runs, with a + where files differ; "unknown" without one."""
    if told := os.environ.get(COMMIT_VARIABLE):
        return told
    here = Path(__file__).parent
    try:
        # Installed, this may lie in a repository of somebody else's.
        _git(here, "ls-files", "--error-unmatch", __file__)
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(here, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


@functools.cache
def versions() -> dict[str, str]:
    """Python and the libraries that decide a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def _git(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=10
    )
    return answer.stdout.strip()
