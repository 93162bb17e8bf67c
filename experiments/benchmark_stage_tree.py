"""How much work does the stage tree save a sweep, and does it find the same?

Run:     python experiments/benchmark_stage_tree.py      (--quick: 6 trials a side, one seed)
Cost:    about 30 minutes on 2 cores, --quick one; with the machine to itself
Expect:  with a prefix six times as long as the late stage, 24 trials over the late stage take
         24 · 7 / (6 + 24) = 5.6 times fewer steps than whole systems do, and with Geo-Sapiens' own
         50:30 they take 2.5 times fewer; at least 0.95 of both. Over two stages as many as the
         values that were proposed for the first. The best value is the same to the last bit

Both sides have the same search, so the same proposals: a proposal is a function of the outcomes
before it, and those are equal. Ours is a sweep: stages that proposals share run once. The other
side is plain Ray Tune, whose trial trains the whole system in a store of its own. The estimator is
small, the steps are few, and starting a stage costs more than all of its steps, so wall time says
less than steps: it is reported and has no aim.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.execution import Execution, execute_on_ray
from posebridge.engine.graph import Task
from posebridge.engine.provenance import versions
from posebridge.engine.run import Plan
from posebridge.engine.tune.attempt import Attempt
from posebridge.engine.tune.driver import run_sweep
from posebridge.engine.tune.frontier import Trial
from posebridge.engine.tune.outcomes import Outcome, read_outcomes, write_outcome
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.watch import ConsoleWatcher
from posebridge.engine.work import train_stage
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import WIDE_VIEW, Supervised
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.search import Search, Tpe
from posebridge.search_space import Distribution, choice, log_uniform, uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed, Stage, System

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
SIX_TO_ONE = (18, 3)
GEO_SAPIENS = (10, 6)
"""Steps of the prefix and of the late stage; 50:30 made short."""
ADULTS = Adult(train=24, validation=12, test=4)
INFANTS = InfantReal(train=24, validation=8, test=4)
ESTIMATOR = SimpleBaseline(depth=18, input_height=64, input_width=64)
LATE: Mapping[str, Distribution] = {
    "adapt.consistency_weight": log_uniform(0.1, 10.0),
    "adapt.momentum": uniform(0.9, 0.9999),
}
EARLY: Mapping[str, Distribution] = {"warm_up.offset_weight": choice((0.3, 1.0, 3.0))}


def system(steps: tuple[int, int]) -> System:
    """Warm-up on the source, then a mean teacher."""
    source = (Feed(ADULTS, "train", 2),)
    budgets = [Budget(n, threads=1, checkpoint_every=1000) for n in steps]
    warm_up = Stage(
        "warm_up", Supervised(source_view=WIDE_VIEW), ESTIMATOR, source, None, budgets[0]
    )
    adapt = Stage(
        "adapt",
        MeanTeacher(source_view=WIDE_VIEW, strong_view=WIDE_VIEW),
        ESTIMATOR,
        source,
        Feed(INFANTS, "train", 2),
        budgets[1],
        start=warm_up,
    )
    return System("adapted", "adapted", adapt)


@dataclass(frozen=True)
class WholeSystem:
    """A trial of plain Tune: everything from the start, in a store of its own.

    Attributes:
        sweep: what is searched.
    """

    sweep: Sweep

    def __call__(self, trial: Trial) -> Outcome:
        """Train every stage of the proposal, and judge the last."""
        store = self.sweep.plan.store
        with tempfile.TemporaryDirectory() as folder:
            own = Store(folder)
            # The populations were rendered before either side began.
            Path(folder, "populations").symlink_to(store.path("populations"))
            plan = replace(self.sweep.plan, store=own)
            alone = replace(self.sweep, plan=plan)
            for stage in alone.stage(trial.proposal).chain()[:-1]:
                train_stage(own.uri, stage, plan.streamed)
            outcome = Attempt(alone)(trial)
        write_outcome(store, self.sweep.name, outcome)
        return outcome


def sweep_of(
    steps: tuple[int, int], space: Mapping[str, Distribution], seed: int, trials: int, folder: str
) -> Sweep:
    """A search over the space, under a seed."""
    search = Search(("adapted",), trials, space, Tpe(startup=6), ahead=3)
    experiment = Experiment(
        "tree", (system(steps),), (INFANTS,), SourceValidation(), (seed,), search=search
    )
    return Sweep(Plan(experiment, Store(folder)), search)


def with_tree(sweep: Sweep) -> tuple[float, float, float]:
    """Our sweep: seconds, training steps, best value."""
    store, since = sweep.plan.store, time.perf_counter()
    silent = ConsoleWatcher(Console(quiet=True), 0)
    failures = execute_on_ray(sweep.shared_tasks(), store, silent)
    if failures:
        raise RuntimeError(failures[0].cause)
    run_sweep(sweep, Attempt(sweep), Execution(store, silent))
    seconds = time.perf_counter() - since
    done = [k for k in store.children("stages") if store.exists(f"stages/{k}/done")]
    steps = [store.read_json(f"stages/{key}/manifest.json")["cost"]["steps"] for key in done]
    return seconds, float(sum(steps)), best(sweep)


class NoTree(Execution):
    """Takes every stage before a last one for done: the trials of plain Tune train them."""

    def add(self, tasks: Iterable[Task]) -> None:
        """Leave them out."""

    def step(self, timeout: float = 0.0) -> None:
        """Nothing to do."""

    def is_done(self, marker: str) -> bool:
        """Nobody waits."""
        return True


def plainly(sweep: Sweep) -> tuple[float, float, float]:
    """Whole systems on Tune: seconds, training steps, best value."""
    since = time.perf_counter()
    silent = ConsoleWatcher(Console(quiet=True), 0)
    run_sweep(sweep, WholeSystem(sweep), NoTree(sweep.plan.store, silent))
    seconds = time.perf_counter() - since
    outcomes = read_outcomes(sweep.plan.store, sweep.name).values()
    return seconds, sum(outcome.cost["steps"] for outcome in outcomes), best(sweep)


def best(sweep: Sweep) -> float:
    """The best score of a sweep."""
    outcomes = read_outcomes(sweep.plan.store, sweep.name)
    return max(outcome.score for outcome in outcomes.values())


def compare(
    steps: tuple[int, int], space: Mapping[str, Distribution], seed: int, trials: int
) -> dict[str, float]:
    """The same search on both sides."""
    measured = []
    for side in (with_tree, plainly):
        with tempfile.TemporaryDirectory() as folder:
            sweep = sweep_of(steps, space, seed, trials, folder)
            silent = ConsoleWatcher(Console(quiet=True), 0)
            failures = execute_on_ray(sweep.plan.populations(), sweep.plan.store, silent)
            if failures:
                raise RuntimeError(failures[0].cause)
            measured.append(side(sweep))
    (seconds, done, found), (plain_seconds, plain_done, plain_found) = measured
    return {
        "steps_saved": plain_done / done,
        "wall_saved": plain_seconds / seconds,
        "best_value_lost": plain_found - found,
        "seconds": seconds,
        "plain_seconds": plain_seconds,
    }


def theory(steps: tuple[int, int], trials: int) -> float:
    """Steps of whole systems over steps of a tree whose prefix runs once."""
    prefix, late = steps
    return trials * (prefix + late) / (prefix + trials * late)


def measure(*, quick: bool) -> dict[str, Any]:
    """Every comparison: the late stage and both stages over the seeds, Geo-Sapiens' shape once."""
    trials, seeds = (6, 1) if quick else (24, 5)
    found: dict[str, list[dict[str, float]]] = {"late": [], "two": [], "geo": []}
    with cluster(None):
        for seed in range(seeds):
            found["late"].append(compare(SIX_TO_ONE, LATE, seed, trials))
            print(f"late, seed {seed}: {found['late'][-1]}", flush=True)
            if not quick or seed == 0:
                found["two"].append(compare(SIX_TO_ONE, {**LATE, **EARLY}, seed, trials))
                print(f"two, seed {seed}: {found['two'][-1]}", flush=True)
        if not quick:
            found["geo"].append(compare(GEO_SAPIENS, LATE, 0, trials))
            print(f"geo: {found['geo'][-1]}", flush=True)
    everything = [one for rows in found.values() for one in rows]
    return {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "trials": trials,
        "seeds": seeds,
        "steps_saved_late": mean(found["late"], "steps_saved"),
        "steps_saved_late_over_theory": mean(found["late"], "steps_saved")
        / theory(SIX_TO_ONE, trials),
        "steps_saved_two": mean(found["two"], "steps_saved"),
        "steps_saved_geo_sapiens": mean(found["geo"], "steps_saved"),
        "steps_saved_geo_sapiens_over_theory": mean(found["geo"], "steps_saved")
        / theory(GEO_SAPIENS, trials),
        "wall_saved_late": mean(found["late"], "wall_saved"),
        "wall_saved_two": mean(found["two"], "wall_saved"),
        "best_value_lost": max(abs(one["best_value_lost"]) for one in everything),
        "rows": found,
        "machine": {"cores": os.cpu_count(), "versions": versions()},
    }


def mean(rows: Sequence[dict[str, float]], name: str) -> float:
    """Mean of a figure over the seeds; NaN without any."""
    return sum(row[name] for row in rows) / len(rows) if rows else float("nan")


def main() -> None:
    """Measure, print, and keep the full run's result."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--quick", action="store_true", help="in about a minute")
    quick = asked.parse_args().quick
    result = measure(quick=quick)
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
