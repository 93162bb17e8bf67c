"""The command `posebridge`: every verb works on an experiment file and a store."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from posebridge.experiment import SCALES

STORE = "store"
Verb = Callable[[argparse.Namespace, Console], int]


class UserError(Exception):
    """Something the user can mend; the message says how."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, or 1 if something failed, or 2 if the command cannot be understood.
    """
    asked = parser().parse_args(arguments)
    console = Console()
    # Imported here: --help should not wait for torch and ray.
    from posebridge import commands

    verb: Verb = getattr(commands, asked.verb)
    try:
        return verb(asked, console)
    except commands.USER_ERRORS as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; the same command goes on from here")
        return 130


def parser() -> argparse.ArgumentParser:
    """The verbs and their options."""
    top = argparse.ArgumentParser(
        prog="posebridge",
        description="Adapt human-pose estimators to people they have never seen, and compare honestly.",
    )
    top.add_argument("--store", default=STORE, help="folder or fsspec URI of all artifacts")
    verbs = top.add_subparsers(dest="command", required=True, metavar="verb")

    def verb(name: str, function: str, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(verb=function)
        return added

    verb("doctor", "doctor", "what this machine lacks, each with a one-line cure")
    _data(verb("data", "data", "make, list and look at populations"))
    for name, text in (
        ("plan", "what exists, what will run, and what it will cost"),
        ("run", "run what is not done; running again goes on"),
        ("status", "how far an experiment is"),
        ("leaderboard", "the tables of an experiment"),
    ):
        _experiment(verb(name, name, text))
    _predict(verb("predict", "predict", "keypoints of images, with a trained stage"))
    for added in verbs.choices.values():
        _run_options(added) if added.prog.endswith(" run") else None
    return top


def _experiment(added: argparse.ArgumentParser) -> None:
    added.add_argument("experiment", type=Path, help="a Python file that defines EXPERIMENT")
    added.add_argument("--scale", choices=SCALES, default="embedded")
    added.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="stage.field=value",
        help="replace a field of every stage of that name; may be given several times",
    )
    added.add_argument("--seeds", type=_seeds, metavar="0,1,2", help="instead of the experiment's")
