"""`data import` and `data export`: data sets into the store, and populations out of it."""

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from posebridge.commands.options import add_settings, usual_split
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import Failure, Task, Watcher, execute_here, outstanding
from posebridge.engine.importing.outcome import Outcome, forget_damaged, outcome
from posebridge.engine.importing.tasks import index_tasks, shard_tasks
from posebridge.engine.rendering import RenderWatcher, Words
from posebridge.populations.export import export_coco
from posebridge.populations.files import write_file
from posebridge.populations.imported import SPLITS, check_name
from posebridge.populations.importers import all_importers, importer_class
from posebridge.populations.importers.base import Importer
from posebridge.populations.importers.index import Request
from posebridge.populations.importers.source import Source
from posebridge.populations.manifest import OpenPopulation
from posebridge.settings import hint, parse, with_value

LISTING = Words("listing", "listed", "splits", lambda task: 1)
IMPORTING = Words("importing", "imported", "people")


def add_import(added: argparse.ArgumentParser) -> None:
    """What lies where, and what it shall be called."""
    added.formatter_class = argparse.RawDescriptionHelpFormatter
    added.epilog = "\n".join(
        ["kinds, and what must lie in the folder:", *map(_described, all_importers())]
    )
    added.add_argument("kind", help="of data set, such as coco; 'folder' for your own")
    added.add_argument("folder", help="where it lies, for this machine and all nodes alike")
    added.add_argument("--name", help="of the population; without, that of the kind")
    added.add_argument(
        "--split",
        dest="splits",
        action="append",
        default=[],
        metavar="SPLIT=PART,…",
        help="the parts that are train, validation or test; may be given several times",
    )
    add_settings(added, "knob=value", "a field of the importer")
    added.add_argument("--address", help="of a Ray cluster; without, one is started here")
    added.add_argument("--debug", action="store_true", help="in this process, without Ray")


def add_export(added: argparse.ArgumentParser) -> None:
    """What goes where."""
    added.add_argument("--split", help="which split; test where there is one")
    added.add_argument("--out", type=Path, required=True, help="the COCO json")
    added.add_argument("--images", type=Path, help="folder for the images; without, none")


def import_data(asked: argparse.Namespace, console: Console) -> int:
    """Import a data set; what is there already is kept."""
    store, request = Store(asked.store), requested(asked)
    done = outcome(store, request)
    if done is None:
        forget_damaged(store, request)
        with nullcontext() if asked.debug else cluster(asked.address):
            execute = execute_here if asked.debug else execute_on_ray
            failures = _import(store, request, execute, console)
        if failures:
            console.print(
                "[red]The import is not complete.[/] What is done is kept: mend the cause and run "
                "the same command again."
            )
            return 1
        done = outcome(store, request)
    assert done is not None
    _tell(done, console)
    return 0


def requested(asked: argparse.Namespace) -> Request:
    """What is asked to be imported.

    Raises:
        ValueError: if the kind, a knob, a split or a part is not known.
        SourceError: if the data set does not lie there.
    """
    importer = importer_class(asked.kind)()
    for text in asked.settings:
        parsed = parse(text)
        if parsed is None:
            raise ValueError(f"--set takes knob=value, but got {text!r}.")
        knob, value = parsed
        importer = with_value(importer, knob, value, f"{asked.kind}.{knob}")
    folder = asked.folder if "://" in asked.folder else str(Path(asked.folder).resolve())
    source, name = Source(folder), asked.name or asked.kind
    check_name(name)
    splits = _splits(importer, source, asked.splits)
    return Request(
        importer=importer,
        folder=folder,
        name=name,
        splits=tuple(splits.items()),
        skeleton=importer.skeleton(source),
        state=source.state(),
    )


def export(
    asked: argparse.Namespace,
    console: Console,
    *,
    find: Callable[[argparse.Namespace], OpenPopulation],
) -> int:
    """Write a split of a population as COCO json.

    Args:
        asked: with the name, the split and where to.
        console: to print on.
        find: opens the population.

    Raises:
        ManifestError: if there is no such split.
        OSError: if it cannot be written.
    """
    population = find(asked)
    split = asked.split or usual_split(population)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    partial = asked.out.with_name(f".{asked.out.name}.part")
    count = 0
    try:
        with partial.open("w", encoding="utf-8") as out:
            for file, encoded in export_coco(population, split, out):
                count += 1
                if asked.images:
                    write_file(asked.images / file, encoded)
        partial.replace(asked.out)
    finally:
        partial.unlink(missing_ok=True)
    people = population.manifest.splits[split].people
    console.print(
        f"{asked.out}: {people} people in {count} images of {population.manifest.name} {split}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _described(kind: type[Importer]) -> str:
    knobs = "".join(f" [--set {field.name}=…]" for field in dataclasses.fields(kind))
    return f"  {kind.name}{knobs}\n      {kind.layout}"


def _splits(
    importer: Importer, source: Source, texts: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    """The parts of each split, as asked, or as the data set has them."""
    if not texts:
        return importer.splits(source)
    parts, found = importer.parts(source), dict[str, tuple[str, ...]]()
    for text in texts:
        split, equals, listed = text.partition("=")
        if not equals or split not in SPLITS:
            raise ValueError(
                f"--split takes SPLIT=PART,… where the split is one of {', '.join(SPLITS)}, but "
                f"got {text!r}."
            )
        found[split] = tuple(listed.split(","))
        for part in found[split]:
            if part not in parts:
                raise ValueError(f"{importer.name} has no part {part!r}{hint(part, parts)}.")
    return found


Execute = Callable[[Iterable[Task], Store, Watcher], list[Failure]]


def _import(store: Store, request: Request, execute: Execute, console: Console) -> list[Failure]:
    """First what there is to be read, then all of it; what failed."""
    for tasks, words in ((index_tasks, LISTING), (shard_tasks, IMPORTING)):
        waiting, _ = outstanding(tasks(store, request), store)
        if waiting:
            with RenderWatcher(console, waiting, words) as watcher:
                failures = execute(waiting, store, watcher)
            if failures:
                return failures
    return []


def _tell(done: Outcome, console: Console) -> None:
    manifest = done.manifest
    people = ", ".join(f"{split} {entry.people}" for split, entry in manifest.splits.items())
    counted = [f"{reason} {count}" for reason, count in manifest.rejected.items() if count]
    console.print(
        f"{manifest.name} is imported: {people} people with {manifest.skeleton}'s keypoints. "
        f"Left out: {', '.join(counted) or 'nobody'}.",
        highlight=False,
        soft_wrap=True,
    )
    if done.warning:
        console.print(f"[yellow]warning:[/] {escape(done.warning)}", soft_wrap=True)
    console.print("In an experiment:", highlight=False)
    console.print("    from posebridge.populations.imported import Imported", highlight=False)
    line = escape(done.population.declaration)
    console.print(f"    PEOPLE = {line}", highlight=False, soft_wrap=True)
