from pathlib import Path

import numpy as np
import pytest

from engine.people import ADULTS, INFANTS, Torn, make, supervised
from populations.toy import HEIGHT, WIDTH, Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.evaluate import evaluate_stage
from posebridge.engine.gallery import TILE_WIDTH, TITLE_HEIGHT, gallery
from posebridge.engine.run import Plan
from posebridge.engine.work import train_stage
from posebridge.experiment import Experiment
from posebridge.selection import SourceValidation
from posebridge.stages import System

STAGE = supervised(0, name="published", source=())
STRIP = TITLE_HEIGHT + TILE_WIDTH * HEIGHT // WIDTH


def _plan(store: Store, population: Toy) -> Plan:
    systems = (System("published", "source-only", STAGE),)
    return Plan(Experiment("question", systems, (population,), SourceValidation()), store)


def _drawn(store: Store, population: Toy, *, people: int) -> np.ndarray:
    plan = _plan(store, population)
    train_stage(store.uri, STAGE, False)
    evaluate_stage(store.uri, STAGE, population, "test")
    picture: np.ndarray = gallery(plan, plan.choose(), people=people)
    return picture


def test_the_truth_and_every_system_have_a_row_of_the_first_people(store: Store) -> None:
    picture = _drawn(store, INFANTS, people=3)
    assert picture.shape == (2 * STRIP, 3 * TILE_WIDTH, 3)
    fewer = _drawn(store, INFANTS, people=2)
    np.testing.assert_array_equal(fewer, picture[:, : 2 * TILE_WIDTH])


def test_rows_show_the_same_people_with_other_keypoints(store: Store) -> None:
    picture = _drawn(store, ADULTS, people=2).astype(int)
    truth, guess = picture[TITLE_HEIGHT:STRIP], picture[STRIP + TITLE_HEIGHT :]
    changed = np.abs(truth - guess).max(axis=-1) > 0
    assert 0.01 < changed.mean() < 0.9


def test_no_more_people_are_drawn_than_there_are(store: Store) -> None:
    assert _drawn(store, INFANTS, people=100).shape[1] == 7 * TILE_WIDTH


def test_people_whose_image_does_not_decode_are_left_out(tmp_path: Path) -> None:
    store, torn = Store(str(tmp_path)), Torn()
    make(store, [torn])
    # The first image, of two people, is cut, and so is every third after it.
    assert _drawn(store, torn, people=4).shape[1] == 2 * TILE_WIDTH
    with pytest.raises(
        ValueError, match="the first 2 people must have an image that decodes, but"
    ):
        _drawn(store, torn, people=2)
