"""What a sweep is made of, and how it halves."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.tune.test_proposals import ADAPT, FIT, PEOPLE, SEARCH, SYSTEMS
from posebridge.engine.artifacts import Store
from posebridge.engine.run import Plan
from posebridge.engine.tune.outcomes import Outcome, Proposal, State
from posebridge.engine.tune.sweep import Sweep, bar_of
from posebridge.experiment import Experiment
from posebridge.search import Halving, Search
from posebridge.search_space import choice, integers, log_uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget

HALVING = Halving(rungs=(0.2, 0.5), factor=3)


def sweep(folder: Path, search: Search = SEARCH) -> Sweep:
    experiment = Experiment(
        "q", tuple(SYSTEMS.values()), (PEOPLE,), SourceValidation(), seeds=(3, 4), search=search
    )
    return Sweep(Plan(experiment, Store(str(folder))), search)


def test_the_name_changes_with_what_is_searched_and_with_nothing_else(tmp_path: Path) -> None:
    name = sweep(tmp_path).name
    assert sweep(tmp_path / "elsewhere").name == name
    assert sweep(tmp_path, replace(SEARCH, trials=31)).name != name
    assert sweep(tmp_path, replace(SEARCH, ahead=4)).name != name
    narrower = {**SEARCH.space, "adapt.learning_rate": log_uniform(1e-4, 1e-2)}
    assert sweep(tmp_path, replace(SEARCH, space=narrower)).name != name


def test_a_proposal_is_the_system_with_its_values_under_the_first_seed(tmp_path: Path) -> None:
    stage = sweep(tmp_path).stage(Proposal(0, "adapt", {"adapt.momentum": 0.95}))
    assert stage.seed == 3
    assert stage.start is not None
    assert stage.start.seed == 3
    assert stage == replace(ADAPT, seed=3, start=replace(FIT, seed=3), method=stage.method)


def test_stages_that_no_field_touches_are_shared(tmp_path: Path) -> None:
    late = sweep(tmp_path)
    assert [stage.name for stage in late.shared().values()] == ["fit"]
    assert not late.has_private_prefixes
    both = replace(SEARCH, space={**SEARCH.space, "fit.learning_rate": choice((1e-4, 1e-3))})
    early = sweep(tmp_path, both)
    assert early.shared() == {}
    assert early.has_private_prefixes


def test_a_trial_takes_the_threads_of_its_last_stage(tmp_path: Path) -> None:
    assert sweep(tmp_path).resources() == {"cpu": ADAPT.budget.threads, "gpu": 0.0}


def test_a_trial_whose_stage_trains_in_workers_takes_no_cpu_of_its_own(tmp_path: Path) -> None:
    asked, system = sweep(tmp_path), SYSTEMS["adapt"]
    shared = replace(system, stage=replace(ADAPT, budget=Budget(10, workers=2)))
    experiment = replace(asked.plan.experiment, systems=(SYSTEMS["fit"], shared))
    other = Sweep(replace(asked.plan, experiment=experiment), asked.search)
    assert other.resources() == {"memory": 1.0}


def test_rungs_are_steps_of_the_last_stage(tmp_path: Path) -> None:
    assert sweep(tmp_path, replace(SEARCH, halving=HALVING)).rungs() == (2, 5)
    assert sweep(tmp_path).rungs() == ()


def test_halving_compares_at_equal_budgets(tmp_path: Path) -> None:
    space = {"adapt.steps": integers(5, 50)}
    with pytest.raises(ValueError, match=r"same number of steps.*the search changes \['adapt.st"):
        sweep(tmp_path, replace(SEARCH, space=space, halving=HALVING)).rungs()


def test_halving_looks_at_stages_of_one_process(tmp_path: Path) -> None:
    asked = sweep(tmp_path, replace(SEARCH, halving=HALVING))
    system = SYSTEMS["adapt"]
    shared = replace(system, stage=replace(ADAPT, budget=Budget(10, workers=2)))
    experiment = replace(asked.plan.experiment, systems=(SYSTEMS["fit"], shared))
    with pytest.raises(ValueError, match="set its workers to 1, or leave halving out"):
        Sweep(replace(asked.plan, experiment=experiment), asked.search).rungs()


@pytest.mark.parametrize(
    ("scores", "bar"),
    [
        ([], None),
        ([0.5], None),
        ([0.5, 0.2], 0.5),
        ([0.5, 0.2, 0.4, 0.1], 0.5),
        ([0.5, 0.2, 0.4, 0.1, 0.3], 0.4),
    ],
)
def test_one_of_three_goes_on(scores: list[float], bar: float | None) -> None:
    """With itself there are n + 1; of 6 the best 2 go on, so it must reach the second best."""
    assert bar_of(scores, HALVING) == bar


def test_a_bar_is_made_of_proposals_that_had_ended_whatever_came_meanwhile(tmp_path: Path) -> None:
    asked = sweep(tmp_path, replace(SEARCH, halving=HALVING, ahead=3))

    def ended(number: int, score: float) -> Outcome:
        proposal = Proposal(number, "adapt", {})
        return Outcome(proposal, State.COMPLETE, score, rungs={2: score, 5: score})

    known = {n: ended(n, n / 10) for n in range(4)}
    assert asked.bars(6, known) == {2: 0.3, 5: 0.3}
    assert asked.bars(6, known | {4: ended(4, 0.9), 5: ended(5, 0.8)}) == {2: 0.3, 5: 0.3}
    assert asked.bars(7, known | {4: ended(4, 0.9)}) == {2: 0.3, 5: 0.3}
    assert asked.bars(7, known | {4: ended(4, 0.9), 5: ended(5, 0.8)}) == {2: 0.3, 5: 0.3}
    assert asked.bars(8, known | {4: ended(4, 0.9), 5: ended(5, 0.8)}) == {2: 0.8, 5: 0.8}
