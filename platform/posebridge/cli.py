"""The command `posebridge`: its verbs and their options."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console
from rich.markup import escape

from posebridge.commands import doctor
from posebridge.engine.artifacts import StoreError

try:
    from posebridge.commands import experiments, overview, populations, predict, submit, sweep
# A library whose parts do not fit each other raises these as well.
except (ImportError, OSError, RuntimeError, AttributeError) as error:
    # The doctor alone can still say what is wrong, and how to cure it.
    BROKEN: Exception | None = error
else:
    BROKEN = None

STORE = "store"
NAMES = ("data", "plan", "run", "sweep", "status", "leaderboard", "predict", "submit", "jobs")
Verb = Callable[[argparse.Namespace, Console], int]
Options = Callable[[argparse.ArgumentParser], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 if something failed; 2 if the command cannot be understood; 130 if it was interrupted.
    """
    top = parser()
    asked, unknown = top.parse_known_args(arguments)
    # A broken verb says so whatever its options: they cannot be known.
    if unknown and asked.verb is not broken:
        top.error(f"unrecognized arguments: {' '.join(unknown)}")
    errors = Console(stderr=True)
    verb: Verb = asked.verb
    try:
        return verb(asked, Console())
    except (ValueError, OSError, ImportError, StoreError) as error:
        errors.print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        errors.print("stopped; the same command goes on from here")
        return 130


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    top = argparse.ArgumentParser(
        prog="posebridge",
        description="Adapt human-pose estimators to people they have never seen.",
    )
    verbs = top.add_subparsers(required=True, metavar="verb")

    def add(name: str, verb: Verb, options: Options, text: str) -> None:
        added = verbs.add_parser(name, help=text, description=text)
        added.add_argument("--store", default=STORE, help="folder or fsspec URI of all artifacts")
        added.set_defaults(verb=verb)
        options(added)

    add("doctor", doctor.doctor, doctor.add_doctor, "what this machine lacks, with cures")
    if BROKEN is not None:
        for name in NAMES:
            add(name, broken, lambda added: None, "not usable: see posebridge doctor")
        return top
    add("data", populations.data, populations.add_data, "make, list and look at populations")
    add("plan", overview.plan, overview.add_plan, "what will run, at what cost")
    add("run", experiments.run, experiments.add_run, "run what is not done; again: go on")
    add("sweep", sweep.sweep, sweep.add_sweep, "search, then run as the search decided")
    add("status", overview.status, experiments.add_experiment, "how far an experiment is")
    add(
        "leaderboard",
        experiments.show_leaderboard,
        experiments.add_leaderboard,
        "the tables of an experiment",
    )
    add("predict", predict.predict, predict.add_predict, "keypoints of images")
    submitted = partial(submit.submit, understand=top.parse_args)
    add("submit", submitted, submit.add_submit, "the same verb on a cluster")
    add("jobs", submit.jobs, submit.add_jobs, "what was submitted, and what became of it")
    return top


def broken(asked: argparse.Namespace, console: Console) -> int:
    """Say that a library cannot be imported.

    Raises:
        ImportError: always.
    """
    raise ImportError(f"a library cannot be imported ({BROKEN}): see posebridge doctor.")
