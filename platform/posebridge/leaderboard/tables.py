"""Tables: what records say, in the order a reader needs it. The same records, the same table."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from posebridge.leaderboard import captions
from posebridge.leaderboard.people import PeopleReader
from posebridge.leaderboard.runs import Column, Line, Runs, arrange, distinct
from posebridge.leaderboard.statistics import (
    Interval,
    Tally,
    common_seeds,
    paired_difference,
    people_interval,
    seed_interval,
)
from posebridge.leaderboard.tallies import Tallies, num_people, tallies_of, tally_of, unpaired
from posebridge.records import Record
from posebridge.skeletons import Skeleton


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        interval: what was measured; None where nothing was.
        is_best: the best of those in its column that rank.
        is_told: labels of the column's population were read in training or choosing; does not
            rank.
        failures: keypoints, over all runs, without a finite prediction: they count as missed.
    """

    interval: Interval | None = None
    is_best: bool = False
    is_told: bool = False
    failures: int = 0


@dataclass(frozen=True)
class Row:
    """One system.

    Attributes:
        system: its name.
        role: one of `records.ROLES`.
        ranked: whether it may be the best.
        cells: one a column of the block.
        steps: of training, mean over runs, NaN where unknown.
        seconds: of work, mean over runs, NaN where unknown.
    """

    system: str
    role: str
    ranked: bool
    cells: tuple[Cell, ...]
    steps: float = np.nan
    seconds: float = np.nan


@dataclass(frozen=True)
class Block:
    """Rows under one heading: scores, or differences from the system named `baseline`."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    baseline: str = ""


@dataclass(frozen=True)
class Table:
    """A leaderboard, ready to be shown.

    Attributes:
        title: the experiment and its scale.
        above: how hyperparameters were chosen.
        blocks: scores first, then differences.
        below: what is claimed, what ± means, and what was left out.
    """

    title: str
    above: tuple[str, ...]
    blocks: tuple[Block, ...]
    below: tuple[str, ...]


def leaderboard(
    records: Sequence[Record],
    read_people: PeopleReader,
    *,
    systems: Mapping[str, str] | None = None,
    populations: Sequence[str] = (),
    metric: str = "pck_box",
    half_lines: int = 0,
) -> Table:
    """Systems × populations of one experiment, with differences from the control and source-only.

    Args:
        records: of one experiment at one scale, in the order of writing.
        read_people: gives the per-person errors that a record names.
        systems: role of each declared system, in the order of declaration; None takes those that
            have records.
        populations: columns in the order of declaration; others that were measured follow.
        metric: which score.
        half_lines: of the records file, that could not be read; the table says so.

    Raises:
        ValueError: if no record is of the test split, or they are of several experiments or
            scales, or of different people where they should be of the same.
    """
    runs = arrange(records, systems=systems or {}, populations=populations)
    tallies = tallies_of(runs, read_people, metric)
    scores = Block(
        f"{captions.metric_name(metric)}, points",
        tuple(column.label for column in runs.columns),
        _with_best([_score_row(runs, line, metric, tallies) for line in runs.lines]),
    )
    differences = [
        _difference_block(runs, baseline, tallies) for baseline in _baselines(runs.lines)
    ]
    return Table(
        title=captions.title(runs),
        above=(*captions.selection_lines(runs), *captions.test_lines(runs)),
        blocks=(scores, *(block for block in differences if block.rows)),
        below=(
            *_claims(differences[:1]),
            *captions.legend(_intervals(scores), has_differences=bool(differences)),
            *captions.people_lines(runs, metric, num_people(tallies)),
            *captions.left_out_lines(runs, metric, half_lines),
            *captions.unpaired_lines(unpaired(runs, tallies)),
        ),
    )


def keypoint_groups(
    records: Sequence[Record],
    read_people: PeopleReader,
    *,
    population: str,
    skeleton: Skeleton,
    systems: Mapping[str, str] | None = None,
    metric: str = "pck_box",
) -> Table:
    """Systems × groups of keypoints (head … ankle) on the test split of one population.

    Raises:
        ValueError: if the population was not measured, or the errors are of another skeleton.
    """
    chosen = [record for record in records if record.population == population]
    if not chosen:
        measured = ", ".join(sorted({record.population for record in records})) or "none"
        raise ValueError(f"{population!r} was not measured; measured: {measured}.")
    runs = arrange(chosen, systems=systems or {}, populations=())
    (column, *others) = runs.columns
    if others:
        raise ValueError(
            f"{population!r} was measured on {len(runs.columns)} versions of its data: "
            "give the records of one."
        )
    _check_skeleton(chosen, read_people, skeleton)
    rows = []
    for line in runs.lines:
        cells = []
        for keypoints in (*skeleton.groups.values(), None):
            counted = tally_of(runs.of(line, column), read_people, metric, keypoints)
            told = any(record.uses_target_labels for record in runs.of(line, column))
            interval = None if counted is None else _interval_of(counted)
            cells.append(Cell(interval, is_told=told))
        rows.append(Row(line.name, line.role, line.ranked, tuple(cells)))
    heading = f"{captions.metric_name(metric)} on {column.label}, points"
    block = Block(heading, (*skeleton.groups, "all"), _with_best(rows))
    return Table(
        title=f"{captions.title(runs)}: groups of keypoints",
        above=(*captions.selection_lines(runs), *captions.test_lines(runs)),
        blocks=(block,),
        below=captions.legend(_intervals(block), has_differences=False),
    )


def _check_skeleton(
    records: Sequence[Record], read_people: PeopleReader, skeleton: Skeleton
) -> None:
    for record in records:
        people = read_people(record.people)
        if people is not None and people.distance_px.shape[1] != skeleton.num_keypoints:
            raise ValueError(
                f"skeleton {skeleton.name} has {skeleton.num_keypoints} keypoints, but got errors "
                f"of {people.distance_px.shape[1]} in {record.people}: name the skeleton of the "
                "estimator."
            )


def _score_row(runs: Runs, line: Line, metric: str, tallies: Tallies) -> Row:
    cells = []
    for column in runs.columns:
        records = distinct(runs.of(line, column))
        scores = [record.scores[metric] for record in records if metric in record.scores]
        if not scores:
            cells.append(Cell())
            continue
        interval = seed_interval([score.value for score in scores])
        if len(scores) == 1 and (line.name, column) in tallies:
            interval = people_interval(tallies[line.name, column])
        told = any(record.uses_target_labels for record in records)
        failures = sum(score.failures for score in scores)
        cells.append(Cell(interval, is_told=told, failures=failures))
    cost = [record.cost for record in distinct(runs.of_line(line))]
    steps, seconds = (
        float(np.mean([spent.get(unit, np.nan) for spent in cost] or [np.nan]))
        for unit in ("steps", "seconds")
    )
    return Row(line.name, line.role, line.ranked, tuple(cells), steps, seconds)


def _interval_of(counted: Tally) -> Interval:
    if len(counted.seeds) == 1:
        return people_interval(counted)
    return seed_interval([float(share) for share in counted.shares()])


def _with_best(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, with the highest estimate of the ranked ones marked in each column."""
    marked = [list(row.cells) for row in rows]
    for column in range(len(rows[0].cells)):
        estimates = {
            index: cell.interval.estimate
            for index, row in enumerate(rows)
            if row.ranked and not (cell := row.cells[column]).is_told and cell.interval
        }
        known = {index: value for index, value in estimates.items() if not np.isnan(value)}
        if len(known) > 1:
            for index in (i for i, value in known.items() if value == max(known.values())):
                marked[index][column] = dataclasses.replace(marked[index][column], is_best=True)
    return tuple(
        dataclasses.replace(row, cells=tuple(cells))
        for row, cells in zip(rows, marked, strict=True)
    )


def _baselines(lines: Sequence[Line]) -> list[Line]:
    """The first control, then source-only; what there is of them."""
    return [
        next(line for line in lines if line.role == role)
        for role in ("control", "source-only")
        if any(line.role == role for line in lines)
    ]


def _difference_block(runs: Runs, baseline: Line, tallies: Tallies) -> Block:
    rows = [
        Row(
            line.name,
            line.role,
            line.ranked,
            tuple(_difference(line, baseline, column, tallies) for column in runs.columns),
        )
        for line in runs.lines
        if line != baseline and line.role != "floor"
    ]
    role = "" if baseline.role == baseline.name else f" ({baseline.role})"
    return Block(
        f"Difference from {baseline.name}{role}, points, paired",
        tuple(column.label for column in runs.columns),
        tuple(rows),
        baseline=baseline.name,
    )


def _difference(line: Line, baseline: Line, column: Column, tallies: Tallies) -> Cell:
    ours, theirs = tallies.get((line.name, column)), tallies.get((baseline.name, column))
    if ours is None or theirs is None or not common_seeds(ours, theirs):
        return Cell()
    try:
        return Cell(paired_difference(ours, theirs))
    except ValueError as error:
        where = f"{line.name} and {baseline.name} on {column.label}"
        raise ValueError(f"{where}: {error}") from error


def _claims(blocks: Sequence[Block]) -> tuple[str, ...]:
    """What may be said of the adapted systems, from the first difference block."""
    return tuple(
        captions.claim(f"{row.system} against {block.baseline} on {label}", cell.interval)
        for block in blocks
        for row in block.rows
        if row.role == "adapted" and row.ranked
        for label, cell in zip(block.columns, row.cells, strict=True)
        if cell.interval is not None
    )


def _intervals(block: Block) -> list[Interval]:
    return [cell.interval for row in block.rows for cell in row.cells if cell.interval]
