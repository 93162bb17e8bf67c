"""What is published in results/ says what its records say."""

from pathlib import Path

import pytest

from leaderboard.regenerated import regenerated
from posebridge.experiment import Experiment, load_experiment
from posebridge.records import read_records

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
BOARDS = sorted((RESULTS / "leaderboards").glob("*.md"))

every_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)


def _experiment(board: Path) -> Experiment:
    """The experiment whose name the page has, at the scale of its records."""
    records, _ = read_records(RESULTS / "records" / f"{board.stem}.jsonl")
    scale = records[0].scale
    file = ROOT / "experiments" / f"{board.stem.removesuffix('-smoke')}.py"
    return load_experiment(file, scale=scale)


@every_board
def test_a_published_page_is_what_its_records_give(board: Path) -> None:
    assert board.read_text(encoding="utf-8") == regenerated(RESULTS, _experiment(board)), (
        "write it anew: posebridge leaderboard experiments/… --publish results"
    )


@every_board
def test_published_records_are_whole_and_have_their_peoples_errors(board: Path) -> None:
    file = RESULTS / "records" / f"{board.stem}.jsonl"
    records, half_lines = read_records(file)
    assert half_lines == 0
    assert {record.experiment for record in records} == {board.stem}
    assert len({record.key for record in records}) == len(records)
    assert [r.people for r in records if not (file.parent / r.people).is_file()] == []


@every_board
def test_a_page_has_its_numbers_beside_it(board: Path) -> None:
    assert board.with_suffix(".csv").is_file()


def test_nobodys_errors_are_published_without_a_record() -> None:
    named = {
        record.people
        for file in (RESULTS / "records").glob("*.jsonl")
        for record in read_records(file)[0]
    }
    there = {f"people/{path.name}" for path in (RESULTS / "records" / "people").glob("*")}
    assert there - named == set()
