"""What an import became, and what of it is still there."""

from dataclasses import dataclass

from posebridge.engine.artifacts import Store
from posebridge.engine.importing.places import (
    done_marker,
    forget_all,
    population_path,
    shard_marker,
    work_path,
)
from posebridge.populations.files import PopulationError, file_sizes
from posebridge.populations.imported import Imported, imported
from posebridge.populations.importers.index import Request
from posebridge.populations.manifest import MANIFEST_FILE, Manifest, open_population
from posebridge.populations.shards import find_shard


@dataclass(frozen=True)
class Outcome:
    """What a request became.

    Attributes:
        population: as an experiment declares it.
        manifest: of it.
        warning: about left and right; empty for none.
    """

    population: Imported
    manifest: Manifest
    warning: str


def outcome(store: Store, request: Request) -> Outcome | None:
    """What a request became; None if it is not done, or what it became is damaged or gone."""
    if not store.exists(done_marker(request)):
        return None
    told = store.read_json(done_marker(request))
    folder = store.path(population_path(request.name, told["content"]))
    try:
        manifest = open_population(folder).manifest
    except PopulationError:
        return None
    population = imported(manifest)
    assert population is not None
    return Outcome(population, manifest, told["warning"])


def forget_damaged(store: Store, request: Request) -> None:
    """Unmark what is not there any more, so that it is made again."""
    if store.exists(done_marker(request)):
        # Somebody else may have just finished.
        if outcome(store, request) is None:
            forget_all(store, request)
        return
    if store.exists(f"{work_path(request)}/{MANIFEST_FILE}"):
        return
    for split, _ in request.splits:
        folder = store.path(work_path(request), split)
        sizes = file_sizes(folder)
        for number in _made(store, request, split):
            if find_shard(folder, number, sizes) is None:
                store.delete(shard_marker(request, split, number))


def _made(store: Store, request: Request, split: str) -> list[int]:
    """Shards that are marked as made."""
    names = store.children(f"{work_path(request)}/made")
    return [int(name[-10:-5]) for name in names if name[:-11] == split]
