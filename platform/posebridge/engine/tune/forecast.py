"""What a sweep will take before it begins, and how far it is."""

import math
from collections import Counter
from dataclasses import dataclass

from optuna.distributions import CategoricalDistribution

from posebridge.engine.tune.outcomes import State, read_outcomes
from posebridge.engine.tune.results import read_result
from posebridge.engine.tune.show import number_text
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.tune.warm_start import known_outcomes
from posebridge.search import PopulationBased
from posebridge.stages import Stage, System


@dataclass(frozen=True)
class Forecast:
    """Training steps of a search, if nothing is stopped early; seeds of the race not counted.

    Attributes:
        tree: at most, with what proposals share run once.
        whole: if every proposal trained its whole system.
    """

    tree: int
    whole: int


def forecast(sweep: Sweep) -> Forecast:
    """Steps that a search takes, each system counted as if all proposals were of it."""
    per_system = [_forecast(sweep, system) for system in sweep.systems.values()]
    return max(per_system, key=lambda one: one.tree)


def describe_plan(sweep: Sweep) -> str:
    """What a sweep will do, in words.

    Raises:
        ValueError: if its last stages cannot be looked at while they train, as the search asks, or
            it cannot begin with the sweeps that it names.
    """
    search, steps = sweep.search, forecast(sweep)
    shared = [f"{s.name} ({s.budget.steps} steps)" for s in sweep.shared().values()]
    once = f" {', '.join(shared)} runs once for all." if shared else ""
    known = len(known_outcomes(sweep))
    begun = f" It begins with {known} outcomes of earlier sweeps." if known else ""
    saved = ""
    if steps.whole > steps.tree > 0:
        saved = f", {steps.whole / steps.tree:.1f} times fewer than whole systems"
    return (
        f"sweep {sweep.name} ({how_far(sweep)}): {search.trials} proposals for "
        f"{', '.join(sweep.systems)}, {_course(sweep)}, judged by "
        f"{sweep.plan.experiment.chosen_by}.{begun}{once} At most {steps.tree:,} training steps"
        f"{saved}."
    )


def _course(sweep: Sweep) -> str:
    """How proposals follow each other."""
    search = sweep.search
    if isinstance(search.sampler, PopulationBased):
        ends = ", ".join(str(step) for step in sweep.generation_ends(search.sampler))
        return f"side by side, the worst going on from the best after {ends} steps"
    rungs = ", ".join(str(step) for step in sweep.rungs())
    stopped = f", those behind stopped after {rungs} steps" if rungs else ""
    return f"at most {search.ahead} open at once{stopped}"


def how_far(sweep: Sweep) -> str:
    """How many proposals have ended, and the best so far."""
    store = sweep.plan.store
    outcomes = read_outcomes(store, sweep.name).values()
    states = Counter(outcome.state for outcome in outcomes)
    parts = [f"{len(outcomes)} of {sweep.search.trials} ended"]
    parts += [f"{states[state]} {state.value}" for state in State if states[state]]
    scores = [o.score for o in outcomes if o.state is State.COMPLETE]
    if scores:
        parts.append(f"best {number_text(max(scores))}")
    if read_result(store, sweep.name) is not None:
        parts.append("over")
    return ", ".join(parts)


def _forecast(sweep: Sweep, system: System) -> Forecast:
    trials, stage = sweep.search.trials, system.stage
    steps, values = 0, 1
    for one in stage.chain()[:-1]:
        values = min(trials, values * _values(sweep, system, one))
        steps += one.budget.steps * values
    whole = trials * sum(one.budget.steps for one in stage.chain())
    return Forecast(steps + trials * stage.budget.steps, whole)


def _values(sweep: Sweep, system: System, stage: Stage) -> int:
    """How many different stages a search may make of one, at most."""
    space = sweep.search.space_of(system)
    searched = [d for path, d in space.items() if path.partition(".")[0] == stage.name]
    return math.prod(
        len(d.choices) if isinstance(d, CategoricalDistribution) else sweep.search.trials
        for d in searched
    )
