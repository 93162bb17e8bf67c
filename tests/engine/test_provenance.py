import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from posebridge.engine import provenance
from posebridge.engine.provenance import COMMIT_VARIABLE, PACKAGES, commit, versions


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Ask anew in every test."""
    commit.cache_clear()
    versions.cache_clear()
    yield
    commit.cache_clear()
    versions.cache_clear()


def _answers(monkeypatch: pytest.MonkeyPatch, **known: str | Exception) -> None:
    def answer(folder: Path, *arguments: str) -> str:
        told = known[arguments[0].replace("-", "_")]
        if isinstance(told, Exception):
            raise told
        return told

    monkeypatch.setattr(provenance, "_git", answer)


def test_the_commit_has_a_plus_where_files_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, ls_files="", rev_parse="abcdef012345", status="")
    assert commit() == "abcdef012345"
    commit.cache_clear()
    _answers(monkeypatch, ls_files="", rev_parse="abcdef012345", status=" M records.py")
    assert commit() == "abcdef012345+"


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("git"),
        subprocess.CalledProcessError(128, "git"),
        subprocess.TimeoutExpired("git", 10),
    ],
)
def test_without_an_answer_of_git_the_commit_is_unknown(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _answers(monkeypatch, ls_files="", rev_parse="abcdef012345", status=error)
    assert commit() == "unknown"


def test_the_commit_of_a_repository_that_only_surrounds_the_package_is_not_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    installed = tmp_path / "site-packages" / "provenance.py"
    installed.parent.mkdir()
    installed.write_text("")
    git("init")
    git("commit", "--allow-empty", "-m", "Of somebody else")
    monkeypatch.setattr(provenance, "__file__", str(installed))
    assert commit() == "unknown"
    commit.cache_clear()
    git("add", ".")
    git("commit", "-m", "Its own")
    assert len(commit()) == 12
    commit.cache_clear()
    installed.write_text("changed")
    assert commit().endswith("+")


def test_git_is_asked_once_and_not_for_every_record(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, ls_files="", rev_parse="abcdef012345", status="")
    commit()
    _answers(monkeypatch, ls_files=OSError("asked again"))
    assert commit() == "abcdef012345"


def test_versions_name_python_and_every_library_that_decides_a_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(versions()) == {"python", *PACKAGES}
    versions.cache_clear()
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert versions()["no-such-package"] == "not installed as a package"


def test_a_job_is_told_the_commit_of_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, ls_files=OSError("no .git"))
    monkeypatch.setenv(COMMIT_VARIABLE, "0123456789ab+")
    assert commit() == "0123456789ab+"
