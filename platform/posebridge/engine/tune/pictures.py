"""A picture of a sweep: how it got better, and what each field did to the score."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.figure
import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from posebridge.engine.tune.outcomes import Outcome, State
from posebridge.search_space import Distribution
from posebridge.stages import CHANGES

COLUMNS = 3
POINTS = 100
SCORE = "score, points"
BLUE, GREY, RED = "#0072b2", "#999999", "#d55e00"


def sweep_picture(
    outcomes: Sequence[Outcome],
    space: Mapping[str, Distribution],
    importances: Mapping[str, float],
    rule: str,
    steps: int,
) -> bytes:
    """Draw a sweep as a PNG.

    The first panel is the best score so far by number of proposals; then one panel a field, the
    most important first: a filled dot is a proposal that was finished, a ring one that was
    stopped, a cross one that failed, a star the best. Where fields changed while a proposal
    trained, a line is its course, the best's in colour.

    Args:
        outcomes: of the sweep.
        space: of the fields that were searched.
        importances: share of each field, as far as known.
        rule: what the score is, in words.
        steps: of the last stage.
    """
    fields = sorted(space, key=lambda name: -importances.get(name, 0.0))
    panels = len(fields) + 1
    rows = math.ceil(panels / COLUMNS)
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = matplotlib.figure.Figure(
            figsize=(3.2 * min(panels, COLUMNS), 2.5 * rows), layout="constrained", dpi=150
        )
        axes = figure.subplots(rows, min(panels, COLUMNS), squeeze=False).ravel()
        _history(axes[0], outcomes)
        for axis, name in zip(axes[1:], fields, strict=False):
            if any(is_course(outcome) for outcome in outcomes):
                _courses(axis, name, space[name], outcomes, steps)
            else:
                _field(axis, name, space[name], outcomes)
            if name in importances:
                axis.set_title(f"importance {importances[name]:.2f}", fontsize=8)
        for axis in axes[panels:]:
            axis.set_visible(False)
        figure.suptitle(rule, fontsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


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


def _courses(
    axis: mpl.axes.Axes,
    name: str,
    distribution: Distribution,
    outcomes: Sequence[Outcome],
    steps: int,
) -> None:
    """The worst first, so that the best lie above."""
    finished = sorted(_finished(outcomes), key=lambda o: o.score)
    places: dict[Any, float] = {}
    if isinstance(distribution, CategoricalDistribution):
        places = {option: float(place) for place, option in enumerate(distribution.choices)}
        axis.set_yticks(range(len(places)), [str(option) for option in places])
    elif isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log:
        axis.set_yscale("log")
    for outcome in finished:
        at, values = zip(*course_of(outcome, name, steps), strict=True)
        best = outcome is finished[-1]
        axis.step(
            at,
            [places.get(value, value) for value in values],
            where="post",
            color=RED if best else GREY,
            linewidth=2 if best else 0.8,
        )
    axis.set_xlabel("step")
    axis.set_ylabel(name)


def _history(axis: mpl.axes.Axes, outcomes: Sequence[Outcome]) -> None:
    numbers, scores = best_so_far(outcomes)
    _dots(axis, [(o.proposal.number, o) for o in outcomes])
    axis.step(numbers, scores, where="post", color=BLUE, linewidth=1.5)
    axis.set_xlabel("proposal")
    axis.set_ylabel(SCORE)
    axis.set_title("best so far", fontsize=8)


def _field(
    axis: mpl.axes.Axes, name: str, distribution: Distribution, outcomes: Sequence[Outcome]
) -> None:
    tried = [(o.proposal.values[name], o) for o in outcomes if name in o.proposal.values]
    if isinstance(distribution, CategoricalDistribution):
        places = {option: place for place, option in enumerate(distribution.choices)}
        axis.set_xticks(range(len(places)), [str(option) for option in places])
        tried = [(places[value], o) for value, o in tried]
    elif isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log:
        axis.set_xscale("log")
    _dots(axis, tried)
    axis.set_xlabel(name)
    axis.set_ylabel(SCORE)


def _dots(axis: mpl.axes.Axes, tried: Sequence[tuple[float, Outcome]]) -> None:
    finished = [(x, POINTS * o.score) for x, o in tried if o in _finished([o])]
    stopped = [(x, POINTS * o.score) for x, o in tried if o.state is State.PRUNED]
    failed = [x for x, o in tried if o.state is State.FAILED]
    if finished:
        xs, scores = zip(*finished, strict=True)
        axis.scatter(xs, scores, s=14, color=BLUE, linewidths=0)
        x, score = max(finished, key=lambda p: p[1])
        axis.scatter(x, score, s=90, color=RED, marker="*", zorder=3)
    if stopped:
        xs, scores = zip(*stopped, strict=True)
        axis.scatter(xs, scores, s=14, facecolors="none", edgecolors=GREY)
    if failed:
        # At the foot of the panel: a failure has no score.
        axis.scatter(
            failed,
            [0.02] * len(failed),
            s=16,
            color=RED,
            marker="x",
            transform=axis.get_xaxis_transform(),
        )


def _finished(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.state is State.COMPLETE and math.isfinite(o.score)]
