"""What work will cost, from what like work has cost.

A task is priced by its own kind where that was measured, and else by the nearest kind that was.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.finished import finished_stages
from posebridge.engine.graph import Task
from posebridge.engine.placement import Node, at_once
from posebridge.identity import describe, digest
from posebridge.stages import Stage


@dataclass(frozen=True)
class Work:
    """What a task does, and how much of it.

    Attributes:
        kind: what takes the same time a unit.
        near: what takes about the same time per unit and person.
        units: steps of a training; otherwise people.
        size: people in a unit.
    """

    kind: str
    near: str
    units: float
    size: float = 1.0


@dataclass(frozen=True)
class Estimate:
    """Seconds that a task will take, and whether only work near to it was measured."""

    seconds: float
    is_near: bool = False

    def __str__(self) -> str:
        """As text; what is only near is marked."""
        return f"≈ {self.seconds:.0f}" if self.is_near else f"{self.seconds:.0f}"


@dataclass(frozen=True)
class Prices:
    """What was measured in a store.

    Attributes:
        exact: median seconds per unit, by kind.
        near: median seconds per unit and person, by what is near.
    """

    exact: Mapping[str, float]
    near: Mapping[str, float]

    @classmethod
    def measured(cls, store: Store, tasks: Iterable[Task] = ()) -> "Prices":
        """The prices of all finished stages of a store, and of what is done of some tasks."""
        exact, near = defaultdict(list), defaultdict(list)
        for work, seconds in [*_trainings(store), *_others(store, tasks)]:
            exact[work.kind].append(seconds / work.units)
            near[work.near].append(seconds / work.units / work.size)
        return cls(
            {kind: median(found) for kind, found in exact.items()},
            {kind: median(found) for kind, found in near.items()},
        )

    def of(self, task: Task) -> Estimate | None:
        """What a task will take; None if nothing like it was measured."""
        work = work_of(task)
        if work is None:
            return Estimate(0.0)
        if work.kind in self.exact:
            return Estimate(work.units * self.exact[work.kind])
        if work.near in self.near:
            return Estimate(work.units * work.size * self.near[work.near], is_near=True)
        return None


def work_of(task: Task) -> Work | None:
    """What a task does, and how much of it; None if it takes no time worth telling."""
    if task.steps:
        stage: Stage = task.arguments[1]
        return _training(stage.description())
    if task.people:
        near = task.function.__name__
        kind = digest([near, task.cpus, task.gpus, _described(task.arguments[1])])
        return Work(kind, near, task.people)
    return None


def _training(stage: dict[str, Any]) -> Work:
    budget = stage["budget"]
    feeds = [*stage["source"], *([stage["target"]] if stage["target"] else [])]
    per_step = [feed["per_step"] for feed in feeds]
    # What a teacher is asked to look at is paid for; other hyperparameters cost nothing.
    method = [stage["method"]["class"], stage["method"].get("teacher_views", 1)]
    near = [*method, stage["architecture"]]
    processes = [budget["threads"], budget.get("workers", 1), budget.get("accumulate", 1)]
    return Work(digest([near, per_step, processes]), digest(near), budget["steps"], sum(per_step))


def _described(subject: Any) -> Any:  # noqa: ANN401 - a stage, a floor, a population
    """What of a task's subject decides how long a person takes."""
    if isinstance(subject, Stage):
        return [describe(subject.method)["class"], describe(subject.architecture)]
    return type(subject).__name__


def _trainings(store: Store) -> list[tuple[Work, float]]:
    trained = [stage for stage in finished_stages(store) if stage.cost["steps"]]
    return [(_training(stage.stage), stage.cost["seconds"]) for stage in trained]


def _others(store: Store, tasks: Iterable[Task]) -> list[tuple[Work, float]]:
    """Evaluations and shards, whose markers say how long they took."""
    works = {t.marker: work for t in tasks if not t.steps and (work := work_of(t))}
    costs = {marker: _seconds(content) for marker, content in store.read_many(works).items()}
    return [(works[marker], seconds) for marker, seconds in costs.items() if seconds]


def _seconds(marker: bytes) -> float | None:
    cost = json.loads(marker or b"{}").get("cost", {})
    found: float | None = cost.get("evaluation_seconds", cost.get("seconds"))
    return found


@dataclass(frozen=True)
class Price:
    """What a set of tasks will take.

    Attributes:
        seconds: one after the other.
        chain: of the longest chain of tasks that wait for each other.
        packed: if the nodes are never idle.
        near: number of tasks for which only something near was measured.
        unknown: number of tasks like which nothing was; not counted in any sum.
    """

    seconds: float
    chain: float
    packed: float
    near: int = 0
    unknown: int = 0

    def describe(self) -> str:
        """The price in words."""
        told = [self._known()] if self.seconds else []
        if self.near:
            told.append(f"{self.near} of these prices (≈) are those of the nearest kind.")
        if self.unknown:
            told.append(f"{self.unknown} tasks have no price yet.")
        return " ".join(told) or "Nothing is left that takes time."

    def _known(self) -> str:
        limit = "that is the longest chain of tasks"
        if self.packed > self.chain:
            limit = "there is no room for more at once"
        wall = max(self.chain, self.packed)
        return (
            f"It takes about {_span(self.seconds)} one after the other, and here at least "
            f"{_span(wall)}: {limit}."
        )


def price(tasks: Sequence[Task], prices: Prices, nodes: Sequence[Node]) -> Price:
    """The price of some tasks on nodes that have nothing else to do and can hold each of them."""
    estimates = [prices.of(task) for task in tasks]
    known = {t.marker: e.seconds for t, e in zip(tasks, estimates, strict=True) if e}
    return Price(
        seconds=sum(known.values()),
        chain=_longest(tasks, known),
        packed=sum(known.get(task.marker, 0.0) / at_once(task, nodes) for task in tasks),
        near=sum(1 for estimate in estimates if estimate and estimate.is_near),
        unknown=estimates.count(None),
    )


def _longest(tasks: Iterable[Task], seconds: Mapping[str, float]) -> float:
    """Of the chains of tasks that need each other, the one that takes most, in seconds."""
    by_marker = {task.marker: task for task in tasks}
    ends: dict[str, float] = {}

    def end(marker: str) -> float:
        if marker not in by_marker:
            return 0.0
        if marker not in ends:
            before = max((end(need) for need in by_marker[marker].needs), default=0.0)
            ends[marker] = before + seconds.get(marker, 0.0)
        return ends[marker]

    return max((end(marker) for marker in by_marker), default=0.0)


def _span(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - where people change from seconds to minutes
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
