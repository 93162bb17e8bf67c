"""The experiment itself, a part of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fault_injection.journal import Journal

SCRIPT = Path(__file__).parents[2] / "experiments" / "faults.py"


def done(kind: str, number: int, *inside: bool, **counts: int) -> dict[str, Any]:
    """A round."""
    faults = [{"kind": kind, "struck": "", "after_s": 1.0, "inside": one} for one in inside]
    base = {"kind": kind, "number": number, "seed": "s", "seconds": 60.0, "left": []}
    return {**base, "faults": faults, **counts}


def test_the_journal_goes_on_and_sums_what_was_done(tmp_path: Path) -> None:
    Journal(tmp_path).add(done("driver", 0, True, False, records=4, records_lost=1))
    journal = Journal(tmp_path)
    journal.add(done("driver", 1, False, records=4, records_lost=0))
    journal.add(done("head", 0, True, records=4, records_lost=2))
    assert Journal(tmp_path).summed(["driver"]) == {
        "faults": 3,
        "inside_writes": 1,
        "records": 8,
        "records_lost": 1,
        "by_kind": {"driver": {"faults": 3, "inside_writes": 1}},
        "rounds": 2,
        "minutes": 2.0,
    }
    assert journal.summed(["driver", "head"])["records_lost"] == 3


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_kind_that_there_is_not_is_refused() -> None:
    told = run("--kinds", "worker,weather")
    assert told.returncode == 2
    assert "--kinds must be some of worker, trial, driver" in told.stderr
    assert "but got weather." in told.stderr


@pytest.mark.slow
@pytest.mark.long
def test_a_sweep_whose_trial_and_driver_are_killed_finds_the_same(tmp_path: Path) -> None:
    told = run("--kinds", "trial,driver", "--each", "1", "--work", str(tmp_path))
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    assert found["faults"] == 2
    assert found["records"] == 2 * 12
    wrong = (
        "records_lost",
        "records_different",
        "stages_run_twice",
        "processes_left",
        "tracebacks",
    )
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
