"""Records put in order: which runs belong to which cell of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posebridge.records import ROLES, Record

# What a leaderboard reports; nothing may be chosen on it.
SPLIT = "test"


@dataclass(frozen=True)
class Column:
    """A population as it was measured.

    Attributes:
        population: its name.
        fingerprint: of the data; "" where nothing has been measured yet.
        label: the heading: the name, and the fingerprint where the name alone is ambiguous.
    """

    population: str
    fingerprint: str
    label: str


@dataclass(frozen=True)
class Line:
    """A system of a table.

    Attributes:
        name: of the system.
        role: one of `ROLES`.
        ranked: whether it may be the best: not a floor, and it read no label of the headline
            population, which is the first column.
    """

    name: str
    role: str
    ranked: bool


@dataclass(frozen=True)
class Runs:
    """The records of one experiment at one scale, by cell.

    Attributes:
        experiment: its name.
        scale: at which it was run.
        lines: systems in the order of the table.
        columns: populations in the order of the table.
        cells: records by system and column, one a seed, in the order of the seeds.
        superseded: records that a later one of the same system, population and seed replaced.
        undeclared: systems that have records and are not declared any more.
    """

    experiment: str
    scale: str
    lines: tuple[Line, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, Column], tuple[Record, ...]]
    superseded: int
    undeclared: tuple[str, ...]

    def of(self, line: Line, column: Column) -> tuple[Record, ...]:
        """Records of one cell; none where nothing was measured."""
        return self.cells.get((line.name, column), ())

    def of_line(self, line: Line) -> tuple[Record, ...]:
        """Records of one system, column by column."""
        return tuple(record for column in self.columns for record in self.of(line, column))


def arrange(
    records: Sequence[Record],
    *,
    systems: Mapping[str, str],
    populations: Sequence[str],
) -> Runs:
    """Put the records of one experiment in order; only those of the test split count.

    Args:
        records: in the order of writing.
        systems: role of each declared system, in the order of declaration; floors need not be
            declared. Empty takes every system that has a record.
        populations: declared ones, in order; others that were measured follow.

    Raises:
        ValueError: if there is no such record, or they are of several experiments or scales.
    """
    records = [record for record in records if record.split == SPLIT]
    experiment, scale = (
        _only(sorted({getattr(record, name) for record in records}), name)
        for name in ("experiment", "scale")
    )
    roles = {record.system: record.role for record in records}
    declared = systems or {name: role for name, role in roles.items() if role != "floor"}
    floors = {name: role for name, role in roles.items() if role == "floor"}
    columns = _columns(records, populations)
    latest: dict[tuple[str, str, str, int], Record] = {}
    for record in records:
        place = (record.system, record.population, record.population_fingerprint, record.seed)
        latest[place] = record
    return Runs(
        experiment=experiment,
        scale=scale,
        lines=_lines(floors | dict(declared), records, columns[0]),
        columns=columns,
        cells=_cells(list(latest.values()), columns),
        superseded=len(records) - len(latest),
        undeclared=tuple(sorted(set(roles) - set(declared) - set(floors))),
    )


def distinct(records: Sequence[Record]) -> tuple[Record, ...]:
    """One record a run: a system that no seed changes has one artifact and one score."""
    runs: dict[tuple[str, tuple[tuple[str, float, int], ...]], Record] = {}
    for record in records:
        scores = tuple((name, s.total, s.count) for name, s in sorted(record.scores.items()))
        runs.setdefault((record.stage_key, scores), record)
    return tuple(runs.values())


def is_fixed(records: Sequence[Record]) -> bool:
    """Whether the records of a cell are of a system that no seed changes."""
    untrained = all(r.role == "floor" or r.cost.get("steps") == 0 for r in records)
    return len(distinct(records)) == 1 and (untrained or len(records) > 1)


def _only(values: list[str], name: str) -> str:
    if not values:
        raise ValueError(f"no record is of the {SPLIT} split: run the experiment first.")
    if len(values) > 1:
        raise ValueError(
            f"a leaderboard is of one {name}, but got records of {', '.join(values)}: pick one."
        )
    return values[0]


def _columns(records: Sequence[Record], populations: Sequence[str]) -> tuple[Column, ...]:
    measured: dict[str, list[str]] = {name: [] for name in populations}
    for record in records:
        fingerprints = measured.setdefault(record.population, [])
        if record.population_fingerprint not in fingerprints:
            fingerprints.append(record.population_fingerprint)
    return tuple(
        Column(name, one, name if len(fingerprints) < 2 else f"{name} @{one[:8]}")
        for name, fingerprints in measured.items()
        for one in fingerprints or [""]
    )


def _lines(
    roles: Mapping[str, str], records: Sequence[Record], headline: Column
) -> tuple[Line, ...]:
    measured = [record for record in records if record.population == headline.population]
    told = {record.system for record in measured if record.uses_target_labels}
    lines = [
        Line(name, role, ranked=role not in ("floor", "oracle") and name not in told)
        for name, role in roles.items()
    ]

    def place(line: Line) -> tuple[bool, int]:
        return not line.ranked and line.role != "floor", ROLES.index(line.role)

    return tuple(sorted(lines, key=place))


def _cells(
    records: Sequence[Record], columns: Sequence[Column]
) -> dict[tuple[str, Column], tuple[Record, ...]]:
    by_data = {(column.population, column.fingerprint): column for column in columns}
    cells: dict[tuple[str, Column], list[Record]] = {}
    for record in records:
        column = by_data[(record.population, record.population_fingerprint)]
        cells.setdefault((record.system, column), []).append(record)
    return {
        place: tuple(sorted(found, key=lambda record: record.seed))
        for place, found in cells.items()
    }
