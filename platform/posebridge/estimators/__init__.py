"""The networks that are adapted: an `Architecture` names one, `build()` makes it.

Import the class; `all_architectures` is for tests, documents and listings.
"""

import importlib
import inspect
import pkgutil

from posebridge.estimators.base import Architecture


def all_architectures() -> list[type[Architecture]]:
    """Every concrete architecture of this package, by name."""
    modules = (
        importlib.import_module(module.name)
        for module in pkgutil.iter_modules(__path__, prefix=f"{__name__}.")
    )
    members = {
        member for module in modules for member in vars(module).values() if inspect.isclass(member)
    }
    found = {kind for kind in members if issubclass(kind, Architecture)}
    return sorted(
        (kind for kind in found if not inspect.isabstract(kind)), key=lambda kind: kind.__name__
    )
