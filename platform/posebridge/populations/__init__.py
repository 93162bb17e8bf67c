"""Populations: people in images, and how they are stored, checked and looked at."""

import importlib
import inspect
import pkgutil

from posebridge.populations.base import Population


def all_populations() -> tuple[type[Population], ...]:
    """Every population that a module of this package defines, sorted by name."""
    found: set[type[Population]] = set()
    for module in pkgutil.iter_modules(__path__):
        for _, kind in inspect.getmembers(
            importlib.import_module(f"{__name__}.{module.name}"), inspect.isclass
        ):
            if issubclass(kind, Population) and not inspect.isabstract(kind):
                found.add(kind)
    return tuple(sorted(found, key=lambda kind: kind.name))


def population_class(name: str) -> type[Population]:
    """The population of a name.

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
