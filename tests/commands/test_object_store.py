"""Records of an experiment whose store is no folder: `run`, `leaderboard` and `status`."""

import io
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import fsspec
import pytest
from rich.console import Console

from commands.question import QUESTION, Face, write_question
from leaderboard.regenerated import regenerated
from object_store import new_bucket
from posebridge import cli
from posebridge.engine.artifacts import Store
from posebridge.engine.records_folder import RecordsFolder
from posebridge.records import read_records, same_result

pytestmark = pytest.mark.slow
RECORDS = (2 + 4) * 2
"""Two floors and four systems on two populations."""


@dataclass(frozen=True)
class There:
    """A store on S3 with all that an experiment leaves but its records, and whoever asks for it.

    Attributes:
        uri: of the store.
        file: of the experiment.
    """

    uri: str
    file: Path

    @property
    def kept(self) -> RecordsFolder:
        """Its records."""
        return RecordsFolder.of(Store(self.uri))

    def ask(self, verb: str, *words: str | Path) -> tuple[int, str]:
        """Exit status of a verb under the first seed, and what it printed."""
        given = [verb, str(self.file), "--store", self.uri, "--seeds", "0", *map(str, words)]
        asked = cli.parser().parse_args(given)
        printed = io.StringIO()
        status: int = asked.verb(asked, Console(file=printed, width=200))
        return status, printed.getvalue()


@pytest.fixture(scope="module")
def there(
    first: tuple[Face, int, str], s3: None, tmp_path_factory: pytest.TempPathFactory
) -> There:
    folder, bucket = tmp_path_factory.mktemp("there"), new_bucket()
    ignored = shutil.ignore_patterns("records", "weights.*", "tensorboard")
    shutil.copytree(first[0].store, folder / "store", ignore=ignored)
    filesystem, _ = fsspec.core.url_to_fs(bucket)
    filesystem.put(f"{folder / 'store'}/", f"{bucket}/store/", recursive=True)
    return There(f"{bucket}/store", write_question(folder / "experiments"))


def test_records_go_into_the_store_and_are_read_from_there(
    first: tuple[Face, int, str], there: There, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job").mkdir()
    monkeypatch.chdir(tmp_path / "job")
    for _ in range(2):
        status, printed = there.ask("run", "--debug")
        assert status == 0
        assert f"done: {RECORDS} records in {there.uri}/records/question/. See them" in printed
    # What a job leaves in its own folder is lost with it.
    assert list((tmp_path / "job").iterdir()) == []
    assert there.kept.store.children("question") == ["000001.jsonl"]

    face, _, _ = first
    ours = there.kept.by_key("question")
    theirs = [record for record in read_records(face.records)[0] if record.seed == 0]
    assert len(ours) == RECORDS
    assert all(same_result(ours[record.key], record) == [] for record in theirs)
    assert there.ask("status") == face.ask("status", "--seeds", "0")
    results = tmp_path / "results"
    status, printed = there.ask("leaderboard", "--publish", results)
    assert status == 0
    assert printed.startswith(face.ask("leaderboard", "--seeds", "0")[1])
    page = results / "leaderboards" / "question.md"
    assert page.read_text(encoding="utf-8") == regenerated(results, replace(QUESTION, seeds=(0,)))


def test_before_the_first_run_there_is_no_leaderboard(there: There) -> None:
    with pytest.raises(FileNotFoundError, match=rf"no records at {there.uri}/records/.*-smoke/: "):
        there.ask("leaderboard", "--scale", "smoke")


def test_errors_of_people_that_are_gone_are_named_when_they_are_published(
    there: There, tmp_path: Path
) -> None:
    there.ask("run", "--debug")
    record, *_ = there.kept.read("question")[0]
    there.kept.store.delete(record.people)
    with pytest.raises(ValueError, match=rf"of record {record.key} .* are gone: run the exper"):
        there.ask("leaderboard", "--publish", tmp_path / "results")
    there.ask("run", "--debug")
    assert there.kept.people(record.people)
