import dataclasses
from pathlib import Path

import pytest

from engine.people import ADULTS, mean_teacher, supervised
from engine.pretended import SECONDS_PER_STEP, manifest, pretend
from engine.tiny import Tiny
from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.conditions import GPU
from posebridge.engine.graph import Task
from posebridge.engine.placement import Node
from posebridge.engine.pricing import Estimate, Price, Prices, price
from posebridge.engine.run import Plan, population_tasks
from posebridge.engine.work import make_shard, stage_path
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.populations.base import Population
from posebridge.selection import SourceValidation, UnlabelledLook
from posebridge.stages import Budget, Feed, Stage, System

TARGETS: tuple[Population, ...] = (Toy(test=3),)
EVALUATION_SECONDS = 0.25
"""Of an evaluation that is pretended."""
ONE_CPU, FOUR_CPUS = [Node(1, 0)], [Node(4, 0)]


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
    assert prices.of(_task(plan, supervised(30))) == Estimate(30 * SECONDS_PER_STEP)
    assert str(prices.of(_task(plan, supervised(30)))) == "15"


@pytest.mark.parametrize("stage", [supervised(30, architecture=Tiny(weights=1)), mean_teacher(30)])
def test_another_method_or_network_has_no_price_yet(plan: Plan, stage: Stage) -> None:
    assert _measured(plan, supervised(4)).of(_task(plan, stage)) is None


def test_more_people_a_step_are_priced_by_the_person_and_marked(plan: Plan) -> None:
    prices = _measured(plan, supervised(4, per_step=3))
    twice = prices.of(_task(plan, supervised(30, per_step=6)))
    assert twice == Estimate(2 * 30 * SECONDS_PER_STEP, is_near=True)
    assert str(twice) == "≈ 30"


def test_other_threads_are_near_and_not_the_same(plan: Plan) -> None:
    prices = _measured(plan, supervised(4))
    threads = supervised(30, budget=Budget(30, threads=2))
    assert prices.of(_task(plan, threads)) == Estimate(30 * SECONDS_PER_STEP, is_near=True)


def test_views_that_the_teacher_takes_are_paid_for_and_its_momentum_is_not(plan: Plan) -> None:
    prices = _measured(plan, mean_teacher(4))
    slower = dataclasses.replace(MeanTeacher(), momentum=0.5)
    several = dataclasses.replace(MeanTeacher(), teacher_views=4)
    found = prices.of(_task(plan, mean_teacher(2, method=slower)))
    assert found == Estimate(2 * SECONDS_PER_STEP)
    assert prices.of(_task(plan, mean_teacher(2, method=several))) is None


def test_the_price_is_the_median_so_that_one_slow_run_does_not_make_it(plan: Plan) -> None:
    pretend(plan, [_task(plan, supervised(4, seed=seed)) for seed in (0, 1)])
    slow = supervised(4, seed=2)
    content = manifest(slow)
    content["cost"]["seconds"] *= 100
    plan.store.write_json(f"{stage_path(slow)}/manifest.json", content)
    plan.store.write(f"{stage_path(slow)}/done", b"")
    found = Prices.measured(plan.store).of(_task(plan, supervised(4)))
    assert found == Estimate(4 * SECONDS_PER_STEP)


def test_what_is_not_finished_or_took_no_steps_says_nothing_of_prices(plan: Plan) -> None:
    prices = _measured(plan, supervised(0, source=(), name="published"))
    assert prices.exact == {}
    plan.store.write_json(f"{stage_path(supervised(4))}/manifest.json", manifest(supervised(4)))
    assert Prices.measured(plan.store).exact == {}


def test_an_empty_store_has_no_prices(tmp_path: Path) -> None:
    assert Prices.measured(Store(str(tmp_path / "nothing"))) == Prices({}, {})


def test_a_feed_of_fewer_people_costs_as_much_a_step(plan: Plan) -> None:
    prices = _measured(plan, supervised(4))
    (feed,) = supervised(4).source
    fewer = supervised(4, source=(Feed(feed.population, "train", 3, people=5),))
    assert prices.of(_task(plan, fewer)) == Estimate(4 * SECONDS_PER_STEP)


def test_an_evaluation_costs_its_people_at_the_price_of_a_person(plan: Plan) -> None:
    done = plan.evaluation(supervised(3), Toy(test=5), "test")
    pretend(plan, [done])
    prices = Prices.measured(plan.store, [done])
    larger = plan.evaluation(supervised(9), Toy(test=20), "test")
    assert prices.of(larger) == Estimate(4 * EVALUATION_SECONDS)
    # Of another experiment, which does not know this one's tasks.
    assert Prices.measured(plan.store).of(larger) == Estimate(4 * EVALUATION_SECONDS)
    other = supervised(9, architecture=Tiny(weights=1))
    near = prices.of(plan.evaluation(other, Toy(test=5), "test"))
    assert near == Estimate(EVALUATION_SECONDS, is_near=True)


def test_an_older_evaluation_has_a_price_where_its_task_is_known(plan: Plan) -> None:
    done = plan.evaluation(supervised(3), Toy(test=5), "test")
    pretend(plan, [done])
    content = plan.store.read_json(done.marker)
    del content["measured"]
    plan.store.write_json(done.marker, content)
    larger = plan.evaluation(supervised(9), Toy(test=20), "test")
    assert Prices.measured(plan.store).of(larger) is None
    assert Prices.measured(plan.store, [done]).of(larger) == Estimate(4 * EVALUATION_SECONDS)


def test_looks_at_fewer_people_than_a_rule_would_take_count_those_there_are(plan: Plan) -> None:
    look = UnlabelledLook(Toy(train=5), "train", 200)
    assert plan.look(supervised(3), look).people == 5


def _tasks(plan: Plan, steps: int) -> list[Task]:
    """A training and an evaluation."""
    stage = supervised(steps)
    return [_task(plan, stage), plan.evaluation(stage, Toy(test=steps), "test")]


def test_what_a_gpu_took_does_not_price_what_a_cpu_will_do_where_both_are_known(
    plan: Plan,
) -> None:
    on_gpu = dataclasses.replace(plan, gpus=1.0)
    pretend(plan, _tasks(plan, 4))
    fast = on_gpu.training(supervised(5), "fast")[-1]
    pretend(on_gpu, [fast])
    told = manifest(supervised(5), GPU)
    told["cost"]["seconds"] /= 100
    plan.store.write_json(f"{fast.folder}/manifest.json", told)
    prices = Prices.measured(plan.store)
    here, there = (one.training(supervised(30), "row")[-1] for one in (plan, on_gpu))
    assert prices.of(here) == Estimate(30 * SECONDS_PER_STEP)
    found = prices.of(there)
    assert found is not None
    assert found.seconds == pytest.approx(0.3 * SECONDS_PER_STEP)
    assert not found.elsewhere


def test_where_only_the_other_kind_of_device_was_measured_the_price_is_marked(plan: Plan) -> None:
    pretend(plan, _tasks(plan, 4))
    prices = Prices.measured(plan.store)
    tasks = _tasks(dataclasses.replace(plan, gpus=1.0), 8)
    estimates = [prices.of(task) for task in tasks]
    assert estimates[0] == Estimate(8 * SECONDS_PER_STEP, elsewhere="cpu")
    assert estimates[1] == Estimate(2 * EVALUATION_SECONDS, elsewhere="cpu")
    assert str(estimates[0]) == "≈ 4"
    told = price(tasks, prices, [Node(2, 1)])
    assert (told.near, dict(told.elsewhere)) == (0, {"cpu": 2})
    assert "2 of these prices (≈) are those of a CPU, though a GPU will do the work" in (
        told.describe()
    )


def test_near_work_on_the_same_device_comes_before_the_same_work_on_the_other(plan: Plan) -> None:
    on_gpu = dataclasses.replace(plan, gpus=1.0)
    pretend(plan, [_task(plan, supervised(4))])
    pretend(on_gpu, [on_gpu.training(supervised(4, per_step=6), "row")[-1]])
    found = Prices.measured(plan.store).of(on_gpu.training(supervised(30), "row")[-1])
    assert found == Estimate(30 * SECONDS_PER_STEP / 2, is_near=True)


def test_older_stages_that_do_not_say_on_what_count_as_a_cpus(plan: Plan) -> None:
    told = manifest(supervised(4))
    del told["made"]["device"]
    plan.store.write_json(f"{stage_path(supervised(4))}/manifest.json", told)
    plan.store.write(f"{stage_path(supervised(4))}/done", b"")
    found = Prices.measured(plan.store).of(_task(plan, supervised(30)))
    assert found == Estimate(30 * SECONDS_PER_STEP)


def test_a_shard_that_was_rendered_says_what_another_will_cost(plan: Plan) -> None:
    make_shard(plan.store.uri, ADULTS, "train", 0)
    shards = population_tasks(plan.store, ADULTS)
    whole, part = shards[1], shards[2]
    assert (whole.people, part.people) == (64, 2)
    prices = Prices.measured(plan.store, shards)
    for_whole, for_part = prices.of(whole), prices.of(part)
    assert for_whole is not None
    assert for_part is not None
    assert for_whole.seconds > 0
    assert for_whole.seconds == pytest.approx(32 * for_part.seconds)
    assert Prices.measured(plan.store).of(whole) is None


def _free(name: str, seconds: float, *needs: str) -> tuple[Task, float]:
    return Task(name, f"{name}/done", print, (), tuple(f"{n}/done" for n in needs)), seconds


@dataclasses.dataclass(frozen=True)
class _Priced(Prices):
    """Prices by the task's name."""

    def of(self, task: Task) -> Estimate | None:
        """What was said."""
        place = ("cpu", task.name)
        return Estimate(self.exact[place]) if place in self.exact else None


def _price(nodes: list[Node], *tasks: tuple[Task, float]) -> Price:
    prices = _Priced({("cpu", task.name): seconds for task, seconds in tasks if seconds}, {})
    return price([task for task, _ in tasks], prices, nodes)


def test_the_time_is_bounded_by_the_longest_chain_and_by_the_room() -> None:
    tasks = [
        _free("a", 10),
        _free("b", 20, "a"),
        _free("c", 40, "a", "elsewhere"),
        _free("d", 5),
        _free("unknown", 0, "c"),
    ]
    assert _price(FOUR_CPUS, *tasks) == Price(75, chain=50, packed=75 / 4, unknown=1)
    assert _price(ONE_CPU, *tasks) == Price(75, chain=50, packed=75, unknown=1)


def test_nothing_costs_nothing() -> None:
    assert _price(ONE_CPU) == Price(0, 0, 0)


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (Price(0, 0, 0), "Nothing is left that takes time."),
        (Price(0, 0, 0, unknown=3), "3 tasks have no price yet."),
        (
            Price(7200, 600, 1800),
            "It takes about 2.0 hours one after the other, and here at least 30 minutes: there is "
            "no room for more at once.",
        ),
        (
            Price(100, 60, 25, near=2, unknown=1),
            "It takes about 2 minutes one after the other, and here at least 60 seconds: that is "
            "the longest chain of tasks. 2 of these prices (≈) are those of the nearest kind. "
            "1 tasks have no price yet.",
        ),
        (
            Price(40, 40, 40, elsewhere={"gpu": 3}),
            "It takes about 40 seconds one after the other, and here at least 40 seconds: that is "
            "the longest chain of tasks. 3 of these prices (≈) are those of a GPU, though a CPU "
            "will do the work: nothing like it was measured on one.",
        ),
    ],
)
def test_a_price_in_words(total: Price, words: str) -> None:
    assert total.describe() == words
