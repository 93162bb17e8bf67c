"""What work will cost, from what like work has cost.

A task is priced by its own kind where that was measured, and else by the nearest kind that was; on
the kind of device that it will run on, and only where nothing was measured there, on the other.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.conditions import CPU, DEVICES, GPU, Conditions
from posebridge.engine.finished import finished_stages
from posebridge.engine.graph import Task
from posebridge.engine.placement import Node, at_once
from posebridge.identity import digest
from posebridge.stages import Stage

Place = tuple[str, str]
"""A kind of device, and what takes the same time on it."""


@dataclass(frozen=True)
class Work:
    """What a task does, and how much of it.

    Attributes:
        kind: what takes the same time a unit.
        near: what takes about the same time per unit and person.
        units: steps of a training; otherwise people.
        size: people in a unit.
        device: one of `DEVICES`.
    """

    kind: str
    near: str
    units: float
    size: float = 1.0
    device: str = CPU


@dataclass(frozen=True)
class Estimate:
    """What a task will take.

    Attributes:
        seconds: of the whole task.
        is_near: whether only work near to it was measured.
        elsewhere: the kind of device that this was measured on, where it is not the task's own.
    """

    seconds: float
    is_near: bool = False
    elsewhere: str = ""

    def __str__(self) -> str:
        """As text; what is no measure of just this is marked."""
        is_exact = not (self.is_near or self.elsewhere)
        return f"{self.seconds:.0f}" if is_exact else f"≈ {self.seconds:.0f}"


@dataclass(frozen=True)
class Prices:
    """What was measured in a store.

    Attributes:
        exact: median seconds per unit, by device and kind.
        near: median seconds per unit and person, by device and what is near.
    """

    exact: Mapping[Place, float]
    near: Mapping[Place, float]

    @classmethod
    def measured(cls, store: Store, tasks: Iterable[Task] = ()) -> "Prices":
        """The prices of all finished stages and evaluations of a store.

        Args:
            store: where they lie.
            tasks: of which those that are done count as well, whatever they do.
        """
        exact, near = defaultdict(list), defaultdict(list)
        for work, seconds in [*_trainings(store), *_others(store, tasks)]:
            exact[work.device, work.kind].append(seconds / work.units)
            near[work.device, work.near].append(seconds / work.units / work.size)
        return cls(
            {place: median(found) for place, found in exact.items()},
            {place: median(found) for place, found in near.items()},
        )

    def of(self, task: Task) -> Estimate | None:
        """What a task will take; None if nothing like it was measured."""
        work = work_of(task)
        if work is None:
            return Estimate(0.0)
        if (found := self._on(work.device, work)) is not None:
            return found
        (other,) = set(DEVICES) - {work.device}
        found = self._on(other, work)
        return found and replace(found, elsewhere=other)

    def _on(self, device: str, work: Work) -> Estimate | None:
        if (device, work.kind) in self.exact:
            return Estimate(work.units * self.exact[device, work.kind])
        if (device, work.near) in self.near:
            return Estimate(work.units * work.size * self.near[device, work.near], is_near=True)
        return None


def work_of(task: Task) -> Work | None:
    """What a task does, and how much of it; None if it takes no time worth telling."""
    device = GPU if task.gpus else CPU
    if task.steps:
        stage: Stage = task.arguments[1]
        return _training(stage.description(), device)
    if task.people:
        subject = task.arguments[1]
        return _other(Conditions.of(task.function, subject, task.cpus, device, task.people))
    return None


def _training(stage: dict[str, Any], device: str) -> Work:
    budget = stage["budget"]
    feeds = [*stage["source"], *([stage["target"]] if stage["target"] else [])]
    per_step = [feed["per_step"] for feed in feeds]
    # What a teacher is asked to look at is paid for; other hyperparameters cost nothing.
    method = [stage["method"]["class"], stage["method"].get("teacher_views", 1)]
    near = [*method, stage["architecture"]]
    processes = [budget["threads"], budget.get("workers", 1), budget.get("accumulate", 1)]
    kind = digest([near, per_step, processes])
    return Work(kind, digest(near), budget["steps"], sum(per_step), device)


def _other(conditions: Conditions) -> Work:
    """An evaluation, or a shard that is rendered."""
    return Work(conditions.kind(), conditions.work, conditions.people, device=conditions.device)


def _trainings(store: Store) -> list[tuple[Work, float]]:
    trained = [stage for stage in finished_stages(store) if stage.cost["steps"]]
    return [(_training(one.stage, one.device), one.cost["seconds"]) for one in trained]


def _others(store: Store, tasks: Iterable[Task]) -> list[tuple[Work, float]]:
    """Evaluations and shards, whose markers say how long they took."""
    # Older markers do not say what they measured; that of a known task does all the same.
    known = {t.marker: work for t in tasks if not t.steps and (work := work_of(t))}
    names = store.children("evaluations")
    markers = [*known, *(f"evaluations/{name}/scores.json" for name in names)]
    found = []
    for marker, content in store.read_many(markers).items():
        told = json.loads(content or b"{}")
        work, seconds = _done(told, known.get(marker)), _seconds(told)
        if work and seconds:
            found.append((work, seconds))
    return found


def _done(told: dict[str, Any], known: Work | None) -> Work | None:
    """What was done under what a marker says; without that, what is known of it, on a CPU."""
    if "measured" in told:
        return _other(Conditions(**told["measured"]))
    return known and replace(known, device=CPU)


def _seconds(told: dict[str, Any]) -> float | None:
    cost = told.get("cost", {})
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
        elsewhere: number of tasks for which only the other kind of device was, by what it is.
        unknown: number of tasks like which nothing was; not counted in any sum.
    """

    seconds: float
    chain: float
    packed: float
    near: int = 0
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0

    def describe(self) -> str:
        """The price in words."""
        told = [self._known()] if self.seconds else []
        if self.near:
            told.append(f"{self.near} of these prices (≈) are those of the nearest kind.")
        for device, count in self.elsewhere.items():
            (own,) = set(DEVICES) - {device}
            told.append(
                f"{count} of these prices (≈) are those of a {device.upper()}, though a "
                f"{own.upper()} will do the work: nothing like it was measured on one."
            )
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
        near=sum(1 for one in estimates if one and one.is_near and not one.elsewhere),
        elsewhere=Counter(one.elsewhere for one in estimates if one and one.elsewhere),
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
