import argparse
import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from posebridge.commands import doctor
from posebridge.engine.doctor import Finding, State

WELL = Finding("Python", State.OK, "3.11.7")
WARNING = Finding("GPU", State.WARN, "torch does not see it [cuda]", "install torch[cuda]")
FAILURE = Finding("store", State.FAIL, "the disk is full", "free some space")


def run(monkeypatch: pytest.MonkeyPatch, findings: Sequence[Finding]) -> tuple[int, str]:
    monkeypatch.setattr(doctor, "examine", lambda store: iter(findings))
    printed = io.StringIO()
    status = doctor.doctor(argparse.Namespace(store="x"), Console(file=printed, width=100))
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


def test_it_takes_no_options() -> None:
    parser = argparse.ArgumentParser()
    doctor.add_doctor(parser)
    assert vars(parser.parse_args([])) == {}
