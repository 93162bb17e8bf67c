"""Stages and systems: pure data that says what is learnt, from whom, for how long, from where on.

A stage's key is the hash of everything that decides its result, so equal work is recognised
wherever it was asked for. Threads count, which change the last bits; host, time and commit do not.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from posebridge.estimators.base import Architecture
from posebridge.estimators.flipping import FlipTest
from posebridge.identity import describe, digest
from posebridge.methods.base import TrainingMethod
from posebridge.populations.base import Population
from posebridge.records import ROLES
from posebridge.settings import field_names, hint, value_at, with_value

TRAINING_VERSION = 1
"""Raised whenever a stage gives other weights though its method is the same: other views or orders
of people, other steps of the optimiser. Part of the key from 2 on."""
CHANGES = "changes"
Change = tuple[int, str, Any]
"""From which step on (0 is the first) which field of a stage's method has which value."""


@dataclass(frozen=True)
class Feed:
    """Some people of a population, and how many of them a step sees.

    Attributes:
        population: who.
        split: which of its splits.
        per_step: people in each step.
        people: only the first so many of the split; None takes all.
    """

    population: Population
    split: str
    per_step: int
    people: int | None = None

    def __post_init__(self) -> None:
        """Check that the split exists and holds the people that are asked for."""
        splits = self.population.splits()
        if self.split not in splits:
            raise ValueError(
                f"population {self.population.label!r} has the splits {', '.join(splits)}, "
                f"but got {self.split!r}."
            )
        if self.per_step < 1:
            raise ValueError(f"per_step must be at least 1, but got {self.per_step}.")
        if self.people is not None and not 1 <= self.people <= splits[self.split]:
            raise ValueError(
                f"people must be between 1 and the {splits[self.split]} of split {self.split!r}, "
                f"but got {self.people}."
            )

    def description(self) -> dict[str, Any]:
        """What of this feed decides a result."""
        return {
            "population": self.population.fingerprint(),
            "name": self.population.label,
            "split": self.split,
            "per_step": self.per_step,
            "people": self.people,
        }


@dataclass(frozen=True)
class CosineDecay:
    """Learning rate from its peak to zero along half a cosine."""

    def __call__(self, progress: float) -> float:
        """Factor at a share `progress` in [0, 1) of the stage."""
        return 0.5 * (1 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class StepDecay:
    """Learning rate multiplied by `factor` at each of the `milestones`, shares of the stage."""

    milestones: tuple[float, ...]
    factor: float = 0.1

    def __call__(self, progress: float) -> float:
        """Factor at a share `progress` in [0, 1) of the stage."""
        return self.factor ** sum(progress >= milestone for milestone in self.milestones)


@dataclass(frozen=True)
class Budget:
    """How long a stage trains, and how its optimiser is driven.

    Attributes:
        steps: updates; 0 leaves the estimator as it is.
        warmup_steps: over which the learning rate rises from zero.
        decay: of the learning rate, over the stage.
        weight_decay: AdamW's; 0 makes it Adam.
        clip_norm: of each player's gradient; None does not clip.
        threads: of a training process. Part of the key: 1 and 2 threads give different bits.
        checkpoint_every: steps between checkpoints. Not part of the key.
        workers: processes that share each step, or the (fewest, most) of a group that shrinks and
            grows. Part of the key where not 1: rounding differs, and for a group that changed its
            size from run to run.
        accumulate: parts in which a worker's people pass the networks. Likewise part of the key.
    """

    steps: int
    warmup_steps: int = 0
    decay: CosineDecay | StepDecay = CosineDecay()
    weight_decay: float = 0.0
    clip_norm: float | None = None
    threads: int = 2
    checkpoint_every: int = 25
    workers: int | tuple[int, int] = 1
    accumulate: int = 1

    def __post_init__(self) -> None:
        """Check the numbers."""
        fewest, most = self.group
        if not 1 <= fewest <= most or self.accumulate < 1:
            raise ValueError(
                "workers must be at least 1, or (fewest, most) of them, and accumulate at least "
                f"1, but got {self.workers=}, {self.accumulate=}."
            )
        if self.steps < 0 or self.threads < 1 or self.checkpoint_every < 1:
            raise ValueError(
                "steps must be at least 0, threads and checkpoint_every at least 1, but got "
                f"{self.steps=}, {self.threads=}, {self.checkpoint_every=}."
            )
        if self.warmup_steps < 0 or not self.weight_decay >= 0:
            raise ValueError(
                "warmup_steps and weight_decay must be at least 0, but got "
                f"{self.warmup_steps=}, {self.weight_decay=}."
            )
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(
                f"clip_norm must be positive, or None not to clip, but got {self.clip_norm}."
            )

    @property
    def group(self) -> tuple[int, int]:
        """The fewest and the most workers."""
        return self.workers if isinstance(self.workers, tuple) else (self.workers, self.workers)

    @property
    def is_shared(self) -> bool:
        """Whether several workers may train."""
        return self.steps > 0 and self.group[1] > 1

    def factor(self, step: int) -> float:
        """Learning-rate factor of a step (0-based)."""
        warmup = min(1.0, (step + 1) / (self.warmup_steps + 1))
        return warmup * self.decay(step / max(self.steps, 1))

    def description(self) -> dict[str, Any]:
        """What of this budget decides a result."""
        described: dict[str, Any] = describe(self)
        # What came later is left out where it changes nothing, so that older keys stay.
        neutral = {k for k in ("workers", "accumulate") if described[k] == 1}
        return {k: v for k, v in described.items() if k not in {"checkpoint_every", *neutral}}


@dataclass(frozen=True)
class Stage:
    """A method run on populations for a budget: the unit of work.

    Attributes:
        name: unique within its system; the first word of a `--set`.
        method: the algorithm and its hyperparameters.
        architecture: the estimator that is trained.
        source: labelled people, all of them in every step.
        target: people whose labels are never read.
        budget: how long.
        seed: of order, views and the method's own draws.
        start: the stage whose deployed network this one starts from; None starts from the
            published weights.
        changes: fields of the method that take other values while the stage trains, in order of
            their steps. What the method builds before the first step stays as it is.
    """

    name: str
    method: TrainingMethod
    architecture: Architecture
    source: tuple[Feed, ...]
    target: Feed | None
    budget: Budget
    seed: int = 0
    start: "Stage | None" = None
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        """Check that what the method reads is what the stage gives, from first to last."""
        for _, method in self.methods:
            reads_target = method.views.target is not None
            if reads_target != (self.target is not None):
                asked = (
                    "reads a target, but got none" if reads_target else "reads none, but got one"
                )
                raise ValueError(f"stage {self.name!r}: {type(method).__name__} {asked}.")
        if self.budget.steps > 0 and not self.source:
            raise ValueError(f"stage {self.name!r} trains, but has no source population.")
        people = min((feed.per_step for feed in self.feeds()), default=0)
        _, most = self.budget.group
        if self.feeds() and people < most * self.budget.accumulate:
            raise ValueError(
                f"stage {self.name!r}: every part of every worker must get people, but per_step "
                f"is {people} for {most} workers and {self.budget.accumulate} parts each."
            )

    @cached_property
    def methods(self) -> tuple[tuple[int, TrainingMethod], ...]:
        """The method as each change leaves it, with the first step of each.

        Raises:
            ValueError: if a change is out of order, or of what is no field of the method.
        """
        found = [(0, self.method)]
        for step, path, value in self.changes:
            last, method = found[-1]
            if not max(last, 1) <= step < self.budget.steps:
                raise ValueError(
                    f"stage {self.name!r}: changes must be in order of their steps, from 1 to "
                    f"{self.budget.steps - 1}, but got one of {path!r} at {step} after {last}."
                )
            found.append((step, with_value(method, path, value, f"{self.name}.{path}")))
        return tuple(found)

    def method_at(self, step: int) -> TrainingMethod:
        """The method that makes a step (0 is the first)."""
        return next(method for first, method in reversed(self.methods) if first <= step)

    def description(self) -> dict[str, Any]:
        """Everything that decides the result; its digest is the key.

        A stage without steps learns nothing, so its data, budget and seed do not count.
        """
        described: dict[str, Any] = {
            "method": describe(self.method),
            "architecture": describe(self.architecture),
            "start": None if self.start is None else self.start.key(),
        }
        if self.budget.steps == 0:
            return described
        if TRAINING_VERSION > 1:
            described["training"] = TRAINING_VERSION
        if self.changes:
            described[CHANGES] = describe(self.changes)
        return described | {
            "source": [feed.description() for feed in self.source],
            "target": None if self.target is None else self.target.description(),
            "budget": self.budget.description(),
            "seed": self.seed,
        }

    def key(self) -> str:
        """Address of the artifact this stage leaves."""
        return digest(self.description())

    def chain(self) -> tuple["Stage", ...]:
        """The stages up to this one, first to last."""
        return (*(self.start.chain() if self.start else ()), self)

    def feeds(self) -> tuple[Feed, ...]:
        """Every feed of this stage."""
        return (*self.source, *((self.target,) if self.target else ()))


def reseed(stage: Stage, seed: int) -> Stage:
    """The same chain of stages under another seed."""
    start = None if stage.start is None else reseed(stage.start, seed)
    return dataclasses.replace(stage, seed=seed, start=start)


@dataclass(frozen=True)
class System:
    """A chain of stages: one row of a leaderboard.

    Attributes:
        name: the row's name.
        role: "source-only", "control", "adapted" or "oracle".
        stage: the last stage of the chain.
        grid: candidates per `stage.field`, from which the experiment's selection rule chooses.
        note: what a reader of the table should know, in a few words.
        flip_test: how its test asks the mirror image as well; None asks the image alone.
    """

    name: str
    role: str
    stage: Stage
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    note: str = ""
    flip_test: FlipTest | None = None

    def __post_init__(self) -> None:
        """Check the role, the stage names and the grid."""
        if self.role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}, but got {self.role!r}.")
        names = [stage.name for stage in self.stage.chain()]
        if len(set(names)) != len(names):
            raise ValueError(f"stage names of system {self.name!r} must differ, but got {names}.")
        for path, values in self.grid.items():
            for value in values:
                set_field(self.stage, path, value)

    def seeded(self, seed: int) -> "System":
        """The same system under another seed."""
        return dataclasses.replace(self, stage=reseed(self.stage, seed))

    def candidates(self) -> list[tuple[dict[str, Any], "System"]]:
        """Every point of the grid and the system it gives; without a grid one empty point."""
        points: list[dict[str, Any]] = [{}]
        for path, values in self.grid.items():
            points = [point | {path: value} for point in points for value in values]
        return [(point, self.with_fields(point)) for point in points]

    def with_fields(self, values: dict[str, Any]) -> "System":
        """This system with fields replaced, each named `stage.field`."""
        stage = self.stage
        for path, value in values.items():
            stage = set_field(stage, path, value)
        return dataclasses.replace(self, stage=stage, grid={})

    def reads_labels_of(self, population: Population) -> bool:
        """Whether a stage trains on labelled people of the population, whatever its knobs."""
        sources = (feed.population for stage in self.stage.chain() for feed in stage.source)
        trained = any(stage.budget.steps for stage in self.stage.chain())
        return trained and any(source.name == population.name for source in sources)


def set_field(stage: Stage, path: str, value: Any) -> Stage:  # noqa: ANN401 - a field's value
    """Replace one field of a chain of stages.

    Args:
        stage: last stage of the chain.
        path: `stage.field` of its method or budget, or its `changes`; dots lead into dataclasses.
        value: the new value.

    Raises:
        ValueError: if there is no such stage or field; the message names the nearest right one.
    """
    name, _, rest = path.partition(".")
    if _named(stage, name) is not stage:
        assert stage.start is not None
        return dataclasses.replace(stage, start=set_field(stage.start, path, value))
    changed: Stage = with_value(stage, _full(stage, rest), value, path)
    return changed


def value_of(stage: Stage, path: str) -> Any:  # noqa: ANN401 - a field's value
    """The value of one field of a chain of stages, named as in `set_field`.

    Raises:
        ValueError: if there is no such stage or field; the message names the nearest right one.
    """
    name, _, rest = path.partition(".")
    one = _named(stage, name)
    return value_at(one, _full(one, rest), path)


def map_populations(stage: Stage, change: Callable[[Population], Population]) -> Stage:
    """The same chain of stages on other populations."""

    def changed(feed: Feed) -> Feed:
        population = change(feed.population)
        held = population.splits()[feed.split]
        people = None if feed.people is None else min(feed.people, held)
        return dataclasses.replace(feed, population=population, people=people)

    return dataclasses.replace(
        stage,
        source=tuple(changed(feed) for feed in stage.source),
        target=None if stage.target is None else changed(stage.target),
        start=None if stage.start is None else map_populations(stage.start, change),
    )


def _named(stage: Stage, name: str) -> Stage:
    """The stage of a chain that has a name."""
    chain = {one.name: one for one in stage.chain()}
    if name not in chain:
        raise ValueError(f"no stage is called {name!r}{hint(name, list(chain))}.")
    return chain[name]


def _full(stage: Stage, path: str) -> str:
    """The path from a stage to one of its method's or its budget's fields."""
    head = path.partition(".")[0]
    methods, budgets = field_names(stage.method), field_names(stage.budget)
    if head == CHANGES:
        return path
    if head not in (*methods, *budgets):
        raise ValueError(
            f"stage {stage.name!r} has no field {head!r}{hint(head, [*methods, *budgets])}."
        )
    return f"method.{path}" if head in methods else f"budget.{path}"
