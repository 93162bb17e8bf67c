import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from posebridge.commands import doctor
from posebridge.engine.cluster_examination import Demand
from posebridge.engine.doctor.findings import Finding, State
from posebridge.engine.examination import Subject

WELL = Finding("Python", State.OK, "3.11.7")
WARNING = Finding("GPU", State.WARN, "torch does not see it [cuda]", "install torch[cuda]")
FAILURE = Finding("store", State.FAIL, "the disk is full", "free some space")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store")
    doctor.add_doctor(parser)
    return parser.parse_args(["--store", "x", *words])


def run(monkeypatch: pytest.MonkeyPatch, findings: Sequence[Finding]) -> tuple[int, str]:
    monkeypatch.setattr(doctor, "examine", lambda subject: iter(findings))
    printed = io.StringIO()
    status = doctor.doctor(parsed(), Console(file=printed, width=100))
    return status, printed.getvalue()


def test_a_failure_is_told_with_its_cure_and_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    status, printed = run(monkeypatch, [WELL, WARNING, FAILURE])
    assert status == 1
    assert "✗ fail │ store" in printed
    assert "→ free some space" in printed
    assert "3 checks: 1 fail, 1 warn." in printed


def test_a_warning_leaves_the_status_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    status, printed = run(monkeypatch, [WELL, WARNING])
    assert status == 0
    assert "! warn │ GPU" in printed


def test_brackets_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    _, printed = run(monkeypatch, [WARNING])
    assert "torch does not see it [cuda]" in printed
    assert "→ install torch[cuda]" in printed


def test_a_cluster_and_an_experiment_are_looked_at_where_they_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Subject] = []

    def look(subject: Subject) -> Iterator[Finding]:
        seen.append(subject)
        return iter([WELL])

    monkeypatch.setattr(doctor, "examine", look)
    doctor.doctor(parsed(), Console(file=io.StringIO()))
    doctor.doctor(parsed("x.py", "--address", "h:6379"), Console(file=io.StringIO()))
    alone, whole = seen
    assert (alone.store.uri, alone.address, alone.demand) == ("x", None, None)
    assert (whole.address, whole.demand) == ("h:6379", Demand(Path("x.py"), "embedded"))
