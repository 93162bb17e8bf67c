"""What does our graph add to a stage, over plain Ray tasks that need each other?

Run:     python experiments/benchmark_graph.py         (--quick: fewer rounds)
Cost:    about half a minute on 2 cores, as --quick, for most of it is starting Ray
Expect:  at most 20 ms a stage, most of it Ray's own; at most twice plain Ray

A hundred stages that do nothing but leave their marker, on a cluster of three nodes of two CPUs
each, all of them on this machine. They depend on each other as in an experiment: shards, a
population of each five, a warm-up on each population, six adaptations of each, and two evaluations
of each of those. Ours is `posebridge.engine.execution`, which looks for markers and leases, tells
a watcher, and hands a stage to Ray when what it needs is done. Plain Ray gets all hundred at once,
as tasks that take each other's results as arguments; the stages themselves are the same.

They take turns, after one round to warm up, and who goes first alternates. Since the stages do
nothing, all time is overhead. Intervals are 95 %, Student's t over rounds.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import LOCAL_ENVIRONMENT
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import Failure, Task, Watcher
from posebridge.engine.provenance import versions
from posebridge.leaderboard.statistics import seed_interval

for _name, _value in LOCAL_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402 - reads the environment
from ray.cluster_utils import Cluster  # noqa: E402

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
ROUNDS, QUICK_ROUNDS = 20, 3
NODES, CPUS = 3, 2
POPULATIONS, SHARDS, ADAPTATIONS, EVALUATIONS = 4, 5, 6, 2


class Silent(Watcher):
    """Shows nothing."""

    def started(self, task: Task) -> None:
        """A task begins."""

    def progressed(self, task: Task, progress: dict[str, float]) -> None:
        """A task goes on."""

    def finished(self, task: Task, seconds: float) -> None:
        """A task ends."""

    def failed(self, failure: Failure) -> None:
        """Nothing can fail here: the benchmark ends.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(failure.cause)

    def skipped(self, task: Task, cause: Task) -> None:
        """Nothing is skipped."""


def leave(uri: str, marker: str) -> None:
    """The stage: nothing but its marker."""
    Store(uri).write(marker, b"")


def stages(uri: str) -> list[Task]:
    """A hundred tasks, each after what it needs."""
    made: list[Task] = []

    def add(name: str, *needs: str) -> str:
        marker = f"{name}/done"
        made.append(Task(name, marker, leave, (uri, marker), needs))
        return marker

    for number in range(POPULATIONS):
        shards = [add(f"shard-{number}-{shard}") for shard in range(SHARDS)]
        people = add(f"population-{number}", *shards)
        warmup = add(f"warmup-{number}", people)
        for adaptation in range(ADAPTATIONS):
            adapted = add(f"adapt-{number}-{adaptation}", warmup, people)
            for evaluation in range(EVALUATIONS):
                add(f"evaluate-{number}-{adaptation}-{evaluation}", adapted)
    return made


def ours(tasks: Sequence[Task], store: Store) -> None:
    """Our graph."""
    execute_on_ray(tasks, store, Silent())


@ray.remote(num_cpus=1)
def after(uri: str, marker: str, *needs: None) -> None:
    """A stage as a task of plain Ray."""
    leave(uri, marker)


def plain(tasks: Sequence[Task], store: Store) -> None:
    """All tasks at once; Ray knows what they wait for."""
    running: dict[str, Any] = {}
    for task in tasks:
        needs = (running[need] for need in task.needs)
        running[task.marker] = after.remote(store.uri, task.marker, *needs)
    ray.get(list(running.values()))


def seconds(run: Callable[[Sequence[Task], Store], None]) -> float:
    """Of one graph in a store of its own.

    Raises:
        RuntimeError: if a stage was left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        tasks = stages(store.uri)
        since = time.perf_counter()
        run(tasks, store)
        taken = time.perf_counter() - since
        if len(store.read_many(task.marker for task in tasks)) != len(tasks):
            raise RuntimeError("every stage must leave its marker, but some did not.")
    return taken


@contextmanager
def three_nodes() -> Iterator[None]:
    """A cluster of several nodes on this machine."""
    cluster = Cluster()
    try:
        for _ in range(NODES):
            cluster.add_node(num_cpus=CPUS, include_dashboard=False)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


def measure(*, quick: bool) -> dict[str, Any]:
    """Both graphs in turns."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    taken: dict[Any, list[float]] = {ours: [], plain: []}
    with three_nodes():
        for number in range(rounds + 1):
            for run in (ours, plain) if number % 2 else (plain, ours):
                taken[run].append(seconds(run))
    count = len(stages(""))
    # The first round starts the processes.
    mine, theirs = (np.array(taken[run][1:]) * 1000 / count for run in (ours, plain))
    each = seed_interval(mine.tolist())
    # Of logarithms: a disturbance weighs the same on either side.
    ratio = seed_interval(np.log(mine / theirs).tolist())
    return {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "overhead_ms_per_stage": each.estimate,
        "overhead_ms_per_stage_interval": [each.low, each.high],
        "ours_over_plain_ray": float(np.exp(ratio.estimate)),
        "ours_over_plain_ray_interval": np.exp([ratio.low, ratio.high]).tolist(),
        "plain_ray_ms_per_stage": float(theirs.mean()),
        "stages": count,
        "rounds": rounds,
        "nodes": NODES,
        "cpus_per_node": CPUS,
        "load_average": os.getloadavg()[0],
        "machine": {"cores": os.cpu_count(), **versions()},
    }


def main() -> None:
    """Measure, print, and keep what a full run found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; writes no file")
    result = measure(quick=parser.parse_args().quick)
    if not result["quick"]:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
