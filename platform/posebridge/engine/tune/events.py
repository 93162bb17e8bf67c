"""A sweep in TensorBoard: one run a proposal, with its values as hyperparameters."""

import io
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.summary import hparams, scalar

from posebridge.engine.tune.driver import SweepWatcher
from posebridge.engine.tune.outcomes import Outcome
from posebridge.engine.tune.sweep import Sweep


class EventFiles(SweepWatcher):
    """Writes what becomes of proposals for TensorBoard, in a thread beside the sweep."""

    def __init__(self, sweep: Sweep) -> None:
        """Write for a sweep; use as a context manager."""
        self._store, self._folder = sweep.plan.store, f"sweeps/{sweep.name}/tensorboard"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._written: list[Future[None]] = []

    def __enter__(self) -> "EventFiles":
        """Nothing is written yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the last file."""
        self._thread.shutdown()
        for one in self._written:
            one.result()

    def began(self, outcomes: dict[int, Outcome]) -> None:
        """Write what somebody who was killed has left out."""
        there = set(self._store.children(self._folder))
        for number, outcome in outcomes.items():
            if _run(number) not in there:
                self.ended(outcome)

    def ended(self, outcome: Outcome) -> None:
        """Write one more."""
        self._written.append(self._thread.submit(self._write, outcome))

    def _write(self, outcome: Outcome) -> None:
        # Whole and under one name: a writer of torch starts a thread for each file, and one that
        # was killed leaves half of it.
        path = f"{self._folder}/{_run(outcome.proposal.number)}/events.out.tfevents"
        self._store.write(path, _file_of(outcome))


def _run(number: int) -> str:
    return f"{number:06d}"


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
