"""Keypoints counted per person, for every cell of a table whose per-person errors are there."""

from collections.abc import Mapping, Sequence

from posebridge.leaderboard.people import People, PeopleReader, correct_and_labelled, tally
from posebridge.leaderboard.runs import Column, Runs, distinct, is_fixed
from posebridge.leaderboard.statistics import Tally
from posebridge.records import Record

Tallies = Mapping[tuple[str, Column], Tally]


def tallies_of(runs: Runs, read_people: PeopleReader, metric: str) -> Tallies:
    """Counts per person of every cell whose per-person errors are there."""
    counted = {
        (line.name, column): tally_of(runs.of(line, column), read_people, metric)
        for line in runs.lines
        for column in runs.columns
    }
    return {place: found for place, found in counted.items() if found is not None}


def tally_of(
    records: Sequence[Record],
    read_people: PeopleReader,
    metric: str,
    keypoints: Sequence[int] | None = None,
) -> Tally | None:
    """Counts per person of one cell; None where the errors of a run are missing."""
    found = [(record.seed, read_people(record.people)) for record in distinct(records)]
    known = [(seed, people) for seed, people in found if people is not None]
    if not known or len(known) < len(found):
        return None
    if keypoints is None:
        for record, (_, people) in zip(distinct(records), known, strict=True):
            _check_sums(record, people, metric)
    return tally(known, metric, keypoints=keypoints, is_fixed=is_fixed(records))


def _check_sums(record: Record, people: People, metric: str) -> None:
    """The errors must be those that the score was made from: two files can part company."""
    score = record.scores.get(metric)
    correct, labelled = (float(n.sum()) for n in correct_and_labelled(people, metric))
    if score is not None and (correct, labelled) != (score.total, score.count):
        raise ValueError(
            f"{record.system} on {record.population}, seed {record.seed}: the errors in "
            f"{record.people} do not give its score, {score.total} of {score.count} keypoints, "
            f"but {correct} of {labelled:.0f}: evaluate it again."
        )


def unpaired(runs: Runs, tallies: Tallies) -> list[str]:
    """Cells that were measured, and whose per-person errors are missing."""
    places = [(line, column) for line in runs.lines for column in runs.columns]
    return [
        f"{line.name} on {column.label}"
        for line, column in places
        if runs.of(line, column) and (line.name, column) not in tallies
    ]


def num_people(tallies: Tallies) -> dict[Column, int]:
    """How many people each column rests on."""
    return {column: len(counted.people) for (_, column), counted in tallies.items()}
