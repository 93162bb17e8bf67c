"""Populations: people in images, and how they are stored, checked and looked at."""

from posebridge.discovery import concrete_classes
from posebridge.populations.base import RenderedPopulation


def all_populations() -> tuple[type[RenderedPopulation], ...]:
    """Every rendered population that a module of this package defines, sorted by name."""
    found = [kind for kind in concrete_classes(__name__) if issubclass(kind, RenderedPopulation)]
    return tuple(sorted(found, key=lambda kind: kind.name))


def population_class(name: str) -> type[RenderedPopulation]:
    """The rendered population of a name.

    Args:
        name: such as "adult".

    Returns:
        Its class; call it with the fields that should differ from its defaults.

    Raises:
        ValueError: if there is none of that name.
    """
    known = {kind.name: kind for kind in all_populations()}
    if name not in known:
        raise ValueError(f"A population must be one of {', '.join(known)}, but got {name!r}.")
    return known[name]
