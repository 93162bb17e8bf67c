"""A graph of tasks: each runs once, after what it needs, and only if it is not done yet.

Here in this process; `execution` runs it on Ray.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.leases import LEASE


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: for people.
        marker: file in the store that says it is done; also what tells tasks apart.
        function: does it; called with `arguments`, must be safe to call again.
        arguments: pure data.
        needs: markers of the tasks before it.
        cpus: that Ray sets aside for it, or for each of its workers.
        gpus: likewise.
        workers: processes that it starts on any nodes, at the least, and waits for; with 0 it does
            the work itself.
        steps: training steps it takes, for the plan.
        people: that it renders or looks at, likewise.
        lease: the file that says who is at it; beside the marker unless said otherwise.
    """

    name: str
    marker: str
    function: Callable[..., None]
    arguments: tuple[Any, ...]
    needs: tuple[str, ...] = ()
    cpus: float = 1.0
    gpus: float = 0.0
    workers: int = 0
    steps: int = 0
    people: int = 0
    lease: str = ""

    @property
    def folder(self) -> str:
        """Where it leaves its artifact."""
        return self.marker.rpartition("/")[0]

    def __post_init__(self) -> None:
        """Find the lease beside the marker, unless it is elsewhere."""
        object.__setattr__(self, "lease", self.lease or f"{self.folder}/{LEASE}")


@dataclass(frozen=True)
class Failure:
    """A task that failed.

    Attributes:
        task: that failed.
        cause: why, in one line.
        diverged: whether what it was asked to train went wrong, and not what it ran on.
    """

    task: Task
    cause: str
    diverged: bool = False


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
class Board:
    """Who waits, who is done, and who cannot be; the watcher is told.

    Attributes:
        watcher: is told.
        waiting: tasks that nobody has taken yet, by marker.
        done: markers.
        broken: by marker, why a task failed, or what it needs.
    """

    watcher: Watcher
    waiting: dict[str, Task] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    broken: dict[str, Failure] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def add(self, tasks: Iterable[Task], store: Store) -> list[Task]:
        """Take up tasks, those that are known already left out.

        Returns:
            The new ones that are not done.

        Raises:
            ValueError: if one needs what is neither done nor known.
        """
        new = [task for task in tasks if task.marker not in self._known]
        waiting, done = outstanding(new, store, self._known)
        self.done |= done
        self._known |= done | {task.marker for task in waiting}
        self.waiting |= {task.marker: task for task in waiting}
        return waiting

    def take_ready(self) -> list[Task]:
        """Take the tasks whose needs are met; drop those that can no longer run."""
        while lost := [(t, cause) for t in self.waiting.values() if (cause := self._cause(t))]:
            for task, cause in lost:
                del self.waiting[task.marker]
                self.broken[task.marker] = cause
                self.watcher.skipped(task, cause.task)
        ready = [task for task in self.waiting.values() if self.done.issuperset(task.needs)]
        for task in ready:
            del self.waiting[task.marker]
        return ready

    def finish(self, task: Task, seconds: float) -> None:
        """A task that was taken is done."""
        self.done.add(task.marker)
        self.watcher.finished(task, seconds)

    def fail(self, failure: Failure) -> None:
        """A task that was taken failed."""
        self.broken[failure.task.marker] = failure
        self.watcher.failed(failure)

    def failures(self) -> list[Failure]:
        """Of the tasks that failed themselves, in that order."""
        return [f for marker, f in self.broken.items() if f.task.marker == marker]

    def _cause(self, task: Task) -> Failure | None:
        return next((self.broken[need] for need in task.needs if need in self.broken), None)


def outstanding(
    tasks: Iterable[Task], store: Store, known: Collection[str] = ()
) -> tuple[list[Task], set[str]]:
    """The tasks that are not done, once each, and every marker of a task or a need that is done.

    Args:
        tasks: that are asked for.
        store: where their markers are.
        known: markers that are done, or will be; not looked for.

    Raises:
        ValueError: if a task needs what is neither done nor known nor among the tasks.
    """
    unique = {task.marker: task for task in tasks}
    needs = {need: task for task in unique.values() for need in task.needs if need not in known}
    done = set(store.read_many(unique | needs))
    for need, task in needs.items():
        if need not in done and need not in unique:
            raise ValueError(
                f"everything that task {task.name!r} needs must be done or be a task itself, but "
                f"{need!r} is neither."
            )
    return [task for marker, task in unique.items() if marker not in done], done


def execute_here(tasks: Iterable[Task], store: Store, watcher: Watcher) -> list[Failure]:
    """Run what is not done one after the other in this process.

    For a debugger: errors are not caught.

    Raises:
        StoreError: if two could do the same work in this store.
    """
    store.require_exclusive_creation()
    board = Board(watcher)
    board.add(tasks, store)
    while ready := board.take_ready():
        for task in ready:
            since = time.monotonic()
            watcher.started(task)
            task.function(*task.arguments)
            board.finish(task, time.monotonic() - since)
    return board.failures()


def note_failure(store: Store, failure: Failure) -> None:
    """Leave the cause beside what was made so far, for `status`."""
    task = failure.task
    told = {"task": task.name, "marker": task.marker, "cause": failure.cause, "time": time.time()}
    store.write(f"{task.folder}/error.json", json.dumps(told).encode())


def read_failures(store: Store, tasks: Iterable[Task]) -> dict[str, str]:
    """Why tasks failed when they were last tried, by marker; without those that did not."""
    asked = list(tasks)
    told = store.read_many(f"{task.folder}/error.json" for task in asked)
    causes = {}
    for task in asked:
        content = json.loads(told.get(f"{task.folder}/error.json", b"{}"))
        # Shards of a population share a folder.
        if content and content.get("marker", task.marker) == task.marker:
            causes[task.marker] = str(content["cause"])
    return causes
