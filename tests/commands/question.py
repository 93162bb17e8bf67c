"""A small experiment with every kind of row, as a user's file declares it."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.console import Console

from engine.tiny import Tiny
from populations.toy import Toy
from posebridge import cli
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed, Stage, System


@dataclass(frozen=True)
class Babies(Toy):
    """Toys of another name."""

    name: ClassVar[str] = "babies"


ADULTS = Toy(train=8, validation=4, test=4)
BABIES = Babies(train=6, test=4)
SOURCE = (Feed(ADULTS, "train", 3),)
TARGET = Feed(BABIES, "train", 2)
BUDGET = Budget(2, threads=1)
RATES = (1e-4, 5e-2)

PUBLISHED = Stage("published", Supervised(), Tiny(), (), None, Budget(0, threads=1))
CONTROL = Stage("control", Supervised(), Tiny(), SOURCE, None, BUDGET)
ADAPT = Stage("adapt", MeanTeacher(), Tiny(), SOURCE, TARGET, BUDGET)
ORACLE = Stage("oracle", Supervised(), Tiny(), (*SOURCE, TARGET), None, BUDGET)

QUESTION = Experiment(
    "question",
    (
        System("published", "source-only", PUBLISHED),
        System("control", "control", CONTROL, grid={"control.learning_rate": RATES}),
        System("adapted", "adapted", ADAPT),
        System("oracle", "oracle", ORACLE),
    ),
    targets=(BABIES, ADULTS),
    selection=SourceValidation(),
    seeds=(0, 1),
    question="Does it run?",
)

TRAININGS = len(RATES) + 2 + 2
"""Before the winner is known: the candidates, and the other rows under both seeds."""
RECORDS = (2 + 4 * 2) * 2
"""Two floors, and four systems under two seeds, on two populations."""


def write_question(folder: Path) -> Path:
    """The experiment as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "question.py"
    file.write_text('"""A question."""\nfrom commands.question import QUESTION as EXPERIMENT\n')
    return file


@dataclass(frozen=True)
class Face:
    """What a user at a terminal has: a store, an experiment's file, and verbs."""

    store: Path
    file: Path

    def ask(self, verb: str, *words: str | Path) -> tuple[int, str]:
        """Exit status of a verb on the experiment, and what it printed."""
        given = [verb, str(self.file), "--store", str(self.store), *map(str, words)]
        asked = cli.parser().parse_args(given)
        printed = io.StringIO()
        status: int = asked.verb(asked, Console(file=printed, width=200))
        return status, printed.getvalue()

    @property
    def records(self) -> Path:
        """The records file."""
        return self.store / "records" / f"{QUESTION.name}.jsonl"
