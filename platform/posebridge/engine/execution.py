"""Tasks of a graph on Ray, step by step, so that a driver can do other things beside it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import ray

from posebridge.engine.artifacts import Store
from posebridge.engine.crashes import explained, given_up, has_diverged, is_crash
from posebridge.engine.graph import Board, Failure, Task, Watcher
from posebridge.engine.holders import Holder, Watch, parse_holder
from posebridge.engine.leases import clear
from posebridge.engine.placement import check_placeable, cluster_nodes, have_room, misfit

CRASH_RETRIES = 2
"""How often a task that crashed is tried again, unless it got further meanwhile."""
POLL_SECONDS = 0.5
LOOK_SECONDS = 1.0
"""Between two looks at who is at what, and how far: holders say so every other second."""
NODE_SECONDS = 300.0
"""How long a task waits for a node, if those that could hold it were lost."""


@dataclass(frozen=True)
class _Attempt:
    """A task that is being tried.

    Attributes:
        task: what is tried.
        crashes: since it last got further.
        step: how far it was at its last crash.
    """

    task: Task
    crashes: int = 0
    step: float = 0


class Execution:
    """Tasks that are run on Ray as soon as what they need is done.

    A process or a node that dies takes nothing with it: its task is tried again, a training from
    its last checkpoint. What somebody else is making, such as another driver on this cluster, is
    waited for here and not in a task, where it would hold CPUs that the other may need.
    """

    def __init__(self, store: Store, watcher: Watcher) -> None:
        """Start with nothing to do.

        Raises:
            StoreError: if two could do the same work in this store.
        """
        store.require_exclusive_creation()
        self._store = store
        self._board = Board(watcher)
        self._running: dict[ray.ObjectRef[None], _Attempt] = {}
        self._held: dict[str, _Attempt] = {}
        # Ray keeps a task until there is room for it. One that trains has begun when it says how
        # far it is; any other, as soon as it was handed over.
        self._since: dict[str, float] = {}
        self._homeless: dict[str, float] = {}
        self._looked = 0.0
        self._watch = Watch()

    def add(self, tasks: Iterable[Task]) -> None:
        """Take up tasks, at any time; one that is done or known already is not run again.

        Raises:
            ValueError: if one needs what is neither done nor known, or more than any node has.
        """
        check_placeable(self._board.add(tasks, self._store), cluster_nodes())

    def step(self, timeout: float = POLL_SECONDS) -> None:
        """Hand over what is ready, and take back what has ended.

        Args:
            timeout: seconds to wait for something to end; 0 does not wait.
        """
        self._place()
        self._settle(timeout)
        self._place()
        self._look()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do."""
        return not (self._board.waiting or self._running or self._held)

    def is_done(self, marker: str) -> bool:
        """Whether a task that was added, or one that it needs, is done."""
        return marker in self._board.done

    def failure_of(self, marker: str) -> Failure | None:
        """Why a task will not be done: its own failure, or that of what it needs."""
        return self._board.broken.get(marker)

    def failures(self) -> list[Failure]:
        """Of all tasks that failed themselves."""
        return self._board.failures()

    def _place(self) -> None:
        attempts = [_Attempt(task) for task in self._board.take_ready()]
        holders = self._holders(attempts)
        for attempt in attempts:
            if attempt.task.marker in holders or not self._has_room(attempt.task):
                self._held[attempt.task.marker] = attempt
            else:
                self._submit(attempt)

    def _submit(self, attempt: _Attempt) -> None:
        task = attempt.task
        # Ray would try again on its own, but only what has no side effects: retrying is ours.
        remote = _remote(task.function).options(
            # What starts workers leaves the room to them.
            num_cpus=0 if task.workers else task.cpus,
            num_gpus=0 if task.workers else task.gpus,
            max_retries=0,
            name=task.name,
        )
        if not task.steps:
            self._begin(task)
        self._running[remote.remote(*task.arguments)] = attempt

    def _settle(self, timeout: float) -> None:
        """Wait for something to end, and tell the board of all that has."""
        if not self._running:
            if self._held:
                time.sleep(min(timeout, LOOK_SECONDS))
            return
        running = list(self._running)
        ended, _ = ray.wait(running, timeout=timeout)
        if ended:
            ended, _ = ray.wait(running, num_returns=len(running), timeout=0)
        for reference in ended:
            self._end(self._running.pop(reference), reference)

    def _end(self, attempt: _Attempt, reference: "ray.ObjectRef[None]") -> None:
        try:
            ray.get(reference)
        except Exception as error:  # noqa: BLE001 - whatever a task raises is told, not lost
            if is_crash(error):
                self._crashed(attempt, error)
            else:
                self._board.fail(Failure(attempt.task, explained(error), has_diverged(error)))
        else:
            self._finish(attempt.task)

    def _crashed(self, attempt: _Attempt, error: Exception) -> None:
        """Try again, unless that has not helped."""
        task, step = attempt.task, self._step(attempt.task)
        crashes = 1 if step > attempt.step else attempt.crashes + 1
        if crashes > CRASH_RETRIES:
            self._board.fail(Failure(task, given_up(error, crashes)))
        else:
            # What it held on a lost node looks alive for a while: it goes on when it does not.
            self._held[task.marker] = replace(attempt, crashes=crashes, step=step)
            self._looked = 0.0

    def _look(self) -> None:
        """See how far trainings are, and go on with what nobody holds any more."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        trainings = [attempt for attempt in self._running.values() if attempt.task.steps]
        watched = [*trainings, *self._held.values()]
        holders = self._holders(watched)
        for task in (attempt.task for attempt in watched if attempt.task.steps):
            holder = holders.get(task.marker)
            if holder is not None and holder.progress:
                self._begin(task)
                self._board.watcher.progressed(task, holder.progress)
        self._release([a for marker, a in self._held.items() if marker not in holders])
        self._give_up_homeless()

    def _release(self, free: list[_Attempt]) -> None:
        done = self._store.read_many(attempt.task.marker for attempt in free)
        for attempt in free:
            if attempt.task.marker in done:
                self._finish(attempt.task)
            elif self._has_room(attempt.task):
                clear(self._store, attempt.task.lease, self._watch)
                self._submit(attempt)
            else:
                continue
            del self._held[attempt.task.marker]

    def _give_up_homeless(self) -> None:
        """Fail what lost its only nodes, unless another comes in time: Ray waits for ever."""
        nodes = cluster_nodes()
        for reference, attempt in list(self._running.items()):
            task, refusal = attempt.task, misfit(attempt.task, nodes)
            if refusal is None:
                self._homeless.pop(task.marker, None)
                continue
            since = self._homeless.setdefault(task.marker, time.monotonic())
            if time.monotonic() - since > NODE_SECONDS:
                ray.cancel(reference, force=True)
                del self._running[reference]
                self._board.fail(Failure(task, f"its node was lost: {refusal}"))

    def _has_room(self, task: Task) -> bool:
        """Whether the workers of a task need not wait for those of others.

        A task takes no CPU while it waits for its workers, so Ray would start any number of such.
        """
        groups = [a.task for a in self._running.values() if a.task.workers]
        return not (task.workers and groups) or have_room([*groups, task], cluster_nodes())

    def _begin(self, task: Task) -> None:
        if task.marker not in self._since:
            self._since[task.marker] = time.monotonic()
            self._board.watcher.started(task)

    def _finish(self, task: Task) -> None:
        self._begin(task)
        self._board.finish(task, time.monotonic() - self._since[task.marker])

    def _holders(self, attempts: Iterable[_Attempt]) -> dict[str, Holder]:
        """Who is alive and at a task, by its marker."""
        tasks = [attempt.task for attempt in attempts]
        leases = self._store.read_many(task.lease for task in tasks)
        alive = {p: c for p, c in leases.items() if not self._watch.is_gone(p, c)}
        found = {t.marker: parse_holder(alive[t.lease]) for t in tasks if t.lease in alive}
        return {marker: holder for marker, holder in found.items() if holder}

    def _step(self, task: Task) -> float:
        """How far a training was when last heard of."""
        lease = self._store.read_many([task.lease]).get(task.lease, b"")
        holder = parse_holder(lease)
        return float(holder.progress.get("step", 0)) if holder else 0.0


@cache
def _remote(function: Callable[..., None]) -> Any:  # noqa: ANN401 - Ray has no type for it
    """Ray's form of a function: one for all its tasks, or each would be sent anew."""
    return ray.remote(function)


def execute_on_ray(tasks: Iterable[Task], store: Store, watcher: Watcher) -> list[Failure]:
    """Run what is not done as Ray tasks.

    Raises:
        ValueError: if a task needs what is neither done nor known, or more than any node has.
    """
    execution = Execution(store, watcher)
    execution.add(tasks)
    while not execution.is_idle:
        execution.step()
    return execution.failures()
