"""What holds for every file in experiments/, whichever question it asks."""

import json
import re
from pathlib import Path

import pytest

from posebridge.engine.artifacts import Store
from posebridge.engine.graph import outstanding
from posebridge.engine.run import Plan
from posebridge.experiment import Experiment, load_experiment
from posebridge.identity import describe, restore
from posebridge.populations.imported import Imported
from posebridge.stages import Stage

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "experiments").glob("*.py"))
# A benchmark measures the platform, and declares nothing.
EXPERIMENTS = [file for file in FILES if not file.stem.startswith("benchmark_")]
SCALES = ("embedded", "smoke", "paper")

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
every_experiment = pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)


def _declared(file: Path) -> dict[str, Experiment]:
    scales = SCALES if re.search(r"^PAPER = ", file.read_text(), re.M) else SCALES[:2]
    return {scale: load_experiment(file, scale=scale) for scale in scales}


def _stages(experiment: Experiment) -> list[Stage]:
    return [stage for system in experiment.systems for stage in system.stage.chain()]


def test_the_experiments_are_found() -> None:
    assert {"smoke", "quickstart", "first_adaptation"} <= {file.stem for file in EXPERIMENTS}


@every_file
def test_the_header_says_question_command_cost_and_expectation(file: Path) -> None:
    head = file.read_text().split('"""')[1]
    question, *_ = head.splitlines()
    assert question.endswith("?")
    fields = dict(re.findall(r"^(Run|Cost|Expect): +(\S.*)$", head, re.M))
    assert set(fields) == {"Run", "Cost", "Expect"}
    assert file.stem in fields["Run"]


@every_experiment
def test_it_declares_rows_that_can_be_told_apart(file: Path) -> None:
    """But for one that is yet to be searched: it may begin as what it is compared with."""
    for experiment in _declared(file).values():
        searched = experiment.search.systems if experiment.search else ()
        rows = [system for system in experiment.systems if system.name not in searched]
        seeds = [system.seeded(seed) for system in rows for seed in (0, 1)]
        trained = [system.stage.key() for system in seeds if system.stage.budget.steps]
        assert len(set(trained)) == len(trained)


@every_experiment
def test_its_name_is_that_of_its_file(file: Path) -> None:
    assert load_experiment(file).name == file.stem
    assert load_experiment(file, scale="smoke").name == f"{file.stem}-smoke"


@every_experiment
def test_its_stages_survive_their_description(file: Path) -> None:
    for experiment in _declared(file).values():
        json.dumps(experiment.description())
        for stage in _stages(experiment):
            again = restore(json.loads(json.dumps(describe(stage))))
            assert again == stage
            assert again.key() == stage.key()


@every_experiment
def test_nobody_learns_from_a_test_split(file: Path) -> None:
    for experiment in _declared(file).values():
        splits = [feed.split for stage in _stages(experiment) for feed in stage.feeds()]
        assert "test" not in splits


@every_experiment
def test_only_an_oracle_reads_labels_of_the_headline_target(file: Path) -> None:
    for experiment in _declared(file).values():
        headline = experiment.targets[0]
        for system in experiment.systems:
            assert system.reads_labels_of(headline) == (system.role == "oracle")


@every_experiment
def test_every_grid_can_be_decided(file: Path) -> None:
    for experiment in _declared(file).values():
        for system in experiment.systems:
            if len(system.candidates()) > 1:
                assert experiment.validation(system)


@every_experiment
def test_its_graph_needs_nothing_that_is_not_in_it(file: Path, tmp_path: Path) -> None:
    """But for people of others, who must be imported beforehand: it says so."""
    for experiment in _declared(file).values():
        store = Store(str(tmp_path))
        if any(isinstance(population, Imported) for population in experiment.populations()):
            with pytest.raises(ValueError, match="must be in the store .*: import it first"):
                outstanding(Plan(experiment, store).first_phase(), store)
            continue
        waiting, done = outstanding(Plan(experiment, store).first_phase(), store)
        assert waiting
        assert not done
        decided = [decided for s in experiment.systems for _, decided in s.candidates()[:1]]
        plan = Plan(experiment, store)
        later = [task for system in decided for task in plan.results(system)]
        assert outstanding([*plan.first_phase(), *later], store)[0]


@every_experiment
def test_the_smoke_scale_is_small(file: Path) -> None:
    experiment = load_experiment(file, scale="smoke")
    assert all(stage.budget.steps <= 4 for stage in _stages(experiment))
    people = [max(p.splits().values()) for p in experiment.populations()]
    assert max(people) <= 16
