"""A picture of a sweep: how it got better, and what each field did to the score."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.figure
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from posebridge.engine.tune.outcomes import Outcome, State
from posebridge.search_space import Distribution
from posebridge.selection import TargetOracle
from posebridge.stages import CHANGES

COLUMNS = 3
POINTS = 100
SCORE = "score, points"
BLUE, GREY, RED = "#0072b2", "#999999", "#d55e00"


@dataclass(frozen=True)
class Found:
    """What a sweep found.

    Attributes:
        outcomes: of its proposals.
        winners: numbers of those that were chosen.
        space: of the fields that were searched.
        importances: share of each field, as far as known.
        rule: what the score is, in words.
        steps: of the last stage.
    """

    outcomes: Sequence[Outcome]
    winners: frozenset[int]
    space: Mapping[str, Distribution]
    importances: Mapping[str, float]
    rule: str
    steps: int


def sweep_picture(found: Found) -> bytes:
    """Draw a sweep as a PNG.

    The first panel is the best score so far by number of proposals; then one panel a field, the
    most important first. Where fields changed while a proposal trained, a line is its course, the
    chosen one's in colour. Where every trial knows the score of the target's oracle, the last
    panel shows it beside the rule's: what the rule can see of what it is for.
    """
    fields = sorted(found.space, key=lambda name: -found.importances.get(name, 0.0))
    judged = any(TargetOracle.name in o.criteria for o in found.outcomes)
    panels = 1 + len(fields) + judged
    rows, columns = math.ceil(panels / COLUMNS), min(panels, COLUMNS)
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = matplotlib.figure.Figure(
            figsize=(3.2 * columns, 2.5 * rows + 0.3), layout="constrained", dpi=150
        )
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        _history(axes[0], found)
        for axis, name in zip(axes[1:], fields, strict=False):
            _panel(axis, name, found)
        if judged:
            _oracle(axes[panels - 1], found)
        for axis in axes[panels:]:
            axis.set_visible(False)
        figure.suptitle(found.rule, fontsize=8)
        figure.legend(handles=_legend(), loc="outside lower center", ncols=5, frameon=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def window(scores: Sequence[float]) -> tuple[float, float] | None:
    """The scores worth a panel's height: the better half, and twice as much below it.

    A few proposals that went wrong would squeeze all others into a line.

    Args:
        scores: in points; any order, NaN for none.

    Returns:
        Lowest and highest; None where all are worth it.
    """
    known = np.asarray([score for score in scores if math.isfinite(score)])
    if len(known) < 2:
        return None
    half = known.max() - np.median(known)
    low = known.max() - 3 * half
    return (float(low), float(known.max() + half / 2)) if half and known.min() < low else None


def best_so_far(outcomes: Sequence[Outcome]) -> tuple[list[int], list[float]]:
    """Number of each finished proposal, and the best score up to it, in points."""
    ordered = sorted(_finished(outcomes), key=lambda o: o.proposal.number)
    scores = np.maximum.accumulate([POINTS * o.score for o in ordered]) if ordered else np.empty(0)
    return [o.proposal.number for o in ordered], scores.tolist()


def is_course(outcome: Outcome) -> bool:
    """Whether fields changed while a proposal trained."""
    return any(path.endswith(f".{CHANGES}") for path in outcome.proposal.values)


def course_of(outcome: Outcome, path: str, steps: int) -> list[tuple[int, Any]]:
    """The values of a field while a proposal trained, each with its first step; the end last.

    Args:
        outcome: of the proposal.
        path: `stage.field`.
        steps: of its last stage.
    """
    stage, _, name = path.partition(".")
    changes = outcome.proposal.values.get(f"{stage}.{CHANGES}", [])
    course = [(0, outcome.proposal.values[path])]
    course += [(step, value) for step, field, value in changes if field == name]
    return [*course, (steps, course[-1][1])]


def _panel(axis: mpl.axes.Axes, name: str, found: Found) -> None:
    if any(is_course(outcome) for outcome in found.outcomes):
        _courses(axis, name, found)
    else:
        _field(axis, name, found)
    if name in found.importances:
        axis.set_title(f"importance {found.importances[name]:.2f}", fontsize=8)


def _courses(axis: mpl.axes.Axes, name: str, found: Found) -> None:
    """The chosen last, so that they lie above."""
    distribution, won = found.space[name], found.winners
    finished = sorted(_finished(found.outcomes), key=lambda o: o.proposal.number in won)
    places: dict[Any, float] = {}
    if isinstance(distribution, CategoricalDistribution):
        places = {option: float(place) for place, option in enumerate(distribution.choices)}
        axis.set_yticks(range(len(places)), [str(option) for option in places])
    elif isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log:
        axis.set_yscale("log")
        _plain(axis.yaxis)
    for outcome in finished:
        at, values = zip(*course_of(outcome, name, found.steps), strict=True)
        chosen = outcome.proposal.number in won
        axis.step(
            at,
            [places.get(value, value) for value in values],
            where="post",
            color=RED if chosen else GREY,
            linewidth=2 if chosen else 0.8,
        )
    axis.set_xlabel("step")
    axis.set_ylabel(name)


def _history(axis: mpl.axes.Axes, found: Found) -> None:
    numbers, scores = best_so_far(found.outcomes)
    _dots(axis, [(o.proposal.number, o) for o in found.outcomes], found)
    axis.step(numbers, scores, where="post", color=BLUE, linewidth=1.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("proposal")
    axis.set_title("best so far", fontsize=8)


def _field(axis: mpl.axes.Axes, name: str, found: Found) -> None:
    tried = [(o.proposal.values[name], o) for o in found.outcomes if name in o.proposal.values]
    distribution = found.space[name]
    if isinstance(distribution, CategoricalDistribution):
        places = {option: place for place, option in enumerate(distribution.choices)}
        axis.set_xticks(range(len(places)), [str(option) for option in places])
        tried = [(places[value], o) for value, o in tried]
    elif isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log:
        axis.set_xscale("log")
        _plain(axis.xaxis)
    _dots(axis, tried, found)
    axis.set_xlabel(name)


def _oracle(axis: mpl.axes.Axes, found: Found) -> None:
    known = [
        o for o in found.outcomes if math.isfinite(o.criteria.get(TargetOracle.name, math.nan))
    ]
    _dots(axis, [(POINTS * o.criteria[TargetOracle.name], o) for o in known], found)
    shown = window([POINTS * o.criteria[TargetOracle.name] for o in known])
    if shown:
        axis.set_xlim(*shown)
    axis.set_xlabel("the same by the target's labels, points")
    axis.set_title("for reference: chose nothing", fontsize=8)


def _dots(axis: mpl.axes.Axes, tried: Sequence[tuple[float, Outcome]], found: Found) -> None:
    """What was tried against its score; at the foot, what has none or one below the panel."""
    shown = window([POINTS * outcome.score for outcome in found.outcomes])
    if shown:
        axis.set_ylim(*shown)
    axis.set_ylabel(SCORE)
    foot = axis.get_xaxis_transform()
    # What stands at the foot does not widen the axis by itself.
    axis.update_datalim([(x, 0.0) for x, _ in tried], updatey=False)
    for x, outcome in tried:
        score = POINTS * outcome.score
        color = BLUE if outcome.state is State.COMPLETE else GREY
        if not math.isfinite(score):
            axis.scatter(x, 0.02, s=16, color=RED, marker="x", transform=foot)
        elif shown and score < shown[0]:
            axis.scatter(x, 0.03, s=16, color=color, marker="v", linewidths=0, transform=foot)
        elif outcome.proposal.number in found.winners:
            axis.scatter(x, score, s=90, color=RED, marker="*", linewidths=0, zorder=3)
        elif outcome.state is State.COMPLETE:
            axis.scatter(x, score, s=14, color=BLUE, linewidths=0)
        else:
            axis.scatter(x, score, s=14, facecolors="none", edgecolors=GREY)


def _legend() -> list[Line2D]:
    looks = {
        "finished": ("o", BLUE, BLUE),
        "stopped early": ("o", "none", GREY),
        "below the panel": ("v", GREY, GREY),
        "failed": ("x", RED, RED),
        "chosen": ("*", RED, RED),
    }
    return [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            label=label,
            markersize=5,
            markerfacecolor=inside,
            markeredgecolor=edge,
        )
        for label, (marker, inside, edge) in looks.items()
    ]


def _plain(axis: mpl.axis.Axis) -> None:
    """Few ticks on a logarithmic axis, as numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _finished(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.state is State.COMPLETE and math.isfinite(o.score)]
