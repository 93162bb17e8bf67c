import dataclasses
from pathlib import Path

import pytest

from engine.people import mean_teacher, supervised
from engine.pretended import SECONDS_PER_STEP, manifest, pretend
from engine.tiny import Tiny
from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Task
from posebridge.engine.pricing import Price, Prices, price
from posebridge.engine.run import Plan
from posebridge.engine.work import stage_path
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.populations.base import Population
from posebridge.selection import SourceValidation
from posebridge.stages import Feed, Stage, System

TARGETS: tuple[Population, ...] = (Toy(test=3),)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    systems = (System("control", "control", supervised(3)),)
    experiment = Experiment("question", systems, TARGETS, SourceValidation())
    return Plan(experiment, Store(str(tmp_path)))


def _task(plan: Plan, stage: Stage) -> Task:
    return plan.training(stage, "some row")[-1]


def _measured(plan: Plan, *stages: Stage) -> Prices:
    pretend(plan, [_task(plan, stage) for stage in stages])
    return Prices.measured(plan.store)


def test_a_training_costs_its_steps_at_the_price_of_its_like(plan: Plan) -> None:
    prices = _measured(plan, supervised(4))
    longer = _task(plan, supervised(30))
    assert prices.of(longer) == 30 * SECONDS_PER_STEP
    assert prices.show(longer) == "15"


@pytest.mark.parametrize(
    "stage",
    [
        supervised(30, per_step=4),
        supervised(30, architecture=Tiny(weights=1)),
        mean_teacher(30),
    ],
)
def test_another_method_network_or_number_of_people_has_no_price_yet(
    plan: Plan, stage: Stage
) -> None:
    prices = _measured(plan, supervised(4))
    assert prices.of(_task(plan, stage)) is None
    assert prices.show(_task(plan, stage)) == "not measured yet"


def test_views_that_the_teacher_takes_are_paid_for_and_its_momentum_is_not(plan: Plan) -> None:
    prices = _measured(plan, mean_teacher(4))
    slower = dataclasses.replace(MeanTeacher(), momentum=0.5)
    several = dataclasses.replace(MeanTeacher(), teacher_views=4)
    assert prices.of(_task(plan, mean_teacher(2, method=slower))) == 2 * SECONDS_PER_STEP
    assert prices.of(_task(plan, mean_teacher(2, method=several))) is None


def test_the_price_is_the_median_so_that_one_slow_run_does_not_make_it(plan: Plan) -> None:
    pretend(plan, [_task(plan, supervised(4, seed=seed)) for seed in (0, 1)])
    slow = supervised(4, seed=2)
    content = manifest(slow)
    content["cost"]["seconds"] *= 100
    plan.store.write_json(f"{stage_path(slow)}/manifest.json", content)
    plan.store.write(f"{stage_path(slow)}/done", b"")
    assert Prices.measured(plan.store).of(_task(plan, supervised(4))) == 4 * SECONDS_PER_STEP


def test_what_is_not_finished_or_took_no_steps_says_nothing_of_prices(plan: Plan) -> None:
    prices = _measured(plan, supervised(0, source=(), name="published"))
    assert prices.seconds == {}
    plan.store.write_json(f"{stage_path(supervised(4))}/manifest.json", manifest(supervised(4)))
    assert Prices.measured(plan.store).seconds == {}


def test_an_empty_store_has_no_prices(tmp_path: Path) -> None:
    assert Prices.measured(Store(str(tmp_path / "nothing"))) == Prices({})


def test_a_sum_counts_trainings_alone_and_says_how_many_have_no_price(plan: Plan) -> None:
    prices = _measured(plan, supervised(4))
    tasks = [*plan.first_phase(), _task(plan, supervised(30)), _task(plan, mean_teacher(2))]
    assert price(tasks, prices) == Price((3 + 30) * SECONDS_PER_STEP, unknown=1)
    assert price([], prices) == Price(0, 0)


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (Price(0, 0), "Nothing is left to train."),
        (Price(0, 3), "3 trainings have no price yet."),
        (Price(600, 0), "Training takes about 10 minutes, one after the other."),
        (
            Price(90, 2),
            "Training takes about 2 minutes, one after the other; 2 have no price yet.",
        ),
    ],
)
def test_a_price_in_words(total: Price, words: str) -> None:
    assert total.describe() == words


def test_a_feed_of_fewer_people_costs_as_much_a_step(plan: Plan) -> None:
    prices = _measured(plan, supervised(4))
    (feed,) = supervised(4).source
    fewer = supervised(4, source=(Feed(feed.population, "train", 3, people=5),))
    assert prices.of(_task(plan, fewer)) == 4 * SECONDS_PER_STEP
