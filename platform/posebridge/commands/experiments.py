"""`run` and `leaderboard`: what is done with an experiment file."""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
from rich.console import Console

from posebridge.commands.options import add_settings
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster, gpus_per_task
from posebridge.engine.definitions import send_by_value
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.gallery import gallery
from posebridge.engine.graph import (
    Failure,
    Task,
    execute_here,
    outstanding,
)
from posebridge.engine.records_folder import RecordsFolder
from posebridge.engine.results import note_experiment, records_of, write_records
from posebridge.engine.run import Choice, Plan, run_experiment
from posebridge.engine.tune.results import picture_path, with_sweep
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.watch import ConsoleWatcher
from posebridge.experiment import SCALES, Experiment, load_experiment, override, parse_setting
from posebridge.leaderboard import (
    PeopleReader,
    Table,
    keypoint_groups,
    leaderboard,
    people_of,
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
    add_settings(added, "stage.field=value", "replace a field of every stage of that name")
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
        help="also write records, tables, people's errors and pictures there, such as results",
    )
    added.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="also draw some people of the first population as each system sees them",
    )


def run(asked: argparse.Namespace, console: Console) -> int:
    """Run what is not done; running again goes on."""
    planned = replace(plan_of(asked), streamed=not asked.debug)
    if asked.debug:
        return run_plan(planned, asked, console, execute_here)
    with cluster(asked.address):
        return run_plan(replace(planned, gpus=gpus_per_task()), asked, console, execute_on_ray)


def run_plan(
    planned: Plan, asked: argparse.Namespace, console: Console, executor: "Executor"
) -> int:
    """Run what is not done of a plan, and write its records."""
    store = planned.store
    note_experiment(store, planned.experiment, asked.scale)
    choices, failures = _execute(planned, executor, console)
    if failures:
        console.print(
            f"[red]{len(failures)} failed.[/] What is done is kept: mend the cause and run the "
            "same command again."
        )
        return 1
    folder = _records(asked)
    records = write_records(store, records_of(planned, choices, asked.scale), folder)
    for choice in (c for c in choices if c.scores):
        picked = ", ".join(f"{k} = {v}" for k, v in choice.selected.items())
        console.print(f"{choice.system.name}: {picked} chosen", highlight=False, markup=False)
    console.print(
        f"done: {len(records)} records in {folder.place(planned.experiment.name)}. "
        f"See them: posebridge leaderboard {asked.experiment}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return 0


def show_leaderboard(asked: argparse.Namespace, console: Console) -> int:
    """Print the tables of what has been measured."""
    planned = plan_of(asked)
    folder = _records(asked)
    records, half_lines = folder.read(planned.experiment.name)
    wanted = _wanted(planned, asked.scale, records)
    people = people_of(folder.people, folder.store.uri)
    scores, groups = _tables(planned.experiment, wanted, people, asked.metric, half_lines)
    console.print(render_terminal(scores))
    if console.width >= WIDE:
        console.print(render_terminal(groups))
    else:
        console.print(
            f"By group of keypoints: in a terminal of {WIDE} columns, or with --publish FOLDER.",
            highlight=False,
        )
    if asked.publish:
        _publish(asked, planned.experiment, wanted, folder)
        _publish_sweep(planned, asked.publish)
        console.print(f"written to {asked.publish}", highlight=False, markup=False)
    if asked.picture:
        _draw(planned, asked.picture)
        console.print(f"drawn in {asked.picture}", highlight=False, markup=False)
    return 0


def _draw(planned: Plan, file: Path) -> None:
    if not cv2.haveImageWriter(str(file)):
        raise ValueError(f"--picture takes a file such as people.png, but got {file}.")
    if outstanding(all_tasks(planned), planned.store)[0]:
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


def plan_of(asked: argparse.Namespace) -> Plan:
    """What the options ask for."""
    experiment = load_experiment(asked.experiment, scale=asked.scale)
    send_by_value(asked.experiment, experiment)
    experiment = override(experiment, dict(parse_setting(text) for text in asked.settings))
    if asked.seeds:
        experiment = replace(experiment, seeds=asked.seeds)
    # Absolute: the processes that do the work may be in another folder.
    return with_sweep(Plan(experiment, Store(Store(asked.store).path())))


def _records(asked: argparse.Namespace) -> RecordsFolder:
    return RecordsFolder.of(Store(asked.store))


def all_tasks(planned: Plan) -> list[Task]:
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


def _wanted(planned: Plan, scale: str, records: list[Record]) -> list[Record]:
    """The records of what is asked, if all of it is in the store; otherwise all of the scale."""
    records = [record for record in records if record.scale == scale]
    if outstanding(all_tasks(planned), planned.store)[0]:
        return records
    keys = {record.key for record, _ in records_of(planned, planned.choose(), scale)}
    return [record for record in records if record.key in keys] or records


def _tables(
    experiment: Experiment,
    records: list[Record],
    people: PeopleReader,
    metric: str,
    half_lines: int,
) -> list[Table]:
    systems = {system.name: system.role for system in experiment.systems}
    populations = [target.label for target in experiment.targets]
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
        skeleton=experiment.skeleton,
        systems=systems,
        metric=metric,
    )
    return [main, groups]


def _publish(
    asked: argparse.Namespace,
    experiment: Experiment,
    records: list[Record],
    folder: RecordsFolder,
) -> None:
    """Put exactly these records, their people's errors and their tables into a folder."""
    file = asked.publish / "records" / f"{experiment.name}.jsonl"
    # Whoever publishes into the store has them there already.
    if file.resolve() != Path(folder.place(experiment.name)).resolve():
        _copy(records, folder, file)
    # From what was published, so that a reader of the folder alone can make them again.
    published, half_lines = read_records(file)
    tables = _tables(experiment, published, people_reader(file), asked.metric, half_lines)
    boards = asked.publish / "leaderboards"
    boards.mkdir(parents=True, exist_ok=True)
    for suffix, render in (("md", render_markdown), ("csv", render_csv)):
        text = "\n".join(render(table) for table in tables)
        (boards / f"{experiment.name}.{suffix}").write_text(text, encoding="utf-8")


def _publish_sweep(planned: Plan, folder: Path) -> None:
    """Put the picture of the experiment's sweep there, if it has one that is over."""
    experiment = planned.experiment
    if experiment.search is None:
        return
    picture = picture_path(Sweep(planned, experiment.search).name)
    if planned.store.exists(picture):
        pictures = folder / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        (pictures / f"{experiment.name}.png").write_bytes(planned.store.read(picture))


def _copy(records: list[Record], folder: RecordsFolder, file: Path) -> None:
    """Make `file` hold exactly these records, with the people's errors beside it."""
    before = {record.people for record in read_records(file)[0]} if file.is_file() else set()
    people = {record.people: _errors_of(record, folder) for record in records}
    (file.parent / "people").mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    for name in before - set(people):
        (file.parent / name).unlink(missing_ok=True)
    for name, content in people.items():
        (file.parent / name).write_bytes(content)
    for record in records:
        append_record(file, record)


def _errors_of(record: Record, folder: RecordsFolder) -> bytes:
    content = folder.people(record.people)
    if content is None:
        raise ValueError(
            f"the errors of the people of record {record.key} ({record.system!r}) must be in "
            f"{folder.store.uri}/{record.people}, but are gone: run the experiment again, which "
            "puts them back."
        )
    return content
