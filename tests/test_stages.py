import dataclasses
from typing import Any

import pytest

from engine.tiny import Tiny
from populations.toy import Toy
from posebridge.identity import describe, restore
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import Supervised
from posebridge.populations.views import ViewPolicy
from posebridge.stages import (
    Budget,
    CosineDecay,
    Feed,
    Stage,
    StepDecay,
    System,
    map_populations,
    reseed,
    set_field,
    value_of,
)

ADULTS, INFANTS = Toy(train=12), Toy(seed=1, train=8)
FIRST = Stage(
    "pretrain", Supervised(), Tiny(), (Feed(ADULTS, "train", 4),), None, Budget(10), seed=0
)
LAST = Stage(
    "adapt",
    MeanTeacher(),
    Tiny(),
    (Feed(ADULTS, "train", 4),),
    Feed(INFANTS, "train", 2),
    Budget(10),
    start=FIRST,
)


def _changed(stage: Stage, path: str, value: Any) -> Stage:
    """The stage with a field replaced, which may lie in a dataclass that it holds."""
    changed: Stage = _replaced(stage, path, value)
    return changed


def _replaced(owner: Any, path: str, value: Any) -> Any:
    head, _, rest = path.partition(".")
    new = _replaced(getattr(owner, head), rest, value) if rest else value
    return dataclasses.replace(owner, **{head: new})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("method.learning_rate", 0.5),
        ("method.source_view", ViewPolicy()),
        ("method.strong_view.rotation_deg", 1.0),
        ("architecture.weights", 1),
        ("source", (Feed(ADULTS, "train", 5),)),
        ("source", (Feed(ADULTS, "train", 4, people=5),)),
        ("source", (Feed(ADULTS, "test", 4),)),
        ("source", (Feed(INFANTS, "train", 4),)),
        ("source", (Feed(ADULTS, "train", 4), Feed(INFANTS, "train", 1))),
        ("target.per_step", 3),
        ("target.population.brightness", 100),
        ("budget.steps", 11),
        ("budget.warmup_steps", 1),
        ("budget.decay", StepDecay((0.5,))),
        ("budget.weight_decay", 0.1),
        ("budget.clip_norm", 1.0),
        ("budget.threads", 1),
        ("budget.workers", 2),
        ("budget.workers", (1, 2)),
        ("budget.accumulate", 2),
        ("seed", 1),
        ("start", None),
        ("start.budget.steps", 9),
        ("start.method.learning_rate", 0.5),
        ("start.seed", 1),
    ],
)
def test_the_key_changes_with_whatever_decides_the_result(path: str, value: object) -> None:
    assert _changed(LAST, path, value).key() != LAST.key()


@pytest.mark.parametrize(
    ("path", "value"),
    [("name", "other"), ("budget.checkpoint_every", 3), ("start.name", "other")],
)
def test_the_key_does_not_change_with_what_decides_nothing(path: str, value: object) -> None:
    assert _changed(LAST, path, value).key() == LAST.key()


def test_the_key_changes_with_the_version_of_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LAST.key()
    monkeypatch.setattr(MeanTeacher, "version", MeanTeacher.version + 1)
    assert LAST.key() != before


def test_the_key_changes_with_the_version_of_training_where_there_is_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = dataclasses.replace(FIRST, budget=Budget(0))
    before = LAST.key(), published.key()
    monkeypatch.setattr("posebridge.stages.TRAINING_VERSION", 2)
    assert LAST.key() != before[0]
    assert published.key() == before[1]


def test_of_a_stage_without_steps_only_weights_and_method_count() -> None:
    """It learns nothing, so it is the same whatever it would have learnt from."""
    published = dataclasses.replace(FIRST, budget=Budget(0))
    assert published.key() == _changed(published, "source", ()).key()
    assert published.key() == _changed(published, "seed", 5).key()
    assert published.key() == _changed(published, "budget.threads", 1).key()
    assert published.key() != _changed(published, "architecture.weights", 1).key()
    assert published.key() != _changed(published, "start", FIRST).key()


def test_a_stage_survives_its_description() -> None:
    assert restore(describe(LAST)) == LAST
    assert restore(describe(LAST)).key() == LAST.key()


def test_a_chain_is_told_from_its_first_stage() -> None:
    assert [stage.name for stage in LAST.chain()] == ["pretrain", "adapt"]
    assert [feed.population for feed in LAST.feeds()] == [ADULTS, INFANTS]


def test_a_seed_is_that_of_the_whole_chain() -> None:
    assert [stage.seed for stage in reseed(LAST, 7).chain()] == [7, 7]
    assert reseed(LAST, 0) == LAST


def test_a_method_that_reads_a_target_gets_one() -> None:
    with pytest.raises(ValueError, match="'adapt': MeanTeacher reads a target, but got none"):
        dataclasses.replace(LAST, target=None)
    with pytest.raises(ValueError, match="'pretrain': Supervised reads none, but got one"):
        dataclasses.replace(FIRST, target=Feed(INFANTS, "train", 2))


def test_a_stage_that_trains_has_a_source() -> None:
    with pytest.raises(ValueError, match="'pretrain' trains, but has no source population"):
        dataclasses.replace(FIRST, source=())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "tset"}, "'toy' has the splits train, test, but got 'tset'"),
        ({"split": "validation"}, "has the splits train, test, but got 'validation'"),
        ({"per_step": 0}, "per_step must be at least 1, but got 0"),
        ({"people": 0}, "people must be between 1 and the 12 of split 'train', but got 0"),
        ({"people": 13}, "people must be between 1 and the 12 of split 'train', but got 13"),
    ],
)
def test_a_feed_asks_for_what_there_is(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Feed(ADULTS, "train", 4), **changes)


@pytest.mark.parametrize("changes", [{"steps": -1}, {"threads": 0}, {"checkpoint_every": 0}])
def test_a_budget_is_not_negative(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="steps must be at least 0, threads and checkpoint_every"):
        dataclasses.replace(Budget(1), **changes)


@pytest.mark.parametrize("changes", [{"warmup_steps": -1}, {"weight_decay": -0.1}])
def test_neither_warm_up_nor_weight_decay_is_negative(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="warmup_steps and weight_decay must be at least 0"):
        dataclasses.replace(Budget(1), **changes)


@pytest.mark.parametrize(
    "changes", [{"workers": 0}, {"workers": (0, 2)}, {"workers": (3, 2)}, {"accumulate": 0}]
)
def test_a_group_has_workers_and_parts(changes: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError, match=r"workers must be at least 1, or \(fewest, most\) of them"
    ):
        dataclasses.replace(Budget(1), **changes)


def test_every_worker_gets_people_in_every_part() -> None:
    """The target has two people a step."""
    for changes in ({"workers": 3}, {"workers": (1, 3)}, {"accumulate": 3}):
        budget = dataclasses.replace(LAST.budget, **changes)
        with pytest.raises(ValueError, match=r"'adapt': every part .* people, but per_step is 2"):
            dataclasses.replace(LAST, budget=budget)
    assert set_field(LAST, "adapt.workers", 2).budget.is_shared
    assert set_field(LAST, "adapt.workers", [1, 2]).budget.group == (1, 2)


def test_one_worker_and_one_part_leave_older_keys_as_they_are() -> None:
    assert not {"workers", "accumulate"} & LAST.budget.description().keys()
    assert not LAST.budget.is_shared
    assert not Budget(0, workers=2).is_shared


def test_factors_of_the_learning_rate() -> None:
    """Half a cosine is 1 at the start and 1/2 half way; a warm-up of 1 step begins at one half."""
    assert CosineDecay()(0.0) == 1.0
    assert CosineDecay()(0.5) == pytest.approx(0.5)
    assert StepDecay((0.5,), 0.1)(0.5) == pytest.approx(0.1)
    assert Budget(10).factor(0) == 1.0
    assert Budget(10, warmup_steps=1).factor(0) == 0.5
    assert Budget(0).factor(0) == 1.0


def _system(**changes: Any) -> System:
    return dataclasses.replace(System("adapted", "adapted", LAST), **changes)


def test_a_grid_gives_every_combination_in_the_order_of_its_declaration() -> None:
    system = _system(grid={"adapt.learning_rate": (1e-3, 1e-4), "pretrain.steps": (5, 6)})
    points = [point for point, _ in system.candidates()]
    assert points == [
        {"adapt.learning_rate": rate, "pretrain.steps": steps}
        for rate in (1e-3, 1e-4)
        for steps in (5, 6)
    ]
    _, last = system.candidates()[-1]
    assert last.grid == {}
    assert (last.stage.method.learning_rates(), last.stage.chain()[0].budget.steps) == (
        {"student": 1e-4},
        6,
    )


def test_without_a_grid_there_is_one_candidate() -> None:
    assert _system().candidates() == [({}, _system())]


def test_candidates_that_differ_in_the_last_stage_share_the_first() -> None:
    system = _system(grid={"adapt.learning_rate": (1e-3, 1e-4)})
    keys = [[stage.key() for stage in s.stage.chain()] for _, s in system.candidates()]
    assert keys[0][0] == keys[1][0]
    assert keys[0][1] != keys[1][1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "winner"}, "role must be one of floor, source-only, .* but got 'winner'"),
        ({"grid": {"adapt.momentun": (0.9,)}}, "no field 'momentun', did you mean 'momentum'"),
        (
            {"stage": dataclasses.replace(LAST, name="pretrain")},
            r"stage names of system 'adapted' must differ, but got \['pretrain', 'pretrain'\]",
        ),
    ],
)
def test_a_system_is_checked_when_it_is_declared(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _system(**changes)


def test_a_population_is_the_same_whatever_its_knobs_when_its_labels_are_read() -> None:
    assert _system().reads_labels_of(dataclasses.replace(ADULTS, brightness=9))
    published = dataclasses.replace(FIRST, budget=Budget(0))
    assert not System("published", "source-only", published).reads_labels_of(ADULTS)


def test_a_target_is_not_a_population_whose_labels_are_read() -> None:
    class Others(Toy):
        """Other people."""

        name = "others"

    stage = dataclasses.replace(LAST, target=Feed(Others(), "train", 2))
    assert not System("adapted", "adapted", stage).reads_labels_of(Others())


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("adapt.learning_rate", 0.5, lambda s: s.method.learning_rate),
        ("adapt.learning_rate", 1, lambda s: s.method.learning_rate),
        ("adapt.strong_view.flip", 0.5, lambda s: s.method.strong_view.flip),
        ("adapt.strong_view.scale", [0.5, 2.0], lambda s: list(s.method.strong_view.scale)),
        ("adapt.steps", 5, lambda s: s.budget.steps),
        ("adapt.clip_norm", 2.0, lambda s: s.budget.clip_norm),
        ("adapt.clip_norm", 2, lambda s: s.budget.clip_norm),
        ("pretrain.steps", 5, lambda s: s.start.budget.steps),
    ],
)
def test_a_field_is_replaced_wherever_it_lies(path: str, value: object, read: Any) -> None:
    changed = set_field(LAST, path, value)
    assert read(changed) == value
    assert changed != LAST
    assert isinstance(changed.method, MeanTeacher)
    assert isinstance(changed.method.learning_rate, float)
    assert isinstance(changed.method.strong_view.scale, tuple)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("adopt.steps", 5, r"no stage is called 'adopt', did you mean 'adapt'\? \(known: pretr"),
        ("zzz.steps", 5, r"no stage is called 'zzz' \(known: pretrain, adapt\)"),
        ("adapt.momentun", 5, r"'adapt' has no field 'momentun', did you mean 'momentum'\?"),
        ("adapt.step", 5, "did you mean 'steps'"),
        ("adapt", 5, "stage 'adapt' has no field ''"),
        (
            "adapt.strong_view.flp",
            0.5,
            "'adapt.strong_view.flp' leads nowhere: no field 'flp', did",
        ),
        ("adapt.steps.more", 5, "'adapt.steps.more' leads nowhere: no field 'more'"),
        ("adapt.steps", "many", r"adapt.steps is a int \(now 10\), but got 'many', a str"),
        ("adapt.steps", 1.5, "adapt.steps is a int .* but got 1.5, a float"),
        ("adapt.rectify", 1, "adapt.rectify is a bool .* but got 1, a int"),
        ("adapt.strong_view.flip", True, "is a float .* but got True, a bool"),
        ("adapt.momentum", float("nan"), "is a float .* but got nan, a float"),
        ("adapt.momentum", None, "is a float .* but got None, a NoneType"),
        ("adapt.clip_norm", "much", r"is a number or none \(now None\), but got 'much', a str"),
        ("adapt.strong_view.scale", [1, "a"], r"is a tuple .* but got \[1, 'a'\], a list"),
        ("adapt.strong_view.scale", [1, 2, 3], r"is a tuple .* but got \[1, 2, 3\], a list"),
        ("adapt.clip_norm", 0.0, "clip_norm must be positive, or None not to clip, but got 0.0"),
    ],
)
def test_a_wrong_field_is_answered_with_the_nearest_right_one(
    path: str, value: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        set_field(LAST, path, value)


def test_populations_are_replaced_along_the_chain_and_feeds_ask_for_no_more_than_there_is() -> (
    None
):
    stage = _changed(LAST, "source", (Feed(ADULTS, "train", 4, people=10),))
    small = map_populations(stage, lambda population: _replaced(population, "train", 5))
    assert [feed.population.splits()["train"] for feed in small.feeds()] == [5, 5]
    assert small.source[0].people == 5
    assert small.start is not None
    assert small.start.source[0].population.splits()["train"] == 5


CHANGED = dataclasses.replace(
    LAST, changes=((3, "learning_rate", 1e-5), (3, "momentum", 0.9), (7, "learning_rate", 1e-6))
)


def test_a_change_counts_from_its_step_on() -> None:
    rates = [CHANGED.method_at(step).learning_rates()["student"] for step in range(10)]
    first = LAST.method.learning_rates()["student"]
    assert rates == [first] * 3 + [1e-5] * 4 + [1e-6] * 3
    stages = [dataclasses.replace(LAST, method=method) for _, method in CHANGED.methods]
    momenta = [value_of(stage, "adapt.momentum") for stage in stages]
    assert momenta == [momenta[0], momenta[0], 0.9, 0.9]


def test_changes_are_part_of_the_key_and_none_of_an_older_one() -> None:
    assert "changes" not in LAST.description()
    assert CHANGED.key() != LAST.key()
    assert reseed(CHANGED, 5).changes == CHANGED.changes


def test_changes_can_be_set_and_read_like_a_field() -> None:
    listed = [[3, "learning_rate", 1e-5], [3, "momentum", 0.9], [7, "learning_rate", 1e-6]]
    assert set_field(LAST, "adapt.changes", listed) == CHANGED
    assert value_of(CHANGED, "adapt.changes") == CHANGED.changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (((0, "momentum", 0.9),), "in order of their steps, from 1 to 9, but got one of 'momentu"),
        (((10, "momentum", 0.9),), "from 1 to 9, but got one of 'momentum' at 10 after 0"),
        (((5, "momentum", 0.9), (4, "momentum", 0.8)), "got one of 'momentum' at 4 after 5"),
        (((5, "momentun", 0.9),), "no field 'momentun', did you mean 'momentum'"),
        (((5, "steps", 3),), "'adapt.steps' leads nowhere: no field 'steps'"),
        (((5, "momentum", "high"),), "adapt.momentum is a float .* but got 'high', a str"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LAST, changes=changes)
