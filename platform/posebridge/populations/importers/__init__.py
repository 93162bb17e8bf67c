"""Importers: how published data sets lie in their folders. A new data set is a new file here."""

from posebridge.discovery import concrete_classes
from posebridge.populations.importers.base import Importer


def all_importers() -> tuple[type[Importer], ...]:
    """Every importer that a module of this package defines, sorted by name."""
    found = [kind for kind in concrete_classes(__name__) if issubclass(kind, Importer)]
    return tuple(sorted(found, key=lambda kind: kind.name))


def importer_class(name: str) -> type[Importer]:
    """The importer of a name.

    Args:
        name: such as "coco".

    Returns:
        Its class; call it with the fields that should differ from its defaults.

    Raises:
        ValueError: if there is none of that name.
    """
    known = {kind.name: kind for kind in all_importers()}
    if name not in known:
        raise ValueError(
            f"What is imported must be one of {', '.join(known)}, but got {name!r}. For any other "
            "folder of images with a COCO json take 'folder'."
        )
    return known[name]
