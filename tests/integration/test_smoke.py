"""The main job, end to end, as a user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from posebridge.records import read_records

pytestmark = pytest.mark.slow

EXPERIMENT = str(Path(__file__).parents[2] / "experiments" / "smoke.py")
COMMAND = "import sys; from posebridge.cli import main; sys.exit(main())"


def _posebridge(*words: str) -> str:
    """What a command prints; a process of its own, since tests share one cluster in theirs."""
    asked = [sys.executable, "-c", COMMAND, *words]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_main_job_runs_from_rendering_to_a_leaderboard(tmp_path: Path) -> None:
    store, picture = str(tmp_path / "store"), tmp_path / "people.png"
    _posebridge("run", EXPERIMENT, "--store", store)
    printed = _posebridge("leaderboard", EXPERIMENT, "--store", store, "--picture", str(picture))
    for row in ("published weights", "control", "mean teacher", "oracle", "mean pose"):
        assert f"│ {row} " in printed
    records, half_lines = read_records(tmp_path / "store" / "records" / "smoke.jsonl")
    # Two floors under one seed and four systems under two, each on two populations.
    assert (len(records), half_lines) == (2 * (2 + 4 * 2), 0)
    assert picture.stat().st_size > 0
