"""A graph of tasks, run on Ray or in this process.

Each runs once, after what it needs, and only if it is not done yet.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayTaskError, UserCodeException, WorkerCrashedError

from posebridge.engine.artifacts import Store, read_holder

CRASH_RETRIES = 2
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: for people.
        marker: file in the store that says it is done; also what tells tasks apart.
        function: does it; called with `arguments`, must be safe to call again.
        arguments: pure data.
        needs: markers of the tasks before it.
        cpus: that Ray sets aside for it.
        gpus: likewise.
        steps: training steps it takes, for the plan.
    """

    name: str
    marker: str
    function: Callable[..., None]
    arguments: tuple[Any, ...]
    needs: tuple[str, ...] = ()
    cpus: float = 1.0
    gpus: float = 0.0
    steps: int = 0

    @property
    def folder(self) -> str:
        """Where it leaves its artifact."""
        return self.marker.rpartition("/")[0]


@dataclass(frozen=True)
class Failure:
    """A task that failed, and why, in one line."""

    task: Task
    cause: str


class Watcher(ABC):
    """Is told what happens while a graph runs."""

    @abstractmethod
    def started(self, task: Task) -> None:
        """A task begins."""

    @abstractmethod
    def progressed(self, task: Task, progress: dict[str, float]) -> None:
        """A running task says how far it is."""

    @abstractmethod
    def finished(self, task: Task, seconds: float) -> None:
        """A task is done."""

    @abstractmethod
    def failed(self, failure: Failure) -> None:
        """A task failed."""

    @abstractmethod
    def skipped(self, task: Task, cause: Task) -> None:
        """A task cannot run, since one it needs failed."""


@dataclass
class _Board:
    """Who waits, who runs, who is done."""

    watcher: Watcher
    waiting: list[Task]
    done: set[str]
    failures: list[Failure] = field(default_factory=list)
    broken: dict[str, Task] = field(default_factory=dict)

    def ready(self) -> list[Task]:
        """Take the tasks whose needs are met; drop those that can no longer run."""
        while lost := [(t, cause) for t in self.waiting if (cause := self._cause(t))]:
            for task, cause in lost:
                self.waiting.remove(task)
                self.broken[task.marker] = cause
                self.watcher.skipped(task, cause)
        ready = [task for task in self.waiting if set(task.needs) <= self.done]
        self.waiting = [task for task in self.waiting if task not in ready]
        return ready

    def finish(self, task: Task, seconds: float) -> None:
        self.done.add(task.marker)
        self.watcher.finished(task, seconds)

    def fail(self, task: Task, error: BaseException) -> None:
        failure = Failure(task, explained(error))
        self.failures.append(failure)
        self.broken[task.marker] = task
        self.watcher.failed(failure)

    def _cause(self, task: Task) -> Task | None:
        return next((self.broken[need] for need in task.needs if need in self.broken), None)


def explained(error: BaseException) -> str:
    """What went wrong first, in one line, without what Ray wraps around it."""
    while isinstance(error, RayTaskError | UserCodeException):
        inner = error.cause if isinstance(error, RayTaskError) else error.__cause__
        if inner is None:
            break
        error = inner
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def outstanding(tasks: Iterable[Task], store: Store) -> tuple[list[Task], set[str]]:
    """The tasks that are not done, once each, and every marker of a task or a need that is done.

    Raises:
        ValueError: if a task needs what is neither done nor among the tasks.
    """
    unique = {task.marker: task for task in tasks}
    needs = {need: task for task in unique.values() for need in task.needs}
    done = {marker for marker in unique | needs if store.exists(marker)}
    for need, task in needs.items():
        if need not in done and need not in unique:
            raise ValueError(
                f"everything that task {task.name!r} needs must be done or be a task itself, but "
                f"{need!r} is neither."
            )
    return [task for marker, task in unique.items() if marker not in done], done


def execute_on_ray(tasks: Iterable[Task], store: Store, watcher: Watcher) -> list[Failure]:
    """Run what is not done as Ray tasks.

    A worker process that dies takes nothing with it: its task is tried again from the last
    checkpoint.

    Raises:
        ValueError: if a task needs more than any node of the cluster has.
    """
    waiting, done = outstanding(tasks, store)
    check_placeable(waiting)
    board = _Board(watcher, waiting, done)
    running = _Running(board)
    while True:
        for task in board.ready():
            running.submit(task)
        if not running.attempts:
            return board.failures
        running.settle()
        running.report(store)


@dataclass(frozen=True)
class _Attempt:
    task: Task
    number: int


@dataclass(frozen=True)
class _Running:
    """Tasks that Ray has, each with how often it was tried, and since when it really runs.

    Ray holds a task until there is room for it. One that trains has begun when it says how far it
    is; any other, as soon as it was handed over.
    """

    board: _Board
    attempts: "dict[ray.ObjectRef[None], _Attempt]" = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)

    def submit(self, task: Task, number: int = 0) -> None:
        # Ray would try again on its own, but only what has no side effects: retrying is ours.
        remote = ray.remote(task.function).options(
            num_cpus=task.cpus, num_gpus=task.gpus, max_retries=0, name=task.name
        )
        if not task.steps:
            self._begin(task)
        self.attempts[remote.remote(*task.arguments)] = _Attempt(task, number)

    def _begin(self, task: Task) -> None:
        if task.marker not in self.since:
            self.since[task.marker] = time.monotonic()
            self.board.watcher.started(task)

    def report(self, store: Store) -> None:
        """Tell the watcher how far the trainings are."""
        for task in [attempt.task for attempt in self.attempts.values() if attempt.task.steps]:
            holder = read_holder(store, f"{task.folder}/lease")
            if holder is not None and holder.progress:
                self._begin(task)
                self.board.watcher.progressed(task, holder.progress)

    def settle(self) -> None:
        """Wait a little, and tell the board what has ended."""
        for reference in ray.wait(list(self.attempts), timeout=POLL_SECONDS)[0]:
            attempt = self.attempts.pop(reference)
            try:
                ray.get(reference)
            except WorkerCrashedError as error:
                if attempt.number < CRASH_RETRIES:
                    self.submit(attempt.task, attempt.number + 1)
                else:
                    self.board.fail(attempt.task, error)
            except Exception as error:  # noqa: BLE001 - whatever a task raises is told, not lost
                self.board.fail(attempt.task, error)
            else:
                self._begin(attempt.task)
                since = self.since[attempt.task.marker]
                self.board.finish(attempt.task, time.monotonic() - since)


def execute_here(tasks: Iterable[Task], store: Store, watcher: Watcher) -> list[Failure]:
    """Run what is not done one after the other in this process.

    For a debugger: errors are not caught.
    """
    board = _Board(watcher, *outstanding(tasks, store))
    while ready := board.ready():
        for task in ready:
            since = time.monotonic()
            watcher.started(task)
            task.function(*task.arguments)
            board.finish(task, time.monotonic() - since)
    return board.failures


def check_placeable(tasks: Sequence[Task]) -> None:
    """Refuse tasks that no node can hold.

    Raises:
        ValueError: naming the task, what it needs and what the largest node has.
    """
    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    nodes = [node["Resources"] for node in alive]
    for task in tasks:
        fits = [n for n in nodes if n.get("CPU", 0) >= task.cpus and n.get("GPU", 0) >= task.gpus]
        if not fits:
            largest = max((n.get("CPU", 0) for n in nodes), default=0)
            raise ValueError(
                f"task {task.name!r} needs {task.cpus:g} CPUs and {task.gpus:g} GPUs on one node, "
                f"but the largest of {len(nodes)} nodes has {largest:g} CPUs. Lower the stage's "
                "threads (--set stage.threads=1), or use a larger node."
            )


def note_failure(store: Store, failure: Failure) -> None:
    """Leave the cause beside what was made so far, for `status`."""
    task = failure.task
    told = {"task": task.name, "marker": task.marker, "cause": failure.cause, "time": time.time()}
    store.write(f"{task.folder}/error.json", json.dumps(told).encode())


def read_failure(store: Store, task: Task) -> str | None:
    """Why a task failed when it was last tried; None if it did not."""
    path = f"{task.folder}/error.json"
    if not store.exists(path):
        return None
    content = store.read_json(path)
    # Shards of a population share a folder.
    return str(content["cause"]) if content.get("marker", task.marker) == task.marker else None
