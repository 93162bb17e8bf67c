import json
from pathlib import Path

import pytest

from commands.question import QUESTION, TRAININGS, write_question
from posebridge.engine import cluster_examination
from posebridge.engine.addresses import JOB_VARIABLE
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster_examination import Demand, examine, side_by_side, start_cluster
from posebridge.engine.doctor.findings import Finding, State, Tried
from posebridge.engine.doctor.nodes import Training

NODE = {
    "name": "10.0.0.1",
    "cpus": 4.0,
    "gpus": 0.0,
    "object_store": 2e9,
    "versions": {"torch": "2.13.0"},
    "ahead_s": 0.0,
    "disk_free": 9e9,
    "store": "",
}
TOLD = json.dumps(
    {
        "nodes": [NODE, {**NODE, "name": "10.0.0.2", "store": "FileNotFoundError: doctor-1"}],
        "here": {"torch": "2.13.0"},
        "state": {"found": "knows 2 nodes", "error": ""},
    }
)


def test_a_cluster_that_does_not_start_tells_why() -> None:
    broken = start_cluster("raise RuntimeError('no port is free')", 30.0)
    assert broken == Tried(error="RuntimeError: no port is free")
    silent = start_cluster("raise SystemExit(7)", 30.0)
    assert silent == Tried(error="ended with status 7")
    slow = start_cluster("import time; time.sleep(30)", 0.2)
    assert slow == Tried(error="did not start and run a task within 0.2 s")


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of clusters that were visited; each answers like two nodes."""
    addresses: list[str] = []

    def visit(address: str, store: Store) -> Tried:
        addresses.append(address)
        return Tried(TOLD)

    monkeypatch.setattr(cluster_examination, "visit", visit)
    return addresses


def _by_name(found: list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in found}


def test_every_node_of_a_cluster_is_looked_at(visited: list[str], tmp_path: Path) -> None:
    found = _by_name(list(examine(Store(str(tmp_path)), "10.0.0.1:6379", None)))
    assert visited == ["10.0.0.1:6379"]
    assert found["cluster 10.0.0.1:6379"].found == "2 nodes answer"
    assert found.pop("store on the nodes").state is State.FAIL
    assert {one.state for one in found.values()} == {State.OK}
    assert {"State API", "software of the nodes", "clocks of the nodes"} <= found.keys()


def test_in_a_job_the_cluster_that_runs_it_is_looked_at(
    visited: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.9:6379")
    monkeypatch.setenv(JOB_VARIABLE, "{}")
    assert "cluster 10.0.0.9:6379" in _by_name(list(examine(Store(str(tmp_path)), None, None)))
    assert visited == ["10.0.0.9:6379"]


def test_a_cluster_that_does_not_answer_is_one_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_examination, "visit", lambda *_: Tried(error="no token"))
    (finding,) = examine(Store(str(tmp_path)), "10.0.0.1:6379", None)
    assert (finding.state, finding.found) == (State.FAIL, "no token")


def test_the_trainings_of_an_experiment_are_summed_over_the_nodes(
    visited: list[str], tmp_path: Path
) -> None:
    """Two candidates, and two more systems under two seeds, wait for no other: 6 of 1 thread."""
    demand = Demand(write_question(tmp_path), "embedded")
    found = _by_name(list(examine(Store(str(tmp_path)), "10.0.0.1:6379", demand)))
    assert found["CPU arithmetic"].found == (
        f"{TRAININGS} trainings × 1 workers × 1 threads + 0 for reading = {TRAININGS} of 8 CPUs"
    )


def test_a_training_that_waits_for_another_is_not_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "chain.py"
    file.write_text(
        "from dataclasses import replace\n"
        "from commands.question import ADAPT, CONTROL, QUESTION\n"
        "from posebridge.stages import System\n"
        "CHAIN = System('adapted', 'adapted', replace(ADAPT, start=CONTROL))\n"
        "EXPERIMENT = replace(QUESTION, systems=(CHAIN,))\n"
    )
    found = side_by_side(Demand(file, "embedded"), Store(str(tmp_path)))
    assert found == [Training(1, 1)] * len(QUESTION.seeds)


def test_an_experiment_that_is_not_there_is_told_before_any_cluster_is_asked(
    visited: list[str], tmp_path: Path
) -> None:
    demand = Demand(tmp_path / "nosuch.py", "embedded")
    with pytest.raises(ValueError, match="no experiment file"):
        next(examine(Store(str(tmp_path)), "10.0.0.1:6379", demand))
    assert visited == []
