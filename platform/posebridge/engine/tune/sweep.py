"""A sweep: a search over systems of an experiment, with the stages that its proposals need."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

from posebridge.engine.graph import Task
from posebridge.engine.run import Plan
from posebridge.engine.tune.outcomes import Outcome, Proposal
from posebridge.identity import describe, digest
from posebridge.search import Halving, PopulationBased, Search
from posebridge.search_space import describe_distribution
from posebridge.stages import Stage, System

STEPS = "steps"


@dataclass(frozen=True)
class Sweep:
    """A search in the experiment and the store that it belongs to.

    Attributes:
        plan: the experiment and where its artifacts are.
        search: what is searched.
    """

    plan: Plan
    search: Search

    @cached_property
    def systems(self) -> dict[str, System]:
        """The systems that are searched, by name."""
        by_name = {system.name: system for system in self.plan.experiment.systems}
        return {name: by_name[name] for name in self.search.systems}

    @cached_property
    def name(self) -> str:
        """Hash of everything that decides what is proposed and how it is judged."""
        return digest(self.description())

    def description(self) -> dict[str, Any]:
        """The resolved search, stored beside its outcomes."""
        experiment, search = self.plan.experiment, self.search
        spaces = {name: search.space_of(system) for name, system in self.systems.items()}
        return {
            "experiment": experiment.name,
            "search": describe(replace(search, space={})),
            "spaces": {
                name: {path: describe_distribution(d) for path, d in space.items()}
                for name, space in spaces.items()
            },
            "systems": {name: s.seeded(self.seed).stage.key() for name, s in self.systems.items()},
            "rule": experiment.chosen_by,
            "targets": [target.fingerprint() for target in experiment.targets],
            # Another release of Optuna proposes other values under the same seed.
            "optuna": version("optuna"),
        }

    @property
    def seed(self) -> int:
        """Under which proposals are compared first."""
        return self.plan.experiment.seeds[0]

    def system(self, proposal: Proposal) -> System:
        """The system that a proposal asks for."""
        return self.systems[proposal.system].with_fields(proposal.values)

    def stage(self, proposal: Proposal) -> Stage:
        """The last stage of a proposal: what its trial trains."""
        return self.system(proposal).seeded(self.seed).stage

    def shared_tasks(self) -> list[Task]:
        """Populations, and stages that no proposal changes: they run before the search."""
        stages = self.shared().values()
        trainings = [t for s in stages for t in self.plan.training(s, "shared by all proposals")]
        return self.plan.populations() + trainings

    def shared(self) -> dict[str, Stage]:
        """Stages that no proposal changes, by key."""
        found = {}
        for system in self.systems.values():
            searched = {path.partition(".")[0] for path in self.search.space_of(system)}
            last = system.seeded(self.seed).stage
            for stage in last.chain():
                if stage.name in searched or stage is last:
                    break
                found[stage.key()] = stage
        return found

    @property
    def has_private_prefixes(self) -> bool:
        """Whether proposals differ before their last stage."""
        return any(
            path.partition(".")[0] != system.stage.name
            for system in self.systems.values()
            for path in self.search.space_of(system)
        )

    def resources(self) -> dict[str, float]:
        """What Ray sets aside for a trial: the most that a last stage asks for.

        One that asks for several workers trains in them, and its trial only waits.
        """
        alone = [s.stage.budget for s in self.systems.values() if not s.stage.budget.is_shared]
        if not alone:
            # Tune places no trial that takes nothing at all: a byte.
            return {"memory": 1.0}
        return {"cpu": max(float(budget.threads) for budget in alone), "gpu": self.plan.gpus}

    def rungs(self) -> tuple[int, ...]:
        """Steps of the last stage at which a proposal is looked at.

        Raises:
            ValueError: if proposals would be compared at different budgets.
        """
        halving = self.search.halving
        if halving is None:
            return ()
        steps = {system.stage.budget.steps for system in self.systems.values()}
        searched = [
            path
            for system in self.systems.values()
            for path in self.search.space_of(system)
            if path == f"{system.stage.name}.{STEPS}"
        ]
        if len(steps) > 1 or searched:
            raise ValueError(
                "halving compares proposals after the same number of steps, but the last stages "
                f"have {sorted(steps)} steps, and the search changes {searched or 'none'}: "
                "search a fixed budget, or leave halving out."
            )
        if any(system.stage.budget.is_shared for system in self.systems.values()):
            raise ValueError(
                "halving looks at stages that train in one process, but a last stage asks for "
                "several workers: set its workers to 1, or leave halving out."
            )
        (total,) = steps
        rungs = sorted({round(share * total) for share in halving.rungs} - {0, total})
        return tuple(rungs)

    def generation_ends(self, how: PopulationBased) -> list[int]:
        """The step of the last stage at which each generation but the last ends.

        Raises:
            ValueError: if the stage has too few steps, or trains in several processes.
        """
        (system,) = self.systems.values()
        budget = system.stage.budget
        if budget.steps < how.generations or budget.is_shared:
            raise ValueError(
                f"PopulationBased divides a stage that trains in one process into "
                f"{how.generations} generations, but {system.stage.name!r} has {budget.steps} "
                f"steps and {budget.workers} workers: give it more steps, or 1 worker."
            )
        return [budget.steps * k // how.generations for k in range(1, how.generations)]

    def bars(self, number: int, outcomes: Mapping[int, Outcome]) -> dict[int, float]:
        """Score that a proposal must reach at each rung to go on, by step.

        Args:
            number: of the proposal.
            outcomes: so far; only those up to `ahead` before the proposal are looked at.
        """
        if self.search.halving is None:
            return {}
        known = [outcomes[n] for n in range(number - self.search.ahead + 1) if n in outcomes]
        bars = {}
        for rung in self.rungs():
            scores = [o.rungs[rung] for o in known if rung in o.rungs]
            bar = bar_of(scores, self.search.halving)
            if bar is not None:
                bars[rung] = bar
        return bars


def bar_of(scores: list[float], halving: Halving) -> float | None:
    """Score that is among the best 1 / factor of some scores and itself; None if all go on.

    Args:
        scores: of those before, at the same rung.
        halving: how many go on.
    """
    if len(scores) + 1 < halving.factor:
        return None
    allowed = (len(scores) + 1) // halving.factor
    return sorted(scores, reverse=True)[allowed - 1]
