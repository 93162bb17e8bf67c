import os
import zlib
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from fault_injection.kinds import KINDS, damage, is_task, is_trial
from fault_injection.work import at_work, is_whole, unfinished_checkpoints, writing
from posebridge.engine.artifacts import Store
from posebridge.engine.holders import Holder
from posebridge.engine.leases import hold


def test_who_holds_a_lease_is_at_work_and_writes_what_is_not_in_place_yet(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    assert list(at_work(tmp_path)) == []
    with hold(store, "stages/abc"), hold(store, "populations/p/leases", "lease-train-00000"):
        found = {work.folder: work.pid for work in at_work(tmp_path)}
        stage, population = tmp_path / "stages/abc", tmp_path / "populations/p"
        assert found == {stage: os.getpid(), population: os.getpid()}
        assert list(writing(tmp_path)) == []
        halves = [
            stage / ".weights.safetensors.01234567.tmp",
            population / "train/.people-00000.parquet.01234567.tmp",
        ]
        for half in (*halves, stage / ".lease.01234567.tmp"):
            half.parent.mkdir(exist_ok=True)
            half.touch()
        # In either order, and without the sign of life.
        assert {work.file for work in writing(tmp_path)} == set(halves)
        assert "weights of stage abc" in map(str, writing(tmp_path))
    assert list(at_work(tmp_path)) == []


def test_a_lease_that_cannot_be_read_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "stages/abc").mkdir(parents=True)
    (tmp_path / "stages/abc/lease").write_bytes(replace(Holder.here(), pid=7).content()[:-9])
    assert list(at_work(tmp_path)) == []


def test_checkpoints_of_a_stage_that_is_done_do_not_count(tmp_path: Path) -> None:
    for number, name in enumerate(("b/checkpoint-2", "a/checkpoint-4", "c/checkpoint-9")):
        path = tmp_path / "stages" / name
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, ns=(0, number))
    (tmp_path / "stages/c/done").touch()
    assert [path.name for path in unfinished_checkpoints(tmp_path)] == [
        "checkpoint-2",
        "checkpoint-4",
    ]


def test_a_damaged_checkpoint_is_told_from_a_whole_one(tmp_path: Path) -> None:
    content = bytes(range(100))
    checkpoint = tmp_path / f"checkpoint-00000002-{zlib.crc32(content):08x}.pt"
    checkpoint.write_bytes(content)
    assert is_whole(checkpoint)
    for seed in range(6):
        checkpoint.write_bytes(content)
        damage(checkpoint, Random(seed))
        assert not is_whole(checkpoint)


@pytest.mark.parametrize("seed", range(12))
def test_damage_never_leaves_what_was_there(tmp_path: Path, seed: int) -> None:
    file, content = tmp_path / "checkpoint", bytes(range(100))
    file.write_bytes(content)
    how, left = damage(file, Random(seed)), file.read_bytes()
    assert zlib.crc32(left) != zlib.crc32(content)
    assert how == {100: "flipped", 0: "emptied"}.get(len(left), "cut")


def test_every_way_to_damage_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    drawn = set()
    for seed in range(12):
        file.write_bytes(bytes(100))
        drawn.add(damage(file, Random(seed)))
    assert drawn == {"cut", "flipped", "emptied"}


def test_a_process_of_ray_is_a_trial_or_a_task_or_neither() -> None:
    assert is_trial("ray::ResourceTrainable.train")
    assert is_task("ray::train warm (adapted proposal 0)")
    assert not is_task("ray::ResourceTrainable.train")
    for title in ("", "/usr/bin/python posebridge sweep"):
        assert not is_task(title)
        assert not is_trial(title)


def test_there_is_every_kind_that_the_question_names() -> None:
    names = ["worker", "trial", "driver", "node", "head", "disk", "checkpoint", "second driver"]
    assert [kind.name for kind in KINDS] == names
