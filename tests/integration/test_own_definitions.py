"""What a user's file defines reaches every process that works with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray

from engine.watching import Witness
from posebridge.engine.artifacts import Store
from posebridge.engine.definitions import send_by_value
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import execute_here
from posebridge.engine.run import Plan
from posebridge.engine.work import stage_path
from posebridge.experiment import Experiment, load_experiment
from posebridge.identity import describe
from posebridge.stages import Stage, System

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("local_cluster")]
OWN = Path(__file__).with_name("own_experiment.py")


@pytest.fixture(scope="module")
def own() -> Experiment:
    experiment = load_experiment(OWN)
    send_by_value(OWN, experiment)
    return experiment


def _there(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function says in another process."""
    return ray.get(ray.remote(function).remote(*arguments))


def _asked(experiment: Experiment) -> dict[str, Any]:
    """Everything that says what a part of an experiment is."""
    stages = [stage for system in experiment.systems for stage in system.stage.chain()]
    return {
        "keys": [stage.key() for stage in stages],
        "stages": [describe(stage) for stage in stages],
        "populations": [population.fingerprint() for population in experiment.populations()],
        "rule": describe(experiment.selection),
    }


def test_they_are_the_same_whichever_process_asks(own: Experiment) -> None:
    here = _asked(own)
    assert json.dumps(here) == json.dumps(_there(_asked, own))
    assert here["keys"] == _there(_keys_of_a_process_that_it_started, own)
    assert here["stages"][0]["method"]["class"] == "posebridge_experiment_own_experiment:Reach"
    assert here["stages"][0]["method"]["version"] == 2


def _keys_of_a_process_that_it_started(own: Experiment) -> Any:
    """Sent on by a process that has not read the file itself."""
    return _there(_asked, own)["keys"]


def _with_workers(system: System, workers: int) -> System:
    stage: Stage = replace(system.stage, budget=replace(system.stage.budget, workers=workers))
    return replace(system, stage=stage)


def test_tasks_readers_and_a_group_of_workers_get_them(own: Experiment, tmp_path: Path) -> None:
    """The warm-up trains in a task, the last stage in a group; both read through Ray Data."""
    system = _with_workers(own.systems[0], 2)
    there = Plan(replace(own, systems=(system,), search=None), Store(str(tmp_path / "there")))
    here = replace(there, store=Store(str(tmp_path / "here")), streamed=False)
    assert execute_on_ray(there.first_phase(), there.store, Witness()) == []
    alone = replace(here, experiment=replace(own, search=None))
    assert execute_here(alone.first_phase(), here.store, Witness()) == []
    warm = system.stage.start
    assert warm is not None
    weights = f"{stage_path(warm)}/weights.safetensors"
    assert there.store.read(weights) == here.store.read(weights)
    manifest = there.store.read_json(f"{stage_path(system.stage)}/manifest.json")
    assert manifest["made"]["workers"] == 2
    (choice,) = there.choose()
    task = there.evaluation(choice.system.stage, own.targets[0], "test")
    assert there.store.read_json(task.marker)["scores"]["pck_box"]["count"] > 0
