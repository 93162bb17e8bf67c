"""What a user sees while work is done: a bar per training stage, a line per event."""

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from posebridge.engine.graph import Failure, Task, Watcher


class ConsoleWatcher(Watcher):
    """Bars on a terminal; on anything else a line when a task starts, and one when it ends."""

    def __init__(self, console: Console, total: int) -> None:
        """Start with how many tasks there are to do."""
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._bars.add_task("all tasks", total=total, speed="")
        self._shown: dict[str, TaskID] = {}
        self._lines = not console.is_terminal

    def __enter__(self) -> "ConsoleWatcher":
        """Show the bars."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take them away."""
        self._bars.stop()

    def started(self, task: Task) -> None:
        """A bar for what trains."""
        if task.steps:
            self._shown[task.marker] = self._bars.add_task(
                escape(task.name), total=task.steps, speed=""
            )
            if self._lines:
                name = escape(task.name)
                self._console.print(f"… {name}, {task.steps} steps", highlight=False)

    def progressed(self, task: Task, progress: dict[str, float]) -> None:
        """Move its bar."""
        self._bars.update(
            self._shown[task.marker],
            completed=int(progress["step"]),
            speed=f"{progress['images_per_s']:.0f} images/s",
        )

    def finished(self, task: Task, seconds: float) -> None:
        """One more of all."""
        self._bars.advance(self._all)
        self._drop(task)
        if task.steps:
            name = escape(task.name)
            self._console.print(f"[green]✓[/] {name} ({seconds:.0f} s)", highlight=False)

    def failed(self, failure: Failure) -> None:
        """Say why, at once."""
        self._drop(failure.task)
        name, cause = escape(failure.task.name), escape(failure.cause)
        self._console.print(f"[red]✗ {name}:[/] {cause}", highlight=False)

    def skipped(self, task: Task, cause: Task) -> None:
        """Say what it waited for."""
        name, needed = escape(task.name), escape(repr(cause.name))
        self._console.print(f"[yellow]– {name}[/] needs {needed}", highlight=False)

    def _drop(self, task: Task) -> None:
        if task.marker in self._shown:
            self._bars.remove_task(self._shown.pop(task.marker))
