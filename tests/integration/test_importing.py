"""Imports as processes of their own: killed, two at once, and an experiment on what they made."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from object_store import new_bucket, s3_server
from populations.importers.writing import (
    person,
    picture,
    write_coco,
    write_folder,
    write_mini_rgbd,
)
from posebridge.engine.artifacts import Store
from posebridge.engine.importing.there import imported_populations
from posebridge.engine.work import open_in
from posebridge.records import read_records

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[1]
CODE = "import sys; from posebridge.cli import main; sys.exit(main(sys.argv[1:]))"
PATIENCE_SECONDS = 240.0

EXPERIMENT = '''"""Does an experiment run on people who were imported?"""

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.populations.imported import Imported
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed
from posebridge.systems import baselines

COCO = {coco}
INFANTS = {infants}

EXPERIMENT = Experiment(
    name="imported",
    question="Does it run?",
    systems=(
        baselines.published(Lightning()),
        baselines.control(Lightning(), (Feed(COCO, "train", 2),), Budget(steps=2, threads=1)),
    ),
    targets=(INFANTS, COCO),
    selection=SourceValidation(),
)
'''


def start(*words: str | Path, folder: Path) -> "subprocess.Popen[str]":
    """A command as a process of its own."""
    folders = [str(TESTS.parent / "platform"), str(TESTS)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, words)],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*words: str | Path, folder: Path) -> str:
    """What a command that must succeed prints."""
    with start(*words, folder=folder) as process:
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, printed
    return printed


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images enough for several shards."""
    images = [picture(number) for number in range(1300)]
    folder = tmp_path_factory.mktemp("many")
    return write_folder(folder, images, [person(i, i) for i in range(1300)])


def content(store: Path) -> str:
    """Hash of the only population in a store, after a look at every byte of it."""
    there = Store(str(store))
    (population,) = imported_populations(there)
    open_in(there, population).verify()
    return population.content


def test_a_killed_import_ends_as_an_undisturbed_one(many: Path, tmp_path: Path) -> None:
    words = ("data", "import", "folder", many, "--debug", "--store")
    run(*words, tmp_path / "undisturbed", folder=tmp_path)
    killed = tmp_path / "killed"
    with start(*words, killed, folder=tmp_path) as process:
        until = time.monotonic() + PATIENCE_SECONDS
        while not list(killed.glob("imports/*/made/*.json")):
            assert time.monotonic() < until, "no shard was made"
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.kill()
    assert not list(killed.glob("populations/*/manifest.json"))
    made = {path: path.stat().st_mtime_ns for path in killed.glob("imports/*/made/*.json")}
    printed = run(*words, killed, folder=tmp_path)
    left = 1300 - sum(256 for path in made if path.name.startswith("train"))
    assert f"imported {left} of {left} people" in printed
    assert content(killed) == content(tmp_path / "undisturbed")


def test_two_imports_at_once_do_not_collide(many: Path, tmp_path: Path) -> None:
    words = ("data", "import", "folder", many, "--debug", "--store", tmp_path / "store")
    processes = [start(*words, folder=tmp_path) for _ in range(2)]
    printed = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    lines = {re.search(r"PEOPLE = (.*)", text) for text in printed}
    assert len({line and line[1] for line in lines}) == 1
    assert content(tmp_path / "store") in printed[0]


@pytest.mark.long
def test_an_experiment_runs_on_what_was_imported(tmp_path: Path) -> None:
    """On Ray, from a labelled COCO to infants with other keypoints."""
    lines = {}
    coco, infants = write_coco(tmp_path / "c", train=6, test=4), write_mini_rgbd(tmp_path / "m")
    for kind, folder in (("coco", coco), ("mini-rgbd", infants)):
        printed = run("data", "import", kind, folder, "--debug", folder=tmp_path)
        found = re.search(r"PEOPLE = (Imported\(.*\))", printed)
        assert found is not None
        lines[kind] = found[1]
    file = tmp_path / "imported.py"
    file.write_text(EXPERIMENT.format(coco=lines["coco"], infants=lines["mini-rgbd"]))
    assert "control" in run("plan", file, folder=tmp_path)
    run("run", file, folder=tmp_path)
    records, _ = read_records(tmp_path / "store" / "records" / "imported.jsonl")
    measured = {(record.system, record.population) for record in records}
    assert {
        (s, p) for s in ("published weights", "control") for p in ("mini-rgbd", "coco")
    } <= measured
    of_infants = next(r for r in records if (r.system, r.population) == ("control", "mini-rgbd"))
    # Two frames, and of COCO's 17 keypoints all but eyes and ears.
    assert of_infants.scores["pck_box"].count == 2 * 13
    assert "mini-rgbd" in run("leaderboard", file, folder=tmp_path)


def test_an_object_store_holds_imports_too(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco")
    with s3_server():
        store = Store(new_bucket())
        words = ("data", "import", "coco", coco, "--debug", "--store", store.uri)
        first = run(*words, folder=tmp_path)
        assert run(*words, folder=tmp_path) in first
        (population,) = imported_populations(store)
        open_in(store, population).verify()
        assert store.children("imports")
    run("data", "import", "coco", coco, "--debug", folder=tmp_path)
    assert content(tmp_path / "store") == population.content
