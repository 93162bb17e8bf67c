"""A sweep in TensorBoard: one run a proposal, with its values as hyperparameters."""

import io
import math
import time

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.summary import hparams, scalar

from posebridge.engine.tune.outcomes import Outcome
from posebridge.engine.tune.sweep import Sweep


def write_events(sweep: Sweep, outcome: Outcome) -> None:
    """Write what a proposal tried and what became of it."""
    folder = f"sweeps/{sweep.name}/tensorboard/{outcome.proposal.number:06d}"
    # Written at once and under one name: a writer of torch starts a thread for each file, and one
    # that was killed leaves half of it.
    sweep.plan.store.write(f"{folder}/events.out.tfevents", _file_of(outcome))


def _file_of(outcome: Outcome) -> bytes:
    now, buffer = time.time(), io.BytesIO()
    records = RecordWriter(buffer)
    records.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
    for step, summary in _summaries(outcome):
        records.write(Event(wall_time=now, step=step, summary=summary).SerializeToString())
    return buffer.getvalue()


def _summaries(outcome: Outcome) -> list[tuple[int, Summary]]:
    measured = {"score": outcome.score} | outcome.criteria | outcome.cost
    metrics = {f"sweep/{name}": v for name, v in measured.items() if math.isfinite(v)}
    values = {name: _plain(value) for name, value in outcome.proposal.values.items()}
    asked = values | {"state": outcome.state.value}
    return [
        *((step, _scalar("rung", score)) for step, score in outcome.rungs.items()),
        *((0, part) for part in hparams(asked, metrics)),  # type: ignore[no-untyped-call]
        *((0, _scalar(name, value)) for name, value in metrics.items()),
    ]


def _plain(value: object) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _scalar(name: str, value: float) -> Summary:
    found: Summary = scalar(name, value)  # type: ignore[no-untyped-call]
    return found
