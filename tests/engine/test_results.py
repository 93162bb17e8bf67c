import dataclasses
import json
import math
import socket
from pathlib import Path
from typing import ClassVar

import pytest

from engine.people import ADULTS, mean_teacher, supervised
from engine.pretended import MADE, finish, half
from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Task
from posebridge.engine.records_folder import RecordsFolder
from posebridge.engine.results import (
    RecordConflictError,
    note_experiment,
    records_of,
    write_records,
)
from posebridge.engine.run import Plan
from posebridge.estimators.flipping import FlipTest
from posebridge.experiment import Experiment
from posebridge.populations.base import Population
from posebridge.records import Record, read_records
from posebridge.selection import PredictionEntropy, Selection, SourceValidation, TargetOracle
from posebridge.stages import Feed, System

RATES = (1e-4, 1e-3)


@dataclasses.dataclass(frozen=True)
class Babies(Toy):
    """Toys of another name."""

    name: ClassVar[str] = "babies"


BABIES = Babies(seed=1, train=6, test=4)
TARGET = Feed(BABIES, "train", 2)
PUBLISHED = supervised(0, name="published", source=())
CONTROL = supervised(3)
ADAPT = mean_teacher(4, target=TARGET, start=supervised(2, name="warmup"))
ORACLE = supervised(3, name="oracle", source=(*CONTROL.source, TARGET))
EXPERIMENT = Experiment(
    "question",
    (
        System("published", "source-only", PUBLISHED),
        System("control", "control", CONTROL, grid={"control.learning_rate": RATES}),
        System("adapted", "adapted", ADAPT),
        System("oracle", "oracle", ORACLE),
    ),
    targets=(BABIES, ADULTS),
    selection=SourceValidation(),
    seeds=(3, 4),
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """An experiment that is done."""
    plan = Plan(EXPERIMENT, Store(str(tmp_path / "store")))
    finish(plan)
    return plan


def _records(plan: Plan) -> list[Record]:
    return [record for record, _ in records_of(plan, plan.choose(), "embedded")]


def _write(plan: Plan, folder: Path) -> list[Record]:
    kept = RecordsFolder(Store(str(folder)))
    return write_records(plan.store, records_of(plan, plan.choose(), "embedded"), kept)


def _of(records: list[Record], system: str, on: Population, seed: int) -> Record:
    (found,) = (r for r in records if (r.system, r.population, r.seed) == (system, on.label, seed))
    return found


def test_every_row_seed_and_population_has_a_record_and_floors_one_a_population(
    plan: Plan,
) -> None:
    rows = [(r.system, r.role, r.population, r.seed) for r in _records(plan)]
    floors = [
        (name, "floor", on, 3)
        for name in ("mean pose", "shuffled truth")
        for on in ("babies", "toy")
    ]
    runs = [
        (system.name, system.role, on, seed)
        for system in EXPERIMENT.systems
        for seed in (3, 4)
        for on in ("babies", "toy")
    ]
    assert rows == [*floors, *runs]
    assert len({record.key for record in _records(plan)}) == len(rows)


def test_a_record_says_what_was_asked(plan: Plan) -> None:
    record = _of(_records(plan), "adapted", BABIES, 4)
    stage = EXPERIMENT.systems[2].seeded(4).stage
    assert record.stage_key == stage.key()
    assert record.population_fingerprint == BABIES.fingerprint()
    assert record.method["class"].endswith(":MeanTeacher")
    assert record.estimator["class"].endswith(":Tiny")
    assert (record.experiment, record.scale, record.split) == ("question", "embedded", "test")


def test_a_record_says_that_the_mirror_image_was_asked(tmp_path: Path) -> None:
    mirrored = System("mirrored", "source-only", PUBLISHED, flip_test=FlipTest(shift=True))
    rows = (EXPERIMENT.systems[0], mirrored)
    plan = Plan(dataclasses.replace(EXPERIMENT, systems=rows), Store(str(tmp_path / "store")))
    finish(plan)
    records = _records(plan)
    one, other = (_of(records, name, BABIES, 3) for name in ("published", "mirrored"))
    assert one.stage_key == other.stage_key
    assert "flip_test" not in one.estimator
    assert other.estimator == one.estimator | {
        "flip_test": {"class": "posebridge.estimators.flipping:FlipTest", "shift": True}
    }
    described = plan.experiment.description()["systems"]
    assert [row.get("flip_test", {}).get("shift") for row in described] == [None, True]


def test_a_record_says_how_its_system_was_chosen(plan: Plan) -> None:
    records = _records(plan)
    control = _of(records, "control", BABIES, 3)
    assert control.selection == "best pck_box on the source's validation split"
    assert control.selected == {"control.learning_rate": RATES[0]}
    assert control.method["learning_rate"] == RATES[0]
    assert _of(records, "published", BABIES, 3).selection == "published weights"
    assert _of(records, "adapted", BABIES, 3).selection == "fixed beforehand"
    assert _of(records, "mean pose", BABIES, 3).selection == "nothing to choose"


@pytest.mark.parametrize(
    ("rule", "told", "uses_target_labels"),
    [
        (
            PredictionEntropy(people=5),
            "lowest entropy of predictions on 5 unlabelled people of babies train",
            False,
        ),
        (TargetOracle(), "oracle: best pck_box on the target's labelled validation split", True),
    ],
)
def test_a_record_says_whether_the_rule_read_labels_of_the_target(
    rule: Selection, told: str, uses_target_labels: bool, tmp_path: Path
) -> None:
    judged = dataclasses.replace(BABIES, validation=3)
    experiment = dataclasses.replace(EXPERIMENT, targets=(judged, ADULTS), selection=rule)
    plan = Plan(experiment, Store(str(tmp_path)))
    finish(plan)
    records = _records(plan)
    control = _of(records, "control", judged, 3)
    assert control.selection == told
    assert control.uses_target_labels == uses_target_labels
    assert not _of(records, "adapted", judged, 3).uses_target_labels


def test_labels_were_read_where_a_stage_or_a_floor_was_given_them(plan: Plan) -> None:
    told = {(r.system, r.population) for r in _records(plan) if r.uses_target_labels}
    assert told == {
        ("shuffled truth", "babies"),
        ("shuffled truth", "toy"),
        ("control", "toy"),
        ("adapted", "toy"),
        ("oracle", "toy"),
        ("oracle", "babies"),
    }


def test_the_cost_is_that_of_the_whole_chain(plan: Plan) -> None:
    cost = _of(_records(plan), "adapted", BABIES, 3).cost
    assert (cost["steps"], cost["seconds"], cost["images"]) == (4 + 2, 3.0, 18)
    assert (cost["parameters"], cost["people"], cost["evaluation_seconds"]) == (10, 7, 0.25)
    floor = _of(_records(plan), "mean pose", BABIES, 3).cost
    assert floor == {"people": 7, "evaluation_seconds": 0.25}


def test_whoever_was_left_out_in_training_or_measuring_is_counted(plan: Plan) -> None:
    records = _records(plan)
    counted = {"undecodable image": 1, "box of no area": 2}
    assert _of(records, "control", BABIES, 3).skipped == counted
    assert _of(records, "published", BABIES, 3).skipped == {"undecodable image": 1}


def test_a_record_keeps_the_commit_and_the_versions_its_stage_was_made_with(plan: Plan) -> None:
    record = _of(_records(plan), "control", BABIES, 3)
    assert (record.commit, record.versions) == (MADE["commit"], MADE["versions"])
    assert "python" in _of(_records(plan), "mean pose", BABIES, 3).versions


def test_a_record_without_a_score_is_written_too(tmp_path: Path) -> None:
    def lost(task: Task) -> float | None:
        return None if "oracle" in task.name else 0.5

    plan = Plan(EXPERIMENT, Store(str(tmp_path / "store")))
    finish(plan, lost)
    _write(plan, tmp_path)
    records, _ = read_records(tmp_path / "question.jsonl")
    assert math.isnan(_of(records, "oracle", BABIES, 3).scores["pck_box"].value)
    assert _of(records, "control", BABIES, 3).scores["pck_box"].value == 0.5


def test_records_are_written_once_with_the_peoples_errors_beside_them(
    plan: Plan, tmp_path: Path
) -> None:
    written = _write(plan, tmp_path)
    path = tmp_path / "question.jsonl"
    content = path.read_bytes()
    assert read_records(path) == (written, 0)
    assert len(written) == 4 + 16
    for record, people in records_of(plan, plan.choose(), "embedded"):
        assert (tmp_path / record.people).read_bytes() == plan.store.read(people)
    again = _write(plan, tmp_path)
    assert [record.key for record in again] == [record.key for record in written]
    assert path.read_bytes() == content


def test_a_file_of_peoples_errors_that_was_lost_comes_back(plan: Plan, tmp_path: Path) -> None:
    lost = tmp_path / _write(plan, tmp_path)[0].people
    content = lost.read_bytes()
    lost.unlink()
    _write(plan, tmp_path)
    assert lost.read_bytes() == content


def test_half_a_line_of_a_killed_command_is_no_record(plan: Plan, tmp_path: Path) -> None:
    written = _write(plan, tmp_path)
    path = tmp_path / "question.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    _write(plan, tmp_path)
    records, half_lines = read_records(path)
    assert [record.key for record in records] == [record.key for record in written]
    assert half_lines == 1


def _changed(path: Path, number: int, **changes: object) -> str:
    lines = path.read_text().splitlines()
    content = json.loads(lines[number]) | changes
    lines[number] = json.dumps(content)
    path.write_text("\n".join(lines) + "\n")
    key: str = content["key"]
    return key


def test_another_result_than_the_one_on_record_is_refused_and_nothing_is_written(
    plan: Plan, tmp_path: Path
) -> None:
    people = tmp_path / _write(plan, tmp_path)[5].people
    path = tmp_path / "question.jsonl"
    key = _changed(path, 5, skipped={}, host="elsewhere")
    # A record that is not there yet: it must not be written either.
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    people.write_bytes(b"as it was measured")
    before = path.read_bytes()
    with pytest.raises(
        RecordConflictError,
        match=f"record {key} of 'published' must be what it was, but skipped differ: see {path}",
    ):
        _write(plan, tmp_path)
    assert path.read_bytes() == before
    assert people.read_bytes() == b"as it was measured"


def test_other_libraries_alone_are_no_other_result(plan: Plan, tmp_path: Path) -> None:
    _write(plan, tmp_path)
    path = tmp_path / "question.jsonl"
    _changed(path, 0, versions={"torch": "2.12.0"}, host="elsewhere", commit="other", cost={})
    before = path.read_bytes()
    _write(plan, tmp_path)
    assert path.read_bytes() == before
    _changed(path, 0, scores={})
    with pytest.raises(RecordConflictError, match="but scores, versions differ"):
        _write(plan, tmp_path)


def test_the_host_and_the_time_of_writing_are_kept(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "the-lab")
    records = _write(plan, tmp_path)
    assert {record.host for record in records} == {"the-lab"}
    assert all(record.time.endswith("+00:00") for record in records)


def test_the_resolved_experiment_is_kept_beside_its_results(plan: Plan) -> None:
    note_experiment(plan.store, EXPERIMENT, "embedded")
    noted = plan.store.read_json("experiments/question.json")
    assert noted["scale"] == "embedded"
    assert noted["seeds"] == [3, 4]
    assert noted["systems"][1]["grid"] == {"control.learning_rate": list(RATES)}
    assert noted["systems"][2]["stages"][1]["key"] == ADAPT.key()


def test_the_winner_of_a_grid_is_what_the_records_say_was_selected(tmp_path: Path) -> None:
    def second_is_better(task: Task) -> float | None:
        method = getattr(task.arguments[1], "method", None)
        return 0.9 if getattr(method, "learning_rate", 0) == RATES[1] else half(task)

    plan = Plan(EXPERIMENT, Store(str(tmp_path / "store")))
    finish(plan, second_is_better)
    assert plan.choose()[1].scores == (0.5, 0.9)
    control = _of(_records(plan), "control", BABIES, 4)
    assert control.selected == {"control.learning_rate": RATES[1]}
    assert control.method["learning_rate"] == RATES[1]


def test_a_candidate_without_a_score_never_wins(tmp_path: Path) -> None:
    def first_is_lost(task: Task) -> float | None:
        method = getattr(task.arguments[1], "method", None)
        return None if getattr(method, "learning_rate", 0) == RATES[0] else half(task)

    plan = Plan(EXPERIMENT, Store(str(tmp_path / "store")))
    finish(plan, first_is_lost)
    _, control, *_ = plan.choose()
    assert math.isnan(control.scores[0])
    assert control.selected == {"control.learning_rate": RATES[1]}


def test_a_grid_of_which_no_candidate_has_a_score_cannot_be_decided(tmp_path: Path) -> None:
    plan = Plan(EXPERIMENT, Store(str(tmp_path / "store")))
    with pytest.raises(ValueError, match="at least one candidate must have a score, but all 2"):
        finish(plan, lambda task: None)
