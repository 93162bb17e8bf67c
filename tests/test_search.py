"""Searches as they are declared."""

from dataclasses import replace
from typing import Any

import pytest

from engine.tune.test_proposals import SEARCH, SYSTEMS
from posebridge.search import Halving, Nsga2, PopulationBased, Search, check_search
from posebridge.search_space import uniform


def test_without_a_space_every_tunable_field_is_searched() -> None:
    space = Search(("adapt",), trials=1).space_of(SYSTEMS["adapt"])
    assert {"fit.learning_rate", "adapt.learning_rate", "adapt.momentum"} <= set(space)
    assert not any(path.endswith("occlusion_half_side") for path in space)


def test_fields_of_a_stage_that_does_not_train_are_not_searched() -> None:
    stage = SYSTEMS["adapt"].stage
    assert stage.start is not None
    still = replace(stage.start, budget=replace(stage.start.budget, steps=0))
    system = replace(SYSTEMS["adapt"], stage=replace(stage, start=still))
    stages = {p.partition(".")[0] for p in Search(("adapt",), trials=1).space_of(system)}
    assert stages == {"adapt"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 0}, "trials, ahead and tied must be at least 1, but got self.trials=0"),
        ({"ahead": 0}, "must be at least 1"),
        ({"systems": ()}, r"systems must be given and differ, but got \(\)"),
        ({"systems": ("a", "a")}, "systems must be given and differ"),
        ({"sampler": Nsga2()}, "Nsga2 seeks a front and needs a second aim"),
        ({"cost": "steps", "halving": Halving()}, "has two aims: leave one of them out"),
        ({"sampler": PopulationBased(), "cost": "steps"}, "got .* and cost that it cannot use"),
        ({"sampler": PopulationBased(), "halving": Halving()}, "halving that it cannot use"),
        ({"sampler": PopulationBased(), "warm_start": ("a",)}, "warm_start that it cannot use"),
        ({"sampler": PopulationBased(), "trials": 1}, "compares at least 2 proposals"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SEARCH, **changes)


@pytest.mark.parametrize("rungs", [(), (0.0,), (0.5, 0.2), (0.5, 1.0), (0.5, 0.5)])
def test_rungs_rise_inside_the_stage(rungs: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rungs must rise between 0 and 1, but got"):
        Halving(rungs=rungs)


def test_a_factor_of_one_would_stop_nobody() -> None:
    with pytest.raises(ValueError, match="factor must be at least 2, but got 1"):
        Halving(factor=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"systems": ("adpt",)}, "names the system 'adpt', did you mean 'adapt'"),
        ({"space": {"adpat.momentum": uniform(0.9, 1)}}, "no searched system has a stage 'adpat'"),
        ({"space": {"adapt.momentun": uniform(0.9, 1)}}, "has no field 'momentun', did you mean"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_search(replace(SEARCH, **changes), SYSTEMS)


def test_a_system_has_a_grid_or_a_search() -> None:
    grid = replace(SYSTEMS["adapt"], grid={"adapt.momentum": (0.9, 0.99)})
    with pytest.raises(ValueError, match="'adapt' is searched and has a grid, too"):
        check_search(SEARCH, {**SYSTEMS, "adapt": grid})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generations": 1}, "generations must be at least 2"),
        ({"share": 0.6}, "share between 0 and 0.5"),
        ({"redraw": 1.5}, "redraw between 0 and 1"),
        ({"factors": (1.2, 0.8)}, r"one below and one above 1, but got \(1.2, 0.8\)"),
    ],
)
def test_a_population_that_makes_no_sense_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PopulationBased(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"systems": ("fit", "adapt"), "space": {}}, "it searches one system, but got fit, adapt"),
        ({"space": {"fit.learning_rate": uniform(0, 1)}}, "the space names 'fit.learning_rate'"),
        ({"space": {"adapt.clip_norm": uniform(1, 2)}}, "the space names 'adapt.clip_norm'"),
    ],
)
def test_a_schedule_is_of_fields_that_the_last_method_reads(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_search(replace(SEARCH, sampler=PopulationBased(), **changes), SYSTEMS)
