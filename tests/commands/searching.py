"""A small sweep over two stages, as a user's file declares it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands.question import ADULTS, BABIES, PUBLISHED, SOURCE, TARGET
from engine.tiny import Tiny
from posebridge.engine.artifacts import Store
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.search import Halving, PopulationBased, Search, Tpe
from posebridge.search_space import choice, log_uniform, uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Stage, System

BUDGET = Budget(6, threads=1, checkpoint_every=2)
WARM = Stage("warm", Supervised(), Tiny(), SOURCE, None, BUDGET)
ADAPT = Stage("adapt", MeanTeacher(), Tiny(), SOURCE, TARGET, BUDGET, start=WARM)
WARM_RATES = (2e-4, 1e-2)
SEARCH = Search(
    ("adapted",),
    trials=8,
    ahead=3,
    space={
        "adapt.learning_rate": log_uniform(1e-5, 1e-1),
        "warm.learning_rate": choice(WARM_RATES),
        "adapt.teacher_views": choice((1, 2, 4)),
    },
    sampler=Tpe(startup=3),
    halving=Halving(rungs=(0.5,), factor=3),
    tied=2,
)
SEARCHING = Experiment(
    "searching",
    (System("published", "source-only", PUBLISHED), System("adapted", "adapted", ADAPT)),
    (replace(BABIES, validation=4), replace(ADULTS, validation=8)),
    SourceValidation(),
    seeds=(0, 1),
    search=SEARCH,
)


EVOLVING = replace(
    SEARCHING,
    name="evolving",
    search=Search(
        ("adapted",),
        trials=4,
        space={
            "adapt.learning_rate": log_uniform(1e-5, 1e-1),
            "adapt.momentum": uniform(0.5, 0.999),
        },
        sampler=PopulationBased(generations=3),
        tied=2,
    ),
)


def write_searching(folder: Path, name: str = "SEARCHING") -> Path:
    """One of these experiments as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name.lower()}.py"
    file.write_text(f'"""A sweep."""\nfrom commands.searching import {name} as EXPERIMENT\n')
    return file


def found(store: Store) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the only sweep of a store found, and its outcomes without what they cost."""
    (name,) = store.children("sweeps")
    folder = f"sweeps/{name}"
    outcomes = [
        store.read_json(f"{folder}/trials/{file}") for file in store.children(f"{folder}/trials")
    ]
    for outcome in outcomes:
        outcome["cost"].pop("seconds", None)
    result: dict[str, Any] = json.loads(store.read(f"{folder}/result.json"))
    return result, outcomes
