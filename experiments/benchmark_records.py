"""How long does it take to read ten thousand records?

Run:     python experiments/benchmark_records.py       (--quick: a thousand records)
Cost:    about 20 seconds on one core, --quick two
Expect:  under 2 s per ten thousand on one core, about half of it in the JSON parser; a half line
         at the end costs nothing; at most 10 KiB a record in memory

Reading is `posebridge.records.read_records` with every check of every field. The records are like
those of an adapted system with twelve scores, about 2.5 KB a line, and all differ. The file is in
the page cache. Best of five readings, by the processor's time, which a busy machine does not
stretch; the clock's time is given beside it. The JSON parser alone, on the same lines, is the
floor. Memory is what Python has at most set aside during a reading that is not timed.
"""

import argparse
import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posebridge.records import RECORD_VERSION, Record, append_record, read_records

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
READINGS = 5
RECORDS = 10_000
QUICK_RECORDS = 1_000
METRICS = (
    *("ap", "ap50", "ap75", "oks"),
    *(f"pck_{by}{of}" for by in ("box", "head", "side", "torso") for of in ("", "_visible")),
)
ONE = Record(
    key="",
    version=RECORD_VERSION,
    experiment="first_adaptation",
    system="mean teacher",
    role="adapted",
    scale="embedded",
    population="infant-real",
    population_fingerprint="4e4ad4bda723",
    split="test",
    seed=0,
    stage_key="3158c559f416bc16",
    selection="best pck_box on the source's validation split",
    selected={"adapt.learning_rate": 3e-5},
    uses_target_labels=False,
    method={
        "class": "posebridge.methods.mean_teacher:MeanTeacher",
        **{f"field_{number}": number / 7 for number in range(16)},
    },
    estimator={"class": "posebridge.estimators.movenet:Lightning"},
    scores={},
    skipped={"undecodable image": 1},
    people="",
    cost={"steps": 600.0, "seconds": 431.2, "images": 28800.0, "evaluation_seconds": 9.3},
    time="2026-11-21T05:50:33+00:00",
    host="a-node-of-the-cluster",
    commit="c1ca147dd936",
    versions={
        name: "2.13.0+cpu"
        for name in ("python", "torch", "ray", "numpy", "opencv", "numba", "pyarrow", "posebridge")
    },
)


@dataclass(frozen=True)
class Reading:
    """Seconds of the processor and of the clock, and the records that came out."""

    cpu: float
    wall: float
    records: int


def write(path: Path, count: int) -> None:
    """Write records that all differ, as one file; appended one by one they would take minutes."""
    append_record(path, ONE)
    line = json.loads(path.read_bytes())
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            name = f"{number:016x}"
            scores = {
                metric: {"total": number / (3 + place), "count": 8495 + number, "failures": place}
                for place, metric in enumerate(METRICS)
            }
            changed = {"key": name, "seed": number, "people": f"people/{name}", "scores": scores}
            file.write(json.dumps(line | changed) + "\n")


def best(read: Callable[[], int]) -> Reading:
    """The fastest of several readings."""
    readings = []
    for _ in range(READINGS):
        cpu, wall = time.process_time(), time.perf_counter()
        found = read()
        spent = time.process_time() - cpu, time.perf_counter() - wall
        readings.append(Reading(*spent, found))
    return min(readings, key=lambda reading: reading.cpu)


def read(path: Path, half_lines: int) -> int:
    """Read all, and see that nothing is missing.

    Raises:
        RuntimeError: if a half line was not noticed.
    """
    records, skipped = read_records(path)
    if skipped != half_lines:
        raise RuntimeError(f"{half_lines} half lines must be noticed, but {skipped} were.")
    return len(records)


def parse(path: Path) -> int:
    """What no reader of JSON Lines can do without."""
    with path.open("rb") as file:
        return len([json.loads(line) for line in file])


def peak_mib(path: Path) -> float:
    """MiB that Python has at most set aside while reading, the records included."""
    tracemalloc.start()
    read_records(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


def measure(*, quick: bool) -> dict[str, Any]:
    """Readings of a whole file, and of one that somebody was killed at."""
    count = QUICK_RECORDS if quick else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "records.jsonl")
        write(path, count)
        size = path.stat().st_size
        whole = best(lambda: read(path, 0))
        parsed = best(lambda: parse(path))
        memory = peak_mib(path)
        with path.open("rb+") as file:
            file.truncate(size - 500)
        torn = best(lambda: read(path, 1))
    assert (whole.records, parsed.records, torn.records) == (count, count, count - 1)
    return {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "seconds_per_10000": whole.cpu * 10_000 / count,
        "seconds_per_10000_by_the_clock": whole.wall * 10_000 / count,
        "seconds_per_10000_with_a_half_line": torn.cpu * 10_000 / count,
        "seconds_per_10000_of_the_json_parser": parsed.cpu * 10_000 / count,
        "records_per_s": count / whole.cpu,
        "peak_mib": memory,
        "records": count,
        "bytes_per_record": size / count,
        "readings": READINGS,
        "load_average": os.getloadavg()[0],
        "machine": {"cores": os.cpu_count()},
    }


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer records; writes no file")
    result = measure(quick=parser.parse_args().quick)
    if not result["quick"]:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
