"""`sweep`: search the fields of an experiment's systems, then run it as the search decided."""

import argparse
from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from posebridge.commands.experiments import add_experiment, plan_of, run_plan
from posebridge.engine.cluster import cluster, gpus_per_task
from posebridge.engine.execution import Execution, execute_on_ray
from posebridge.engine.graph import Task, outstanding
from posebridge.engine.tune.attempt import Attempt
from posebridge.engine.tune.driver import run_sweep
from posebridge.engine.tune.events import EventFiles
from posebridge.engine.tune.forecast import describe_plan
from posebridge.engine.tune.frontier import SweepStoppedError
from posebridge.engine.tune.generations import run_generations
from posebridge.engine.tune.outcomes import read_outcomes
from posebridge.engine.tune.pictures import Found, sweep_picture
from posebridge.engine.tune.proposals import importances
from posebridge.engine.tune.race import race
from posebridge.engine.tune.results import (
    PICTURE,
    note_sweep,
    pareto_front,
    picture_path,
    read_result,
    result_path,
    with_sweep,
    write_result,
)
from posebridge.engine.tune.rules import judge, rules_table
from posebridge.engine.tune.show import ConsoleSweep, table_of, value_text
from posebridge.engine.tune.storage import JOURNAL, open_storage
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.watch import ConsoleWatcher
from posebridge.engine.work import alone
from posebridge.search import PopulationBased


def add_sweep(added: argparse.ArgumentParser) -> None:
    """Where it runs, and where Optuna writes for people to look at."""
    add_experiment(added)
    added.add_argument("--address", help="of a Ray cluster; without, one is started here")
    added.add_argument(
        "--storage",
        metavar="URL",
        help="database that optuna-dashboard reads, such as sqlite:///sweeps.db; without, a "
        "journal in the store",
    )


def sweep(asked: argparse.Namespace, console: Console) -> int:
    """Search, and run the experiment as the search decided; running again goes on."""
    planned = plan_of(asked)
    search = planned.experiment.search
    if search is None:
        raise ValueError(
            f"{asked.experiment} must say what to search, but its experiment has no search: give "
            "it one (search=Search(...)), or use posebridge run."
        )
    with cluster(asked.address):
        one = Sweep(replace(planned, gpus=gpus_per_task()), search)
        store = one.plan.store
        console.print(describe_plan(one), highlight=False, markup=False)
        note_sweep(one)
        with alone(store, f"sweeps/{one.name}", result_path(one.name)) as lease:
            if lease is not None:
                try:
                    _search(one, asked.storage, console)
                except SweepStoppedError as stopped:
                    console.print(f"[red]{escape(str(stopped))}[/]", highlight=False)
                    return 1
        _report(one, console)
        return run_plan(with_sweep(one.plan), asked, console, execute_on_ray)


def _search(one: Sweep, url: str | None, console: Console) -> None:
    store = one.plan.store

    def run_tasks(tasks: Iterable[Task]) -> None:
        tasks = list(tasks)
        with ConsoleWatcher(console, len(outstanding(tasks, store)[0])) as watcher:
            failures = execute_on_ray(tasks, store, watcher)
        for failure in failures:
            raise SweepStoppedError(f"{failure.task.name}: {failure.cause}")

    run_tasks(one.shared_tasks())
    storage = open_storage(store, one.name, url)
    with EventFiles(one) as files, ConsoleSweep(one, console) as shown:
        graph = Execution(store, shown)
        how = one.search.sampler
        if isinstance(how, PopulationBased):
            study = run_generations(one, how, graph, (shown, files), storage)
        else:
            study = run_sweep(one, Attempt(one), graph, (shown, files), storage)
    outcomes = list(read_outcomes(store, one.name).values())
    races = {name: race(one, name, outcomes, run_tasks) for name in one.systems}
    front = [] if one.search.cost is None else pareto_front(outcomes, one.search.cost)
    write_result(one, races, front, importances(study))


def _report(one: Sweep, console: Console) -> None:
    """Say what the search found."""
    store = one.plan.store
    outcomes, result = read_outcomes(store, one.name), read_result(store, one.name)
    assert result is not None
    found = Found(
        tuple(outcomes.values()),
        frozenset(won["number"] for won in result["winners"].values()),
        {p: d for s in one.systems.values() for p, d in one.search.space_of(s).items()},
        result["importances"],
        result["rule"],
        max(system.stage.budget.steps for system in one.systems.values()),
    )
    store.write(picture_path(one.name), sweep_picture(found))
    console.print(table_of(one, outcomes))
    for name, won in result["winners"].items():
        values = ", ".join(f"{path} = {value_text(v)}" for path, v in won["values"].items())
        seeds = len(won["race"][0]["scores"])
        console.print(
            f"{name}: proposal {won['number']} chosen of {len(outcomes)} "
            f"({seeds} seeds, {len(won['race'])} in the race): {values}",
            highlight=False,
            markup=False,
        )
    judged = judge(outcomes.values())
    if judged:
        console.print(rules_table(judged))
    if result["front"]:
        front = ", ".join(str(number) for number in result["front"])
        console.print(f"best for their {one.search.cost}, cheapest first: proposals {front}")
    folder = store.path(f"sweeps/{one.name}")
    console.print(
        f"everything is in {folder}: {PICTURE}, trials, TensorBoard events"
        + (f", and for optuna-dashboard {JOURNAL}." if store.is_local else "."),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
