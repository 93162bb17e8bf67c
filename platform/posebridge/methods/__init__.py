"""One algorithm a file. Import the class; `all_methods` is for tests, documents and listings."""

import importlib
import inspect
import pkgutil

from posebridge.methods.base import TrainingMethod


def all_methods() -> list[type[TrainingMethod]]:
    """Every concrete training method of this package, by name."""
    modules = (
        importlib.import_module(module.name)
        for module in pkgutil.iter_modules(__path__, prefix=f"{__name__}.")
    )
    members = {
        member for module in modules for member in vars(module).values() if inspect.isclass(member)
    }
    methods = {kind for kind in members if issubclass(kind, TrainingMethod)}
    return sorted(
        (kind for kind in methods if not inspect.isabstract(kind)), key=lambda kind: kind.__name__
    )
