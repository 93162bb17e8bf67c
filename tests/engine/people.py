"""Populations and stages for the tests of the engine."""

import dataclasses
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.tiny import Tiny
from engine.watching import Witness
from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import execute_here
from posebridge.engine.run import population_tasks
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.people import Sample
from posebridge.stages import Budget, Feed, Stage

ADULTS = Toy(train=130, validation=6, test=8)
"""131 people to train on, in three shards."""
INFANTS = Toy(seed=1, train=20, test=6)


@dataclass(frozen=True)
class Torn(Toy):
    """Toys of whom every third image is cut in half."""

    name: ClassVar[str] = "torn"
    train: int = 12
    test: int = 6

    def render(self, split: str, index: int) -> Sample:
        """Draw one image, and cut it or not."""
        sample = super().render(split, index)
        encoded = sample.image.encoded
        cut = encoded[: len(encoded) // 2] if index % 3 == 0 else encoded
        return Sample(dataclasses.replace(sample.image, encoded=cut), sample.people)


@dataclass(frozen=True)
class Mislabelled(Toy):
    """Toys of whom some are labelled in ways that nobody can use."""

    name: ClassVar[str] = "mislabelled"
    train: int = 8
    test: int = 8

    def render(self, split: str, index: int) -> Sample:
        """Draw one image, and spoil its labels or not."""
        sample = super().render(split, index)
        person = sample.people[0]
        keypoints = person.keypoints.copy()
        wrong: dict[int, dict[str, Any]] = {
            1: {"box": np.array([10.0, 5.0, 0.0, 35.0], np.float32)},
            2: {"keypoints": np.where(np.arange(17)[:, None] == 3, np.nan, keypoints)},
            3: {"keypoints": keypoints + np.float32(1000.0)},
        }
        changed = dataclasses.replace(person, **wrong.get(index, {}))
        return Sample(sample.image, (changed, *sample.people[1:]))


def make(store: Store, populations: Iterable[RenderedPopulation]) -> None:
    """Render populations into a store."""
    tasks = [task for population in populations for task in population_tasks(store, population)]
    assert execute_here(tasks, store, Witness()) == []


def borrow(made: Store, folder: Path) -> Store:
    """An empty store that shares the populations of another."""
    os.symlink(f"{made.uri}/populations", folder / "populations")
    return Store(str(folder))


def supervised(steps: int = 4, *, per_step: int = 3, **changes: Any) -> Stage:
    """A stage on labelled adults."""
    stage = Stage(
        name="control",
        method=Supervised(),
        architecture=Tiny(),
        source=(Feed(ADULTS, "train", per_step),),
        target=None,
        budget=Budget(steps, threads=1),
    )
    return dataclasses.replace(stage, **changes)


def mean_teacher(steps: int = 4, **changes: Any) -> Stage:
    """A stage that also looks at infants."""
    stage = Stage(
        name="adapt",
        method=MeanTeacher(),
        architecture=Tiny(),
        source=(Feed(ADULTS, "train", 3),),
        target=Feed(INFANTS, "train", 2),
        budget=Budget(steps, threads=1),
    )
    return dataclasses.replace(stage, **changes)
