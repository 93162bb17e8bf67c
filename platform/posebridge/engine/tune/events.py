"""A sweep in TensorBoard: one run a proposal, with its values as hyperparameters."""

import math

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from posebridge.engine.tune.outcomes import Outcome
from posebridge.engine.tune.sweep import Sweep


def write_events(sweep: Sweep, outcome: Outcome) -> None:
    """Write what a proposal tried and what became of it; nothing in a store that is not local."""
    store = sweep.plan.store
    if not store.is_local:
        return
    folder = store.path(f"sweeps/{sweep.name}/tensorboard/{outcome.proposal.number:06d}")
    measured = {"score": outcome.score} | outcome.criteria | outcome.cost
    known = {name: value for name, value in measured.items() if math.isfinite(value)}
    values = {name: _plain(value) for name, value in outcome.proposal.values.items()}
    with SummaryWriter(folder) as events:
        for step, score in outcome.rungs.items():
            events.add_scalar("rung", score, step)
        # As add_hparams does it, which makes a second file a trial.
        metrics = {f"sweep/{name}": value for name, value in known.items()}
        parts = hparams(values | {"state": outcome.state.value}, metrics)  # type: ignore[no-untyped-call]
        for part in parts:
            events.file_writer.add_summary(part)
        for name, value in metrics.items():
            events.add_scalar(name, value)


def _plain(value: object) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)
