"""A search: which fields of which systems are looked for, how, and for how long. Pure data.

Proposal number k is drawn from what is known of the proposals up to k − `ahead`, and from nothing
else: the same search proposes the same values on one machine and on a hundred, killed or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from posebridge.search_space import Distribution, contains, search_space
from posebridge.settings import field_names, hint
from posebridge.stages import System, value_of


@dataclass(frozen=True)
class RandomSearch:
    """Every proposal from the space alone."""


@dataclass(frozen=True)
class Tpe:
    """Tree-structured Parzen estimator (Bergstra et al., 2011), Optuna's multivariate form.

    Attributes:
        startup: proposals that are random, before it learns.
    """

    startup: int = 10


@dataclass(frozen=True)
class Nsga2:
    """NSGA-II (Deb et al., 2002), for a search with a cost.

    Attributes:
        population: proposals in a generation.
    """

    population: int = 12


@dataclass(frozen=True)
class PopulationBased:
    """Population-based training (Jaderberg et al., 2017): schedules of the last stage's fields.

    The proposals begin at random, except for the declared values, and train side by side. After
    each generation every one of the worst goes on from the networks of one of the best, with that
    one's values a little changed. What is found is the last stage with its `changes`, which
    anybody can train again under any seed. All proposals pass a generation at the same step, so
    that nothing depends on who was faster.

    Attributes:
        generations: parts of the last stage, of equal length.
        share: of the proposals that is replaced, by any of the best as many.
        factors: one of which a number is multiplied with; an option moves to one beside it.
        redraw: probability that a value is drawn from the space instead.
    """

    generations: int = 5
    share: float = 0.25
    factors: tuple[float, float] = (0.8, 1.2)
    redraw: float = 0.25

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.generations < 2 or not 0 < self.share <= 0.5 or not 0 <= self.redraw <= 1:
            raise ValueError(
                "generations must be at least 2, share between 0 and 0.5, and redraw between 0 "
                f"and 1, but got {self.generations=}, {self.share=}, {self.redraw=}."
            )
        low, high = self.factors
        if not 0 < low < 1 < high:
            raise ValueError(f"factors must be one below and one above 1, but got {self.factors}.")


Sampler = RandomSearch | Tpe | Nsga2 | PopulationBased


@dataclass(frozen=True)
class Halving:
    """Successive halving on the steps of a proposal's last stage (ASHA, Li et al., 2020).

    At each rung a proposal goes on if it is among the best 1 / `factor` of those before it. ASHA
    compares with whoever has got there; we compare with the proposals up to k − `ahead`, which
    have all ended when proposal k begins, so that no decision depends on who was faster.

    Attributes:
        rungs: shares of the last stage's steps at which it is looked at.
        factor: one of so many goes on.
    """

    rungs: tuple[float, ...] = (1 / 9, 1 / 3)
    factor: int = 3

    def __post_init__(self) -> None:
        """Check that rungs rise inside the stage."""
        ordered = sorted({*self.rungs})
        if not self.rungs or list(self.rungs) != ordered or not 0 < ordered[0] <= ordered[-1] < 1:
            raise ValueError(f"rungs must rise between 0 and 1, but got {self.rungs}.")
        if self.factor < 2:
            raise ValueError(f"factor must be at least 2, but got {self.factor}.")


@dataclass(frozen=True)
class Search:
    """What is searched, and how.

    Attributes:
        systems: names of the experiment's systems; of several, which one is proposed as well.
        trials: proposals in all; with PopulationBased, those that train side by side.
        space: distribution of each `stage.field`; empty takes every tunable field of the systems.
        sampler: how values are proposed.
        ahead: proposals that may be open at once. More use more machines and know less.
        halving: stops proposals that fall behind.
        cost: unit of a finished stage's cost that is to be low, too ("steps", "images",
            "parameters" or "seconds"); the search then seeks a front and no single best.
        tied: seeds are added, up to the experiment's, to at most so many proposals that cannot be
            told from the best.
        warm_start: names of earlier sweeps of the same space, whose trials are known beforehand.
    """

    systems: tuple[str, ...]
    trials: int
    space: Mapping[str, Distribution] = field(default_factory=dict)
    sampler: Sampler = Tpe()
    ahead: int = 4
    halving: Halving | None = None
    cost: str | None = None
    tied: int = 4
    warm_start: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the counts, and that sampler and aims fit each other."""
        if self.trials < 1 or self.ahead < 1 or self.tied < 1:
            raise ValueError(
                "trials, ahead and tied must be at least 1, but got "
                f"{self.trials=}, {self.ahead=}, {self.tied=}."
            )
        if not self.systems or len(set(self.systems)) != len(self.systems):
            raise ValueError(f"systems must be given and differ, but got {self.systems}.")
        if self.cost is None and isinstance(self.sampler, Nsga2):
            raise ValueError(
                "Nsga2 seeks a front and needs a second aim: give a cost, or use Tpe."
            )
        if isinstance(self.sampler, PopulationBased):
            self._check_population()
        if self.cost is not None and self.halving is not None:
            raise ValueError(
                f"halving compares by one score, but a search with {self.cost=} has two aims: "
                "leave one of them out."
            )

    def _check_population(self) -> None:
        asked = {"halving": self.halving, "cost": self.cost, "warm_start": self.warm_start or None}
        given = [name for name, value in asked.items() if value is not None]
        if given or self.trials < 2:
            raise ValueError(
                "PopulationBased compares at least 2 proposals by one score, and stops none; got "
                f"{self.trials=} and {', '.join(given) or 'nothing'} that it cannot use: leave "
                "that out, or use another sampler."
            )

    def space_of(self, system: System) -> dict[str, Distribution]:
        """Distribution of every field that is searched in a system.

        Raises:
            ValueError: if the space is empty, or names a stage or field that no system has.
        """
        own = _tunable(system)
        if not self.space:
            found = own
        else:
            stages = {stage.name for stage in system.stage.chain()}
            found = {p: d for p, d in self.space.items() if p.partition(".")[0] in stages}
            for path in found:
                value_of(system.stage, path)
        if not found:
            raise ValueError(
                f"system {system.name!r} has no field to search: its stages are "
                f"{', '.join(s.name for s in system.stage.chain())}, and the space names "
                f"{', '.join(self.space) or 'none, and none of its fields is tunable'}."
            )
        return found

    def defaults_of(self, system: System) -> dict[str, Any] | None:
        """The declared values of the searched fields; None if one lies outside the space."""
        space = self.space_of(system)
        values = {path: value_of(system.stage, path) for path in space}
        return values if all(contains(d, values[p]) for p, d in space.items()) else None


def check_search(search: Search, systems: Mapping[str, System]) -> None:
    """Refuse a search over systems, stages or fields that are not there.

    Args:
        search: what is asked.
        systems: of the experiment, by name.

    Raises:
        ValueError: naming the nearest right name.
    """
    for name in search.systems:
        if name not in systems:
            raise ValueError(f"the search names the system {name!r}{hint(name, list(systems))}.")
        if systems[name].grid:
            raise ValueError(f"system {name!r} is searched and has a grid, too: leave one out.")
    stages = {s.name: s for name in search.systems for s in systems[name].stage.chain()}
    for path in search.space:
        stage = path.partition(".")[0]
        if stage not in stages:
            raise ValueError(
                f"the space names {path!r}, but no searched system has a stage "
                f"{stage!r}{hint(stage, list(stages))}."
            )
    for name in search.systems:
        search.space_of(systems[name])
    if isinstance(search.sampler, PopulationBased):
        _check_schedules(search, systems)


def _check_schedules(search: Search, systems: Mapping[str, System]) -> None:
    """Only what a method reads in every step can change while a stage trains."""
    if len(search.systems) > 1:
        raise ValueError(
            "PopulationBased lets proposals take over each other's networks, so it searches one "
            f"system, but got {', '.join(search.systems)}."
        )
    (system,) = (systems[name] for name in search.systems)
    allowed = {f"{system.stage.name}.{name}" for name in field_names(system.stage.method)}
    for path in search.space_of(system):
        if ".".join(path.split(".")[:2]) not in allowed:
            raise ValueError(
                f"PopulationBased changes fields of the method of the last stage while it trains "
                f"({', '.join(sorted(allowed))}), but the space names {path!r}: give a narrower "
                "space, or search with Tpe."
            )


def _tunable(system: System) -> dict[str, Distribution]:
    return {
        f"{stage.name}.{name}": distribution
        for stage in system.stage.chain()
        if stage.budget.steps
        for name, distribution in search_space(stage.method).items()
    }
