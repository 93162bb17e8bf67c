import io

import pytest
from rich.console import Console

from posebridge.engine.graph import Failure, Task
from posebridge.engine.watch import ConsoleWatcher

PROGRESS = {"step": 3.0, "steps": 8.0, "images_per_s": 31.6}


def _task(name: str, *, steps: int = 0) -> Task:
    return Task(name, f"made/{name}/done", print, (), steps=steps)


TRAIN, RENDER = _task("train [adapt] (seed 0)", steps=8), _task("render toys 1/2")


def _told(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.fixture
def pipe() -> Console:
    """A log file, or another program."""
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def terminal() -> Console:
    """Somebody who looks at it."""
    return Console(
        file=io.StringIO(),
        width=200,
        force_terminal=True,
        color_system=None,
        _environ={"TERM": "xterm"},
    )


def test_a_log_has_a_line_when_a_training_starts_and_one_when_it_ends(pipe: Console) -> None:
    with ConsoleWatcher(pipe, total=2) as watcher:
        watcher.started(RENDER)
        watcher.finished(RENDER, 1.0)
        watcher.started(TRAIN)
        watcher.progressed(TRAIN, PROGRESS)
        watcher.finished(TRAIN, 12.4)
    assert _told(pipe).splitlines() == [
        "… train [adapt] (seed 0), 8 steps",
        "✓ train [adapt] (seed 0) (12 s)",
    ]


def test_a_terminal_shows_a_bar_with_speed_while_a_training_runs(terminal: Console) -> None:
    with ConsoleWatcher(terminal, total=2) as watcher:
        watcher.started(TRAIN)
        watcher.progressed(TRAIN, PROGRESS)
        watcher._bars.refresh()
        shown = _told(terminal)
        assert "all tasks" in shown
        assert "3/8" in shown
        assert "32 images/s" in shown
        watcher.finished(TRAIN, 12.4)
        watcher._bars.refresh()
        assert "1/2" in _told(terminal)[len(shown) :]
    assert _told(terminal).count("✓ train [adapt] (seed 0) (12 s)") == 1


def test_a_cause_is_told_at_once_and_as_it_is(pipe: Console) -> None:
    with ConsoleWatcher(pipe, total=2) as watcher:
        watcher.started(TRAIN)
        watcher.failed(Failure(TRAIN, "ValueError: [red]loss[/red] is [nan] at [/]"))
        watcher.skipped(RENDER, TRAIN)
    *_, failed, skipped = _told(pipe).splitlines()
    assert failed == "✗ train [adapt] (seed 0): ValueError: [red]loss[/red] is [nan] at [/]"
    assert skipped == "– render toys 1/2 needs 'train [adapt] (seed 0)'"


def test_what_fails_before_it_starts_has_no_bar_to_take_away(pipe: Console) -> None:
    with ConsoleWatcher(pipe, total=1) as watcher:
        watcher.failed(Failure(TRAIN, "KeyError: 'box'"))
    assert "✗ train [adapt] (seed 0): KeyError: 'box'" in _told(pipe)
