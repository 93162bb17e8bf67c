"""What Optuna proposes, and when it may know what."""

import math
from dataclasses import replace

import optuna
import pytest

from engine.tiny import Tiny
from populations.toy import Toy
from posebridge.engine.tune.outcomes import Outcome, Proposal, State
from posebridge.engine.tune.proposals import SYSTEM, Proposals, importances
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.search import Nsga2, RandomSearch, Sampler, Search, Tpe
from posebridge.search_space import choice, log_uniform, uniform
from posebridge.stages import Budget, Feed, Stage, System

PEOPLE = Toy(train=20, validation=5, test=3)
SOURCE = (Feed(PEOPLE, "train", 4),)
FIT = Stage("fit", Supervised(), Tiny(), SOURCE, None, Budget(10))
ADAPT = Stage(
    "adapt", MeanTeacher(), Tiny(), SOURCE, Feed(PEOPLE, "train", 4), Budget(10), start=FIT
)
SYSTEMS = {"fit": System("fit", "control", FIT), "adapt": System("adapt", "adapted", ADAPT)}
SEARCH = Search(
    systems=("adapt",),
    trials=30,
    space={
        "adapt.learning_rate": log_uniform(1e-5, 1e-2),
        "adapt.momentum": uniform(0.9, 0.9999),
        "adapt.teacher_views": choice((1, 2, 4)),
    },
    sampler=Tpe(startup=4),
    ahead=3,
)


def score_of(proposal: Proposal) -> float:
    """A bowl with its best at a learning rate of 1e-3 and a momentum of 0.95."""
    rate = math.log10(proposal.values["adapt.learning_rate"]) + 3
    momentum = float(proposal.values["adapt.momentum"])
    return -(rate**2) - 100 * (momentum - 0.95) ** 2


def outcome(proposal: Proposal, state: State = State.COMPLETE) -> Outcome:
    score = math.nan if state is State.FAILED else score_of(proposal)
    return Outcome(proposal, state, score, rungs={5: score}, cost={"steps": 10.0})


def run(search: Search, *, name: str = "sweep") -> list[Proposal]:
    """All proposals of a search, each drawn as soon as it may be."""
    proposals = Proposals(search, SYSTEMS, name=name)
    drawn: list[Proposal] = []
    told = 0
    for _ in range(search.trials):
        while proposals.waits_for is not None and told <= proposals.waits_for:
            proposals.tell(outcome(drawn[told]))
            told += 1
        drawn.append(proposals.propose())
    return drawn


@pytest.mark.parametrize("sampler", [RandomSearch(), Tpe(startup=4)])
def test_a_search_that_starts_again_proposes_the_same(sampler: Sampler) -> None:
    search = replace(SEARCH, sampler=sampler)
    assert run(search) == run(search)


def test_a_front_is_proposed_again_as_well() -> None:
    search = replace(SEARCH, sampler=Nsga2(population=5), cost="steps")
    assert run(search) == run(search)


def test_another_name_proposes_others() -> None:
    first, second = run(SEARCH), run(SEARCH, name="another")
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_the_declared_values_come_first() -> None:
    assert run(SEARCH)[0].values == {
        "adapt.learning_rate": ADAPT.method.learning_rates()["student"],
        "adapt.momentum": 0.999,
        "adapt.teacher_views": 1,
    }


def test_declared_values_outside_a_narrower_space_are_not_tried() -> None:
    search = replace(SEARCH, space={"adapt.momentum": uniform(0.9, 0.95)})
    proposal = Proposals(search, SYSTEMS, name="sweep").propose()
    assert 0.9 <= proposal.values["adapt.momentum"] <= 0.95


def test_what_ended_early_is_not_known_early() -> None:
    proposals = Proposals(SEARCH, SYSTEMS, name="sweep")
    drawn = [proposals.propose() for _ in range(SEARCH.ahead)]
    assert proposals.waits_for == 0
    proposals.tell(outcome(drawn[0]))
    proposals.propose()
    assert proposals.waits_for == 1
    states = [trial.state for trial in proposals.study.trials]
    assert states == [optuna.trial.TrialState.COMPLETE] + 3 * [optuna.trial.TrialState.RUNNING]


def test_it_learns() -> None:
    drawn = run(replace(SEARCH, trials=60))
    late = sorted(score_of(p) for p in drawn[-20:])[10]
    early = sorted(score_of(p) for p in drawn[1:21])[10]
    assert late > early


def test_optuna_is_told_what_became_of_a_trial() -> None:
    proposals = Proposals(SEARCH, SYSTEMS, name="sweep")
    drawn = [proposals.propose() for _ in range(3)]
    proposals.tell(outcome(drawn[0]))
    proposals.tell(outcome(drawn[1], State.PRUNED))
    proposals.tell(outcome(drawn[2], State.FAILED))
    complete, pruned, failed = proposals.study.trials
    assert complete.state is optuna.trial.TrialState.COMPLETE
    assert complete.value == score_of(drawn[0])
    assert pruned.state is optuna.trial.TrialState.PRUNED
    assert pruned.intermediate_values == {5: score_of(drawn[1])}
    assert failed.state is optuna.trial.TrialState.FAIL


def test_a_score_that_is_not_a_number_fails_and_does_not_stay_open() -> None:
    proposals = Proposals(SEARCH, SYSTEMS, name="sweep")
    proposals.tell(Outcome(proposals.propose(), State.COMPLETE, math.nan))
    assert proposals.study.trials[0].state is optuna.trial.TrialState.FAIL


def test_of_several_systems_one_is_proposed_with_its_own_fields() -> None:
    search = Search(("fit", "adapt"), trials=20, sampler=RandomSearch(), ahead=20)
    drawn = run(search)
    assert [p.system for p in drawn[:2]] == ["fit", "adapt"]
    assert {p.system for p in drawn} == {"fit", "adapt"}
    for proposal in drawn:
        stages = {path.partition(".")[0] for path in proposal.values}
        assert stages == ({"fit"} if proposal.system == "fit" else {"fit", "adapt"})


def test_earlier_sweeps_of_the_space_are_known_from_the_start() -> None:
    known = [outcome(proposal) for proposal in run(SEARCH)]
    warm = Proposals(SEARCH, SYSTEMS, name="warm", known=known)
    cold = Proposals(SEARCH, SYSTEMS, name="warm")
    assert warm.propose() == cold.propose()
    assert warm.propose() != cold.propose()
    assert len(warm.study.trials) == len(known) + 2
    assert SYSTEM not in warm.study.trials[0].params


def test_importances_name_what_moves_the_score() -> None:
    search = replace(SEARCH, trials=60, sampler=RandomSearch(), ahead=60)
    proposals = Proposals(search, SYSTEMS, name="sweep")
    for proposal in [proposals.propose() for _ in range(60)]:
        proposals.tell(outcome(proposal))
    found = importances(proposals.study)
    assert max(found, key=lambda name: found[name]) == "adapt.learning_rate"


@pytest.mark.parametrize(("trials", "known"), [(0, False), (19, False), (20, True)])
def test_importances_need_five_trials_in_the_best_quarter(trials: int, known: bool) -> None:
    search = replace(SEARCH, trials=20, sampler=RandomSearch(), ahead=20)
    proposals = Proposals(search, SYSTEMS, name="sweep")
    for _ in range(trials):
        proposals.tell(outcome(proposals.propose()))
    assert bool(importances(proposals.study)) is known


def test_a_study_of_that_name_is_made_anew() -> None:
    storage = optuna.storages.InMemoryStorage()
    first = Proposals(SEARCH, SYSTEMS, name="sweep", storage=storage)
    first.propose()
    again = Proposals(SEARCH, SYSTEMS, name="sweep", storage=storage)
    assert [t.state for t in again.study.trials] == [optuna.trial.TrialState.WAITING]
