"""An experiment as a graph of tasks, and its results as records."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.evaluate import (
    Floor,
    evaluate_floor,
    evaluate_stage,
    evaluation_marker,
    floor_marker,
    read_scores,
)
from posebridge.engine.graph import Failure, Task, note_failure
from posebridge.engine.importing.there import require_imported
from posebridge.engine.label_free import (
    evaluate_label_free,
    label_free_marker,
    people_of,
    trained_on,
)
from posebridge.engine.work import (
    finish_population,
    make_shard,
    population_path,
    shard_lease,
    shard_marker,
    stage_path,
    train_stage,
)
from posebridge.estimators.flipping import FlipTest
from posebridge.experiment import Experiment
from posebridge.populations.base import SHARD_PEOPLE, Population, RenderedPopulation
from posebridge.populations.manifest import MANIFEST_FILE
from posebridge.selection import LabelledLook, Look, Selection
from posebridge.stages import Stage, System

Execute = Callable[[Iterable[Task]], list[Failure]]
FLOORS = (Floor.MEAN_POSE, Floor.SHUFFLED_TRUTH)


@dataclass(frozen=True)
class Choice:
    """A system with its grid decided.

    Attributes:
        system: without a grid.
        selected: value per `stage.field`.
        scores: of every candidate by the selection rule, in the order of the grid.
    """

    system: System
    selected: dict[str, Any]
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The graph of an experiment.

    Attributes:
        experiment: what is asked.
        store: where artifacts go.
        streamed: whether training reads through Ray Data.
        gpus: that a training or an evaluation takes.
        decided: systems that a sweep decided, by name.
    """

    experiment: Experiment
    store: Store
    streamed: bool = True
    gpus: float = 0.0
    decided: Mapping[str, Choice] = field(default_factory=dict)

    def populations(self) -> list[Task]:
        """Make every population that is needed."""
        return [
            task
            for population in self.experiment.populations()
            for task in population_tasks(self.store, population)
        ]

    def candidates(self, system: System) -> list[Task]:
        """Train every candidate of a system's grid under the first seed, and validate it."""
        looks = self.experiment.validation(system)
        seed = self.experiment.seeds[0]
        tasks = []
        for _, candidate in system.candidates():
            stage = candidate.seeded(seed).stage
            tasks += self.training(stage, f"{system.name} candidate")
            tasks += [self.look(stage, look) for look in looks]
        return tasks

    def judging(self, system: System, stage: Stage) -> list[Task]:
        """Measure all that any rule reads of a trained stage of a system, each once."""
        tasks = [
            self.look(stage, look)
            for rule in self.experiment.rules(system)
            for look in self.experiment.validation(system, rule)
        ]
        return list({task.marker: task for task in tasks}.values())

    def results(self, system: System) -> list[Task]:
        """Train a decided system under every seed, and test it on every target."""
        tasks = []
        for seed in self.experiment.seeds:
            stage = system.seeded(seed).stage
            tasks += self.training(stage, f"{system.name} seed {seed}")
            tasks += [
                self.evaluation(stage, target, "test", system.flip_test)
                for target in self.experiment.targets
            ]
        return tasks

    def floors(self) -> list[Task]:
        """The floors of every target."""
        feed = self.experiment.floor_feed
        return [
            Task(
                name=f"{floor.value} on {target.label}",
                marker=floor_marker(floor, feed, target),
                function=evaluate_floor,
                arguments=(self.store.uri, floor, feed, target),
                needs=(manifest_marker(feed.population), manifest_marker(target)),
                people=target.splits()["test"],
            )
            for target in self.experiment.targets
            for floor in FLOORS
        ]

    def training(self, stage: Stage, name: str) -> list[Task]:
        """Train a chain of stages."""
        tasks = [] if stage.start is None else self.training(stage.start, name)
        feeds = stage.feeds() if stage.budget.steps else ()
        needs = tuple(manifest_marker(feed.population) for feed in feeds)
        before = () if stage.start is None else (stage_marker(stage.start),)
        task = Task(
            name=f"train {stage.name} ({name})",
            marker=stage_marker(stage),
            function=train_stage,
            arguments=(self.store.uri, stage, self.streamed),
            needs=needs + before,
            cpus=stage.budget.threads,
            gpus=self.gpus,
            workers=stage.budget.group[0] if stage.budget.is_shared else 0,
            steps=stage.budget.steps,
        )
        return [*tasks, task]

    def evaluation(
        self,
        stage: Stage,
        population: Population,
        split: str,
        flip_test: FlipTest | None = None,
    ) -> Task:
        """Measure a trained stage."""
        return Task(
            name=f"evaluate {stage.name} on {population.label} {split}",
            marker=evaluation_marker(stage, population, split, flip_test),
            function=evaluate_stage,
            arguments=(self.store.uri, stage, population, split, flip_test),
            needs=(stage_marker(stage), manifest_marker(population)),
            cpus=stage.budget.threads,
            gpus=self.gpus,
            people=population.splits()[split],
        )

    def look(self, stage: Stage, look: Look) -> Task:
        """Measure a trained stage on the people that a rule has it look at."""
        if isinstance(look, LabelledLook):
            return self.evaluation(stage, look.population, look.split)
        people = [look.population, *(feed.population for feed in trained_on(stage))]
        return Task(
            name=f"look at {look.population.label} {look.split} with {stage.name}",
            marker=label_free_marker(stage, look),
            function=evaluate_label_free,
            arguments=(self.store.uri, stage, look),
            needs=(stage_marker(stage), *(manifest_marker(one) for one in people)),
            cpus=stage.budget.threads,
            gpus=self.gpus,
            people=people_of(look),
        )

    def undecided(self) -> list[System]:
        """Systems whose grid has more than one point."""
        return [s for s in self.experiment.systems if len(s.candidates()) > 1]

    def waiting(self) -> list[System]:
        """Undecided systems of which a candidate is not measured yet."""
        return [
            system
            for system in self.undecided()
            if not all(self.store.exists(task.marker) for task in self.candidates(system))
        ]

    def first_phase(self) -> list[Task]:
        """Everything that does not wait for a choice."""
        undecided = self.undecided()
        tasks = self.populations() + self.floors()
        for system in self.experiment.systems:
            if system in undecided:
                tasks += self.candidates(system)
            else:
                tasks += self.results(self.choice(system).system)
        return tasks

    def choose(self) -> list[Choice]:
        """Decide every grid by the scores of its candidates."""
        return [self.choice(system) for system in self.experiment.systems]

    def choice(self, system: System) -> Choice:
        """Decide the grid of a system, if it has one; a searched one is as its sweep decided."""
        if system.name in self.decided:
            return self.decided[system.name]
        points = system.candidates()
        if len(points) == 1:
            ((selected, decided),) = points
            return Choice(decided, selected)
        seed, rule = self.experiment.seeds[0], self.experiment.selection
        stages = [candidate.seeded(seed).stage for _, candidate in points]
        scores = {number: self.score(system, stage, rule) for number, stage in enumerate(stages)}
        selected, decided = points[rule.choose(scores)]
        return Choice(decided, selected, tuple(scores.values()))

    def score(self, system: System, stage: Stage, rule: Selection) -> float:
        """What a rule says of a trained stage of a system; higher is better, NaN is no score."""
        looks = self.experiment.validation(system, rule)
        values = [
            read_scores(self.store, self.look(stage, look).marker).value(rule.metric)
            for look in looks
        ]
        return sum(values) / len(values)

    def scores(self, system: System, stage: Stage) -> dict[str, float]:
        """What every rule says of a trained stage of a system, by the rule's name."""
        rules = self.experiment.rules(system)
        return {rule.name: self.score(system, stage, rule) for rule in rules}


def population_tasks(store: Store, needed: Population) -> list[Task]:
    """Make a population: its shards, then its manifest; an imported one must be there.

    Raises:
        ValueError: if an imported population is not in the store as it is declared.
    """
    if not isinstance(needed, RenderedPopulation):
        require_imported(store, needed)
        return []
    shards = [
        Task(
            name=f"render {needed.label} {split} {index + 1}/{needed.num_shards(split)}",
            marker=shard_marker(needed, split, index),
            function=make_shard,
            arguments=(store.uri, needed, split, index),
            lease=shard_lease(needed, split, index),
            people=min(SHARD_PEOPLE, count - index * SHARD_PEOPLE),
        )
        for split, count in needed.splits().items()
        for index in range(needed.num_shards(split))
    ]
    manifest = Task(
        name=f"list {needed.label}",
        marker=manifest_marker(needed),
        function=finish_population,
        arguments=(store.uri, needed),
        needs=tuple(shard.marker for shard in shards),
    )
    return [*shards, manifest]


def manifest_marker(population: Population) -> str:
    """The file that says a population is complete."""
    return f"{population_path(population)}/{MANIFEST_FILE}"


def stage_marker(stage: Stage) -> str:
    """The file that says a stage is done."""
    return f"{stage_path(stage)}/done"


def run_experiment(plan: Plan, execute: Execute) -> tuple[list[Choice], list[Failure]]:
    """Run what is not done yet: first what needs no choice, then what was chosen.

    Returns:
        The decided systems (none if a candidate failed), and what failed.
    """
    failures = execute(plan.first_phase())
    if failures:
        for failure in failures:
            note_failure(plan.store, failure)
        return [], failures
    choices = plan.choose()
    failures = execute([task for choice in choices for task in plan.results(choice.system)])
    for failure in failures:
        note_failure(plan.store, failure)
    return choices, failures
