"""The sentences around a table: how winners were chosen, what is claimed, what is missing."""

from collections.abc import Mapping, Sequence

import numpy as np

from posebridge.leaderboard.people import THRESHOLD, VISIBLE_SUFFIX
from posebridge.leaderboard.runs import SPLIT, Column, Runs, distinct
from posebridge.leaderboard.statistics import RESAMPLES, Interval
from posebridge.records import FLIP_TEST

# Marks a score for which labels of the population it was measured on were read.
TOLD = "†"

_SIZES = {
    "pck_box": "the box's longer side",
    "pck_head": "the head's size",
    "pck_torso": "the torso's diagonal",
    "pck_side": "the padded image's side",
}


def title(runs: Runs) -> str:
    """The experiment, its scale and the split."""
    return f"{runs.experiment} ({runs.scale} scale, {SPLIT} split)"


def metric_name(metric: str) -> str:
    """The metric in words."""
    size = _SIZES.get(metric.removesuffix(VISIBLE_SUFFIX))
    if size is None:
        return metric
    visible = ", visible keypoints only" if metric.endswith(VISIBLE_SUFFIX) else ""
    return f"PCK@{THRESHOLD} of {size}{visible}"


def points(share: float) -> str:
    """A share as points, "—" where it is unknown."""
    return "—" if np.isnan(share) else f"{100 * share:.1f}"


def signed_points(share: float) -> str:
    """A difference of shares as points with its sign."""
    return "—" if np.isnan(share) else f"{100 * share:+.1f}".replace("-", "−")


def difference(interval: Interval) -> str:
    """A difference and the ends of its interval."""
    ends = f"[{signed_points(interval.low)}, {signed_points(interval.high)}]"
    return f"{signed_points(interval.estimate)} {ends}"


def claim(who: str, interval: Interval) -> str:
    """What a paired interval allows to be said."""
    if interval.low > 0:
        verdict = "better"
    elif interval.high < 0:
        verdict = "worse"
    else:
        verdict = "no difference shown"
    seeds = "one seed" if interval.num_seeds == 1 else f"{interval.num_seeds} seeds"
    return f"{who}: {verdict}, {difference(interval)} points ({seeds})."


def selection_lines(runs: Runs) -> tuple[str, ...]:
    """Which rule chose the hyperparameters of which systems, and what it chose."""
    rules: dict[str, list[str]] = {}
    chosen: list[str] = []
    for line in runs.lines:
        records = runs.of_line(line)
        if line.role == "floor" or not records:
            continue
        for rule in dict.fromkeys(record.selection for record in records):
            rules.setdefault(rule, []).append(line.name)
        settings = dict.fromkeys(
            ", ".join(f"{name}={value}" for name, value in record.selected.items())
            for record in records
            if record.selected
        )
        if settings:
            chosen.append(f"Chosen for {line.name}: {' or '.join(settings)}.")
    lines = [f"Selection: {rule} ({', '.join(names)})." for rule, names in rules.items()]
    return (*lines, *chosen)


def test_lines(runs: Runs) -> tuple[str, ...]:
    """Which systems were tested with the mirror image as well."""
    asked: dict[str, list[str]] = {}
    for line in runs.lines:
        for record in runs.of_line(line)[:1]:
            if FLIP_TEST in record.estimator:
                moved = record.estimator[FLIP_TEST]["shift"]
                how = ", its maps moved by a cell" if moved else ""
                asked.setdefault(f"image and mirror image{how}", []).append(line.name)
    return tuple(f"Flip test: {how} ({', '.join(names)})." for how, names in asked.items())


def legend(intervals: Sequence[Interval], *, has_differences: bool) -> tuple[str, ...]:
    """What ± and brackets mean, for the kinds of interval that are there."""
    lines = []
    if any(interval.num_seeds > 1 for interval in intervals):
        lines.append("± is half of the 95 % Student t interval over n seeds.")
    if any(interval.num_seeds == 1 for interval in intervals):
        lines.append(
            "n=1: one seed, or a system that no seed changes; ± is half of the 95 % bootstrap "
            "interval over people and says nothing about other seeds."
        )
    if has_differences:
        lines.append(
            f"[…] is the 95 % interval of {RESAMPLES:,} paired resamples: people, jointly for "
            "both systems and all seeds, then seeds. A difference is claimed only where it lies "
            "on one side of zero."
        )
    lines.append(
        f"Bold is the best that ranks. Floors do not, nor does {TOLD}: labels of that population "
        "were read in training or choosing. Below the last rule: rows that read labels of the "
        "first population."
    )
    return tuple(lines)


def people_lines(runs: Runs, metric: str, num_people: Mapping[Column, int]) -> tuple[str, ...]:
    """How many people and keypoints each column rests on, and who was skipped."""
    lines = []
    for column in runs.columns:
        records = [record for line in runs.lines for record in runs.of(line, column)]
        counts = [r.scores[metric].count for r in records if metric in r.scores]
        if not counts:
            lines.append(f"{column.label}: not measured.")
            continue
        people = f"{num_people[column]:,} people, " if column in num_people else ""
        skipped: dict[str, int] = {}
        for record in records:
            for reason, number in record.skipped.items():
                skipped[reason] = max(number, skipped.get(reason, 0))
        reasons = ", ".join(f"{reason} {number}" for reason, number in skipped.items() if number)
        lines.append(
            f"{column.label}: {people}{max(counts):,} labelled keypoints"
            f"{f'; skipped: {reasons}' if reasons else ''}."
        )
    return tuple(lines)


def unpaired_lines(cells: Sequence[str]) -> tuple[str, ...]:
    """Which cells cannot be compared person by person."""
    if not cells:
        return ()
    return (f"Without per-person errors, so without paired differences: {', '.join(cells)}.",)


def left_out_lines(runs: Runs, metric: str, half_lines: int) -> tuple[str, ...]:
    """Failures, and records that were not used."""
    lines = []
    for line in runs.lines:
        for column in runs.columns:
            scores = [
                r.scores[metric] for r in distinct(runs.of(line, column)) if metric in r.scores
            ]
            failures = sum(score.failures for score in scores)
            lost = sum(bool(np.isnan(score.value)) for score in scores)
            where = f"{line.name} on {column.label}"
            if failures:
                lines.append(
                    f"{where}: {failures} keypoints without a finite answer, counted as missed."
                )
            if lost:
                lines.append(f"{where}: {lost} of {len(scores)} runs have no score; left out.")
    if runs.superseded:
        lines.append(f"Older records replaced by later ones: {runs.superseded}.")
    if runs.undeclared:
        lines.append(f"Left out, not declared any more: {', '.join(runs.undeclared)}.")
    if half_lines:
        lines.append(f"Half-written lines of the records file, skipped: {half_lines}.")
    return tuple(lines)
