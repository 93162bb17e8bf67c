"""Sweeps of a file that defines everything itself, as a user runs them: each once, and small."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection

from commands.searching import found
from integration.running import PATIENCE_SECONDS, TESTS
from object_store import new_bucket
from posebridge.engine.artifacts import Store
from posebridge.engine.records_folder import RecordsFolder
from posebridge.engine.run import Plan
from posebridge.engine.tune.outcomes import State, read_outcomes
from posebridge.engine.tune.results import pareto_front
from posebridge.engine.tune.storage import JOURNAL
from posebridge.engine.tune.sweep import Sweep
from posebridge.experiment import load_experiment
from posebridge.records import same_result

pytestmark = pytest.mark.slow
OWN = Path(__file__).with_name("own_experiment.py")
CODE = """
import json, sys
from posebridge.cli import main
for words in json.loads(sys.argv[1]):
    if status := main(words):
        sys.exit(status)
    print("=" * 20)
"""
TRIALS = 4


def _file(folder: Path, change: str = "") -> Path:
    """A user's file; the same name, so that what it defines has the same keys."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / OWN.name
    file.write_text(f"{OWN.read_text()}\nimport dataclasses\n{change}\n")
    return file


def _searching(changes: str) -> str:
    return f"""
search = dataclasses.replace(EXPERIMENT.search, {changes})
EXPERIMENT = dataclasses.replace(EXPERIMENT, search=search)
"""


def _ask(*commands: Sequence[str | Path]) -> list[str]:
    """What commands say, one after the other, in a process that finds no more than the package."""
    environment = os.environ | {
        "PYTHONPATH": str(TESTS.parent / "platform"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }
    words = json.dumps([[str(word) for word in command] for command in commands])
    ended = subprocess.run(
        [sys.executable, "-c", CODE, words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=len(commands) * PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [" ".join(said.split()) for said in ended.stdout.split("=" * 20)]


@dataclass(frozen=True)
class Searched:
    """What searches have left in a folder and on an object store, and what was said.

    Attributes:
        local: has the first sweep, and one that began with it.
        remote: has the first sweep.
        first: name of the first sweep, wherever it ran.
        warm: name of the one that began with it.
        said: by each of the three; then by the leaderboard of either store.
    """

    local: Store
    remote: Store
    first: str
    warm: str
    said: list[str]


@pytest.fixture(scope="module")
def searched(s3: None, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("searched")
    local, remote = Store(str(folder / "store")), Store(f"{new_bucket()}/store")
    file = _file(folder / "first")
    name = _name(file, local)
    change = _searching(f"warm_start=({name!r},), sampler=Tpe(startup=2), trials=2")
    after = _file(folder / "warm", f"from posebridge.search import Tpe\n{change}")
    said = _ask(
        ["sweep", file, "--store", local.uri],
        ["sweep", after, "--store", local.uri],
        ["sweep", file, "--store", remote.uri],
        ["leaderboard", file, "--store", local.uri],
        ["leaderboard", file, "--store", remote.uri],
    )
    (other,) = set(local.children("sweeps")) - {name}
    return Searched(local, remote, name, other, said)


def _name(file: Path, store: Store) -> str:
    """Of the sweep that a file declares, before it has begun."""
    experiment = load_experiment(file)
    assert experiment.search is not None
    return Sweep(Plan(experiment, store), experiment.search).name


def test_a_search_with_a_cost_finds_a_front(searched: Searched) -> None:
    outcomes = read_outcomes(searched.local, searched.first).values()
    assert {outcome.state for outcome in outcomes} == {State.COMPLETE}
    front = [outcome.proposal.number for outcome in pareto_front(outcomes, "steps")]
    numbers = ", ".join(map(str, front))
    assert f"best for their steps, cheapest first: proposals {numbers}" in searched.said[0]
    assert searched.local.read_json(f"sweeps/{searched.first}/result.json")["front"] == front
    picture = searched.local.read(f"sweeps/{searched.first}/sweep.png")
    assert picture.startswith(b"\x89PNG")


def _study(searched: Searched, name: str) -> optuna.Study:
    """What optuna-dashboard would open."""
    path = searched.local.path(f"sweeps/{name}/{JOURNAL}")
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(path)))


def test_its_study_has_two_directions_and_a_value_for_each(searched: Searched) -> None:
    study = _study(searched, searched.first)
    assert study.directions == [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    outcomes = read_outcomes(searched.local, searched.first)
    assert [trial.values for trial in study.trials] == [
        [outcomes[number].score, outcomes[number].cost["steps"]] for number in range(TRIALS)
    ]
    assert {"steps", "images", "heads_first"} <= set(study.trials[0].user_attrs)


def test_a_second_search_begins_with_what_the_first_found(searched: Searched) -> None:
    first, warm = _study(searched, searched.first), _study(searched, searched.warm)
    assert "begins with 4 outcomes of earlier sweeps" in searched.said[1]
    known, own = warm.trials[:TRIALS], warm.trials[TRIALS:]
    assert [(t.params, t.values) for t in known] == [(t.params, t.values) for t in first.trials]
    outcomes = read_outcomes(searched.local, searched.warm)
    assert [trial.params for trial in own] == [outcomes[n].proposal.values for n in range(2)]
    # The declared values come first again; they have been trained, and are not trained again.
    assert outcomes[0].stage_key == read_outcomes(searched.local, searched.first)[0].stage_key


def test_on_an_object_store_it_finds_the_same(searched: Searched) -> None:
    here, there = ((s, searched.first) for s in (searched.local, searched.remote))
    assert searched.remote.children("sweeps") == [searched.first]
    ours, theirs = (read_outcomes(*place) for place in (here, there))
    for outcome in [*ours.values(), *theirs.values()]:
        del outcome.cost["seconds"]
    assert ours == theirs
    results = [store.read_json(f"sweeps/{name}/result.json") for store, name in (here, there)]
    assert results[0] == results[1]
    assert searched.remote.exists(f"sweeps/{searched.first}/sweep.png")


def test_on_an_object_store_its_records_are_kept_and_shown(searched: Searched) -> None:
    ours, theirs = (
        RecordsFolder.of(store).by_key("own_experiment")
        for store in (searched.local, searched.remote)
    )
    assert theirs
    assert all(same_result(ours[key], record) == [] for key, record in theirs.items())
    place = f"{searched.remote.uri}/records/own_experiment/"
    assert f"{len(theirs)} records in {place}" in searched.said[2]
    boards = [
        said.split("own_experiment (embedded scale, test split)") for said in searched.said[3:5]
    ]
    assert "│ own │" in boards[1][1]
    # The first table says how long it took; that by keypoints does not.
    assert boards[0][2] == boards[1][2]


TWO_WORKERS = """
from posebridge.search import RandomSearch

two = dataclasses.replace(LAST, budget=dataclasses.replace(BUDGET, workers=2))
EXPERIMENT = dataclasses.replace(EXPERIMENT, systems=(System("own", "control", two),))
space = {"last.learning_rate": log_uniform(1e-4, 1e-1)}
""" + _searching("trials=2, sampler=RandomSearch(), cost=None, space=space")


@pytest.mark.long
def test_a_stage_of_two_workers_is_searched(tmp_path: Path) -> None:
    """Each trial starts a group of its own, which reads through Ray Data."""
    store = Store(str(tmp_path / "store"))
    said, _ = _ask(["sweep", _file(tmp_path, TWO_WORKERS), "--store", store.uri])
    result, outcomes = found(store)
    assert [outcome["state"] for outcome in outcomes] == ["complete", "complete"]
    assert f"own: proposal {result['winners']['own']['number']} chosen of 2" in said
    for outcome in outcomes:
        manifest = store.read_json(f"stages/{outcome['stage_key']}/manifest.json")
        assert manifest["made"]["workers"] == 2
    assert store.children("ray-train") == []
