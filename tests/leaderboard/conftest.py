"""A small store: six systems, two populations, three seeds, and what goes wrong in real ones."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from posebridge.leaderboard import PeopleReader, people_reader, read_people
from posebridge.leaderboard.people import METRICS, correct_and_labelled
from posebridge.records import RECORD_VERSION, Record, Score, append_record, read_records

GOLDEN = Path(__file__).parent / "golden"
NUM_PEOPLE = 12
NUM_KEYPOINTS = 17
POPULATIONS = ("infant-real", "adult")

# The share of keypoints that each system hits on each population, about.
SYSTEMS: dict[str, tuple[str, tuple[float, ...]]] = {
    "mean pose": ("floor", (0.10, 0.15)),
    "published": ("source-only", (0.45, 0.97)),
    "control": ("control", (0.55, 0.97)),
    "mean_teacher": ("adapted", (0.70, 0.97)),
    "oracle": ("oracle", (0.85,)),
}
UNTRAINED = ("mean pose", "published")


def write_people(path: Path, hit: float, *, seed: int, ids: tuple[str, ...] | None = None) -> None:
    """Per-person errors: boxes of 100 px, so a hit is nearer than 5 px."""
    # The same people are hard for every system: what pairing is for.
    hard = np.random.default_rng(0).uniform(-0.1, 0.1, (NUM_PEOPLE, 1))
    unlabelled = np.random.default_rng(1).random((NUM_PEOPLE, NUM_KEYPOINTS)) < 0.2
    generator = np.random.default_rng(seed)
    shape = (NUM_PEOPLE, NUM_KEYPOINTS)
    hits = generator.random(shape) < hit - hard
    distance = np.where(hits, generator.uniform(0, 4, shape), generator.uniform(6, 50, shape))
    visibility = np.where(unlabelled, 0, np.random.default_rng(2).integers(1, 3, shape))
    failed = np.zeros(NUM_PEOPLE, bool)
    failed[3] = hit < 0.5
    distance[unlabelled | failed[:, None]] = np.nan
    size = np.full(NUM_PEOPLE, 100.0, np.float32)
    head = np.where(np.arange(NUM_PEOPLE) == 5, np.nan, 30.0).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "person_id": list(ids or (f"person-{index:02d}" for index in range(NUM_PEOPLE))),
            "distance_px": list(distance.astype(np.float32)),
            "visibility": list(visibility.astype(np.uint8)),
            "confidence": list(np.ones(shape, np.float32)),
            "box_px": size,
            "head_px": head,
            "torso_px": size / 2,
            "side_px": size * 2,
            "failed": failed,
        }
    )
    pq.write_table(table, path, compression="zstd")


def scores_of(path: Path) -> dict[str, Score]:
    """The scores that a file of per-person errors gives."""
    people = read_people(path)
    scores = {}
    for metric in METRICS:
        correct, labelled = correct_and_labelled(people, metric)
        scores[metric] = Score(float(correct.sum()), int(labelled.sum()))
    return scores


def make_record(folder: Path, system: str, population: str, seed: int) -> Record:
    """A record and the file that it names."""
    role, hits = SYSTEMS[system]
    untrained = system in UNTRAINED
    name = f"{system}-{population}{'' if untrained else f'-{seed}'}".replace(" ", "_")
    path = folder / "people" / f"{name}.parquet"
    luck = 0.0 if untrained else 0.02 * (seed - 1)
    draw = list(SYSTEMS).index(system) * 10 + (0 if untrained else 1 + seed)
    write_people(path, hits[POPULATIONS.index(population)] + luck, seed=100 + draw)
    scores = scores_of(path)
    if system == "published" and population == "infant-real":
        scores["pck_box"] = dataclasses.replace(scores["pck_box"], failures=14)
    return Record(
        key=f"{name}-{seed}",
        version=RECORD_VERSION,
        experiment="first_adaptation",
        system=system,
        role=role,
        scale="embedded",
        population=population,
        population_fingerprint=f"{population}-f0",
        split="test",
        seed=seed,
        stage_key=f"stage-{name}",
        selection="fixed beforehand" if untrained else "best pck_box on the source's validation",
        selected={} if untrained else {"adapt.learning_rate": 0.001 if seed < 2 else 0.0003},
        uses_target_labels=not untrained and (system == "oracle" or population == "adult"),
        method={"class": "a:B"},
        estimator={"class": "a:C"},
        scores=scores,
        skipped={"box of no area": 2} if population == "adult" else {},
        people=f"people/{name}.parquet",
        cost={} if role == "floor" else {"steps": 0 if untrained else 250, "seconds": 60.0 + seed},
        time=f"2026-01-01T00:00:0{seed}+00:00",
        host="here",
        commit="c0",
        versions={"torch": "2.13.0"},
    )


def make_store(folder: Path) -> Path:
    """Write the whole store; gives its records file."""
    path = folder / "records.jsonl"
    path.unlink(missing_ok=True)
    for system, (_, hits) in SYSTEMS.items():
        for population in POPULATIONS[: len(hits)]:
            for seed in range(3):
                record = make_record(folder, system, population, seed)
                if system == "control" and population == "adult" and seed == 0:
                    append_record(path, dataclasses.replace(record, stage_key="older"))
                append_record(path, record)
    with path.open("ab") as file:
        file.write(b'{"key": "cut off by a cra')
    return path


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Path:
    """The records file of the committed store."""
    if request.config.getoption("--rewrite-golden"):
        return make_store(GOLDEN)
    return GOLDEN / "records.jsonl"


@pytest.fixture
def records(golden: Path) -> list[Record]:
    """Records of the committed store."""
    return read_records(golden)[0]


@pytest.fixture
def reader(golden: Path) -> PeopleReader:
    """Reads the per-person errors of the committed store."""
    return people_reader(golden)


@pytest.fixture
def write_errors() -> Callable[..., None]:
    """Writes per-person errors to a path."""
    return write_people
