"""A small experiment on Lightning, run like a command.

python -m integration.toy_run STORE RECORDS
"""

import sys

from engine.people import ADULTS, INFANTS
from engine.watching import Witness
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster
from posebridge.engine.execution import execute_on_ray
from posebridge.engine.records_folder import RecordsFolder
from posebridge.engine.results import records_of, write_records
from posebridge.engine.run import Plan, run_experiment
from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed, Stage, System

SOURCE = (Feed(ADULTS, "train", 2),)
WARMUP = Stage(
    "warmup", Supervised(), Lightning(), SOURCE, None, Budget(2, threads=1, checkpoint_every=2)
)
ADAPT = Stage(
    "adapt",
    MeanTeacher(),
    Lightning(),
    SOURCE,
    Feed(INFANTS, "train", 2),
    Budget(10, threads=1, checkpoint_every=2),
    start=WARMUP,
)
EXPERIMENT = Experiment(
    "toy_run", (System("adapted", "adapted", ADAPT),), (INFANTS,), SourceValidation()
)


def main(uri: str, records: str) -> int:
    """Run what is not done, and write the records."""
    store, witness = Store(uri), Witness()
    plan = Plan(EXPERIMENT, store)
    with cluster(None):
        choices, failures = run_experiment(
            plan, lambda tasks: execute_on_ray(tasks, store, witness)
        )
    if failures:
        print(witness.failures)
        return 1
    kept = RecordsFolder(Store(records))
    write_records(store, records_of(plan, choices, "smoke"), kept)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
