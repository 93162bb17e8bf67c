"""`data card`: what a population in the store holds, how well it covers, and what is wrong."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from posebridge.engine.artifacts import Store, to_json
from posebridge.engine.work import population_path
from posebridge.populations.base import Population
from posebridge.populations.card.contents import Contents, read_contents
from posebridge.populations.card.duplicates import Twins
from posebridge.populations.card.facts import Facts, as_json, facts
from posebridge.populations.card.findings import findings
from posebridge.populations.card.page import Pictures, card_page
from posebridge.populations.card.samples import Tile, image_tile, sample_people
from posebridge.populations.card.sheet import card_picture
from posebridge.populations.files import write_file
from posebridge.populations.manifest import OpenPopulation, open_population

FOLDER = "populations"
CARDS = Path("cards")
PEOPLE = 24
"""On the page; the picture shows the first of each split, as many as it has room for."""
PAIRS = 8
Find = Callable[[str, Sequence[str]], Population]


def add_card(added: argparse.ArgumentParser) -> None:
    """Where to, and how strict."""
    added.add_argument(
        "--out", type=Path, metavar="FOLDER", help="of the card; cards/NAME-FINGERPRINT without"
    )
    added.add_argument(
        "--strict", action="store_true", help="end with 1 if splits share what they must not"
    )


def card(asked: argparse.Namespace, console: Console, *, find: Find) -> int:
    """Write the card of a population that lies in the store: HTML, PNG and JSON.

    Args:
        asked: with the name of the population, its settings, the store, `out` and `strict`.
        console: to print on.
        find: the population that a name and settings mean, if it is a rendered one.

    Returns:
        1 if there are leaks between splits and `strict` is set, else 0.

    Raises:
        ValueError: if there is no such population in the store, or nobody is in it.
    """
    store = Store(asked.store)
    folder = chosen(asked.name, asked.settings, store, find)
    population = open_population(store.path(FOLDER, folder))
    told = facts(_read(population, console))
    out = CARDS / folder if asked.out is None else asked.out
    pictures = Pictures(sample_people(population, PEOPLE), _twins(population, told))
    write_file(out / "card.json", to_json(as_json(told)))
    write_file(out / "card.png", card_picture(told, pictures.people))
    write_file(out / "card.html", card_page(told, pictures).encode())
    found = findings(told)
    for finding in found:
        color = "red" if finding.is_leak else "yellow"
        console.print(f"[{color}]{escape(finding.text)}[/]", highlight=False, soft_wrap=True)
    console.print(str(out / "card.html"), highlight=False, soft_wrap=True)
    return 1 if asked.strict and any(finding.is_leak for finding in found) else 0


def chosen(name: str, settings: Sequence[str], store: Store, find: Find) -> str:
    """The folder of a population in the store.

    Args:
        name: of a rendered population, which its knobs complete; of an imported one; or of the
            folder, NAME-FINGERPRINT.
        settings: knobs of a rendered population.
        store: where it lies.
        find: the population that a name and settings mean, if it is a rendered one.

    Raises:
        ValueError: if there is none, or there are several.
    """
    there = store.children(FOLDER)
    if name in there and not settings:
        return name
    named = [folder for folder in there if folder.rpartition("-")[0] == name]
    try:
        wanted = find(name, settings)
    except ValueError as error:
        if settings:
            raise
        return _only(name, named, store, error)
    folder = PurePosixPath(population_path(wanted)).name
    if folder not in there:
        knobs = "".join(f" --set {setting}" for setting in settings)
        others = f" There are {', '.join(named)}: give one of these names." if named else ""
        raise ValueError(
            f"population {wanted.label!r} ({wanted.fingerprint()}) must be in the store "
            f"{store.uri}, but is not. Make it first: "
            f"posebridge data make {name}{knobs} --store {store.uri}.{others}"
        )
    return folder


def _only(name: str, named: Sequence[str], store: Store, error: ValueError) -> str:
    """The one folder of an imported population."""
    if len(named) > 1:
        raise ValueError(
            f"{name!r} must be one population, but the store {store.uri} holds {len(named)} of "
            f"that name: {', '.join(named)}. Give one of these names."
        ) from error
    if not named:
        there = ", ".join(store.children(FOLDER)) or "no population"
        raise ValueError(f"{error} The store {store.uri} holds {there}.") from error
    return named[0]


def _read(population: OpenPopulation, console: Console) -> Contents:
    images = sum(split.images for split in population.manifest.splits.values())
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looking at images", total=images)
        return read_contents(population, lambda count: progress.advance(task, count))


def _twins(population: OpenPopulation, told: Facts) -> list[tuple[Twins, tuple[Tile, Tile]]]:
    """Pairs of images that look alike, those between splits first."""
    leaks_first = sorted(told.duplicates, key=lambda found: found.split == found.of)
    pairs = [twins for found in leaks_first for twins in found.examples][:PAIRS]
    return [
        (twins, (image_tile(population, twins.first), image_tile(population, twins.second)))
        for twins in pairs
    ]
