"""What several verbs ask for in the same words."""

import argparse

from posebridge.populations.manifest import OpenPopulation


def add_settings(added: argparse.ArgumentParser, metavar: str, what: str) -> None:
    """The option --set, whose texts stand in `settings` as they were given.

    Args:
        added: the parser of a verb.
        metavar: what to give, such as "knob=value".
        what: it sets.
    """
    added.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar=metavar,
        help=f"{what}; may be given several times",
    )


def usual_split(population: OpenPopulation) -> str:
    """The split that is meant where none is named."""
    splits = list(population.manifest.splits)
    return "test" if "test" in splits else splits[0]
