"""Proposals of a search, by Optuna, each a function of the outcomes `ahead` proposals before it.

Optuna's samplers look at all that has ended, so with several trials at once what they propose
depends on who was faster. Here an outcome is told only when the proposal that may know it is
drawn, and every proposal has a sampler with a seed of its own. So a sweep that was killed is
proposed again from its outcomes, the same values in the same order, and nothing else of it needs
to survive: Optuna's storage is written for people to look at, and made anew at each start (a
journal whose last line was cut by a crash cannot be read again).
"""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from posebridge.engine.tune.outcomes import Outcome, Proposal, State
from posebridge.identity import digest
from posebridge.search import Nsga2, RandomSearch, Sampler, Search, Tpe
from posebridge.search_space import Distribution, choice
from posebridge.stages import CHANGES, System

SYSTEM = "system"
"""Name of what chooses among several systems."""
BEST_SHARE, LEAST_BEST = 0.25, 5


class Proposals:
    """The proposals of one search, in their order."""

    def __init__(
        self,
        search: Search,
        systems: Mapping[str, System],
        *,
        name: str,
        storage: BaseStorage | None = None,
        known: Sequence[Outcome] = (),
    ) -> None:
        """Start at proposal 0.

        Args:
            search: what is searched.
            systems: of the experiment, by name.
            name: of the study, and the seed of every draw.
            storage: for people to look at; a study of that name in it is replaced.
            known: outcomes of earlier sweeps of the same space.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search, self._name = search, name
        self._systems = {one: systems[one] for one in search.systems}
        self._spaces = {one: search.space_of(system) for one, system in self._systems.items()}
        self._common = _common_space(self._spaces)
        self.study = study_of(search, self._systems, name, storage, known)
        self._open: dict[int, Trial] = {}
        self._next = 0
        self._enqueue_defaults()

    @property
    def next_number(self) -> int:
        """Number of the proposal that `propose` gives next."""
        return self._next

    @property
    def waits_for(self) -> int | None:
        """Number of the proposal whose outcome the next one needs; None if it needs none."""
        return self._next - self._search.ahead if self._next >= self._search.ahead else None

    def propose(self) -> Proposal:
        """The next values to try, from the outcomes that were told."""
        number = self._next
        seed = _seed(self._name, number)
        self.study.sampler = _sampler(self._search.sampler, seed, self._common)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = self.study.ask()
            proposal = self._draw(number, trial)
        self._open[number] = trial
        self._next += 1
        return proposal

    def tell(self, outcome: Outcome) -> None:
        """Let the proposals after this know an outcome; outcomes are told in their order."""
        trial = self._open.pop(outcome.proposal.number)
        for step, score in outcome.rungs.items():
            if self._search.cost is None and math.isfinite(score):
                trial.report(score, step)
        for name, value in told_beside(outcome).items():
            trial.set_user_attr(name, value)
        state, values = _verdict(self._search, outcome)
        self.study.tell(trial, values, state)

    def _draw(self, number: int, trial: Trial) -> Proposal:
        names = list(self._systems)
        one = names[0] if len(names) == 1 else suggest(SYSTEM, choice(names), trial)
        values = {path: suggest(path, d, trial) for path, d in self._spaces[one].items()}
        return Proposal(number, one, values)

    def _enqueue_defaults(self) -> None:
        """The declared values of every system come first, where the space holds them."""
        for name, system in self._systems.items():
            values = self._search.defaults_of(system)
            if values is not None:
                several = {SYSTEM: name} if len(self._systems) > 1 else {}
                self.study.enqueue_trial(several | values)


def study_of(
    search: Search,
    systems: Mapping[str, System],
    name: str,
    storage: BaseStorage | None,
    outcomes: Iterable[Outcome],
) -> optuna.Study:
    """A study that knows some outcomes of a space.

    Args:
        search: what is searched.
        systems: that are searched, by name.
        name: of the study.
        storage: for people to look at; a study of that name in it is replaced.
        outcomes: its trials.
    """
    study = _new_study(search, name, storage)
    for outcome in outcomes:
        study.add_trial(_frozen(search, systems, outcome))
    return study


def _verdict(search: Search, outcome: Outcome) -> tuple[TrialState, list[float] | None]:
    values = objectives(search, outcome)
    if outcome.state is State.FAILED or not all(map(math.isfinite, values)):
        return TrialState.FAIL, None
    if outcome.state is State.PRUNED:
        return TrialState.PRUNED, None
    return TrialState.COMPLETE, values


def _frozen(search: Search, systems: Mapping[str, System], outcome: Outcome) -> FrozenTrial:
    proposal, (state, values) = outcome.proposal, _verdict(search, outcome)
    space = search.space_of(systems[proposal.system])
    several = {SYSTEM: proposal.system} if len(systems) > 1 else {}
    chooser = {SYSTEM: choice(list(systems))} if several else {}
    reported = {step: score for step, score in outcome.rungs.items() if math.isfinite(score)}
    return create_trial(
        state=state,
        values=values,
        params=several | {path: proposal.values[path] for path in space},
        distributions=chooser | space,
        intermediate_values=reported if search.cost is None else {},
        user_attrs=told_beside(outcome),
    )


def objectives(search: Search, outcome: Outcome) -> list[float]:
    """What a search wants high (first) and low (second, if it has a cost)."""
    return [outcome.score] + (
        [] if search.cost is None else [outcome.cost.get(search.cost, math.nan)]
    )


def told_beside(outcome: Outcome) -> dict[str, Any]:
    """What a dashboard shows of a trial besides its values and score."""
    changes = {p: v for p, v in outcome.proposal.values.items() if p.endswith(f".{CHANGES}")}
    told = {"stage": outcome.stage_key, "cause": outcome.cause} | outcome.criteria | outcome.cost
    told |= changes
    return {k: v for k, v in told.items() if v not in ("", None) and v == v}


def importances(study: optuna.Study) -> dict[str, float]:
    """Share of each field in what sets the best quarter of the trials apart (PED-ANOVA).

    Empty where there is too little to say: Optuna asks for five trials in that quarter.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(study.directions) > 1 or BEST_SHARE * len(finished) < LEAST_BEST:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    with warnings.catch_warnings():
        # It warns where too few trials differ, and then says that all fields are equal.
        warnings.simplefilter("error", UserWarning)
        try:
            return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
        except (UserWarning, ValueError, RuntimeError, ZeroDivisionError):
            return {}


def suggest(name: str, distribution: Distribution, trial: Trial) -> Any:  # noqa: ANN401 - any value
    """Draw one field."""
    match distribution:
        case FloatDistribution(low=low, high=high, log=log):
            return trial.suggest_float(name, low, high, log=log)
        case IntDistribution(low=low, high=high, log=log):
            return trial.suggest_int(name, low, high, log=log)
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(name, choices)
    raise ValueError(
        f"the distribution of {name!r} must come from uniform, log_uniform, integers or choice, "
        f"but got {distribution!r}."
    )


class _Tpe(TPESampler):
    """Optuna's, told which fields all trials have; it would look through them at each proposal."""

    def __init__(self, startup: int, seed: int, common: dict[str, Distribution]) -> None:
        super().__init__(n_startup_trials=startup, seed=seed)
        self._common = common

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, Distribution]:
        # With several aims, Optuna draws each field by itself.
        return self._common if len(study.directions) == 1 else {}


@singledispatch
def _sampler(asked: Sampler, seed: int, common: dict[str, Distribution]) -> BaseSampler:
    raise TypeError(f"a sampler must be RandomSearch, Tpe or Nsga2, but got {asked!r}.")


@_sampler.register
def _(asked: RandomSearch, seed: int, common: dict[str, Distribution]) -> BaseSampler:
    return RandomSampler(seed=seed)


@_sampler.register
def _(asked: Tpe, seed: int, common: dict[str, Distribution]) -> BaseSampler:
    return _Tpe(asked.startup, seed, common)


@_sampler.register
def _(asked: Nsga2, seed: int, common: dict[str, Distribution]) -> BaseSampler:
    return NSGAIISampler(population_size=asked.population, seed=seed)


def _common_space(spaces: Mapping[str, Mapping[str, Distribution]]) -> dict[str, Distribution]:
    """Fields that the proposals of every system have, those with a single value left out."""
    first, *others = spaces.values()
    common = {p: d for p, d in first.items() if all(other.get(p) == d for other in others)}
    if others:
        common[SYSTEM] = choice(list(spaces))
    return {path: common[path] for path in sorted(common) if not common[path].single()}


def _seed(name: str, number: int) -> int:
    return int(digest([name, number]), 16) % 2**31


def _new_study(search: Search, name: str, storage: BaseStorage | None) -> optuna.Study:
    if storage is not None and name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name, storage=storage)
    up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
    directions = [up] if search.cost is None else [up, down]
    return optuna.create_study(study_name=name, storage=storage, directions=directions)
