"""Per-person errors, as evaluation leaves them beside a record, and what is counted from them."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float, UInt8

from posebridge.leaderboard.statistics import Tally

THRESHOLD = 0.05
SIZES = ("box", "head", "torso", "side")
VISIBLE_SUFFIX = "_visible"
METRICS = tuple(f"pck_{size}{end}" for end in ("", VISIBLE_SUFFIX) for size in SIZES)


@dataclass(frozen=True)
class People:
    """Errors of one run on every person of a split.

    Attributes:
        ids: of the people.
        distance_px: from prediction to truth, NaN where there is no label or no finite prediction.
        visibility: 0 not labelled, 1 occluded, 2 visible.
        sizes_px: by name in `SIZES`, what a distance is divided by; NaN where undefined.
        failed: people for whom the estimator gave no finite answer.
    """

    ids: tuple[str, ...]
    distance_px: Float[np.ndarray, "person keypoint"]
    visibility: UInt8[np.ndarray, "person keypoint"]
    sizes_px: dict[str, Float[np.ndarray, " person"]]
    failed: Bool[np.ndarray, " person"]


PeopleReader = Callable[[str], People | None]


def people_reader(records_path: str | Path) -> PeopleReader:
    """Reads what `Record.people` names, relative to the records file; None where it is missing."""
    folder = Path(records_path).parent

    def content(relative: str) -> bytes | None:
        path = folder / relative
        return path.read_bytes() if path.is_file() else None

    return people_of(content, str(folder))


def people_of(content: Callable[[str], bytes | None], where: str) -> PeopleReader:
    """Reads what `Record.people` names, once each; None where it is missing.

    Args:
        content: of the file of that name; None where there is none.
        where: such files are, for people.
    """

    @functools.cache
    def read(relative: str) -> People | None:
        found = content(relative) if relative else None
        return None if found is None else parse_people(found, f"{where}/{relative}")

    return read


def read_people(path: str | Path) -> People:
    """Per-person errors of one run.

    Raises:
        ValueError: if the file is not such a Parquet file, or a person is in it twice.
    """
    return parse_people(Path(path).read_bytes(), str(path))


def parse_people(content: bytes, where: str) -> People:
    """Per-person errors of one run, likewise.

    Args:
        content: of the file.
        where: it is, for people.
    """
    names = ["person_id", "distance_px", "visibility", "failed", *(f"{s}_px" for s in SIZES)]
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(
            f"{where} must be a Parquet file of per-person errors, but got: {error}; remove it "
            "and evaluate again."
        ) from error
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ValueError(f"{where} lacks the columns {', '.join(missing)}: evaluate again.")
    ids = tuple(table["person_id"].to_pylist())
    if len(set(ids)) != len(ids):
        raise ValueError(
            f"{where} must hold every person once, but got {len(ids) - len(set(ids))} repeated."
        )
    return People(
        ids=ids,
        distance_px=_matrix(table["distance_px"], np.float32),
        visibility=_matrix(table["visibility"], np.uint8),
        sizes_px={size: table[f"{size}_px"].to_numpy() for size in SIZES},
        failed=table["failed"].to_numpy(),
    )


def correct_and_labelled(
    people: People, metric: str, keypoints: Sequence[int] | None = None
) -> tuple[Float[np.ndarray, " person"], Float[np.ndarray, " person"]]:
    """Correct and labelled keypoints of each person under one of `METRICS`.

    What `metrics.pck.pck` sums up, person by person: a labelled keypoint without a finite
    prediction counts as labelled and not as correct; a person whose size is undefined counts for
    nothing. In the precision of the file, as the score was.

    Args:
        people: errors of one run.
        metric: which size divides, and whether only visible keypoints count.
        keypoints: indices of those that count; None takes all.

    Raises:
        ValueError: if there is no such metric.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, but got {metric!r}.")
    least = 2 if metric.endswith(VISIBLE_SUFFIX) else 1
    size = people.sizes_px[metric.removeprefix("pck_").removesuffix(VISIBLE_SUFFIX)]
    columns = slice(None) if keypoints is None else list(keypoints)
    counted = (people.visibility[:, columns] >= least) & np.isfinite(size)[:, None]
    with np.errstate(invalid="ignore"):
        near = people.distance_px[:, columns] < THRESHOLD * size[:, None]
    return (counted & near).sum(axis=1).astype(float), counted.sum(axis=1).astype(float)


def tally(
    runs: Sequence[tuple[int, People]],
    metric: str,
    *,
    keypoints: Sequence[int] | None = None,
    is_fixed: bool = False,
) -> Tally:
    """The runs of one system, (seed, errors) each, counted over the same people.

    Args:
        runs: at least one.
        metric: one of `METRICS`.
        keypoints: indices of those that count; None takes all.
        is_fixed: whether no seed changes the system.

    Raises:
        ValueError: if the runs were measured on different people.
    """
    ids = tuple(sorted(runs[0][1].ids))
    correct, labelled = [], []
    for seed, people in runs:
        if set(people.ids) != set(ids):
            raise ValueError(
                "runs of one system must be measured on the same people, but "
                f"{len(set(people.ids) ^ set(ids))} people of seed {seed} differ from those of "
                f"seed {runs[0][0]}: evaluate again."
            )
        order = np.argsort(np.array(people.ids))
        counts = correct_and_labelled(people, metric, keypoints)
        correct.append(counts[0][order])
        labelled.append(counts[1][order])
    seeds = tuple(seed for seed, _ in runs)
    return Tally(ids, seeds, np.stack(correct), np.stack(labelled), is_fixed)


def _matrix(column: pa.ChunkedArray, dtype: type) -> np.ndarray:
    """A column of equally long lists as [person, keypoint]."""
    rows = column.combine_chunks()
    flat: np.ndarray = np.asarray(rows.flatten()).astype(dtype)
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"every person must have as many keypoints, but got {sorted(lengths)}.")
    return flat.reshape(len(rows), -1) if len(rows) else flat.reshape(0, 0)
