"""What does a trial cost when it has nothing to do?

Run:     python experiments/benchmark_trial_overhead.py      (--quick: one short round)
Cost:    about 6 minutes on 2 cores, --quick less than one; with the machine to itself
Expect:  our sweep within 1.2 of plain Tune that reuses its actors, some 15 to 20 ms a trial;
         plain Tune without reuse about a second; plain Optuna with processes a few ms

Each side draws from the same space of three fields with TPE, two trials at a time and four open
ones, and returns a number. Ours does all that a sweep does: proposals in their order, an outcome
in the store for each trial, TensorBoard's hyperparameters. Plain Tune has Ray's OptunaSearch, and
neither its loggers nor its snapshots, which ours has switched off as well. The two of plain Optuna
are processes on one journal. A trial's cost is the time between two ends of trials, after the
first few: what starts or ends once, such as processes, does not count. Sides take turns.

The interval of the ratio is 95 %, Student's t over rounds.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from ray import tune
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.search.optuna import OptunaSearch
from rich.console import Console

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.execution import Execution
from posebridge.engine.provenance import versions
from posebridge.engine.run import Plan
from posebridge.engine.tune.driver import QUIET, SweepWatcher, run_sweep
from posebridge.engine.tune.events import EventFiles
from posebridge.engine.tune.frontier import Trial
from posebridge.engine.tune.outcomes import Outcome, State, write_outcome
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.watch import ConsoleWatcher
from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.leaderboard.statistics import seed_interval
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.search import Search, Tpe
from posebridge.search_space import choice, log_uniform, uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed, Stage, System

RESULT = Path(__file__).parents[1] / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
AT_ONCE = 2
OPEN = 4
"""Trials may be open: the two that run, and those that wait for their place."""
STARTUP = 10
FIRST = 5
"""Trials that may wait for processes to start."""
SPACE = {
    "adapt.learning_rate": log_uniform(1e-5, 1e-2),
    "adapt.momentum": uniform(0.9, 0.9999),
    "adapt.teacher_views": choice((1, 2, 4)),
}
ADULTS = Adult(train=4, validation=2, test=2)
STAGE = Stage(
    "adapt",
    MeanTeacher(),
    Lightning(),
    (Feed(ADULTS, "train", 2),),
    Feed(InfantReal(train=4, validation=0, test=2), "train", 2),
    Budget(1, threads=1),
)


def score(values: dict[str, Any]) -> float:
    """Nothing to do."""
    return float(values["adapt.momentum"])


@dataclass(frozen=True)
class Nothing:
    """Tries a proposal of ours by leaving an outcome.

    Attributes:
        sweep: what is searched.
    """

    sweep: Sweep

    def __call__(self, trial: Trial) -> Outcome:
        """Leave what a trial leaves."""
        outcome = Outcome(trial.proposal, State.COMPLETE, score(trial.proposal.values))
        write_outcome(self.sweep.plan.store, self.sweep.name, outcome)
        return outcome


class Plain(tune.Trainable):
    """The same for plain Tune."""

    def setup(self, config: dict[str, Any]) -> None:
        """Nothing to make."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next."""
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Return a number."""
        return {"done": True, "score": score(self.config)}


class Ends(SweepWatcher, tune.Callback):
    """Notes when trials end, ours or plain Tune's."""

    def __init__(self) -> None:
        """None yet."""
        self.times: list[float] = []

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune keeps a copy of what it is given."""
        return {}

    def ended(self, outcome: Outcome) -> None:
        """One of ours."""
        self.times.append(time.perf_counter())

    def on_trial_complete(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object
    ) -> None:
        """One of plain Tune's."""
        self.times.append(time.perf_counter())


def ours(trials: int, folder: str) -> list[float]:
    """A sweep of ours."""
    search = Search(("adapted",), trials, SPACE, Tpe(STARTUP), ahead=OPEN)
    systems = (System("adapted", "adapted", STAGE),)
    experiment = Experiment("nothing", systems, (ADULTS,), SourceValidation(), search=search)
    sweep = Sweep(Plan(experiment, Store(folder)), search)
    graph = Execution(sweep.plan.store, ConsoleWatcher(Console(quiet=True), 0))
    ends = Ends()
    with EventFiles(sweep) as files:
        run_sweep(sweep, Nothing(sweep), graph, (ends, files))
    return ends.times


def tune_with_reuse(trials: int, folder: str) -> list[float]:
    """Plain Tune whose actors take one trial after the other."""
    return plain_tune(trials, folder, reuse=True)


def tune_without_reuse(trials: int, folder: str) -> list[float]:
    """Plain Tune with an actor for each trial."""
    return plain_tune(trials, folder, reuse=False)


def plain_tune(trials: int, folder: str, *, reuse: bool) -> list[float]:
    """Tune with Ray's own search by Optuna."""
    search = OptunaSearch(
        SPACE, metric="score", mode="max", sampler=TPESampler(n_startup_trials=STARTUP, seed=0)
    )
    os.environ.update(QUIET)
    ends = Ends()
    tune.Tuner(
        tune.with_resources(Plain, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            search_alg=search,
            num_samples=trials,
            max_concurrent_trials=OPEN,
            reuse_actors=reuse,
            metric="score",
            mode="max",
        ),
        run_config=tune.RunConfig(
            storage_path=folder,
            callbacks=[ends],
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    ).fit()
    return ends.times


def optuna_with_processes(trials: int, folder: str) -> list[float]:
    """Optuna alone, two processes on one journal."""
    journal = str(Path(folder) / "journal")
    optuna.create_study(storage=_storage(journal), study_name="plain", direction="maximize")
    context = multiprocessing.get_context("spawn")
    with context.Pool(AT_ONCE) as pool:
        pool.starmap(_optimise, [(journal, trials // AT_ONCE, seed) for seed in range(AT_ONCE)])
    ended = optuna.load_study(study_name="plain", storage=_storage(journal)).trials
    return [one.datetime_complete.timestamp() for one in ended if one.datetime_complete]


def _storage(journal: str) -> JournalStorage:
    return JournalStorage(JournalFileBackend(journal))


def _optimise(journal: str, trials: int, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(
        study_name="plain",
        storage=_storage(journal),
        sampler=TPESampler(n_startup_trials=STARTUP, seed=seed),
    )

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("adapt.learning_rate", 1e-5, 1e-2, log=True)
        momentum = trial.suggest_float("adapt.momentum", 0.9, 0.9999)
        views = trial.suggest_categorical("adapt.teacher_views", (1, 2, 4))
        return score(
            {
                "adapt.learning_rate": rate,
                "adapt.momentum": momentum,
                "adapt.teacher_views": views,
            }
        )

    study.optimize(objective, n_trials=trials)


SIDES: tuple[Callable[[int, str], list[float]], ...] = (
    ours,
    tune_with_reuse,
    tune_without_reuse,
    optuna_with_processes,
)


def seconds(side: Callable[[int, str], list[float]], trials: int) -> float:
    """How long one trial takes, once the first few have ended."""
    with tempfile.TemporaryDirectory() as folder:
        ends = sorted(side(trials, folder))
    if len(ends) != trials:
        raise RuntimeError(f"{side.__name__} must end {trials} trials, but ended {len(ends)}.")
    return (ends[-1] - ends[FIRST - 1]) / (trials - FIRST)


def measure(*, quick: bool) -> dict[str, Any]:
    """Seconds a trial, of each side in each round."""
    rounds, many, few = (1, 30, FIRST + 5) if quick else (5, 310, FIRST + 15)
    per_trial: dict[str, list[float]] = {side.__name__: [] for side in SIDES}
    with cluster(None):
        for side in SIDES:
            seconds(side, FIRST + 1)
        for number in range(rounds):
            for side in SIDES[:: 1 if number % 2 else -1]:
                # Without reuse a trial takes a second: fewer say as much.
                trials = few if side is tune_without_reuse else many
                per_trial[side.__name__].append(seconds(side, trials))
                print(f"round {number + 1}: {side.__name__} {per_trial[side.__name__][-1]:.4f} s")
    ratios = [
        mine / other
        for mine, other in zip(per_trial["ours"], per_trial["tune_with_reuse"], strict=True)
    ]
    interval = seed_interval(ratios) if rounds > 1 else None
    return {
        "benchmark": Path(__file__).stem,
        "quick": quick,
        "ours_over_tune_reuse": sum(ratios) / rounds,
        "ours_over_tune_reuse_interval": interval and [interval.low, interval.high],
        "ms_per_trial": {name: 1000 * sum(v) / rounds for name, v in per_trial.items()},
        "trials_per_s": {name: rounds / sum(v) for name, v in per_trial.items()},
        "rounds": rounds,
        "trials": many,
        "at_once": AT_ONCE,
        "machine": {"cores": os.cpu_count(), "versions": versions(), "optuna": optuna.__version__},
    }


def main() -> None:
    """Measure, print, and keep the full run's result."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--quick", action="store_true", help="in less than a minute")
    quick = asked.parse_args().quick
    result = measure(quick=quick)
    if not quick:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
