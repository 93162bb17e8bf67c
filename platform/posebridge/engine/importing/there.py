"""Imported populations in a store: which there are, and whether they are those that are meant."""

from posebridge.engine.artifacts import Store
from posebridge.engine.importing.places import POPULATIONS
from posebridge.engine.work import population_path
from posebridge.populations.base import Population
from posebridge.populations.files import PopulationError
from posebridge.populations.imported import Imported, imported
from posebridge.populations.manifest import MANIFEST_FILE, read_manifest


def require_imported(store: Store, population: Population) -> None:
    """See that an imported population is in the store as an experiment declares it.

    Raises:
        ValueError: if it is not, or is another one; the message says which there are.
    """
    if not isinstance(population, Imported):
        raise TypeError(f"{population!r} must be rendered or imported, but is neither.")
    if store.exists(f"{population_path(population)}/{MANIFEST_FILE}"):
        found = imported(read_manifest(store.path(population_path(population))))
        if found == population:
            return
        raise ValueError(
            f"population {population.name!r} must be declared as it was imported, but is declared "
            f"as {population.declaration}. Paste this line: {found and found.declaration}"
        )
    others = [one for one in imported_populations(store) if one.name == population.name]
    if others:
        lines = " or ".join(one.declaration for one in others)
        raise ValueError(
            f"population {population.name!r} with the content {population.content} must be in the "
            f"store {store.uri}, but other people are there under that name. Import the data it "
            f"was declared with, or, if these are meant, paste {lines}."
        )
    raise ValueError(
        f"population {population.name!r} must be in the store {store.uri}, but is not: import it "
        f"first (posebridge data import KIND FOLDER --name {population.name} --store {store.uri})."
    )


def imported_populations(store: Store) -> list[Imported]:
    """The imported populations that are complete in a store."""
    paths = [f"{POPULATIONS}/{name}/{MANIFEST_FILE}" for name in store.children(POPULATIONS)]
    found = []
    for path in store.read_many(paths):
        try:
            one = imported(read_manifest(store.path(path.rpartition("/")[0])))
        except PopulationError:
            continue
        if one is not None:
            found.append(one)
    return found
