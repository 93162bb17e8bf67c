"""`doctor`: what this machine lacks, each with a cure in one line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster_examination import Demand
from posebridge.engine.doctor.findings import Finding, State
from posebridge.engine.examination import Subject, examine

SIGNS = {State.OK: "[green]✓ ok[/]", State.WARN: "[yellow]! warn[/]", State.FAIL: "[red]✗ fail[/]"}


def add_doctor(added: argparse.ArgumentParser) -> None:
    """It looks at everything; at a cluster and an experiment too, if they are named."""
    added.add_argument(
        "experiment", nargs="?", type=Path, help="is there a CPU for all that it does at once?"
    )
    added.add_argument("--scale", default="embedded", help="of the experiment")
    added.add_argument("--address", help="of a Ray cluster that this machine can join, HEAD:6379")
    added.epilog = "The status is 1 if anything fails; a warning leaves it 0."


def doctor(asked: argparse.Namespace, console: Console) -> int:
    """Look at everything and show what was found."""
    demand = Demand(asked.experiment, asked.scale) if asked.experiment else None
    findings = []
    with console.status("looking …"):
        for finding in examine(Subject(Store(asked.store), asked.address, demand)):
            findings.append(finding)
    console.print(table(findings))
    failed = sum(one.state is State.FAIL for one in findings)
    warned = sum(one.state is State.WARN for one in findings)
    console.print(f"{len(findings)} checks: {failed} fail, {warned} warn.", highlight=False)
    return 1 if failed else 0


def table(findings: Sequence[Finding]) -> Grid:
    """The findings, one a row, each with its cure below it."""
    grid = Grid("", "check")
    grid.add_column("found and cure", overflow="fold")
    for one in findings:
        cure = f"\n[bold]→ {escape(one.cure)}[/]" if one.cure else ""
        grid.add_row(SIGNS[one.state], escape(one.name), escape(one.found) + cure)
    return grid
