"""What an experiment's file defines itself, on its way to the processes that do the work.

The file is a module of no package, so no other process can import it: its classes and functions
go with the tasks that hold them, by value.
"""

import sys
from pathlib import Path

from ray import cloudpickle

from posebridge.experiment import Experiment, module_name


def send_by_value(file: Path, experiment: Experiment) -> None:
    """Let Ray take along what a file defines, wherever a part of its experiment is sent.

    Args:
        file: that was loaded.
        experiment: that it declares.

    Raises:
        ValueError: if some of it cannot be sent.
    """
    module = sys.modules[module_name(file)]
    cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    try:
        cloudpickle.dumps(experiment)  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever refuses to be pickled says so in its own way
        raise ValueError(
            f"what {file} defines must be fit to be sent to other processes, but got "
            f"{type(error).__name__}: {error}. Make locks, open files and the like inside the "
            "functions that use them."
        ) from error
