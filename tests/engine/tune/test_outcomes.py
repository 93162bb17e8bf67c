"""Outcomes in the store, and what people see of them."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.tune.test_proposals import SEARCH
from posebridge.engine.artifacts import Store
from posebridge.engine.tune.outcomes import (
    Outcome,
    Proposal,
    State,
    read_outcome,
    read_outcomes,
    write_outcome,
)
from posebridge.engine.tune.pictures import Found, best_so_far, sweep_picture, window
from posebridge.engine.tune.results import pareto_front
from posebridge.engine.tune.show import number_text, one_line, time_left

VALUES = {"adapt.learning_rate": 1e-3, "adapt.momentum": 0.95, "adapt.teacher_views": 2}


def ended(number: int, score: float, state: State = State.COMPLETE, **cost: float) -> Outcome:
    cause = "FloatingPointError: heatmap" if state is State.FAILED else ""
    return Outcome(Proposal(number, "adapt", VALUES), state, score, cause, {5: score}, cost=cost)


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    outcome = ended(3, 0.5, steps=10.0)
    write_outcome(store, "sweep", outcome)
    assert read_outcome(store, "sweep", 3) == outcome
    assert read_outcomes(store, "sweep") == {3: outcome}


def test_what_has_not_ended_has_no_outcome(tmp_path: Path) -> None:
    assert read_outcome(Store(str(tmp_path)), "sweep", 0) is None
    assert read_outcomes(Store(str(tmp_path)), "sweep") == {}


def test_no_score_stays_no_score(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    write_outcome(store, "sweep", ended(0, math.nan, State.FAILED, seconds=math.nan))
    found = read_outcome(store, "sweep", 0)
    assert found is not None
    assert math.isnan(found.score)
    assert math.isnan(found.cost["seconds"])
    assert math.isnan(found.rungs[5])


def test_the_best_so_far_never_falls_and_failures_are_no_scores() -> None:
    outcomes = [ended(2, 0.3), ended(0, 0.2), ended(3, math.nan, State.FAILED), ended(1, 0.1)]
    numbers, scores = best_so_far(outcomes)
    assert numbers == [0, 1, 2]
    assert scores == pytest.approx([20.0, 20.0, 30.0])


def test_a_front_is_what_nothing_beats_in_score_and_cost() -> None:
    cheap, dear, worse = ended(0, 0.2, steps=1), ended(1, 0.5, steps=9), ended(2, 0.1, steps=5)
    equal, failed = ended(3, 0.2, steps=1), ended(4, math.nan, State.FAILED, steps=0)
    assert pareto_front([dear, worse, equal, cheap, failed], "steps") == [cheap, dear]


def test_a_panel_shows_the_better_half_and_twice_as_much_below_it() -> None:
    """The median of 0, 0, 43, 91, 92, 93, 94 is 91: the better half is 3 high."""
    assert window([0, 94, 43, 91, math.nan, 92, 93, 0]) == pytest.approx((85.0, 95.5))


@pytest.mark.parametrize(
    "scores", [[], [5.0], [1, 2, 3, 4, 5], [7, 7, 7], [7, 7, 7, 0], [math.nan]]
)
def test_a_panel_shows_everything_where_nothing_lies_far_below(scores: list[float]) -> None:
    assert window(scores) is None


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_picture_is_drawn_of_any_sweep(count: int) -> None:
    states = [State.COMPLETE, State.PRUNED, State.FAILED]
    outcomes = [ended(n, n / 10, states[n % 3]) for n in range(count)]
    won = frozenset({0})
    content = sweep_picture(
        Found(outcomes, won, SEARCH.space, {"adapt.momentum": 0.8}, "best pck_box", 9)
    )
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.std() > 1


def test_a_line_says_what_was_tried_and_what_became_of_it() -> None:
    said = one_line(ended(3, 0.51234))
    assert said.startswith("proposal 3: complete, 51.23 (adapt.learning_rate = 0.001, ")
    assert "failed, FloatingPointError: heatmap" in one_line(ended(4, math.nan, State.FAILED))
    assert number_text(math.nan) == "–"


def test_the_time_that_is_left_is_that_of_the_rest_by_as_many_as_run() -> None:
    """12 to do, 3 at once, 60 s each: 4 minutes."""
    assert time_left(12, 3, [50.0, 60.0, 70.0]) == "about 4 min left"
    assert time_left(1, 1, [5.0]) == "less than a minute left"
    assert time_left(12, 3, []) == ""
    assert time_left(0, 0, [60.0]) == ""
