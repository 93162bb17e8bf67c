"""What a search may begin with."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.tune.test_outcomes import VALUES, ended
from engine.tune.test_proposals import SEARCH, SYSTEMS
from engine.tune.test_sweep import sweep
from posebridge.engine.tune.forecast import describe_plan
from posebridge.engine.tune.outcomes import Outcome, Proposal, State, write_outcome
from posebridge.engine.tune.proposals import Proposals
from posebridge.engine.tune.results import note_sweep, write_result
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.tune.warm_start import known_outcomes
from posebridge.search import Nsga2, RandomSearch, Search, Tpe
from posebridge.search_space import choice, log_uniform
from posebridge.selection import TargetOracle

EARLIER = replace(SEARCH, trials=4, sampler=RandomSearch())


def _over(folder: Path, search: Search = EARLIER, *more: Outcome) -> Sweep:
    """A sweep that has found something."""
    one = sweep(folder, search)
    note_sweep(one)
    for outcome in [ended(number, number / 10, steps=20.0) for number in range(12)] + list(more):
        write_outcome(one.plan.store, one.name, outcome)
    write_result(one, {}, (), {})
    return one


def _after(folder: Path, *names: str, **changes: object) -> Sweep:
    """The sweep that begins with others."""
    return sweep(folder, replace(SEARCH, warm_start=names, **changes))  # type: ignore[arg-type]


def test_a_search_begins_with_what_earlier_sweeps_found_in_their_order(tmp_path: Path) -> None:
    first, second = _over(tmp_path), _over(tmp_path, replace(EARLIER, trials=5))
    one = _after(tmp_path, second.name, first.name)
    known = known_outcomes(one)
    assert [outcome.proposal.number for outcome in known] == [*range(12), *range(12)]
    assert "It begins with 24 outcomes of earlier sweeps" in describe_plan(one)
    assert known_outcomes(sweep(tmp_path)) == []
    assert "begins with" not in describe_plan(sweep(tmp_path))


def test_what_is_known_changes_what_is_proposed(tmp_path: Path) -> None:
    """Small rates were best; ten random proposals would come first, if nothing were known."""
    search = replace(SEARCH, sampler=Tpe(startup=10), space=dict(list(SEARCH.space.items())[:1]))
    tried = [(2e-5 * (1 + k / 10), 0.9) for k in range(8)] + [
        (1e-2 / k, 0.1) for k in range(1, 30)
    ]
    known = [
        Outcome(Proposal(k, "adapt", {"adapt.learning_rate": rate}), State.COMPLETE, score)
        for k, (rate, score) in enumerate(tried)
    ]
    small = {}
    for name, outcomes in (("cold", []), ("warm", known)):
        proposals = Proposals(search, SYSTEMS, name="one", known=outcomes)
        proposals.propose()  # The declared values.
        rates = [proposals.propose().values["adapt.learning_rate"] for _ in range(9)]
        assert len(proposals.study.trials) == len(outcomes) + 10
        small[name] = sum(rate < 1e-4 for rate in rates)
    assert small["warm"] > 5 > small["cold"]


def test_a_sweep_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sweep 'a', which is not in .* \(there: none\)"):
        known_outcomes(_after(tmp_path, "a"))
    name = _over(tmp_path).name
    typo = name[:-1] + ("0" if name[-1] != "0" else "1")
    with pytest.raises(ValueError, match=rf"did you mean '{name}'\? \(there: {name}\)"):
        known_outcomes(_after(tmp_path, typo))


def test_a_sweep_of_another_space_is_refused_with_what_differs(tmp_path: Path) -> None:
    wider = {**SEARCH.space, "adapt.learning_rate": log_uniform(1e-6, 1e-2)}
    more = {**SEARCH.space, "fit.offset_weight": choice((0.5, 1.0))}
    for space, field in ((wider, "adapt.learning_rate"), (more, "fit.offset_weight")):
        name = _over(tmp_path, replace(EARLIER, space=space)).name
        with pytest.raises(ValueError, match=rf"{name} searched another \(other in {field} of ad"):
            known_outcomes(_after(tmp_path, name))


def test_a_sweep_that_was_judged_otherwise_is_refused(tmp_path: Path) -> None:
    name = _over(tmp_path).name
    one = _after(tmp_path, name)
    experiment = replace(one.plan.experiment, selection=TargetOracle())
    other = Sweep(replace(one.plan, experiment=experiment), one.search)
    with pytest.raises(ValueError, match=r"judged alike, but .* by best pck_box on the source's"):
        known_outcomes(other)


def test_a_sweep_that_goes_on_is_refused(tmp_path: Path) -> None:
    one = sweep(tmp_path, EARLIER)
    note_sweep(one)
    write_outcome(one.plan.store, one.name, ended(0, 0.5))
    with pytest.raises(ValueError, match=f"are over, but {one.name} has 1 outcomes so far"):
        known_outcomes(_after(tmp_path, one.name))


def test_a_sweep_of_schedules_is_refused(tmp_path: Path) -> None:
    values = {**VALUES, "adapt.changes": [[5, "learning_rate", 1e-4]]}
    changed = Outcome(Proposal(12, "adapt", values), State.COMPLETE, 0.5)
    name = _over(tmp_path, EARLIER, changed).name
    with pytest.raises(ValueError, match=f"those of {name} changed them as they trained"):
        known_outcomes(_after(tmp_path, name))


@pytest.mark.parametrize("sampler", [RandomSearch(), Nsga2()])
def test_a_sampler_that_would_not_look_at_them_is_refused(
    tmp_path: Path, sampler: RandomSearch | Nsga2
) -> None:
    name = _over(tmp_path).name
    with pytest.raises(ValueError, match=rf"only Tpe learns, but .* {type(sampler).__name__}:"):
        known_outcomes(_after(tmp_path, name, sampler=sampler, cost="steps"))
