"""Records: one line of result each, appended for ever, never changed.

A records file is JSON Lines. Many processes may append to one file: a line is one write under a
lock. A line that was cut short by a crash is skipped and counted when the file is read, and never
swallows the line after it. NaN is null.
"""

import dataclasses
import fcntl
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin, get_type_hints

RECORD_VERSION = 1
ROLES = ("floor", "source-only", "control", "adapted", "oracle")

FLIP_TEST = "flip_test"
"""Entry of a record's estimator: how the mirror image was asked; none where it was not."""

# Fields that may differ between two runs of the same work.
VOLATILE = ("time", "cost", "host", "commit")


@dataclass(frozen=True)
class Score:
    """A metric as a sum and a count, so that scores of parts add up.

    Attributes:
        total: sum over what was counted, e.g. the number of correct keypoints.
        count: what was counted, e.g. the number of labelled keypoints.
        failures: of what was counted, how many had no finite prediction; they count as misses.
    """

    total: float
    count: int
    failures: int = 0

    @property
    def value(self) -> float:
        """The mean, NaN where nothing was counted."""
        return self.total / self.count if self.count else math.nan


@dataclass(frozen=True)
class Record:
    """What was asked, what came out and what it cost: one system on one population under one seed.

    Attributes:
        key: address of what was asked.
        version: of this format.
        experiment: name of the experiment.
        system: the row of the leaderboard.
        role: one of `ROLES`.
        scale: "smoke", "embedded" or "paper".
        population: on which it was measured.
        population_fingerprint: of the population's recipe or content.
        split: of the population.
        seed: of the run.
        stage_key: artifact that was measured.
        selection: how hyperparameters were chosen, in words.
        selected: the hyperparameters that were chosen, by `stage.field`.
        uses_target_labels: whether training or choosing read labels of the target.
        method: class and fields of the last stage's method.
        estimator: class and fields of the architecture.
        scores: by metric, all at a threshold of 0.05.
        skipped: people left out, by reason.
        people: file of per-person errors, relative to the records file.
        cost: by unit, e.g. "steps" and "seconds".
        time: when it was measured, ISO 8601.
        host: where.
        commit: of the code.
        versions: of the libraries that can change a result.
    """

    key: str
    version: int
    experiment: str
    system: str
    role: str
    scale: str
    population: str
    population_fingerprint: str
    split: str
    seed: int
    stage_key: str
    selection: str
    selected: dict[str, Any]
    uses_target_labels: bool
    method: dict[str, Any]
    estimator: dict[str, Any]
    scores: dict[str, Score]
    skipped: dict[str, int]
    people: str
    cost: dict[str, float]
    time: str
    host: str
    commit: str
    versions: dict[str, str]

    def __post_init__(self) -> None:
        """Check the role, on which the place in a table depends."""
        if self.role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}, but got {self.role!r}.")


def same_result(a: Record, b: Record) -> list[str]:
    """Names of the fields that differ, the volatile ones left out; NaN equals NaN."""
    left, right = _to_json(a), _to_json(b)
    return [name for name in left if name not in VOLATILE and left[name] != right[name]]


def append_record(path: str | Path, record: Record) -> None:
    """Append one line; whole or not at all, whoever else is appending.

    Args:
        path: of the records file; made, with its folder, where it does not exist.
        record: what to append.

    Raises:
        ValueError: if the record holds an infinite number, or NaN outside its scores and cost.
        OSError: if it cannot be written; the file is then as it was.
    """
    path = Path(path)
    line = _to_line(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        # Half a line of somebody who was killed: end it, so that it does not swallow this one.
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        _write_whole(file, b"\n" + line if torn else line, size)
        os.fsync(file)
    finally:
        os.close(file)


def read_records(path: str | Path) -> tuple[list[Record], int]:
    """Records of a file in the order of writing, and how many half lines were skipped.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a whole line is not a record of this version.
    """
    path = Path(path)
    if not path.is_file():
        raise no_records(str(path))
    with path.open("rb") as file:
        return parse_records(file, str(path))


def parse_records(lines: Iterable[bytes], where: str) -> tuple[list[Record], int]:
    """Records of some lines in their order, and how many half lines were skipped.

    Args:
        lines: of a records file, or of a part of one.
        where: they are from, for people.

    Raises:
        ValueError: if a whole line is not a record of this version.
    """
    records, skipped = [], 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except ValueError:
            skipped += 1
            continue
        records.append(_from_json(content, f"{where}, line {number}"))
    return records, skipped


def record_lines(records: Iterable[Record]) -> bytes:
    """Records as whole lines.

    Raises:
        ValueError: if one holds an infinite number, or NaN outside its scores and cost.
    """
    return b"".join(_to_line(record) for record in records)


def no_records(where: str) -> FileNotFoundError:
    """What to raise where there are no records yet."""
    return FileNotFoundError(
        f"no records at {where}: run the experiment first (posebridge run), or name its folder."
    )


def _write_whole(file: int, line: bytes, size: int) -> None:
    """Write all of the line, or cut the file back to the size that it had."""
    try:
        written = os.write(file, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes were written: is the disk full?")
    except OSError:
        os.ftruncate(file, size)
        raise


def _to_json(record: Record) -> dict[str, Any]:
    content = dataclasses.asdict(record)
    for score in content["scores"].values():
        score["total"] = _none_for_nan(score["total"])
    content["cost"] = {unit: _none_for_nan(value) for unit, value in content["cost"].items()}
    return content


def _to_line(record: Record) -> bytes:
    try:
        return json.dumps(_to_json(record), allow_nan=False).encode() + b"\n"
    except ValueError as error:
        raise ValueError(
            "a record may hold NaN only in its scores and cost, and nothing infinite, but got "
            f"such a number in record {record.key} of {record.system!r}."
        ) from error


def _from_json(content: Any, where: str) -> Record:  # noqa: ANN401 - any JSON value
    if not isinstance(content, dict):
        raise ValueError(f"{where}: a record must be a JSON object, but got {content!r}.")
    version = content.get("version")
    if version != RECORD_VERSION:
        raise ValueError(
            f"{where}: this release reads records of version {RECORD_VERSION}, but got version "
            f"{version!r}: use the release that wrote them, or another file."
        )
    if content.keys() != _FIELD_TYPES.keys():
        raise ValueError(f"{where}: the fields of a record do not fit: {_misfit(content)}.")
    for name, kind in _FIELD_TYPES.items():
        if type(content[name]) is not kind:
            raise ValueError(
                f"{where}: {name} must be {kind.__name__}, but got {content[name]!r}."
            )
    scores = {
        metric: _score(s, f"{where}: score {metric}") for metric, s in content["scores"].items()
    }
    cost = {unit: _nan_for_none(value) for unit, value in content["cost"].items()}
    try:
        return Record(**content | {"scores": scores, "cost": cost})
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _misfit(content: dict[str, Any]) -> str:
    missing = [name for name in _FIELD_TYPES if name not in content]
    unknown = [name for name in content if name not in _FIELD_TYPES]
    told = (("missing", missing), ("unknown", unknown))
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in told if names)


def _score(content: Any, where: str) -> Score:  # noqa: ANN401 - any JSON value
    if not isinstance(content, dict) or content.keys() != _SCORE_FIELDS:
        raise ValueError(f"{where} must hold total, count and failures, but got {content!r}.")
    total, count, failures = content["total"], content["count"], content["failures"]
    counts = type(count) is type(failures) is int and min(count, failures) >= 0
    if not counts or not (total is None or type(total) in (int, float)):
        raise ValueError(f"{where} must be a number and two counts, but got {content!r}.")
    return Score(_nan_for_none(total), count, failures)


def _none_for_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan_for_none(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _field_types() -> dict[str, type]:
    hints = get_type_hints(Record)
    return {
        field.name: get_origin(hints[field.name]) or hints[field.name]
        for field in dataclasses.fields(Record)
    }


# Made once: a leaderboard may read many thousands of records.
_FIELD_TYPES = _field_types()
_SCORE_FIELDS = {"total", "count", "failures"}
