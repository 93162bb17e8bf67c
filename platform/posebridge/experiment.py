"""An experiment: systems × target populations × seeds, and how hyperparameters are chosen."""

import dataclasses
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posebridge.estimators.released import without_weights
from posebridge.identity import OWN_MODULE, describe
from posebridge.populations.base import Population, RenderedPopulation
from posebridge.records import FLIP_TEST
from posebridge.search import PopulationBased, Search, check_search
from posebridge.selection import Look, Selection, SourceValidation, every_rule
from posebridge.settings import parse
from posebridge.skeletons import Skeleton
from posebridge.stages import Feed, Stage, System, map_populations, set_field

SCALES = ("smoke", "embedded", "paper")
SMOKE_STEPS = 4
SMOKE_PEOPLE = 16
SMOKE_TRIALS = 3


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
        search: of fields of some systems (posebridge sweep); the selection rule is what it seeks.
    """

    name: str
    systems: tuple[System, ...]
    targets: tuple[Population, ...]
    selection: Selection
    seeds: tuple[int, ...] = (0,)
    question: str = ""
    search: Search | None = None

    def __post_init__(self) -> None:
        """Check that rows and columns can be told apart."""
        for what, names in (
            ("systems", [system.name for system in self.systems]),
            ("targets", [target.label for target in self.targets]),
            ("seeds", list(self.seeds)),
        ):
            if not names or len(set(names)) != len(names):
                raise ValueError(f"{what} must be given and differ, but got {names}.")
        if self.search is not None:
            check_search(self.search, {system.name: system for system in self.systems})

    def populations(self) -> tuple[Population, ...]:
        """Every population that is needed, once."""
        needed = [*self.targets, self.floor_feed.population, *_named(self.selection)]
        for system in self.systems:
            for stage in system.stage.chain():
                if stage.budget.steps:
                    needed += [feed.population for feed in stage.feeds()]
        return tuple({p.fingerprint(): p for p in needed}.values())

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that its systems are measured by: those of the first one's estimator."""
        return without_weights(self.systems[0].stage.architecture).build().skeleton

    @property
    def chosen_by(self) -> str:
        """What chooses, in words."""
        return self.selection.description(self.targets[0])

    def validation(self, system: System, rule: Selection | None = None) -> tuple[Look, ...]:
        """Whom a system's candidates are made to look at, to be judged by a rule.

        Args:
            system: whose labels the rule may know: those of its own source populations.
            rule: that decides; None takes the experiment's.

        Raises:
            ValueError: if nobody has the split that the rule reads, or it names a population that
                is no source of the system, whose labels the system may not know.
        """
        rule = rule or self.selection
        looks = self._looks(system, rule)
        if not looks:
            sources = ", ".join(p.label for p in _sources(system)) or "none"
            raise ValueError(
                f"system {system.name!r} has a grid, but there is nobody to choose by "
                f"({rule.description(self.targets[0])}): its sources are {sources}, and the "
                f"target is {self.targets[0].label}. Give them that split, or the experiment a "
                "rule that reads another."
            )
        return looks

    def rules(self, system: System) -> tuple[Selection, ...]:
        """Every rule that could judge the system, the experiment's own among them."""
        return tuple(rule for rule in every_rule(self.selection) if self._looks(system, rule))

    def _looks(self, system: System, rule: Selection) -> tuple[Look, ...]:
        sources = _sources(system)
        unlabelled = {s.target.population.name for s in system.stage.chain() if s.target}
        labelled = {source.name for source in sources} - unlabelled
        for asked in _named(rule):
            if asked.name not in labelled:
                raise ValueError(
                    f"system {system.name!r} must be chosen on labelled people of its sources "
                    f"({', '.join(source.label for source in sources)}), but got {asked.label!r}."
                )
        return rule.looks(sources, self.targets[0])

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
                    **testing(system),
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
        described: dict[str, Any] = describe(_unnamed(self.selection))
        people = [population.identity() for population in _named(self.selection)]
        return described | {"populations": people} if "populations" in described else described


def testing(system: System) -> dict[str, Any]:
    """How a system is tested; nothing where it sees the images alone, so that old records stay."""
    return {} if system.flip_test is None else {FLIP_TEST: describe(system.flip_test)}


def _sources(system: System) -> list[Population]:
    return [feed.population for stage in system.stage.chain() for feed in stage.source]


def _named(rule: Selection) -> tuple[Population, ...]:
    """Populations with labels that a rule names itself."""
    return rule.populations if isinstance(rule, SourceValidation) else ()


def _unnamed(rule: Selection) -> Selection:
    """The rule without populations of its own."""
    if isinstance(rule, SourceValidation):
        return dataclasses.replace(rule, populations=())
    return rule


def module_name(path: Path) -> str:
    """What the file of an experiment is called as a module, and so what its own classes are."""
    return f"{OWN_MODULE}{path.stem}"


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
    spec = importlib.util.spec_from_file_location(module_name(path), path)
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
        return dataclasses.replace(
            stage, budget=budget, source=feeds, target=target, start=start, changes=()
        )

    systems = tuple(
        dataclasses.replace(s, stage=shorter(map_populations(s.stage, fewer)), grid={})
        for s in experiment.systems
    )
    return dataclasses.replace(
        experiment,
        name=f"{experiment.name}-smoke",
        search=experiment.search and _shorter_search(experiment.search),
        systems=systems,
        targets=tuple(fewer(target) for target in experiment.targets),
        selection=_unnamed(experiment.selection),
        seeds=experiment.seeds[:2],
    )


def _shorter_search(search: Search) -> Search:
    sampler = search.sampler
    if isinstance(sampler, PopulationBased):
        sampler = dataclasses.replace(sampler, generations=2)
    return dataclasses.replace(search, trials=min(search.trials, SMOKE_TRIALS), sampler=sampler)


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
