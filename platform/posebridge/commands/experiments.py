"""`plan`, `run`, `status` and `leaderboard`: what is done with an experiment file."""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster, gpus_per_task
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.gallery import gallery
from posebridge.engine.graph import (
    Failure,
    Task,
    execute_here,
    outstanding,
    read_failure,
)
from posebridge.engine.leases import read_holder
from posebridge.engine.pricing import Prices, price
from posebridge.engine.results import note_experiment, records_of, write_records
from posebridge.engine.run import Choice, Plan, run_experiment
from posebridge.engine.watch import ConsoleWatcher
from posebridge.experiment import SCALES, Experiment, load_experiment, override, parse_setting
from posebridge.leaderboard import (
    Table,
    keypoint_groups,
    leaderboard,
    people_reader,
    render_csv,
    render_markdown,
    render_terminal,
)
from posebridge.records import Record, append_record, read_records

WIDE = 120
"""Columns that a table with a column for each group of keypoints needs."""
PICTURED = 6
"""People in a picture."""


def add_experiment(added: argparse.ArgumentParser) -> None:
    """The options that every verb on an experiment has."""
    added.add_argument("experiment", type=Path, help="a Python file that defines EXPERIMENT")
    added.add_argument("--scale", choices=SCALES, default="embedded")
    added.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="stage.field=value",
        help="replace a field of every stage of that name; may be given several times",
    )
    added.add_argument("--seeds", type=_seeds, metavar="0,1,2", help="instead of the experiment's")


def add_run(added: argparse.ArgumentParser) -> None:
    """Where it runs."""
    add_experiment(added)
    added.add_argument("--address", help="of a Ray cluster; without, one is started here")
    added.add_argument("--debug", action="store_true", help="in this process, without Ray")


def add_leaderboard(added: argparse.ArgumentParser) -> None:
    """What is shown, and where it is written."""
    add_experiment(added)
    added.add_argument("--metric", default="pck_box", help="score of the table")
    added.add_argument(
        "--publish",
        type=Path,
        metavar="FOLDER",
        help="also write records, tables and people's errors there, such as results",
    )
    added.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="also draw some people of the first population as each system sees them",
    )


def plan(asked: argparse.Namespace, console: Console) -> int:
    """What exists, what will run, and what it will cost."""
    planned = _plan(asked)
    store = planned.store
    tasks = _everything(planned)
    waiting, done = outstanding(tasks, store)
    prices = Prices.measured(store)
    grid = Grid("task", "steps", "seconds", title=f"{planned.experiment.name}: still to do")
    for task in (t for t in waiting if t.steps):
        grid.add_row(escape(task.name), str(task.steps), prices.show(task))
    total = price(waiting, prices)
    if any(task.steps for task in waiting):
        console.print(grid)
    others = sum(1 for task in waiting if not task.steps)
    console.print(
        f"{len(done)} tasks are done; {len(waiting) - others} trainings and {others} others "
        f"(rendering, evaluation) are to do. {total.describe()}"
    )
    if planned.waiting():
        names = ", ".join(system.name for system in planned.waiting())
        console.print(
            f"{escape(names)}: after the candidates of seed {planned.experiment.seeds[0]}, "
            f"{planned.experiment.chosen_by} decides, and the winner runs under every "
            "seed, which is not counted here."
        )
    return 0


def run(asked: argparse.Namespace, console: Console) -> int:
    """Run what is not done; running again goes on."""
    planned = replace(_plan(asked), streamed=not asked.debug)
    store = planned.store
    note_experiment(store, planned.experiment, asked.scale)
    if asked.debug:
        choices, failures = _execute(planned, execute_here, console)
    else:
        with cluster(asked.address):
            planned = replace(planned, gpus=gpus_per_task())
            choices, failures = _execute(planned, execute_on_ray, console)
    if failures:
        console.print(
            f"[red]{len(failures)} failed.[/] What is done is kept: mend the cause and run the "
            "same command again."
        )
        return 1
    records = write_records(store, records_of(planned, choices, asked.scale), _records(asked))
    for choice in (c for c in choices if c.scores):
        picked = ", ".join(f"{k} = {v}" for k, v in choice.selected.items())
        console.print(f"{choice.system.name}: {picked} chosen", highlight=False, markup=False)
    console.print(
        f"done: {len(records)} records in {_records(asked) / planned.experiment.name}.jsonl. "
        f"See them: posebridge leaderboard {asked.experiment}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return 0


def status(asked: argparse.Namespace, console: Console) -> int:
    """How far an experiment is: what is done, what runs where, what failed and why."""
    planned = _plan(asked)
    store = planned.store
    waiting, done = outstanding(_everything(planned), store)
    grid = Grid("task", "state", title=planned.experiment.name)
    for task in waiting:
        state = _state(store, task)
        if state:
            grid.add_row(escape(task.name), state)
    if grid.row_count:
        console.print(grid)
    console.print(f"{len(done)} of {len(done) + len(waiting)} tasks are done.")
    return 0


def show_leaderboard(asked: argparse.Namespace, console: Console) -> int:
    """Print the tables of what has been measured."""
    planned = _plan(asked)
    path = _records(asked) / f"{planned.experiment.name}.jsonl"
    records, half_lines = read_records(path)
    wanted = _wanted(planned, asked.scale, records)
    scores, groups = _tables(planned.experiment, wanted, path, asked.metric, half_lines)
    console.print(render_terminal(scores))
    if console.width >= WIDE:
        console.print(render_terminal(groups))
    else:
        console.print(
            f"By group of keypoints: in a terminal of {WIDE} columns, or with --publish FOLDER.",
            highlight=False,
        )
    if asked.publish:
        _publish(asked, planned.experiment, wanted, path)
        console.print(f"written to {asked.publish}", highlight=False, markup=False)
    if asked.picture:
        _draw(planned, asked.picture)
        console.print(f"drawn in {asked.picture}", highlight=False, markup=False)
    return 0


def _draw(planned: Plan, file: Path) -> None:
    if not cv2.haveImageWriter(str(file)):
        raise ValueError(f"--picture takes a file such as people.png, but got {file}.")
    if outstanding(_everything(planned), planned.store)[0]:
        raise ValueError(
            "--picture draws what is in the store, but something there is not done yet: run the "
            "experiment first (posebridge run)."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = gallery(planned, planned.choose(), people=PICTURED)
    if not cv2.imwrite(str(file), picture):
        raise OSError(f"{file} cannot be written: is the disk full, or the folder not yours?")


def _seeds(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(
            f"seeds are whole numbers such as 0,1,2, but got {text!r}"
        )
    return tuple(int(part) for part in parts)


def _plan(asked: argparse.Namespace) -> Plan:
    experiment = load_experiment(asked.experiment, scale=asked.scale)
    experiment = override(experiment, dict(parse_setting(text) for text in asked.settings))
    if asked.seeds:
        experiment = replace(experiment, seeds=asked.seeds)
    # Absolute: the processes that do the work may be in another folder.
    return Plan(experiment, Store(Store(asked.store).path()))


def _records(asked: argparse.Namespace) -> Path:
    store = Store(asked.store)
    return Path(asked.store if store.is_local else "results") / "records"


def _everything(planned: Plan) -> list[Task]:
    """All tasks that are known: of undecided systems those of the winner, once there is one."""
    waiting, tasks = planned.waiting(), planned.first_phase()
    for system in planned.undecided():
        if system not in waiting:
            tasks += planned.results(planned.choice(system).system)
    return tasks


Executor = Callable[[Iterable[Task], Store, ConsoleWatcher], list[Failure]]


def _execute(
    planned: Plan, executor: Executor, console: Console
) -> tuple[list[Choice], list[Failure]]:
    def execute(tasks: Iterable[Task]) -> list[Failure]:
        tasks = list(tasks)
        total = len(outstanding(tasks, planned.store)[0])
        with ConsoleWatcher(console, total) as watcher:
            return executor(tasks, planned.store, watcher)

    return run_experiment(planned, execute)


def _state(store: Store, task: Task) -> str:
    holder = read_holder(store, f"{task.folder}/lease") if task.steps else None
    if holder is not None and not holder.is_gone():
        at = holder.progress
        far = (
            f"step {at['step']} of {at['steps']}, {at['images_per_s']:.0f} images/s" if at else ""
        )
        return f"running on {holder.host} (process {holder.pid}) {far}"
    failed = read_failure(store, task)
    if failed is not None:
        return f"[red]failed:[/] {escape(failed)}"
    return "waiting" if task.steps else ""


def _wanted(planned: Plan, scale: str, records: list[Record]) -> list[Record]:
    """The records of what is asked, if all of it is in the store; otherwise all of the scale."""
    records = [record for record in records if record.scale == scale]
    if outstanding(_everything(planned), planned.store)[0]:
        return records
    keys = {record.key for record, _ in records_of(planned, planned.choose(), scale)}
    return [record for record in records if record.key in keys] or records


def _tables(
    experiment: Experiment, records: list[Record], path: Path, metric: str, half_lines: int
) -> list[Table]:
    systems = {system.name: system.role for system in experiment.systems}
    populations = [target.label for target in experiment.targets]
    people = people_reader(path)
    main = leaderboard(
        records,
        people,
        systems=systems,
        populations=populations,
        metric=metric,
        half_lines=half_lines,
    )
    headline = experiment.targets[0]
    groups = keypoint_groups(
        records,
        people,
        population=headline.label,
        skeleton=headline.skeleton,
        systems=systems,
        metric=metric,
    )
    return [main, groups]


def _publish(
    asked: argparse.Namespace, experiment: Experiment, records: list[Record], path: Path
) -> None:
    """Put exactly these records, their people's errors and their tables into a folder."""
    file = asked.publish / "records" / path.name
    # Where the store is not a local folder, its records may be those of the folder already.
    if file.resolve() != path.resolve():
        _copy(records, path, file)
    # From what was published, so that a reader of the folder alone can make them again.
    published, half_lines = read_records(file)
    tables = _tables(experiment, published, file, asked.metric, half_lines)
    boards = asked.publish / "leaderboards"
    boards.mkdir(parents=True, exist_ok=True)
    for suffix, render in (("md", render_markdown), ("csv", render_csv)):
        text = "\n".join(render(table) for table in tables)
        (boards / f"{experiment.name}.{suffix}").write_text(text, encoding="utf-8")


def _copy(records: list[Record], path: Path, file: Path) -> None:
    """Make `file` hold exactly these records of `path`, with the people's errors beside it."""
    before = {record.people for record in read_records(file)[0]} if file.is_file() else set()
    people = {record.people: (path.parent / record.people).read_bytes() for record in records}
    (file.parent / "people").mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    for name in before - set(people):
        (file.parent / name).unlink(missing_ok=True)
    for name, content in people.items():
        (file.parent / name).write_bytes(content)
    for record in records:
        append_record(file, record)
