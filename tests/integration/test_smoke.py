"""The main job, end to end, as a user runs it."""

from pathlib import Path

import pytest

from posebridge import cli
from posebridge.records import read_records

pytestmark = pytest.mark.slow

EXPERIMENT = str(Path(__file__).parents[2] / "experiments" / "smoke.py")


def test_the_main_job_runs_from_rendering_to_a_leaderboard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "store")
    assert cli.main(["run", EXPERIMENT, "--store", store]) == 0
    picture = tmp_path / "people.png"
    asked = ["leaderboard", EXPERIMENT, "--store", store, "--picture", str(picture)]
    assert cli.main(asked) == 0
    printed = capsys.readouterr().out
    for row in ("published weights", "control", "mean teacher", "oracle", "mean pose"):
        assert f"│ {row} " in printed
    records, half_lines = read_records(tmp_path / "store" / "records" / "smoke.jsonl")
    # Two floors under one seed and four systems under two, each on two populations.
    assert (len(records), half_lines) == (2 * (2 + 4 * 2), 0)
    assert picture.stat().st_size > 0
