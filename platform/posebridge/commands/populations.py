"""`data` and what can be done with it: populations in the store."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from posebridge.commands.card import add_card, card, chosen
from posebridge.commands.clip import add_clip, clip
from posebridge.commands.importing import (
    add_export,
    add_import,
    export,
    import_data,
)
from posebridge.commands.options import add_settings, usual_split
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.graph import Failure, Task, execute_here, outstanding
from posebridge.engine.rendering import RenderWatcher, forget_damaged
from posebridge.engine.run import population_tasks
from posebridge.engine.work import open_in, population_path
from posebridge.identity import restore
from posebridge.populations import all_populations, population_class
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.populations.contact_sheet import annotated, bare, contact_sheet
from posebridge.populations.files import PopulationError, join, write_file
from posebridge.populations.imported import IMPORTER
from posebridge.populations.importers import all_importers
from posebridge.populations.manifest import (
    MANIFEST_FILE,
    Manifest,
    OpenPopulation,
    open_population,
)
from posebridge.settings import fitted_to, nearest, parse

FOLDER = "populations"
PICTURES = (".png", ".jpg", ".jpeg")
MEGABYTE = 1e6


def add_data(added: argparse.ArgumentParser) -> None:
    """What can be done with populations."""
    actions = added.add_subparsers(required=True, metavar="make|import|list|show|clip|card|export")
    making = actions.add_parser("make", help="render a population into the store")
    making.set_defaults(action=make)
    _add_population(making)
    making.add_argument("--folder", action="store_true", help="print nothing but its folder")
    making.add_argument("--address", help="of a Ray cluster; without, one is started here")
    making.add_argument("--debug", action="store_true", help="in this process, without Ray")

    importing = actions.add_parser("import", help="bring a data set into the store")
    importing.set_defaults(action=import_data)
    add_import(importing)

    listing = actions.add_parser("list", help="populations that are known and that are there")
    listing.set_defaults(action=list_populations)
    showing = actions.add_parser("show", help="draw people of a population with their keypoints")
    showing.set_defaults(action=show)
    _add_population(showing)
    showing.add_argument("--split", help="whose people; test where there is one")
    showing.add_argument("--people", type=int, default=12, help="how many")
    showing.add_argument("--columns", type=int, default=6, help="people in a row")
    showing.add_argument("--bare", action="store_true", help="as they are, with nothing drawn in")
    showing.add_argument("--out", type=Path, default=Path("contact.png"), help="the picture")
    filming = actions.add_parser("clip", help="a clip as a video, or as a strip of frames")
    filming.set_defaults(action=partial(clip, find=opened))
    _add_population(filming)
    add_clip(filming)
    carding = actions.add_parser("card", help="say what a population holds, and what is wrong")
    carding.set_defaults(action=partial(card, find=population))
    _add_population(carding)
    add_card(carding)
    exporting = actions.add_parser("export", help="write a split as COCO json")
    exporting.set_defaults(action=partial(export, find=opened))
    _add_population(exporting)
    add_export(exporting)
    for action in (making, importing, listing, showing, filming, carding, exporting):
        # Also after the action; only where it is given, so as not to hide the one before it.
        action.add_argument("--store", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def data(asked: argparse.Namespace, console: Console) -> int:
    """Do what is asked with populations."""
    status: int = asked.action(asked, console)
    return status


def make(asked: argparse.Namespace, console: Console) -> int:
    """Render a population; what is there already is kept."""
    wanted, store = population(asked.name, asked.settings), Store(asked.store)
    told = Console(stderr=True) if asked.folder else console
    damaged = forget_damaged(store, wanted)
    if damaged:
        told.print(f"[yellow]{damaged} shards are damaged or gone: they are rendered again.[/]")
    waiting, _ = outstanding(population_tasks(store, wanted), store)
    failures = _render(asked, store, waiting, told)
    if failures:
        told.print(
            f"[red]{len(failures)} shards failed.[/] What is made is kept: mend the cause and run "
            "the same command again."
        )
        return 1
    made, folder = open_in(store, wanted).manifest, store.path(population_path(wanted))
    if asked.folder:
        print(folder)
        return 0
    state = "made" if waiting else "there already"
    told.print(
        f"{wanted.label} ({made.fingerprint}) is {state}: {_counts(made)}, "
        f"{_bytes(made) / MEGABYTE:.1f} MB, left out: {_rejected(made)}.",
        highlight=False,
        soft_wrap=True,
    )
    told.print(folder, highlight=False, soft_wrap=True)
    return 0


def list_populations(asked: argparse.Namespace, console: Console) -> int:
    """Show the populations that are known, and those that lie in the store."""
    known = Grid("population", "images by default", "skeleton", "licence", title="known")
    for kind in all_populations():
        known.add_row(kind.name, _sizes(kind().splits()), kind.skeleton.name, kind.licence)
    console.print(known)
    bringing = Grid("kind", "licence", title="can be imported: posebridge data import KIND FOLDER")
    for importer in all_importers():
        bringing.add_row(importer.name, importer.licence)
    console.print(bringing)
    store = Store(asked.store)
    folders = store.children(FOLDER)
    if not folders:
        console.print(f"Nothing is in the store {store.uri} yet: posebridge data make adult")
        return 0
    there = Grid(title=f"in the store {store.uri}")
    for column in ("population", "knobs", "fingerprint", "people", "MB", "left out", "state"):
        there.add_column(column, overflow="fold")
    for folder in folders:
        there.add_row(*(escape(cell) for cell in _listed(store, folder)))
    console.print(there)
    return 0


def show(asked: argparse.Namespace, console: Console) -> int:
    """Draw a contact sheet of a population that has been made."""
    if asked.people < 1:
        raise ValueError(f"--people must be at least 1, but got {asked.people}.")
    if asked.columns < 1:
        raise ValueError(f"--columns must be at least 1, but got {asked.columns}.")
    there = opened(asked)
    drawn = contact_sheet(
        there,
        asked.split or usual_split(there),
        count=asked.people,
        columns=asked.columns,
        draw=bare if asked.bare else annotated,
    )
    write_picture(asked.out, drawn)
    console.print(str(asked.out), highlight=False, soft_wrap=True)
    return 0


def opened(asked: argparse.Namespace) -> OpenPopulation:
    """The population that is asked for by its name, and knobs if it is a rendered one.

    Raises:
        ValueError: if it is not in the store.
    """
    store = Store(asked.store)
    folder = chosen(asked.name, asked.settings, store, population)
    return open_population(store.path(FOLDER, folder))


def population(name: str, settings: Sequence[str] = ()) -> RenderedPopulation:
    """A rendered population with some of its knobs set.

    Args:
        name: of the population.
        settings: each `knob=value`, the value as JSON, or as text where it is none.

    Raises:
        ValueError: for an unknown name or knob, and a value of another type than the knob's.
    """
    default = population_class(name)()
    made = dataclasses.replace(default, **dict(_knob(default, text) for text in settings))
    if not made.splits():
        raise ValueError(
            f"a population must have at least one image, but {name!r} has train=0, validation=0 "
            "and test=0. Set one of them."
        )
    return made


def write_picture(path: Path, bgr: UInt8[np.ndarray, "height width 3"]) -> None:
    """Write a picture in the format that its name ends with.

    Raises:
        ValueError: if that is none.
        OSError: if it cannot be written.
    """
    if path.suffix.lower() not in PICTURES:
        raise ValueError(f"a picture must end with {', '.join(PICTURES)}, but got {str(path)!r}.")
    write_file(path, cv2.imencode(path.suffix, bgr)[1].tobytes())


def _add_population(added: argparse.ArgumentParser) -> None:
    added.add_argument("name", help="of a population, such as adult")
    add_settings(added, "knob=value", "a field of the population")


def _knob(default: RenderedPopulation, text: str) -> tuple[str, Any]:
    parsed = parse(text)
    if parsed is None:
        raise ValueError(f"--set takes knob=value, but got {text!r}.")
    knob, value = parsed
    names = [field.name for field in dataclasses.fields(default)]
    if knob not in names:
        close = nearest(knob, names)
        hint = f": did you mean {close!r}?" if close else "."
        raise ValueError(
            f"{default.name!r} has the knobs {', '.join(names)}, but got {knob!r}{hint}"
        )
    old = getattr(default, knob)
    try:
        return knob, fitted_to(default, knob, value)
    except TypeError:
        raise ValueError(
            f"knob {knob!r} must be a finite {type(old).__name__} such as {old!r}, "
            f"but got {text.partition('=')[2]!r}."
        ) from None


def _render(
    asked: argparse.Namespace, store: Store, tasks: Sequence[Task], console: Console
) -> list[Failure]:
    if not tasks:
        return []
    if asked.debug:
        with RenderWatcher(console, tasks) as watcher:
            return execute_here(tasks, store, watcher)
    with cluster(asked.address), RenderWatcher(console, tasks) as watcher:
        return execute_on_ray(tasks, store, watcher)


def _listed(store: Store, folder: str) -> tuple[str, ...]:
    """One row of what lies in the store."""
    path = f"{FOLDER}/{folder}"
    name, _, fingerprint = folder.rpartition("-")
    if not store.exists(f"{path}/{MANIFEST_FILE}"):
        made = len(store.children(f"{path}/made"))
        return name, "", fingerprint, "", "", "", f"unfinished, {made} shards made"
    try:
        manifest = open_population(join(store.path(FOLDER), folder)).manifest
    except PopulationError as error:
        return name, "", fingerprint, "", "", "", f"damaged: {error}"
    label, knobs = _recipe(manifest)
    size = f"{_bytes(manifest) / MEGABYTE:.1f}"
    people = _sizes({name: split.people for name, split in manifest.splits.items()})
    return label, knobs, manifest.fingerprint, people, size, _rejected(manifest), "complete"


def _recipe(manifest: Manifest) -> tuple[str, str]:
    """Label and knobs that differ from the defaults; only the name of what is not known here."""
    if IMPORTER in manifest.knobs:
        parts = manifest.knobs["splits"].items()
        return manifest.name, " ".join(f"{split}={','.join(names)}" for split, names in parts)
    try:
        made: Population = restore(manifest.knobs)
        default = type(made)()
    except (ValueError, TypeError, ImportError, AttributeError):
        return manifest.name, ""
    changed = {
        field.name: getattr(made, field.name)
        for field in dataclasses.fields(made)
        if getattr(made, field.name) != getattr(default, field.name)
    }
    return made.label, " ".join(f"{knob}={value}" for knob, value in changed.items())


def _sizes(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in counts.items())


def _counts(manifest: Manifest) -> str:
    people = {split: entry.people for split, entry in manifest.splits.items()}
    return f"{sum(people.values())} people ({_sizes(people)})"


def _bytes(manifest: Manifest) -> int:
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    return sum(shard.people.bytes + shard.images.bytes for shard in shards)


def _rejected(manifest: Manifest) -> str:
    counted = {reason: count for reason, count in manifest.rejected.items() if count}
    return ", ".join(f"{reason} {count}" for reason, count in counted.items()) or "nobody"
