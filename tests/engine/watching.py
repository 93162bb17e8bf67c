"""A watcher that remembers what it was told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Failure, Task, Watcher


@dataclass
class Witness(Watcher):
    """What happened, by the names of the tasks, in order."""

    starts: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)
    progress: list[dict[str, float]] = field(default_factory=list)

    def started(self, task: Task) -> None:
        self.starts.append(task.name)

    def progressed(self, task: Task, progress: dict[str, float]) -> None:
        self.progress.append(progress)

    def finished(self, task: Task, seconds: float) -> None:
        self.ends.append(task.name)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure.cause)

    def skipped(self, task: Task, cause: Task) -> None:
        self.skips.append((task.name, cause.name))


def note(uri: str, name: str) -> None:
    """Append to the list of what was run, and leave a marker."""
    store = Store(uri)
    before = store.read_json("log") if store.exists("log") else []
    store.write_json("log", [*before, name])
    store.write(marker(name), b"")


def marker(name: str) -> str:
    """The file that says a noted task is done."""
    return f"made/{name}/done"


def noting(store: Store, name: str, needs: Sequence[str] = ()) -> Task:
    """A task that notes its name."""
    return Task(name, marker(name), note, (store.uri, name), tuple(marker(n) for n in needs))
