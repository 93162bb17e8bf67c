"""A graph of tasks, run on Ray or in this process: each once, after what it needs, and only if it is not done yet."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayTaskError, WorkerCrashedError

from posebridge.engine.artifacts import Holder, Store, read_holder

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

    store: Store
    watcher: Watcher
    waiting: list[Task]
    done: set[str]
    failures: list[Failure] = field(default_factory=list)
    broken: dict[str, Task] = field(default_factory=dict)

    def ready(self) -> list[Task]:
        """Take the tasks whose needs are met; drop those that can no longer run."""
        for task in list(self.waiting):
            for need in task.needs:
                if need in self.broken:
                    self.waiting.remove(task)
                    self.broken[task.marker] = self.broken[need]
                    self.watcher.skipped(task, self.broken[need])
                    break
        ready = [t for t in self.waiting if set(t.needs) <= self.done]
        self.waiting = [t for t in self.waiting if t not in ready]
        return ready

    def finish(self, task: Task, seconds: float) -> None:
        self.done.add(task.marker)
        self.watcher.finished(task, seconds)

    def fail(self, task: Task, error: BaseException) -> None:
        cause = error.cause if isinstance(error, RayTaskError) else error
        failure = Failure(task, f"{type(cause).__name__}: {str(cause).strip()}")
        self.failures.append(failure)
        self.broken[task.marker] = task
        self.watcher.failed(failure)


def outstanding(tasks: Iterable[Task], store: Store) -> tuple[list[Task], set[str]]:
    """The tasks that are not done, once each and with only needs that are among them, and the done markers."""
    unique = {task.marker: task for task in tasks}
    done = {marker for marker in unique if store.exists(marker)}
    return [task for marker, task in unique.items() if marker not in done], done


def execute_on_ray(tasks: Iterable[Task], store: Store, watcher: Watcher) -> list[Failure]:
    """Run what is not done as Ray tasks.

    A worker process that dies takes nothing with it: its task is tried again from the last checkpoint.

    Raises:
        ValueError: if a task needs more than any node of the cluster has.
    """
    waiting, done = outstanding(tasks, store)
    check_placeable(waiting)
    board = _Board(store, watcher, waiting, done)
    running: dict[ray.ObjectRef[None], tuple[Task, float, int]] = {}

    def submit(task: Task, attempt: int) -> None:
        remote = ray.remote(task.function).options(
            num_cpus=task.cpus, num_gpus=task.gpus, max_retries=0, name=task.name
        )
        running[remote.remote(*task.arguments)] = (task, time.monotonic(), attempt)
        watcher.started(task)

    while True:
        for task in board.ready():
            submit(task, 0)
        if not running:
            return board.failures
        for ref in ray.wait(list(running), timeout=POLL_SECONDS)[0]:
            task, since, attempt = running.pop(ref)
            try:
                ray.get(ref)
            except WorkerCrashedError as error:
                if attempt < CRASH_RETRIES:
                    submit(task, attempt + 1)
                else:
                    board.fail(task, error)
            except Exception as error:  # noqa: BLE001 - whatever a task raises is told, not lost
                board.fail(task, error)
            else:
                board.finish(task, time.monotonic() - since)
        _report(store, watcher, [task for task, _, _ in running.values()])


def execute_here(tasks: Iterable[Task], store: Store, watcher: Watcher) -> list[Failure]:
    """Run what is not done one after the other in this process, for a debugger: errors are not caught."""
    board = _Board(store, watcher, *outstanding(tasks, store))
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
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for task in tasks:
        fits = [n for n in nodes if n.get("CPU", 0) >= task.cpus and n.get("GPU", 0) >= task.gpus]
        if not fits:
            largest = max((n.get("CPU", 0) for n in nodes), default=0)
            raise ValueError(
                f"task {task.name!r} needs {task.cpus:g} CPUs and {task.gpus:g} GPUs on one node, but the "
                f"largest of {len(nodes)} nodes has {largest:g} CPUs. Lower the stage's threads "
                "(--set stage.threads=1), or use a larger node."
            )


def _report(store: Store, watcher: Watcher, running: Sequence[Task]) -> None:
    for task in running:
        holder: Holder | None = read_holder(store, f"{task.folder}/lease") if task.steps else None
        if holder is not None and holder.progress:
            watcher.progressed(task, holder.progress)


def note_failure(store: Store, failure: Failure) -> None:
    """Leave the cause beside what was made so far, for `status`."""
    content = {"task": failure.task.name, "cause": failure.cause, "time": time.time()}
    store.write(f"{failure.task.folder}/error.json", json.dumps(content).encode())
