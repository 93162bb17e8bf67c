"""Does a sweep find the same, whatever is killed, filled, corrupted or run twice under it?

Run:     python experiments/faults.py      (--kinds worker,driver --each 1: a part, to try it)
Cost:    64 faults in about 26 rounds, under an hour on 2 cores
Expect:  no record lost or different, nothing done twice, no process left over; at least 20 faults
         inside a write

One small sweep is run undisturbed, and then again and again in stores of their own, each disturbed
by faults of one kind at random moments: the process of a task of the graph is killed, that of a
trial, the command itself, a node of a cluster of three, or its head; the disk is full; the newest
checkpoint is corrupted; a second driver runs the same sweep. The same command is run until it
succeeds, and its store must hold what the undisturbed one holds, bit by bit. Three of four
kills aim at a write, and count as inside it only if the half-written file is found afterwards.

What is done stays in the folder of `--work`: run again, it goes on from there.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from posebridge.engine.provenance import versions
from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.search import Search, Tpe
from posebridge.search_space import choice, log_uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed, Stage, System

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "benchmarks" / f"{Path(__file__).stem}.json"
EACH = 8
SEED = 0
ADULTS = Adult(train=16, validation=8, test=8)
INFANTS = InfantReal(train=16, validation=0, test=8)
SOURCE = (Feed(ADULTS, "train", 2),)
# Each of its checkpoints is tens of megabytes: long enough in writing to be caught at it.
BUDGET = Budget(6, warmup_steps=2, threads=1, checkpoint_every=2)
PUBLISHED = Stage("published", Supervised(), Lightning(), (), None, Budget(0, threads=1))
WARM = Stage("warm", Supervised(), Lightning(), SOURCE, None, BUDGET)
ADAPT = Stage(
    "adapt", MeanTeacher(), Lightning(), SOURCE, Feed(INFANTS, "train", 2), BUDGET, start=WARM
)

EXPERIMENT = Experiment(
    name="faults",
    question="Does a sweep find the same, whatever happens to it?",
    systems=(System("published", "source-only", PUBLISHED), System("adapted", "adapted", ADAPT)),
    targets=(INFANTS, ADULTS),
    selection=SourceValidation(),
    seeds=(0, 1),
    search=Search(
        ("adapted",),
        trials=5,
        space={
            "warm.learning_rate": choice((5e-5, 1e-4)),
            "adapt.learning_rate": log_uniform(1e-5, 1e-3),
        },
        sampler=Tpe(startup=2),
        ahead=2,
        tied=2,
    ),
)


def disturb(names: list[str], each: int, seed: int, work: Path) -> dict[str, Any]:
    """Do all rounds of some kinds that are not done, and sum up.

    Args:
        names: of the kinds.
        each: faults of each kind.
        seed: of everything that chance decides.
        work: folder for all that is left to look at, and to go on from.
    """
    # Not above: the command that is disturbed reads this file too.
    from fault_injection.journal import Journal, disturb_until
    from fault_injection.kinds import KINDS
    from fault_injection.processes import adopt_orphans
    from fault_injection.rounds import undisturbed

    adopt_orphans()
    usual = undisturbed(Path(__file__).resolve(), work / "undisturbed")
    print(f"undisturbed: {usual.seconds:.0f} s", flush=True)
    journal = Journal(work)
    for kind in KINDS:
        if kind.name in names:
            disturb_until(kind, each, seed, journal, usual)
    return {"benchmark": Path(__file__).stem, "seed": seed, **journal.summed(names)}


def main() -> None:
    """Disturb, print what came of it, and keep that of the whole."""
    from fault_injection.disk import begin_again_with_own_mounts
    from fault_injection.kinds import KINDS, SMALL_DISK

    names = [kind.name for kind in KINDS]
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--kinds", default=",".join(names), help="a part: some of %(default)s")
    asked.add_argument("--each", type=int, default=EACH, help="faults of each kind")
    asked.add_argument("--seed", type=int, default=SEED)
    asked.add_argument("--work", type=Path, default=ROOT / "runs" / "faults", help="its folder")
    told = asked.parse_args()
    kinds = told.kinds.split(",")
    if unknown := set(kinds) - set(names):
        asked.error(f"--kinds must be some of {', '.join(names)}, but got {', '.join(unknown)}.")
    # Asked to end, it first ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if SMALL_DISK.name in kinds:
        begin_again_with_own_mounts()
    result = disturb(kinds, told.each, told.seed, told.work.resolve())
    result["machine"] = {"cores": os.cpu_count(), "versions": versions()}
    if set(kinds) == set(names) and told.each >= EACH:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
