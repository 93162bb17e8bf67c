"""What a sweep leaves besides its outcomes: which proposal won, how important each field is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.run import Choice, Plan
from posebridge.engine.tune.outcomes import Outcome, Proposal, State, read_outcomes
from posebridge.engine.tune.race import Racer
from posebridge.engine.tune.sweep import Sweep

PICTURE = "sweep.png"


def note_sweep(sweep: Sweep) -> None:
    """Leave what was asked, before anything is done."""
    path = f"sweeps/{sweep.name}/sweep.json"
    if not sweep.plan.store.exists(path):
        sweep.plan.store.write_json(path, sweep.description())


def write_result(
    sweep: Sweep,
    races: Mapping[str, Sequence[Racer]],
    front: Sequence[Outcome],
    importances: Mapping[str, float],
) -> None:
    """Leave what a sweep found; written last, it says that the sweep is over.

    Args:
        sweep: that is over.
        races: of each system, the winner first.
        front: proposals that no other beats in score and cost, for a search with a cost.
        importances: share of each field in how the score varies.
    """
    sweep.plan.store.write_json(
        result_path(sweep.name),
        {
            "sweep": sweep.name,
            "rule": sweep.plan.experiment.chosen_by,
            "winners": {
                name: {
                    "number": racers[0].outcome.proposal.number,
                    "values": racers[0].outcome.proposal.values,
                    "race": [
                        {"number": r.outcome.proposal.number, "scores": list(r.scores)}
                        for r in racers
                    ],
                }
                for name, racers in races.items()
                if racers
            },
            "front": [o.proposal.number for o in front],
            "importances": dict(importances),
        },
    )


def read_result(store: Store, sweep: str) -> dict[str, Any] | None:
    """What a sweep found; None while it is not over."""
    path = result_path(sweep)
    return store.read_json(path) if store.exists(path) else None


def decided(sweep: Sweep) -> dict[str, Choice]:
    """The systems as the sweep decided them, by name; none while it is not over."""
    result = read_result(sweep.plan.store, sweep.name)
    if result is None:
        return {}
    outcomes = read_outcomes(sweep.plan.store, sweep.name).values()
    return {
        name: choice_of(sweep, Proposal(won["number"], name, won["values"]), outcomes)
        for name, won in result["winners"].items()
    }


def choice_of(sweep: Sweep, winner: Proposal, outcomes: Iterable[Outcome]) -> Choice:
    """A system as its winner has it."""
    scores = tuple(o.score for o in outcomes if o.proposal.system == winner.system)
    return Choice(sweep.system(winner), winner.values, scores)


def pareto_front(outcomes: Iterable[Outcome], cost: str) -> list[Outcome]:
    """Proposals that no other beats in score and cost, the cheapest first.

    Args:
        outcomes: of a sweep.
        cost: unit that is to be low.
    """
    complete = [o for o in outcomes if o.state is State.COMPLETE and cost in o.cost]
    front: list[Outcome] = []
    for outcome in sorted(complete, key=lambda o: (o.cost[cost], -o.score, o.proposal.number)):
        if not front or outcome.score > front[-1].score:
            front.append(outcome)
    return front


def with_sweep(plan: Plan) -> Plan:
    """The plan, with what a sweep of its experiment decided."""
    if plan.experiment.search is None:
        return plan
    return replace(plan, decided=decided(Sweep(plan, plan.experiment.search)))


def result_path(sweep: str) -> str:
    """Where the result of a sweep lies; while it is not there, the sweep is not over."""
    return f"sweeps/{sweep}/result.json"


def picture_path(sweep: str) -> str:
    """Where the picture of a sweep lies, once it is over."""
    return f"sweeps/{sweep}/{PICTURE}"
