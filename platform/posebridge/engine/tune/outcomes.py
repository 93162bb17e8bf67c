"""What became of each proposal of a sweep; the truth about a sweep, one file each in the store.

A proposal without an outcome has not ended, whatever Optuna's or Tune's own files say of it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from posebridge.engine.artifacts import Store


class State(Enum):
    """How a proposal ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class Proposal:
    """Values to be tried.

    Attributes:
        number: from 0, in the order of proposing.
        system: of which system.
        values: by `stage.field`.
    """

    number: int
    system: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a proposal ended.

    Attributes:
        proposal: what was tried.
        state: how it ended.
        score: by the rule that the sweep was declared with, higher is better; NaN without one.
        cause: why it failed, in one line.
        rungs: score at each rung that was reached, by step.
        criteria: score by every rule, for whoever wants to compare rules; one may be NaN.
        stage_key: of the artifact that was measured; empty if it was never finished.
        cost: by unit.
    """

    proposal: Proposal
    state: State
    score: float = math.nan
    cause: str = ""
    rungs: dict[int, float] = field(default_factory=dict)
    criteria: dict[str, float] = field(default_factory=dict)
    stage_key: str = ""
    cost: dict[str, float] = field(default_factory=dict)


def outcome_path(sweep: str, number: int) -> str:
    """Where the outcome of a proposal lies in the store."""
    return f"sweeps/{sweep}/trials/{number:06d}.json"


def write_outcome(store: Store, sweep: str, outcome: Outcome) -> None:
    """Leave an outcome, whole or not at all."""
    content = asdict(outcome) | {
        "state": outcome.state.value,
        "score": _none_for_nan(outcome.score),
        "rungs": {str(step): _none_for_nan(s) for step, s in outcome.rungs.items()},
        "criteria": {name: _none_for_nan(s) for name, s in outcome.criteria.items()},
        "cost": {unit: _none_for_nan(s) for unit, s in outcome.cost.items()},
    }
    store.write_json(outcome_path(sweep, outcome.proposal.number), content)


def read_outcome(store: Store, sweep: str, number: int) -> Outcome | None:
    """The outcome of a proposal; None if it has not ended."""
    try:
        return _outcome(store.read_json(outcome_path(sweep, number)))
    except FileNotFoundError:
        return None


def read_outcomes(store: Store, sweep: str) -> dict[int, Outcome]:
    """Every outcome of a sweep, by number."""
    names = store.children(f"sweeps/{sweep}/trials")
    numbers = [int(name.removesuffix(".json")) for name in names if name.endswith(".json")]
    return {n: _outcome(store.read_json(outcome_path(sweep, n))) for n in numbers}


def _outcome(content: Mapping[str, Any]) -> Outcome:
    return Outcome(
        proposal=Proposal(**content["proposal"]),
        state=State(content["state"]),
        score=_nan_for_none(content["score"]),
        cause=content["cause"],
        rungs={int(step): _nan_for_none(s) for step, s in content["rungs"].items()},
        criteria={name: _nan_for_none(s) for name, s in content["criteria"].items()},
        stage_key=content["stage_key"],
        cost={unit: _nan_for_none(s) for unit, s in content["cost"].items()},
    )


def _none_for_nan(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _nan_for_none(value: float | None) -> float:
    return math.nan if value is None else value
