"""Stages of several workers on a real cluster of one machine, placed by Ray Train."""

import dataclasses
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.people import ADULTS, INFANTS, borrow, supervised
from engine.watching import Witness
from integration.breaking import Breaking
from posebridge.engine.artifacts import Store
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import Task
from posebridge.engine.run import stage_marker
from posebridge.engine.work import stage_path, train_stage
from posebridge.estimators.movenet import Lightning
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.stages import Budget, Feed, Stage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("local_cluster")]

PATIENCE_SECONDS = 300
BUDGET = Budget(10, threads=1, checkpoint_every=2, workers=2)
ADAPT = Stage(
    "adapt",
    MeanTeacher(),
    Lightning(),
    (Feed(ADULTS, "train", 3),),
    Feed(INFANTS, "train", 2),
    BUDGET,
)


def _task(store: Store, stage: Stage) -> Task:
    return Task(
        name=stage.name,
        marker=stage_marker(stage),
        function=train_stage,
        arguments=(store.uri, stage, True),
        workers=stage.budget.group[0],
        steps=stage.budget.steps,
    )


def _kill_a_worker(store: Store, killed: list[str]) -> None:
    """As soon as there is a checkpoint; notes which."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        names = store.children(stage_path(ADAPT))
        if any(name.startswith("checkpoint-") for name in names):
            children = psutil.Process().children(recursive=True)
            workers = [child for child in children if "RayTrainWorker" in _title(child)]
            killed += [_title(worker) for worker in workers[-1:]]
            workers[-1].kill()
            return
        time.sleep(0.05)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_a_group_that_loses_a_worker_goes_on_and_two_groups_take_turns(
    made: Store, tmp_path: Path
) -> None:
    """On two CPUs there is room for one group of two."""
    stores = []
    for name in ("disturbed", "undisturbed"):
        (tmp_path / name).mkdir()
        stores.append(borrow(made, tmp_path / name))
    disturbed, undisturbed = stores
    other = supervised(budget=dataclasses.replace(BUDGET, workers=(1, 2)))
    killed: list[str] = []
    killer = threading.Thread(target=_kill_a_worker, args=(disturbed, killed))
    killer.start()
    witness = Witness()
    tasks = [_task(disturbed, ADAPT), _task(disturbed, other)]
    assert execute_on_ray(tasks, disturbed, witness) == []
    killer.join()
    assert len(killed) == 1
    assert sorted(witness.ends) == ["adapt", "control"]
    assert execute_on_ray([_task(undisturbed, ADAPT)], undisturbed, witness) == []
    for name in ("weights.safetensors", "metrics.jsonl"):
        path = f"{stage_path(ADAPT)}/{name}"
        assert disturbed.read(path) == undisturbed.read(path)
    assert witness.progress[-1]["step"] > 0
    assert disturbed.children("ray-train") == undisturbed.children("ray-train") == []


def test_an_error_of_a_worker_is_told_at_once(made: Store, tmp_path: Path) -> None:
    store = borrow(made, tmp_path)
    stage = supervised(method=Breaking(), budget=BUDGET)
    (failure,) = execute_on_ray([_task(store, stage)], store, Witness())
    assert failure.cause == "ValueError: the method is wrong"
    assert not store.exists(f"{stage_path(stage)}/lease")
