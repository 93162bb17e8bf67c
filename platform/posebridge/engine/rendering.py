"""Rendering a population on its own: what is shown meanwhile, and how a damaged one is mended."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Failure, Task, Watcher
from posebridge.engine.run import manifest_marker
from posebridge.engine.work import open_in, population_path, shard_marker
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.files import PopulationError, file_sizes
from posebridge.populations.shards import find_shard


@dataclass(frozen=True)
class Words:
    """How a watcher speaks of what is being made.

    Attributes:
        doing: as "rendering".
        done: as "rendered".
        what: as "images".
        count: how many of these a task makes.
    """

    doing: str
    done: str
    what: str
    count: Callable[[Task], int] = attrgetter("people")


RENDERING = Words("rendering", "rendered", "images")


def forget_damaged(store: Store, wanted: RenderedPopulation) -> int:
    """Unmark the shards of a population that are cut short or gone, so that they are made again.

    Returns:
        How many there are.
    """
    folder = population_path(wanted)
    if not store.children(folder):
        return 0
    try:
        open_in(store, wanted)
        return 0
    except PopulationError:
        store.delete(manifest_marker(wanted))
    damaged = 0
    for split in wanted.splits():
        split_folder = store.path(folder, split)
        sizes = file_sizes(split_folder)
        for index in range(wanted.num_shards(split)):
            marker = shard_marker(wanted, split, index)
            if store.exists(marker) and find_shard(split_folder, index, sizes) is None:
                store.delete(marker)
                damaged += 1
    return damaged


class RenderWatcher(Watcher):
    """One bar for all images on a terminal, and a line at the start and at the end."""

    def __init__(self, console: Console, tasks: Sequence[Task], words: Words = RENDERING) -> None:
        """Start with what there is to do."""
        self._console = console
        self._words = words
        self._total = sum(words.count(task) for task in tasks)
        self._done = 0
        self._since = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._bar.add_task(words.what, total=self._total, speed="")

    def __enter__(self) -> "RenderWatcher":
        """Say how much there is to do."""
        self._console.print(
            f"{self._words.doing} {self._total} {self._words.what}", highlight=False
        )
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Say how long it took."""
        self._bar.stop()
        seconds = time.monotonic() - self._since
        self._console.print(
            f"{self._words.done} {self._done} of {self._total} {self._words.what} in "
            f"{seconds:.0f} s ({self._speed()})",
            highlight=False,
        )

    def started(self, task: Task) -> None:
        """Nothing is known of its speed yet."""

    def progressed(self, task: Task, progress: dict[str, float]) -> None:
        """Shards are small: only whole ones count."""

    def finished(self, task: Task, seconds: float) -> None:
        """Move the bar by a shard."""
        self._done += self._words.count(task)
        self._bar.update(self._all, completed=self._done, speed=self._speed())

    def failed(self, failure: Failure) -> None:
        """Say why, at once."""
        self._console.print(f"[red]✗ {failure.task.name}:[/] {escape(failure.cause)}")

    def skipped(self, task: Task, cause: Task) -> None:
        """Say what it waited for."""
        self._console.print(f"[yellow]– {task.name}[/] needs {cause.name!r}", highlight=False)

    def _speed(self) -> str:
        return f"{self._done / max(time.monotonic() - self._since, 1e-3):.1f} {self._words.what}/s"
