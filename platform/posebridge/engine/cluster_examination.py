"""Gathers what the checks of `engine/doctor` look at in a cluster.

In processes of their own, which can be given up: Ray can wait for ever.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from posebridge.engine.addresses import address_of_job
from posebridge.engine.artifacts import Store
from posebridge.engine.doctor import nodes, rays
from posebridge.engine.doctor.findings import Finding, Tried
from posebridge.engine.doctor.nodes import Training, Visited

LIMIT_SECONDS = 90.0
START = """
import ray
from posebridge.engine.cluster import cluster
with cluster(None):
    assert ray.get(ray.remote(lambda: 3).remote()) == 3
"""


@dataclass(frozen=True)
class Demand:
    """An experiment, and at what scale it is meant."""

    file: Path
    scale: str


def examine(store: Store, address: str | None, demand: Demand | None) -> Iterator[Finding]:
    """The cluster that would be used, and whether an experiment finds room there.

    Args:
        store: that its nodes should share.
        address: of a cluster; None for that of the job that this is, or one started here.
        demand: what would be run, if anything is meant.
    """
    # First, since its errors should not have to wait for a cluster.
    trainings = side_by_side(demand, store) if demand else None
    address = address or address_of_job(os.environ)
    if address is None:
        yield rays.check_cluster(start_cluster(START, LIMIT_SECONDS))
        # As a local cluster counts them.
        cpus = [float(max(os.cpu_count() or 1, 2))]
    else:
        told = visit(address, store)
        visited = [] if told.error else [Visited(**one) for one in json.loads(told.found)["nodes"]]
        yield from _nodes(address, told, visited)
        cpus = [one.cpus for one in visited]
    if trainings is not None:
        yield nodes.check_arithmetic(trainings, cpus)


def start_cluster(program: str, limit_s: float) -> Tried:
    """Start Ray in a process of its own.

    Args:
        program: Python, that ends well if all is well.
        limit_s: after which it is given up.
    """
    since = time.monotonic()
    ended = in_process(["-c", program], limit_s)
    if ended.error:
        return ended
    return Tried(f"starts, runs a task and ends in {time.monotonic() - since:.0f} s")


def visit(address: str, store: Store) -> Tried:
    """What the nodes of a cluster say of themselves, as JSON."""
    # An object store is the same from everywhere; a folder must lie at the same path.
    words = ["-m", "posebridge.engine.visit", address, store.path()]
    return in_process(words, LIMIT_SECONDS)


def in_process(words: Sequence[str], limit_s: float) -> Tried:
    """The last line that a Python of its own prints, or why it failed.

    Args:
        words: of its command line.
        limit_s: after which it is given up.
    """
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        ended = subprocess.run(
            [sys.executable, *words],
            env=dict(os.environ) | path,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Tried(error=f"did not start and run a task within {limit_s:g} s")
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"ended with status {ended.returncode}"]
        return Tried(error=lines[-1])
    return Tried(ended.stdout.strip().rpartition("\n")[2])


def side_by_side(demand: Demand, store: Store) -> list[Training]:
    """The trainings of an experiment that wait for no other.

    Raises:
        ValueError: if there is no such experiment.
    """
    # What needs torch, only now.
    load = importlib.import_module("posebridge.experiment").load_experiment
    plan = importlib.import_module("posebridge.engine.run").Plan
    tasks = plan(load(demand.file, scale=demand.scale), store).first_phase()
    trainings = {task.marker: task for task in tasks if task.steps}
    return [
        Training(max(task.workers, 1), int(task.cpus))
        for task in trainings.values()
        if not any(need in trainings for need in task.needs)
    ]


def _nodes(address: str, told: Tried, visited: Sequence[Visited]) -> Iterator[Finding]:
    if told.error:
        yield nodes.check_answer(address, told)
        return
    facts = json.loads(told.found)
    yield nodes.check_answer(address, Tried(f"{len(visited)} nodes answer"))
    yield nodes.check_state_api(Tried(**facts["state"]))
    yield nodes.check_versions(visited, here=facts["here"])
    for check in nodes.ON_NODES:
        yield check(visited)
