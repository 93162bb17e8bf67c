import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from posebridge.engine.archive import LARGEST_ARCHIVE, Archive, pack

GIT = ("git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with two committed files, one ignored and one that is not tracked."""
    git(tmp_path, "init")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("A = 1\n")
    (tmp_path / "größe.txt").write_text("b" * 5000)
    (tmp_path / ".gitignore").write_text("store\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "First")
    (tmp_path / "store").write_text("c" * 1000)
    (tmp_path / "new.py").write_text("N = 1\n")
    return tmp_path


def contents(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_it_holds_what_git_tracks_and_nothing_else(repository: Path) -> None:
    packed = pack(repository)
    assert set(contents(packed)) == {".gitignore", "code/a.py", "größe.txt"}
    assert packed.sizes["größe.txt"] == 5000
    assert packed.changed == ()
    assert packed.left_out == ("new.py",)
    assert packed.describe() == (
        f"archive: 0.0 MB, 3 tracked files of commit {packed.commit}; left out, since git does "
        "not track them: new.py"
    )


def test_changes_that_are_not_committed_travel_and_are_told(repository: Path) -> None:
    (repository / "code" / "a.py").write_text("A = 2\n")
    (repository / "größe.txt").unlink()
    git(repository, "add", "new.py")
    packed = pack(repository)
    assert contents(packed)["code/a.py"] == b"A = 2\n"
    assert set(contents(packed)) == {".gitignore", "code/a.py", "new.py"}
    assert packed.changed == ("code/a.py", "größe.txt", "new.py")
    assert packed.describe().endswith(", 3 of them changed since")
    assert packed.commit.endswith("+")


def test_the_same_files_give_the_same_bytes(repository: Path) -> None:
    first = pack(repository)
    (repository / "code" / "a.py").touch()
    assert pack(repository).digest == first.digest
    (repository / "code" / "a.py").write_text("A = 2\n")
    assert pack(repository).digest != first.digest


def test_what_ray_would_refuse_is_refused_before_with_the_largest_files(repository: Path) -> None:
    packed = pack(repository)
    packed.check_size()
    with pytest.raises(ValueError, match=r"smaller than 0 MB.*git rm --cached.*: größe.txt \(0.0"):
        packed.check_size(limit=len(packed.content))


def test_the_limit_is_that_of_ray() -> None:
    from ray._private.runtime_env.packaging import GCS_STORAGE_MAX_SIZE

    assert LARGEST_ARCHIVE == GCS_STORAGE_MAX_SIZE


def test_a_file_that_would_not_travel_is_told(repository: Path) -> None:
    packed = pack(repository)
    packed.check_holds(Path("code/a.py"))
    packed.check_holds(Path("./code/../code/a.py"))
    with pytest.raises(ValueError, match=r"new.py is not tracked by git.*git add new.py"):
        packed.check_holds(Path("new.py"))
    with pytest.raises(ValueError, match="must be given relative to the repository"):
        packed.check_holds(repository / "code" / "a.py")


def test_a_job_is_submitted_from_the_top(repository: Path) -> None:
    with pytest.raises(ValueError, match=f"from the top of its repository: cd {repository}"):
        pack(repository / "code")


def test_what_is_no_repository_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ValueError, match=r"is no repository with a commit .*git init, git add"):
        pack(tmp_path)
    git(tmp_path, "init")
    with pytest.raises(ValueError, match="is no repository with a commit"):
        pack(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="install git"):
        pack(tmp_path)
