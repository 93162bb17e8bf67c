"""Which proposal of a sweep is the best: more seeds for those that cannot be told from it.

Under one seed the best of many is partly the luckiest. So the best few are trained under one more
seed of the experiment after another, and whoever falls behind the leader is left out: its people's
scores, paired with the leader's over the same people and seeds, are lower beyond chance.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Float

from posebridge.engine.graph import Task
from posebridge.engine.scoring import person_pck
from posebridge.engine.tune.outcomes import Outcome, State
from posebridge.engine.tune.sweep import Sweep
from posebridge.selection import LabelledLook
from posebridge.stages import Stage

Z = 1.96
"""Half of a 95 % interval, in standard errors."""
RunTasks = Callable[[Iterable[Task]], None]


@dataclass(frozen=True)
class Racer:
    """A proposal in the race.

    Attributes:
        outcome: of its trial.
        scores: by the rule, one for each seed so far.
    """

    outcome: Outcome
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean score over its seeds."""
        return math.fsum(self.scores) / len(self.scores)


def race(sweep: Sweep, system: str, outcomes: Sequence[Outcome], run: RunTasks) -> list[Racer]:
    """Decide which proposal of a system is best.

    Args:
        sweep: that is over.
        system: name of the system.
        outcomes: of the sweep.
        run: does tasks, and returns when they are done.

    Returns:
        Everybody who was in the race, the winner first, then by how many seeds they lasted.
    """
    complete = [o for o in outcomes if o.state is State.COMPLETE and o.proposal.system == system]
    ranked = sorted(complete, key=lambda o: (-o.score, o.proposal.number))
    unlike = {sweep.stage(o.proposal).key(): o for o in reversed(ranked)}
    best = sorted(unlike.values(), key=lambda o: (-o.score, o.proposal.number))
    racers = [Racer(o, (o.score,)) for o in best[: sweep.search.tied]]
    out: list[Racer] = []
    for seed in sweep.plan.experiment.seeds[1:]:
        staying = still_in(sweep, racers)
        out = [racer for racer in racers if racer not in staying] + out
        if len(staying) < 2:
            return staying + out
        run(task for racer in staying for task in _tasks(sweep, racer, seed))
        racers = sorted((_scored(sweep, r, seed) for r in staying), key=lambda r: -r.mean)
    return racers + out


def still_in(sweep: Sweep, racers: Sequence[Racer]) -> list[Racer]:
    """The leader, and those whom people's scores so far do not put behind it."""
    if not racers:
        return []
    seeds = sweep.plan.experiment.seeds[: len(racers[0].scores)]
    leader, *others = racers
    first = _people(sweep, leader, seeds)
    return [leader, *(r for r in others if not is_behind(_people(sweep, r, seeds), first))]


def is_behind(
    one: Float[np.ndarray, " person"] | None, leader: Float[np.ndarray, " person"] | None
) -> bool:
    """Whether the people's scores of one are below the leader's beyond chance.

    Args:
        one: score of each person, mean over seeds; None where the rule scores no single person.
        leader: of the same people.
    """
    if one is None or leader is None:
        return False
    difference = one - leader
    known = difference[np.isfinite(difference)]
    if len(known) < 2:
        return False
    error = known.std(ddof=1) / math.sqrt(len(known))
    return bool(known.mean() + Z * error < 0)


def _stage(sweep: Sweep, racer: Racer, seed: int) -> Stage:
    return sweep.system(racer.outcome.proposal).seeded(seed).stage


def _tasks(sweep: Sweep, racer: Racer, seed: int) -> list[Task]:
    system = sweep.systems[racer.outcome.proposal.system]
    stage = _stage(sweep, racer, seed)
    name = f"{system.name} proposal {racer.outcome.proposal.number} seed {seed}"
    looks = sweep.plan.experiment.validation(system)
    return [*sweep.plan.training(stage, name), *(sweep.plan.look(stage, look) for look in looks)]


def _scored(sweep: Sweep, racer: Racer, seed: int) -> Racer:
    system, rule = sweep.systems[racer.outcome.proposal.system], sweep.plan.experiment.selection
    score = sweep.plan.score(system, _stage(sweep, racer, seed), rule)
    return Racer(racer.outcome, (*racer.scores, score))


def _people(
    sweep: Sweep, racer: Racer, seeds: Sequence[int]
) -> Float[np.ndarray, " person"] | None:
    """PCK of each person that the rule looks at, mean over seeds; None without labels."""
    looks = sweep.plan.experiment.validation(sweep.systems[racer.outcome.proposal.system])
    if not all(isinstance(look, LabelledLook) for look in looks):
        return None
    by_seed = []
    for seed in seeds:
        stage = _stage(sweep, racer, seed)
        folders = [sweep.plan.look(stage, look).folder for look in looks]
        tables = [
            pq.read_table(io.BytesIO(sweep.plan.store.read(f"{folder}/people.parquet")))
            for folder in folders
        ]
        by_seed.append(np.concatenate([person_pck(table) for table in tables]))
    return np.asarray(np.stack(by_seed).mean(axis=0))
