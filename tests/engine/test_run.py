import dataclasses
from pathlib import Path

import pytest

from engine.people import ADULTS, INFANTS, borrow, make, mean_teacher, supervised
from engine.tiny import Tiny
from engine.watching import Witness
from populations.toy import Toy
from posebridge import skeletons
from posebridge.engine.artifacts import Store
from posebridge.engine.evaluate import evaluation_marker, read_scores
from posebridge.engine.graph import Failure, execute_here, outstanding
from posebridge.engine.label_free import label_free_marker
from posebridge.engine.run import (
    FLOORS,
    Plan,
    manifest_marker,
    population_tasks,
    run_experiment,
    stage_marker,
)
from posebridge.experiment import Experiment
from posebridge.methods.supervised import Supervised
from posebridge.populations.imported import Imported
from posebridge.populations.manifest import ManifestError
from posebridge.selection import MeanConfidence, SourceValidation, UnlabelledLook
from posebridge.skeletons import Skeleton
from posebridge.stages import Feed, System

RATES = (1e-4, 5e-2)
CONTROL = System("control", "control", supervised(3), grid={"control.learning_rate": RATES})
PUBLISHED = System("published", "source-only", supervised(0, name="published", source=()))
ADAPTED = System("adapted", "adapted", mean_teacher(2, start=supervised(1, name="warmup")))
EXPERIMENT = Experiment(
    "question", (PUBLISHED, CONTROL, ADAPTED), (INFANTS,), SourceValidation(), seeds=(0, 1)
)


@pytest.fixture
def plan(store: Store) -> Plan:
    return Plan(EXPERIMENT, store, streamed=False)


def _run(plan: Plan, witness: Witness) -> tuple[list[str], list[Failure]]:
    choices, failures = run_experiment(
        plan, lambda tasks: execute_here(tasks, plan.store, witness)
    )
    return [str(choice.selected) for choice in choices], failures


def test_the_candidates_of_a_grid_are_judged_on_the_source_and_the_winner_runs_every_seed(
    plan: Plan,
) -> None:
    witness = Witness()
    choices, failures = run_experiment(
        plan, lambda tasks: execute_here(tasks, plan.store, witness)
    )
    assert failures == []
    assert [choice.system.name for choice in choices] == ["published", "control", "adapted"]
    _, control, _ = choices
    assert len(control.scores) == len(RATES)
    best = RATES[control.scores.index(max(control.scores))]
    assert control.selected == {"control.learning_rate": best}
    for seed in (0, 1):
        stage = control.system.seeded(seed).stage
        assert stage.method == dataclasses.replace(Supervised(), learning_rate=best)
        assert plan.store.exists(evaluation_marker(stage, INFANTS, "test"))
    loser = dataclasses.replace(Supervised(), learning_rate=sum(RATES) - best)
    lost = dataclasses.replace(CONTROL.stage, method=loser)
    assert plan.store.exists(evaluation_marker(lost, ADULTS, "validation"))
    assert not plan.store.exists(evaluation_marker(lost, INFANTS, "test"))
    assert not plan.store.exists(stage_marker(dataclasses.replace(lost, seed=1)))


def test_without_labels_a_grid_is_judged_on_the_target(store: Store) -> None:
    system = dataclasses.replace(CONTROL, stage=supervised(1))
    rule = MeanConfidence(people=4)
    experiment = Experiment("confident", (system,), (INFANTS,), rule)
    plan = Plan(experiment, store, streamed=False)
    (choice,), failures = run_experiment(plan, lambda tasks: execute_here(tasks, store, Witness()))
    assert failures == []
    look = UnlabelledLook(INFANTS, "train", 4)
    stages = [candidate.stage for _, candidate in system.candidates()]
    expected = [read_scores(store, label_free_marker(s, look)).value("confidence") for s in stages]
    assert choice.scores == tuple(expected)
    assert choice.selected == {"control.learning_rate": RATES[expected.index(max(expected))]}
    assert not store.exists(evaluation_marker(stages[0], ADULTS, "validation"))


def test_every_rule_judges_a_trained_stage_and_each_look_is_taken_once(
    made: Store, tmp_path: Path
) -> None:
    store, judged = borrow(made, tmp_path), dataclasses.replace(INFANTS, validation=5)
    make(store, [judged])
    plan = Plan(dataclasses.replace(EXPERIMENT, targets=(judged,)), store, streamed=False)
    stage = supervised(1)
    looks = plan.judging(CONTROL, stage)
    # Source validation, the four label-free rules together, and the oracle.
    assert len(looks) == 3
    assert execute_here([*plan.training(stage, "control"), *looks], store, Witness()) == []
    scores = plan.scores(CONTROL, stage)
    assert list(scores) == [rule.name for rule in plan.experiment.rules(CONTROL)]
    for name, on in (("source_validation", ADULTS), ("target_oracle", judged)):
        measured = read_scores(store, evaluation_marker(stage, on, "validation"))
        assert scores[name] == measured.value("pck_box")
    assert all(0.0 <= score <= 1.0 for score in scores.values())
    assert len(scores) == 6


def test_running_again_does_nothing(plan: Plan) -> None:
    first = _run(plan, Witness())
    witness = Witness()
    assert _run(plan, witness) == first
    assert witness.starts == []


def test_every_stage_runs_once_however_many_ask_for_it(plan: Plan) -> None:
    witness = Witness()
    _run(plan, witness)
    trained = [name for name in witness.starts if name.startswith("train ")]
    # Published once; control: two candidates and the winner's other seed; two stages × two seeds.
    assert len(trained) == 1 + 3 + 4
    floors = [name for name in witness.starts if name.startswith(tuple(f.value for f in FLOORS))]
    assert len(floors) == 2


def test_a_failed_candidate_ends_the_experiment_with_its_cause_beside_the_stage(
    plan: Plan,
) -> None:
    def fail(tasks: object) -> list[Failure]:
        (task,) = plan.training(CONTROL.stage, "control candidate")
        return [Failure(task, "FloatingPointError: heatmap is not finite")]

    choices, failures = run_experiment(plan, fail)
    assert (choices, len(failures)) == ([], 1)
    folder = stage_marker(CONTROL.stage).rpartition("/")[0]
    assert "not finite" in plan.store.read_json(f"{folder}/error.json")["cause"]


def test_a_training_takes_a_core_for_each_of_its_threads(plan: Plan) -> None:
    two = dataclasses.replace(CONTROL.stage.budget, threads=2)
    for budget, cpus in ((CONTROL.stage.budget, 1), (two, 2)):
        stage = dataclasses.replace(CONTROL.stage, budget=budget)
        (task,) = plan.training(stage, "control")
        assert task.cpus == cpus
        assert task.steps == 3


def test_a_stage_waits_for_its_populations_and_for_the_stage_before(plan: Plan) -> None:
    warmup, adapt = plan.training(ADAPTED.stage, "adapted")
    assert adapt.needs == (manifest_marker(ADULTS), manifest_marker(INFANTS), warmup.marker)
    assert warmup.needs == (manifest_marker(ADULTS),)


def test_a_stage_without_steps_waits_for_nobody(plan: Plan) -> None:
    unused = dataclasses.replace(PUBLISHED.stage, source=(Feed(ADULTS, "train", 2),))
    (task,) = plan.training(unused, "published")
    assert task.needs == ()


def test_a_population_is_rendered_shard_by_shard_and_listed_last(tmp_path: Path) -> None:
    store, toy = Store(str(tmp_path)), Toy(train=70, test=3)
    *shards, manifest = population_tasks(store, toy)
    assert [task.name for task in shards] == [
        "render toy train 1/2",
        "render toy train 2/2",
        "render toy test 1/1",
    ]
    assert set(manifest.needs) == {task.marker for task in shards}
    execute_here([*shards, manifest], store, Witness())
    assert outstanding([*shards, manifest], store)[0] == []


def test_an_imported_population_must_be_there(store: Store) -> None:
    with pytest.raises(ValueError, match=r"'coco' must be in the store .*, but is not: import it"):
        population_tasks(store, Imported("coco", "0123456789ab", test=3))


def test_an_estimator_of_another_skeleton_learns_what_the_two_share(store: Store) -> None:
    crowdpose = Tiny(skeleton_name="crowdpose14")
    stage = dataclasses.replace(CONTROL.stage, architecture=crowdpose)
    planned = Plan(EXPERIMENT, store, streamed=False)
    evaluation = planned.evaluation(stage, INFANTS, "test")
    for task in (*planned.training(stage, "control"), evaluation):
        task.function(*task.arguments)
    # Of the 17 keypoints of each of 7 people all but an ankle are labelled: 13 names are shared or
    # derived, the head's top is not.
    assert read_scores(store, evaluation.marker).scores["pck_box"].count == 7 * 12


def test_an_estimator_of_other_keypoints_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Skeleton("hands", ("left_thumb", "right_thumb"), ((0, 1),), ())
    monkeypatch.setitem(skeletons._SKELETONS, "hands", hands)
    stage = dataclasses.replace(CONTROL.stage, architecture=Tiny(skeleton_name="hands"))
    (task,) = Plan(EXPERIMENT, store, streamed=False).training(stage, "control")
    with pytest.raises(
        ManifestError,
        match=r"'toy' must have keypoints of hands, but has none of them: its own \(coco17\) are",
    ):
        task.function(*task.arguments)
