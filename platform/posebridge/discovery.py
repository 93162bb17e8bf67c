"""Finding what a package holds, so that a new file is all that a new thing takes."""

import importlib
import inspect
import pkgutil


def concrete_classes(package: str) -> set[type]:
    """The classes that the modules of a package hold, imported ones included, but no abstract one.

    Args:
        package: its full name.
    """
    path = importlib.import_module(package).__path__
    names = [f"{package}.{module.name}" for module in pkgutil.iter_modules(path)]
    members = [member for name in names for member in vars(importlib.import_module(name)).values()]
    return {kind for kind in members if inspect.isclass(kind) and not inspect.isabstract(kind)}
