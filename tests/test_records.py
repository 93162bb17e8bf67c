"""Records: append-only, whole or not at all, checked when read."""

import dataclasses
import errno
import json
import math
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from posebridge.records import (
    RECORD_VERSION,
    Record,
    Score,
    append_record,
    read_records,
    same_result,
)


def record(**changes: Any) -> Record:
    """A record of a made-up run."""
    whole = Record(
        key="k0",
        version=RECORD_VERSION,
        experiment="first",
        system="mean_teacher",
        role="adapted",
        scale="embedded",
        population="infant-real",
        population_fingerprint="f0",
        split="test",
        seed=0,
        stage_key="s0",
        selection="fixed beforehand",
        selected={"adapt.learning_rate": 0.001},
        uses_target_labels=False,
        method={"class": "a:B", "momentum": 0.99, "note": None},
        estimator={"class": "a:C"},
        scores={"pck_box": Score(3.0, 4, 1)},
        skipped={"zero-area box": 2},
        people="people/k0.parquet",
        cost={"seconds": 1.5},
        time="2026-01-01T00:00:00+00:00",
        host="here",
        commit="c0",
        versions={"torch": "2.13.0"},
    )
    return dataclasses.replace(whole, **changes)


def append_many(path: Path, seed: int) -> None:
    """Append twenty long records of one seed."""
    for number in range(20):
        append_record(path, record(seed=seed, key=f"{seed}-{number}", host="x" * 20_000))


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "records.jsonl"
    written = [record(seed=seed) for seed in range(3)]
    for one in written:
        append_record(path, one)
    assert read_records(path) == (written, 0)


def test_nan_is_null_in_the_file_and_nan_again_when_read(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, record(scores={"pck_box": Score(math.nan, 0)}, cost={"s": math.nan}))
    content = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert content["scores"]["pck_box"]["total"] is None
    (back,), _ = read_records(path)
    assert math.isnan(back.scores["pck_box"].total)
    assert math.isnan(back.cost["s"])


@pytest.mark.parametrize(
    "changes",
    [{"selected": {"x": math.nan}}, {"cost": {"s": math.inf}}, {"method": {"x": -math.inf}}],
)
def test_numbers_that_json_cannot_hold_are_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="NaN only in its scores and cost, and nothing infinite"):
        append_record(tmp_path / "records.jsonl", record(**changes))
    assert not (tmp_path / "records.jsonl").exists()


def test_half_a_line_is_skipped_counted_and_swallows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, record(seed=0))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:100])
    assert read_records(path) == ([record(seed=0)], 1)
    append_record(path, record(seed=1))
    assert read_records(path) == ([record(seed=0), record(seed=1)], 1)


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    append_record(path, record(seed=1))
    assert read_records(path) == ([record(), record(seed=1)], 0)


def test_processes_that_append_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_many, args=(path, seed)) for seed in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    records, skipped = read_records(path)
    assert skipped == 0
    assert len({one.key for one in records}) == len(records) == 80


@pytest.mark.parametrize("written", [0, 57])
def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, record(seed=0))
    real_write = os.write

    def write(file: int, data: bytes) -> int:
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(file, data[:written])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left|is the disk full"):
        append_record(path, record(seed=1))
    monkeypatch.undo()
    assert read_records(path) == ([record(seed=0)], 0)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run the experiment first"):
        read_records(tmp_path / "records.jsonl")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "line 2: this release reads records of version 1, but got version 2"),
        ({"seed": "a"}, "line 2: seed must be int, but got 'a'"),
        ({"seed": True}, "line 2: seed must be int, but got True"),
        ({"role": "winner"}, "line 2: role must be one of floor, .*, but got 'winner'"),
        ({"colour": 1}, "do not fit: unknown colour"),
        ({"scores": {"pck_box": {"total": 1}}}, "score pck_box must hold total, count and fail"),
        (
            {"scores": {"pck_box": {"total": 1, "count": -1, "failures": 0}}},
            "score pck_box must be a number and two counts",
        ),
    ],
)
def test_a_line_that_is_no_record_is_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    content = json.loads(path.read_text()) | changes
    path.write_text(path.read_text() + json.dumps(content) + "\n")
    with pytest.raises(ValueError, match=message):
        read_records(path)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    content = json.loads(path.read_text())
    del content["people"], content["host"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="do not fit: missing people, host"):
        read_records(path)


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("[1]\n")
    with pytest.raises(ValueError, match=r"must be a JSON object, but got \[1\]"):
        read_records(path)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="role must be one of floor, source-only"):
        record(role="best")


def test_same_result_ignores_time_cost_host_and_commit() -> None:
    other = record(time="later", cost={"seconds": 9.0}, host="there", commit="c1")
    assert same_result(record(), other) == []


def test_same_result_names_what_differs() -> None:
    other = record(seed=1, scores={"pck_box": Score(2.0, 4, 1)})
    assert same_result(record(), other) == ["seed", "scores"]


def test_same_result_takes_nan_for_nan() -> None:
    a = record(scores={"pck_box": Score(math.nan, 0)})
    b = record(scores={"pck_box": Score(math.nan, 0)})
    assert same_result(a, b) == []
    assert same_result(a, record(scores={"pck_box": Score(0.0, 0)})) == ["scores"]


def test_a_score_is_its_mean_and_nan_where_nothing_was_counted() -> None:
    assert Score(3.0, 4).value == 0.75
    assert math.isnan(Score(0.0, 0).value)
