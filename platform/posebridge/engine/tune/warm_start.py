"""What earlier sweeps of the same space found, for a search that begins with it."""

from collections.abc import Mapping
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.tune.outcomes import Outcome, read_outcomes
from posebridge.engine.tune.results import read_result
from posebridge.engine.tune.sweep import Sweep
from posebridge.search import Tpe
from posebridge.settings import nearest

SHOWN = 10
"""Sweeps that are named to somebody who has named one that is not there."""


def known_outcomes(sweep: Sweep) -> list[Outcome]:
    """Outcomes of the sweeps that a search begins with, sweep by sweep.

    Raises:
        ValueError: if the search would not look at them, or a sweep is not in the store, not over,
            of another space, or judged by another rule.
    """
    search = sweep.search
    if search.warm_start and not isinstance(search.sampler, Tpe):
        raise ValueError(
            "warm_start tells what earlier sweeps found, of which only Tpe learns, but the "
            f"sampler is {type(search.sampler).__name__}: use Tpe, or leave warm_start out."
        )
    return [outcome for name in search.warm_start for outcome in _outcomes(sweep, name)]


def _outcomes(sweep: Sweep, name: str) -> list[Outcome]:
    store, ours = sweep.plan.store, sweep.description()
    _check_alike(name, ours, _description(store, name))
    outcomes = read_outcomes(store, name)
    # One that goes on would be known as far as it is at each start, and proposals would change.
    if read_result(store, name) is None:
        raise ValueError(
            f"warm_start takes sweeps that are over, but {name} has {len(outcomes)} outcomes so "
            "far: run it to its end first."
        )
    for outcome in outcomes.values():
        proposal = outcome.proposal
        if set(proposal.values) != set(ours["spaces"][proposal.system]):
            raise ValueError(
                f"warm_start takes sweeps whose proposals keep their values, but those of {name} "
                "changed them as they trained: leave that sweep out."
            )
    return [outcomes[number] for number in sorted(outcomes)]


def _description(store: Store, name: str) -> Mapping[str, Any]:
    """What a sweep was asked, as it has left it."""
    try:
        described: dict[str, Any] = store.read_json(f"sweeps/{name}/sweep.json")
    except FileNotFoundError:
        there = store.children("sweeps")
        close = nearest(name, there)
        meant = f", did you mean {close!r}?" if close else ""
        shown = ", ".join(there[:SHOWN]) or "none"
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        raise ValueError(
            f"warm_start names the sweep {name!r}, which is not in the store {store.uri}{meant} "
            f"(there: {shown}{more})."
        ) from None
    return described


def _check_alike(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    if theirs["spaces"] != ours["spaces"]:
        raise ValueError(
            f"warm_start takes sweeps of the same space, but {name} searched another "
            f"({_difference(ours['spaces'], theirs['spaces'])}): give this search the same space, "
            "or leave that sweep out."
        )
    if theirs["rule"] != ours["rule"]:
        raise ValueError(
            f"warm_start takes sweeps that were judged alike, but {name} by {theirs['rule']}, and "
            f"this one is by {ours['rule']}: leave that sweep out."
        )


def _difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Which fields of which systems two spaces do not have alike."""
    unlike = [
        f"{path} of {system}"
        for system in dict.fromkeys([*ours, *theirs])
        for path in dict.fromkeys([*ours.get(system, {}), *theirs.get(system, {})])
        if ours.get(system, {}).get(path) != theirs.get(system, {}).get(path)
    ]
    return f"other in {', '.join(unlike)}"
