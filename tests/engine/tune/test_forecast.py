"""What a sweep will take, and how far it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.tune.test_outcomes import ended
from engine.tune.test_proposals import SEARCH
from engine.tune.test_sweep import sweep
from posebridge.engine.tune.forecast import Forecast, describe_plan, forecast, how_far
from posebridge.engine.tune.outcomes import State, write_outcome
from posebridge.search import PopulationBased
from posebridge.search_space import choice, log_uniform

EARLY = {**SEARCH.space, "fit.offset_weight": choice((0.5, 1.0))}
FREE = {**SEARCH.space, "fit.learning_rate": log_uniform(1e-4, 1e-3)}


def test_what_all_proposals_share_is_counted_once(tmp_path: Path) -> None:
    """Two stages of 10 steps, 30 proposals: 10 + 30 · 10 against 30 · 20."""
    assert forecast(sweep(tmp_path)) == Forecast(tree=310, whole=600)


def test_what_some_share_is_counted_for_each_value(tmp_path: Path) -> None:
    """Two values of the first stage's field: 2 · 10 + 30 · 10."""
    assert forecast(sweep(tmp_path, replace(SEARCH, space=EARLY))) == Forecast(320, 600)


def test_a_real_number_is_never_shared(tmp_path: Path) -> None:
    assert forecast(sweep(tmp_path, replace(SEARCH, space=FREE))) == Forecast(600, 600)


def test_it_is_told_how_far_a_sweep_is(tmp_path: Path) -> None:
    asked = sweep(tmp_path)
    assert how_far(asked) == "0 of 30 ended"
    write_outcome(asked.plan.store, asked.name, ended(0, 0.25))
    write_outcome(asked.plan.store, asked.name, ended(1, 0.9, State.PRUNED))
    assert how_far(asked) == "2 of 30 ended, 1 complete, 1 pruned, best 25.00"
    assert "fit (10 steps) runs once for all. At most 310 training steps, 1.9 times fewer" in (
        describe_plan(asked)
    )


def test_a_population_says_when_its_members_learn_from_each_other(tmp_path: Path) -> None:
    search = replace(SEARCH, sampler=PopulationBased(generations=4), trials=6)
    said = describe_plan(sweep(tmp_path, search))
    assert "side by side, the worst going on from the best after 2, 5, 7 steps, judged by" in said


def test_a_population_needs_a_step_for_every_generation(tmp_path: Path) -> None:
    search = replace(SEARCH, sampler=PopulationBased(generations=11), trials=6)
    with pytest.raises(ValueError, match="into 11 generations, but 'adapt' has 10 steps and 1 wo"):
        describe_plan(sweep(tmp_path, search))


def test_what_saves_nothing_is_not_said_to_save(tmp_path: Path) -> None:
    alone = replace(SEARCH, systems=("fit",), space={})
    assert "fewer than whole systems" not in describe_plan(sweep(tmp_path, alone))
