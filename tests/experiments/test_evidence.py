import json
import os
from pathlib import Path

import pytest

from fault_injection.evidence import Witness, compare
from posebridge.records import append_record
from test_records import record

NAME = "faults"
FILES = {
    "stages/a/weights.safetensors": b"learnt",
    "stages/a/done": b"",
    "evaluations/b/people.parquet": b"errors",
    "evaluations/b/scores.json": b'{"cost": {"people": 2, "evaluation_seconds": 0.5}}',
    "sweeps/c/trials/000000.json": b'{"score": 0.5, "cost": {"seconds": 3.0}}',
}


def write(store: Path, *keys: str) -> Path:
    """A store with artifacts and records."""
    for path, content in FILES.items():
        (store / path).parent.mkdir(parents=True, exist_ok=True)
        (store / path).write_bytes(content)
    for key in keys:
        people = f"people/{key}.parquet"
        append_record(store / f"records/{NAME}.jsonl", record(key=key, people=people))
        (store / "records/people").mkdir(exist_ok=True)
        (store / "records" / people).write_bytes(b"errors")
    return store


@pytest.fixture
def undisturbed(tmp_path: Path) -> Path:
    return write(tmp_path / "undisturbed", "k0", "k1")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def wrong(store: Path, undisturbed: Path) -> dict[str, int]:
    """Counts that are not zero, without what was compared."""
    found = compare(store, undisturbed, NAME)
    assert (found.pop("records"), found.pop("artifacts")) == (2, len(FILES))
    return {name: count for name, count in found.items() if count}


def test_a_store_with_the_same_results_in_another_order_is_the_same(
    store: Path, undisturbed: Path
) -> None:
    write(store, "k1", "k0")
    (store / "evaluations/b/scores.json").write_text(
        json.dumps({"cost": {"evaluation_seconds": 9.0, "people": 2}})
    )
    assert wrong(store, undisturbed) == {}


def test_what_is_not_there_is_lost(store: Path, undisturbed: Path) -> None:
    write(store, "k0")
    (store / "stages/a/done").unlink()
    assert wrong(store, undisturbed) == {"records_lost": 1, "artifacts_lost": 1}
    (store / f"records/{NAME}.jsonl").unlink()
    assert wrong(store, undisturbed) == {"records_lost": 2, "artifacts_lost": 1}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("stages/a/weights.safetensors", b"forgot"),
        ("evaluations/b/scores.json", b'{"cost": {"people": 3}}'),
        ("sweeps/c/trials/000000.json", b'{"score": 0.6, "cost": {}}'),
        ("stages/more/done", b""),
    ],
)
def test_an_artifact_that_is_otherwise_or_too_many_is_different(
    store: Path, undisturbed: Path, path: str, content: bytes
) -> None:
    write(store, "k0", "k1")
    (store / path).parent.mkdir(exist_ok=True)
    (store / path).write_bytes(content)
    assert wrong(store, undisturbed) == {"artifacts_different": 1}


def test_a_record_that_is_otherwise_too_many_or_has_other_people_is_different(
    store: Path, undisturbed: Path
) -> None:
    write(store, "k0", "k2")
    append_record(store / f"records/{NAME}.jsonl", record(key="k1", seed=7))
    assert wrong(store, undisturbed) == {"records_different": 2}
    (store / "records/people/k0.parquet").write_bytes(b"others")
    assert wrong(store, undisturbed) == {"records_different": 3}
    (store / "records/people/k0.parquet").unlink()
    assert wrong(store, undisturbed) == {"records_different": 3}


def test_lines_that_say_the_same_twice_and_files_of_nobody_are_counted(
    store: Path, undisturbed: Path
) -> None:
    write(store, "k0", "k1", "k1")
    for left in ("checkpoint-00000002-0badcafe.pt", "lease", ".done.01234567.tmp"):
        (store / "stages/a" / left).touch()
    assert wrong(store, undisturbed) == {"record_lines_doubled": 1, "files_left": 3}


def test_a_marker_that_is_written_again_or_goes_away_is_remembered(store: Path) -> None:
    witness = Witness(store)
    witness.look()
    write(store)
    witness.look()
    witness.look()
    assert witness.repeated == set()
    done, scores = store / "stages/a/done", store / "evaluations/b/scores.json"
    os.utime(done, ns=(0, 0))
    scores.unlink()
    (store / "stages/a/weights.safetensors").write_bytes(b"no marker")
    witness.look()
    assert witness.repeated == {done, scores}


def test_a_marker_that_is_being_written_is_none_yet(store: Path) -> None:
    made = store / "populations/p/made"
    made.mkdir(parents=True)
    half = made / ".train-00000.0a1b2c3d.tmp"
    half.touch()
    witness = Witness(store)
    witness.look()
    half.rename(made / "train-00000")
    witness.look()
    assert witness.repeated == set()
    assert set(witness.seen) == {made / "train-00000"}
