"""The networks that are adapted: an `Architecture` names one, `build()` makes it.

Import the class; `all_architectures` is for tests, documents and listings.
"""

from posebridge.discovery import concrete_classes
from posebridge.estimators.base import Architecture


def all_architectures() -> list[type[Architecture]]:
    """Every concrete architecture of this package, by name."""
    found = [kind for kind in concrete_classes(__name__) if issubclass(kind, Architecture)]
    return sorted(found, key=lambda kind: kind.__name__)
