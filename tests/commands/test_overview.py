"""`plan` on machines that are too small, and what it says of those that are not."""

import re
from pathlib import Path

import pytest

from commands.question import RECORDS, TRAININGS, Face, write_question
from posebridge import cli
from posebridge.engine.cluster import local_cpus

CPUS = local_cpus()


@pytest.fixture
def face(tmp_path: Path) -> Face:
    """A user who has run nothing yet."""
    return Face(tmp_path / "store", write_question(tmp_path / "experiments"))


def test_a_plan_shows_the_room_that_there_is_and_what_fits_at_once(face: Face) -> None:
    _, printed = face.ask("plan", "--set", "adapt.threads=2")
    assert f"Room: 1 × {CPUS} CPUs" in printed
    rows = re.findall(r"│ (\d+) +│ (\d+ CPUs?) +│ (\d+) +│", printed)
    assert [(takes, int(fits)) for _, takes, fits in rows] == [
        ("1 CPU", CPUS),
        ("2 CPUs", CPUS // 2),
    ]
    assert sum(int(trainings) for trainings, _, _ in rows) == TRAININGS


@pytest.mark.parametrize(
    ("threads", "workers", "message"),
    [
        (CPUS + 1, 1, f"needs {CPUS + 1} CPUs on one node, but there is 1 node (1 × {CPUS} CPUs)"),
        (CPUS, 2, f"needs 2 workers × ({CPUS} CPUs) = {2 * CPUS} CPUs, but there is 1 node"),
    ],
)
def test_a_plan_that_has_no_room_is_refused(
    face: Face, capsys: pytest.CaptureFixture[str], threads: int, workers: int, message: str
) -> None:
    asked = ["plan", str(face.file), "--store", str(face.store)]
    settings = ["--set", f"adapt.threads={threads}", "--set", f"adapt.workers={workers}"]
    assert cli.main([*asked, *settings]) == 1
    assert message in " ".join(capsys.readouterr().err.split())
    assert not face.store.exists()


def test_an_evaluation_is_priced_once_one_like_it_was_measured(face: Face) -> None:
    face.ask("run", "--debug", "--seeds", "0")
    _, printed = face.ask("plan")
    assert "no price yet" not in printed
    assert "not measured yet" not in printed
    assert "≈" not in printed
    assert re.search(r"takes about \d+ seconds one after the other, and here at least", printed)
    _, printed = face.ask("run", "--debug")
    assert f"done: {RECORDS} records" in printed
