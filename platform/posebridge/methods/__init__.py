"""One algorithm a file. Import the class; `all_methods` is for tests, documents and listings."""

from posebridge.discovery import concrete_classes
from posebridge.methods.base import TrainingMethod


def all_methods() -> list[type[TrainingMethod]]:
    """Every concrete training method of this package, by name."""
    found = [kind for kind in concrete_classes(__name__) if issubclass(kind, TrainingMethod)]
    return sorted(found, key=lambda kind: kind.__name__)
