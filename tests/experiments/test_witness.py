"""The second opinion on rendered people, by the real networks that are here."""

import os
from pathlib import Path

import numpy as np
import pytest

import benchmark_witness
from posebridge.networks.blazepose import weights_path
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.people import Person

PEOPLE = 12


def _person(shoulders: tuple[float, float], hips: tuple[float, float]) -> Person:
    keypoints = np.zeros((17, 2), np.float32)
    keypoints[benchmark_witness.SHOULDERS] = shoulders
    keypoints[benchmark_witness.HIPS] = hips
    visibility = np.full(17, 2, np.uint8)
    return Person("p", "i", np.array([0, 0, 9, 9], np.float32), keypoints, visibility, 1.0, "s")


def test_without_its_weights_blazepose_is_left_out_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    witnesses, absent = benchmark_witness.called()
    assert [witness.name for witness in witnesses] == ["Thunder"]
    assert "run `python -m posebridge.networks.blazepose`, once" in absent["BlazePose"]


@pytest.mark.parametrize(
    ("shoulders", "degrees"),
    [((5, 1), 0), ((9, 5), 90), ((5, 9), 180), ((1, 5), -90)],
)
def test_turned_by_their_lean_people_stand_head_up(
    shoulders: tuple[float, float], degrees: float
) -> None:
    lean = benchmark_witness.lean(_person(shoulders, (5, 5)))
    assert np.rad2deg(lean) == pytest.approx(degrees)
    spine = benchmark_witness.rotation(-lean) @ (np.array(shoulders) - 5)
    np.testing.assert_allclose(spine, (0, -4), atol=1e-6)


def test_joints_are_counted_where_they_are_visible_and_by_picture() -> None:
    nan = np.nan
    errors = [
        ("a", np.array([0.01] * 16 + [nan]), np.array([0.2] * 16 + [nan])),
        ("a", np.array([0.01, 0.06] + [nan] * 15), np.array([0.02, 0.02] + [nan] * 15)),
        ("b", np.full(17, nan), np.full(17, nan)),
    ]
    told = benchmark_witness.testimony(errors)
    assert told.visible.estimate == pytest.approx(17 / 18)
    assert told.visible.num_people == 2
    assert told.exchanged == pytest.approx(2 / 18)
    assert told.sides_agree == 0.5


@pytest.mark.slow
def test_every_witness_finds_the_joints_of_adults_on_their_own_side() -> None:
    witnesses, absent = benchmark_witness.called()
    found = benchmark_witness.questioned(Adult(test=PEOPLE), witnesses)
    assert set(found) | set(absent) == {"Thunder", "BlazePose"}
    for by_way in found.values():
        assert by_way["head up"].visible.estimate > 0.98
        assert by_way["head up"].exchanged < 0.4
        assert by_way["head up"].sides_agree > 0.9


@pytest.mark.slow
@pytest.mark.skipif(
    not weights_path(os.environ).is_file(),
    reason="no weights: run `python -m posebridge.networks.blazepose`",
)
def test_blazepose_loses_infants_that_lie_any_way_up_and_finds_most_once_turned() -> None:
    witnesses, absent = benchmark_witness.called()
    if absent:
        pytest.skip(absent["BlazePose"])
    found = benchmark_witness.questioned(InfantReal(test=PEOPLE), witnesses)["BlazePose"]
    assert found["as they lie"].visible.estimate < 0.5
    assert found["head up"].visible.estimate > 0.7
