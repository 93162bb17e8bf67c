import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine.tiny import Tiny
from populations.toy import Toy
from posebridge.experiment import (
    SMOKE_PEOPLE,
    SMOKE_STEPS,
    Experiment,
    load_experiment,
    override,
    parse_setting,
    smoke,
)
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.selection import (
    Fixed,
    LabelledLook,
    PredictionEntropy,
    SourceValidation,
    TargetOracle,
    UnlabelledLook,
)
from posebridge.stages import Budget, Feed, Stage, System, map_populations


@dataclass(frozen=True)
class Babies(Toy):
    """Toys of another name."""

    name: ClassVar[str] = "babies"


ADULTS = Toy(train=30, validation=4, test=5)
INFANTS = Babies(train=40, test=20)
SOURCE = (Feed(ADULTS, "train", 8, people=20),)
PUBLISHED = Stage("published", Supervised(), Tiny(), (), None, Budget(0))
CONTROL = Stage("control", Supervised(), Tiny(), SOURCE, None, Budget(50))
ADAPT = Stage(
    "adapt",
    MeanTeacher(),
    Tiny(),
    SOURCE,
    Feed(INFANTS, "train", 8),
    Budget(50),
    start=dataclasses.replace(CONTROL, name="warmup"),
)
ORACLE = dataclasses.replace(CONTROL, name="oracle", source=(Feed(INFANTS, "train", 8),))
EXPERIMENT = Experiment(
    "question",
    (
        System("published", "source-only", PUBLISHED),
        System("control", "control", CONTROL, grid={"control.learning_rate": (1e-3, 1e-4)}),
        System("adapted", "adapted", ADAPT, grid={"adapt.learning_rate": (1e-3, 1e-4)}),
        System("oracle", "oracle", ORACLE),
    ),
    targets=(INFANTS, ADULTS),
    selection=SourceValidation(),
    seeds=(0, 1, 2),
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"systems": EXPERIMENT.systems[:1] * 2}, "systems must be given and differ, but got"),
        ({"systems": ()}, r"systems must be given and differ, but got \[\]"),
        ({"targets": (INFANTS, INFANTS)}, "targets must be given and differ"),
        ({"seeds": (1, 1)}, r"seeds must be given and differ, but got \[1, 1\]"),
    ],
)
def test_rows_and_columns_can_be_told_apart(changes: dict[str, Any], message: str) -> None:
    experiment = dataclasses.replace(EXPERIMENT, targets=(INFANTS,))
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(experiment, **changes)


EXPERIMENT_FILE = '''
"""An experiment."""
from engine.tiny import Tiny
from populations.toy import Toy
from posebridge.experiment import Experiment
from posebridge.methods.supervised import Supervised
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Stage, System

STAGE = Stage("published", Supervised(), Tiny(), (), None, Budget(0))
EXPERIMENT = Experiment(
    "question", (System("published", "source-only", STAGE),), (Toy(test=20),), SourceValidation()
)
{line}
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "question.py"
    line = (
        'PAPER = Experiment("paper", EXPERIMENT.systems, EXPERIMENT.targets, SourceValidation())'
    )
    path.write_text(EXPERIMENT_FILE.format(line=line))
    return path


def test_every_population_that_is_needed_is_listed_once() -> None:
    assert set(EXPERIMENT.populations()) == {ADULTS, INFANTS}
    only_published = dataclasses.replace(EXPERIMENT, systems=EXPERIMENT.systems[:1])
    assert only_published.populations() == EXPERIMENT.targets


def test_a_system_is_chosen_on_the_validation_split_of_its_sources() -> None:
    _, control, adapted, _ = EXPERIMENT.systems
    assert EXPERIMENT.validation(control) == (LabelledLook(ADULTS, "validation"),)
    assert EXPERIMENT.validation(adapted) == (LabelledLook(ADULTS, "validation"),)


def test_a_system_that_nobody_can_judge_is_refused_by_name() -> None:
    oracle = EXPERIMENT.systems[3]
    with pytest.raises(
        ValueError,
        match="'oracle' has a grid, but there is nobody to choose by .best pck_box on the "
        "source's validation split.: its sources are babies, and the target is babies. Give them",
    ):
        EXPERIMENT.validation(oracle)
    with pytest.raises(ValueError, match="nobody to choose by .oracle: .* are none, and the targ"):
        EXPERIMENT.validation(EXPERIMENT.systems[0], TargetOracle())
    fixed = dataclasses.replace(EXPERIMENT, selection=Fixed())
    with pytest.raises(ValueError, match="'control' has a grid, .* choose by .fixed beforehand."):
        fixed.validation(EXPERIMENT.systems[1])


def test_a_rule_without_labels_looks_at_the_first_target() -> None:
    experiment = dataclasses.replace(EXPERIMENT, selection=PredictionEntropy(people=7))
    _, control, adapted, _ = experiment.systems
    assert experiment.validation(control) == (UnlabelledLook(INFANTS, "train", 7),)
    assert experiment.validation(adapted) == experiment.validation(control)
    assert experiment.chosen_by == (
        "lowest entropy of predictions on 7 unlabelled people of babies train"
    )
    assert json.dumps(experiment.description()["selection"])
    assert smoke(experiment).selection == experiment.selection


def test_an_oracle_chooses_on_labelled_people_of_the_first_target() -> None:
    judged = Babies(train=40, validation=9, test=20)
    experiment = dataclasses.replace(EXPERIMENT, targets=(judged,), selection=TargetOracle())
    assert experiment.validation(experiment.systems[2]) == (LabelledLook(judged, "validation"),)
    assert judged in experiment.populations()


def test_every_rule_that_finds_somebody_judges_a_system() -> None:
    published, control, _, _ = EXPERIMENT.systems
    label_free = [
        "prediction_entropy",
        "augmentation_consistency",
        "prior_plausibility",
        "mean_confidence",
    ]
    names = [rule.name for rule in EXPERIMENT.rules(control)]
    assert names == ["source_validation", *label_free]
    assert [rule.name for rule in EXPERIMENT.rules(published)] == label_free
    judged = (Babies(train=40, validation=9, test=20),)
    names = [r.name for r in dataclasses.replace(EXPERIMENT, targets=judged).rules(control)]
    assert names == ["source_validation", *label_free, "target_oracle"]


def test_a_rule_may_look_at_the_sources_with_other_knobs() -> None:
    others = dataclasses.replace(ADULTS, seed=7)
    rule = SourceValidation(populations=(others,))
    experiment = dataclasses.replace(EXPERIMENT, selection=rule)
    assert experiment.validation(EXPERIMENT.systems[1]) == (LabelledLook(others, "validation"),)
    assert others in experiment.populations()
    assert experiment.description()["selection"]["populations"] == [others.identity()]
    json.dumps(experiment.description())


def test_a_rule_never_looks_at_labels_that_a_system_may_not_know() -> None:
    rule = SourceValidation(populations=(Babies(validation=20),))
    experiment = dataclasses.replace(EXPERIMENT, selection=rule)
    with pytest.raises(ValueError, match="'adapted' must be chosen on labelled people of its"):
        experiment.validation(EXPERIMENT.systems[2])
    # A population that is a source, too, but with other knobs the target that nobody labelled.
    both = dataclasses.replace(ADULTS, seed=7)
    stage = dataclasses.replace(ADAPT, target=Feed(both, "train", 8))
    system = dataclasses.replace(EXPERIMENT.systems[2], stage=stage)
    rule = SourceValidation(populations=(ADULTS,))
    experiment = dataclasses.replace(EXPERIMENT, selection=rule)
    with pytest.raises(ValueError, match="'adapted' must be chosen on labelled people of its"):
        experiment.validation(system)


def test_the_floor_is_fitted_on_the_first_labelled_people_that_are_not_the_oracles() -> None:
    assert EXPERIMENT.floor_feed == SOURCE[0]
    reordered = dataclasses.replace(EXPERIMENT, systems=EXPERIMENT.systems[::-1])
    assert reordered.floor_feed == SOURCE[0]
    only_published = dataclasses.replace(EXPERIMENT, systems=EXPERIMENT.systems[:1])
    assert only_published.floor_feed.population == INFANTS


def test_the_resolved_experiment_is_json_with_the_key_of_every_stage() -> None:
    described = json.loads(json.dumps(EXPERIMENT.description()))
    (_, _, adapted, _) = described["systems"]
    assert [stage["key"] for stage in adapted["stages"]] == [s.key() for s in ADAPT.chain()]
    assert adapted["grid"] == {"adapt.learning_rate": [1e-3, 1e-4]}
    assert described["seeds"] == [0, 1, 2]


def test_an_experiment_is_read_from_its_file(file: Path) -> None:
    embedded = load_experiment(file)
    assert (embedded.name, embedded.targets) == ("question", (Toy(test=20),))
    assert load_experiment(file, scale="paper").name == "paper"
    assert load_experiment(file, scale="smoke") == smoke(embedded)


def test_a_wrong_file_scale_or_object_is_explained(file: Path) -> None:
    with pytest.raises(
        ValueError, match=r"no experiment file .*qestion\.py; in that folder: .*qu"
    ):
        load_experiment(file.with_name("qestion.py"))
    with pytest.raises(ValueError, match=r"in that folder: none"):
        load_experiment(file.parent / "nowhere" / "question.py")
    with pytest.raises(ValueError, match="scale must be one of smoke, .* but got 'large'"):
        load_experiment(file, scale="large")
    file.write_text(EXPERIMENT_FILE.format(line="PAPER = 3"))
    with pytest.raises(
        ValueError, match=r"must define PAPER = Experiment\(…\) for --scale paper, but does not"
    ):
        load_experiment(file, scale="paper")
    file.write_text("")
    with pytest.raises(ValueError, match="must define EXPERIMENT = Experiment"):
        load_experiment(file)


def test_the_smoke_scale_has_few_people_few_steps_and_no_grid() -> None:
    small = smoke(EXPERIMENT)
    assert small.name == "question-smoke"
    assert [target.splits()["test"] for target in small.targets] == [16, 5]
    assert small.seeds == (0, 1)
    for system in small.systems:
        assert system.grid == {}
        for stage in system.stage.chain():
            assert stage.budget.steps <= SMOKE_STEPS
            for feed in stage.feeds():
                assert feed.per_step <= 4
                assert max(feed.population.splits().values()) <= SMOKE_PEOPLE
                assert feed.people is None or feed.people <= SMOKE_PEOPLE


def test_at_smoke_scale_rows_that_shared_a_population_still_do() -> None:
    small = smoke(EXPERIMENT)
    assert len(small.populations()) == len(EXPERIMENT.populations())


def test_a_setting_reaches_every_system_that_has_the_stage() -> None:
    changed = override(EXPERIMENT, {"control.steps": 7, "adapt.momentum": 0.5})
    published, control, adapted, oracle = changed.systems
    assert control.stage.budget.steps == 7
    assert isinstance(adapted.stage.method, MeanTeacher)
    assert adapted.stage.method.momentum == 0.5
    assert (published, oracle) == (EXPERIMENT.systems[0], EXPERIMENT.systems[3])


def test_a_field_that_is_set_is_no_longer_searched() -> None:
    _, control, adapted, _ = override(EXPERIMENT, {"control.learning_rate": 0.5}).systems
    assert control.grid == {}
    assert len(adapted.grid) == 1


def test_a_setting_of_an_unknown_stage_or_field_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"--set contrl.steps: no stage is called 'contrl' \(known: adapt, control, oracle, ",
    ):
        override(EXPERIMENT, {"contrl.steps": 7})
    with pytest.raises(ValueError, match="did you mean 'steps'"):
        override(EXPERIMENT, {"control.stps": 7})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("control.steps=7", ("control.steps", 7)),
        ("adapt.learning_rate = 1e-3", ("adapt.learning_rate", 1e-3)),
        ("adapt.rectify=false", ("adapt.rectify", False)),
        ("adapt.strong_view.scale=[0.5, 2]", ("adapt.strong_view.scale", [0.5, 2])),
        ("adapt.clip_norm=null", ("adapt.clip_norm", None)),
        ("adapt.note=some=words", ("adapt.note", "some=words")),
    ],
)
def test_a_setting_is_json_or_text(text: str, expected: tuple[str, object]) -> None:
    assert parse_setting(text) == expected


@pytest.mark.parametrize("text", ["steps=7", "control.steps", "control.steps:7", ""])
def test_a_setting_without_stage_or_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"--set takes stage.field=value, but got {text!r}"):
        parse_setting(text)


def test_the_same_chain_on_other_populations_keeps_everything_else() -> None:
    same = map_populations(ADAPT, lambda population: population)
    assert same == ADAPT
