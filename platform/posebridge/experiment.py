"""An experiment: systems × target populations × seeds, and how hyperparameters are chosen."""

import dataclasses
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posebridge.identity import describe
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.selection import SourceValidation
from posebridge.settings import parse
from posebridge.stages import Feed, Stage, System, map_populations, set_field

SCALES = ("smoke", "embedded", "paper")
SMOKE_STEPS = 4
SMOKE_PEOPLE = 16


@dataclass(frozen=True)
class Experiment:
    """One question, declared.

    Attributes:
        name: of its records and tables.
        systems: the rows, in order.
        targets: populations whose test split every system is measured on; the first is the
            headline.
        selection: what chooses a system's hyperparameters from its grid, never the test split.
        seeds: repetitions; the grid is judged on the first.
        question: what it asks, for the head of its tables.
    """

    name: str
    systems: tuple[System, ...]
    targets: tuple[Population, ...]
    selection: SourceValidation
    seeds: tuple[int, ...] = (0,)
    question: str = ""

    def __post_init__(self) -> None:
        """Check that rows and columns can be told apart."""
        for what, names in (
            ("systems", [system.name for system in self.systems]),
            ("targets", [target.label for target in self.targets]),
            ("seeds", list(self.seeds)),
        ):
            if not names or len(set(names)) != len(names):
                raise ValueError(f"{what} must be given and differ, but got {names}.")

    def populations(self) -> tuple[Population, ...]:
        """Every population that is needed, once."""
        needed = [*self.targets, self.floor_feed.population, *self.selection.populations]
        for system in self.systems:
            for stage in system.stage.chain():
                if stage.budget.steps:
                    needed += [feed.population for feed in stage.feeds()]
        return tuple({p.fingerprint(): p for p in needed}.values())

    def validation(self, system: System) -> tuple[tuple[Population, str], ...]:
        """The populations that decide a system's grid, each with the selection rule's split.

        Raises:
            ValueError: if none has that split, or the rule names one that is no source of the
                system, whose labels the system may not know.
        """
        sources = [feed.population for stage in system.stage.chain() for feed in stage.source]
        unlabelled = {type(s.target.population) for s in system.stage.chain() if s.target}
        kinds = {type(source) for source in sources} - unlabelled
        for asked in self.selection.populations:
            if type(asked) not in kinds:
                raise ValueError(
                    f"system {system.name!r} must be chosen on labelled people of its sources "
                    f"({', '.join(source.label for source in sources)}), but got {asked.label!r}."
                )
        split = self.selection.split
        people = self.selection.populations or sources
        pairs = {p.fingerprint(): (p, split) for p in people if p.splits().get(split, 0)}
        if not pairs:
            raise ValueError(
                f"system {system.name!r} has a grid, but none of its source populations has a "
                f"{split!r} split to choose by."
            )
        return tuple(pairs.values())

    @property
    def floor_feed(self) -> Feed:
        """The labelled people whose mean pose is the floor: the first that a system trains on."""
        for system in self.systems:
            for stage in system.stage.chain():
                if stage.budget.steps and stage.source and system.role != "oracle":
                    return stage.source[0]
        return Feed(self.targets[0], "test", 1)

    def description(self) -> dict[str, Any]:
        """The resolved experiment, stored beside its results."""
        return {
            "name": self.name,
            "question": self.question,
            "seeds": list(self.seeds),
            "selection": self._selection(),
            "targets": [target.identity() for target in self.targets],
            "systems": [
                {
                    "name": system.name,
                    "role": system.role,
                    "note": system.note,
                    "grid": {k: list(v) for k, v in system.grid.items()},
                    "stages": [
                        {"name": stage.name, "key": stage.key(), **stage.description()}
                        for stage in system.stage.chain()
                    ],
                }
                for system in self.systems
            ],
        }

    def _selection(self) -> dict[str, Any]:
        rule = dataclasses.replace(self.selection, populations=())
        people = [population.identity() for population in self.selection.populations]
        described: dict[str, Any] = describe(rule)
        return described | {"populations": people}


def load_experiment(path: str | Path, *, scale: str = "embedded") -> Experiment:
    """The experiment that a Python file declares.

    Args:
        path: a file with an object `EXPERIMENT` (embedded scale), and `PAPER` where it has a
            paper scale.
        scale: "smoke" shrinks the embedded one to seconds, to see that everything runs.

    Raises:
        ValueError: if the file, the object or the scale does not exist.
    """
    path = Path(path)
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, but got {scale!r}.")
    if not path.is_file():
        near = ", ".join(sorted(str(p) for p in path.parent.glob("*.py"))) or "none"
        raise ValueError(f"no experiment file {path}; in that folder: {near}.")
    name = "PAPER" if scale == "paper" else "EXPERIMENT"
    spec = importlib.util.spec_from_file_location(f"posebridge_experiment_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    experiment = vars(module).get(name)
    if not isinstance(experiment, Experiment):
        raise ValueError(
            f"{path} must define {name} = Experiment(…) for --scale {scale}, but does not."
        )
    return smoke(experiment) if scale == "smoke" else experiment


def smoke(experiment: Experiment) -> Experiment:
    """The experiment with few people, few steps and no grid, which only shows that it runs."""

    def fewer(population: Population) -> Population:
        if not isinstance(population, RenderedPopulation):
            return population
        sizes = {k: min(n, SMOKE_PEOPLE) for k, n in population.splits().items() if n}
        return dataclasses.replace(population, **sizes)

    def shorter(stage: Stage) -> Stage:
        budget = dataclasses.replace(
            stage.budget, steps=min(stage.budget.steps, SMOKE_STEPS), checkpoint_every=2
        )
        feeds = tuple(dataclasses.replace(f, per_step=min(f.per_step, 4)) for f in stage.source)
        target = stage.target and dataclasses.replace(stage.target, per_step=2)
        start = stage.start and shorter(stage.start)
        return dataclasses.replace(stage, budget=budget, source=feeds, target=target, start=start)

    systems = tuple(
        dataclasses.replace(s, stage=shorter(map_populations(s.stage, fewer)), grid={})
        for s in experiment.systems
    )
    return dataclasses.replace(
        experiment,
        name=f"{experiment.name}-smoke",
        systems=systems,
        targets=tuple(fewer(target) for target in experiment.targets),
        selection=dataclasses.replace(experiment.selection, populations=()),
        seeds=experiment.seeds[:2],
    )


def override(experiment: Experiment, settings: dict[str, Any]) -> Experiment:
    """The experiment with fields replaced, each `stage.field`, in every system that has the stage.

    Raises:
        ValueError: if no system has the stage, or the stage no such field.
    """
    systems = experiment.systems
    for path, value in settings.items():
        name = path.partition(".")[0]
        having = [s for s in systems if name in [stage.name for stage in s.stage.chain()]]
        if not having:
            known = sorted({stage.name for s in systems for stage in s.stage.chain()})
            raise ValueError(
                f"--set {path}: no stage is called {name!r} (known: {', '.join(known)})."
            )
        systems = tuple(_with_field(s, path, value) if s in having else s for s in systems)
    return dataclasses.replace(experiment, systems=systems)


def _with_field(system: System, path: str, value: Any) -> System:  # noqa: ANN401 - a field's value
    grid = {k: v for k, v in system.grid.items() if k != path}
    return dataclasses.replace(system, stage=set_field(system.stage, path, value), grid=grid)


def parse_setting(text: str) -> tuple[str, Any]:
    """`stage.field=value` as (path, value); the value is JSON, or text where it is not.

    Raises:
        ValueError: if there is no `=`, or no dot before it.
    """
    parsed = parse(text)
    if parsed is None or "." not in parsed[0]:
        raise ValueError(f"--set takes stage.field=value, but got {text!r}.")
    return parsed
