"""What a person sees of a sweep while it runs."""

import math
import time
from collections import Counter
from statistics import median
from typing import Literal

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from posebridge.engine.graph import Failure, Task, Watcher
from posebridge.engine.tune.driver import SweepWatcher
from posebridge.engine.tune.exploring import current
from posebridge.engine.tune.outcomes import Outcome, Proposal, State
from posebridge.engine.tune.sweep import Sweep
from posebridge.stages import CHANGES

SHOWN_BEST, SHOWN_FAILED = 5, 3
REFRESH_SECONDS = 1.0
_LOOKS = {State.COMPLETE: "green", State.PRUNED: "yellow", State.FAILED: "red"}


class ConsoleSweep(SweepWatcher, Watcher):
    """A live table in a terminal; elsewhere a line for every proposal that ends.

    It watches the graph, too, which runs the stages that proposals wait for.
    """

    def __init__(self, sweep: Sweep, console: Console) -> None:
        """Show a sweep on a console; use as a context manager."""
        self._sweep, self._console = sweep, console
        self._outcomes: dict[int, Outcome] = {}
        self._running: dict[int, float] = {}
        self._seconds: list[float] = []
        self._stages: dict[str, str] = {}
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._shown = -math.inf

    def __enter__(self) -> "ConsoleSweep":
        """Show the table."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        if self._live.is_started:
            self._live.stop()

    def began(self, outcomes: dict[int, Outcome]) -> None:
        """Count what has ended before."""
        self._outcomes = outcomes
        if outcomes:
            self._console.print(
                f"{len(outcomes)} of {self._sweep.search.trials} proposals have ended before",
                highlight=False,
            )

    def trying(self, proposal: Proposal) -> None:
        """One more is running."""
        self._running[proposal.number] = time.monotonic()
        self._show()

    def ended(self, outcome: Outcome) -> None:
        """One has ended."""
        number = outcome.proposal.number
        self._outcomes[number] = outcome
        if number in self._running:
            self._seconds.append(time.monotonic() - self._running.pop(number))
        if not self._console.is_terminal:
            self._console.print(one_line(outcome), highlight=False, markup=False, soft_wrap=True)
        self._show()

    def ticked(self) -> None:
        """Refresh now and then."""
        if time.monotonic() - self._shown > REFRESH_SECONDS:
            self._show()

    def started(self, task: Task) -> None:
        """A stage that proposals wait for begins."""
        self._stages[task.marker] = task.name
        self._show()

    def progressed(self, task: Task, progress: dict[str, float]) -> None:
        """It says how far it is."""
        step, speed = int(progress["step"]), progress["images_per_s"]
        self._stages[task.marker] = f"{task.name}: {step} of {task.steps}, {speed:.0f} images/s"

    def finished(self, task: Task, seconds: float) -> None:
        """It is done."""
        self._stages.pop(task.marker, None)
        if task.steps and not self._console.is_terminal:
            self._console.print(f"✓ {task.name} ({seconds:.0f} s)", highlight=False, markup=False)

    def failed(self, failure: Failure) -> None:
        """It failed; so have the proposals that need it."""
        self._stages.pop(failure.task.marker, None)

    def skipped(self, task: Task, cause: Task) -> None:
        """A stage cannot run, since one before it failed."""

    def _show(self) -> None:
        if self._live.is_started:
            self._shown = time.monotonic()
            stages = [Text(f"… {name}") for name in self._stages.values()]
            self._live.update(
                Group(self._head(), *stages, table_of(self._sweep, self._outcomes)), refresh=True
            )

    def _head(self) -> Text:
        states = Counter(outcome.state for outcome in self._outcomes.values())
        trials = self._sweep.search.trials
        parts = [f"sweep {self._sweep.name}: {len(self._outcomes)} of {trials} ended"]
        parts += [f"{len(self._running)} running"]
        parts += [f"{states[s]} {s.value}" for s in State if states[s]]
        left = time_left(trials - len(self._outcomes), len(self._running), self._seconds)
        return Text(" · ".join([*parts, *([left] if left else [])]))


def time_left(todo: int, running: int, seconds: list[float]) -> str:
    """How long the rest will take, if it goes on as so far; empty where nothing is known.

    Args:
        todo: proposals that have not ended.
        running: of them, those that are being tried.
        seconds: that each of the others took.
    """
    if not seconds or not todo:
        return ""
    minutes = todo * median(seconds) / max(running, 1) / 60
    return f"about {minutes:.0f} min left" if minutes >= 1 else "less than a minute left"


def table_of(sweep: Sweep, outcomes: dict[int, Outcome]) -> Table:
    """The best proposals so far and the last failures, with what they tried."""
    fields = list(
        dict.fromkeys(p for s in sweep.systems.values() for p in sweep.search.space_of(s))
    )
    table = Table(title=f"rule: {sweep.plan.experiment.chosen_by}", title_justify="left")
    for column in ("#", "state", "score", *fields):
        justify: Literal["left", "right"] = "left" if column == "state" else "right"
        table.add_column(escape(column), justify=justify, overflow="fold")
    scored = [o for o in outcomes.values() if o.state is State.COMPLETE]
    best = sorted(scored, key=lambda o: (-o.score, o.proposal.number))[:SHOWN_BEST]
    failed = [o for o in outcomes.values() if o.state is State.FAILED][-SHOWN_FAILED:]
    for outcome in [*best, *failed]:
        proposal, look = outcome.proposal, _LOOKS[outcome.state]
        table.add_row(
            str(proposal.number),
            f"[{look}]{escape(outcome.cause or outcome.state.value)}[/]",
            number_text(outcome.score),
            *(tried(proposal, name) for name in fields),
        )
    return table


def one_line(outcome: Outcome) -> str:
    """An outcome as a line of a log."""
    proposal, told = outcome.proposal, outcome.cause or number_text(outcome.score)
    fields = [path for path in proposal.values if not path.endswith(f".{CHANGES}")]
    values = ", ".join(f"{path} = {tried(proposal, path)}" for path in fields)
    return f"proposal {proposal.number}: {outcome.state.value}, {told} ({values})"


def tried(proposal: Proposal, path: str) -> str:
    """What a proposal tried of a field, first and last where it changed; empty if it has none."""
    if path not in proposal.values:
        return ""
    first, last = proposal.values[path], current(proposal, [path])[path]
    return value_text(first) + ("" if first == last else f" → {value_text(last)}")


def number_text(score: float) -> str:
    """A score in points."""
    return "–" if math.isnan(score) else f"{100 * score:.2f}"


def value_text(value: object) -> str:
    """A searched value in few digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
