"""`plan` and `status`: what an experiment will take, and how far it is."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from posebridge.commands.experiments import add_experiment, all_tasks, plan_of
from posebridge.engine.addresses import address_of_job
from posebridge.engine.cluster import cluster
from posebridge.engine.graph import Task, outstanding, read_failures
from posebridge.engine.holders import parse_holder
from posebridge.engine.placement import (
    Node,
    at_once,
    check_placeable,
    cluster_nodes,
    describe_nodes,
    describe_sum,
    this_machine,
)
from posebridge.engine.pricing import Prices, price
from posebridge.engine.run import Plan
from posebridge.engine.tune.forecast import describe_plan, how_far
from posebridge.engine.tune.sweep import Sweep


def add_plan(added: argparse.ArgumentParser) -> None:
    """Of what, and where it would run."""
    add_experiment(added)
    added.add_argument("--address", help="of the Ray cluster that would run it, not this machine")


def plan(asked: argparse.Namespace, console: Console) -> int:
    """What exists, what will run, whether there is room, and how long it will take.

    Raises:
        ValueError: if something cannot be placed; the message shows the sum.
    """
    planned, nodes = plan_of(asked), _nodes(asked.address)
    planned = replace(planned, gpus=float(any(node.gpus for node in nodes)))
    tasks = all_tasks(planned)
    waiting, done = outstanding(tasks, planned.store)
    check_placeable(waiting, nodes)
    prices = Prices.measured(planned.store, tasks)
    trainings = [task for task in waiting if task.steps]
    if trainings:
        console.print(_trainings(trainings, prices, planned.experiment.name))
        console.print(_room(trainings, nodes))
    console.print(
        f"{len(done)} tasks are done; {len(trainings)} trainings and "
        f"{len(waiting) - len(trainings)} others (rendering, evaluation) are to do. "
        f"{price(waiting, prices, nodes).describe()}"
    )
    if planned.waiting():
        console.print(_undecided(planned))
    search = planned.experiment.search
    if search is not None:
        told = describe_plan(Sweep(planned, search))
        console.print(f"{told} Begin it: posebridge sweep.", highlight=False, markup=False)
    return 0


def status(asked: argparse.Namespace, console: Console) -> int:
    """How far an experiment is: what is done, what runs where, what failed and why."""
    planned = plan_of(asked)
    waiting, done = outstanding(all_tasks(planned), planned.store)
    leases = planned.store.read_many(task.lease for task in waiting)
    failures = read_failures(planned.store, waiting)
    grid = Grid("task", "state", title=planned.experiment.name)
    for task in waiting:
        state = _running(leases.get(task.lease, b"")) or _standing(task, failures)
        if state:
            grid.add_row(escape(task.name), state)
    if grid.row_count:
        console.print(grid)
    console.print(f"{len(done)} of {len(done) + len(waiting)} tasks are done.")
    search = planned.experiment.search
    if search is not None:
        sweep = Sweep(planned, search)
        console.print(f"sweep {sweep.name}: {how_far(sweep)}", highlight=False, markup=False)
    return 0


def _nodes(address: str | None) -> list[Node]:
    if address is None and address_of_job(os.environ) is None:
        return this_machine()
    with cluster(address):
        return cluster_nodes()


def _trainings(trainings: Sequence[Task], prices: Prices, name: str) -> Grid:
    grid = Grid("task", "steps", "seconds", title=f"{name}: still to do")
    for task in trainings:
        estimate = prices.of(task)
        seconds = "not measured yet" if estimate is None else str(estimate)
        grid.add_row(escape(task.name), str(task.steps), seconds)
    return grid


def _room(trainings: Sequence[Task], nodes: Sequence[Node]) -> Grid:
    """What trainings take against what there is, a row for all that take the same."""
    alike: dict[str, list[Task]] = {}
    for task in trainings:
        alike.setdefault(describe_sum(task), []).append(task)
    grid = Grid("trainings", "each takes", "fit at once", title=f"Room: {describe_nodes(nodes)}")
    for takes, tasks in alike.items():
        grid.add_row(str(len(tasks)), takes, str(at_once(tasks[0], nodes)))
    return grid


def _undecided(planned: Plan) -> str:
    names = ", ".join(system.name for system in planned.waiting())
    return (
        f"{escape(names)}: after the candidates of seed {planned.experiment.seeds[0]}, "
        f"{planned.experiment.chosen_by} decides, and the winner runs under every "
        "seed, which is not counted here."
    )


def _running(lease: bytes) -> str:
    """Who is at it, and how far; empty if nobody is."""
    holder = parse_holder(lease)
    if holder is None or holder.is_gone():
        return ""
    at = holder.progress
    far = f"step {at['step']} of {at['steps']}, {at['images_per_s']:.0f} images/s" if at else ""
    return f"running on {holder.host} (process {holder.pid}) {far}"


def _standing(task: Task, failures: dict[str, str]) -> str:
    if task.marker in failures:
        return f"[red]failed:[/] {escape(failures[task.marker])}"
    return "waiting" if task.steps else ""
