from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.body import PARTS, Body, Phenotype
from posebridge.synthesis.tailoring import (
    Bottom,
    Brief,
    Cut,
    Footwear,
    Measures,
    OnePiece,
    Top,
    measure,
)


@cache
def _measures(age: float) -> Measures:
    body = Body.load()
    shaped = body.shape(Phenotype(age=age))
    bones = dict(zip(body.bone_names, shaped.bone_heads, strict=True))
    return measure(shaped.vertices, body.vertex_parts, bones)


def _part(measures: Measures, name: str) -> np.ndarray:
    members = np.zeros(len(measures.points), bool)
    members[Body.load().group_vertices["body"]] = True
    return np.asarray(members & (measures.parts == PARTS.index(name)))


@pytest.mark.parametrize("age", [-0.3, 0.66])
def test_limb_coordinates_run_from_the_trunk_to_the_tips(age: float) -> None:
    measures = _measures(age)
    names = ("left_upper_arm", "left_forearm", "left_hand")
    arm = [measures.arm[_part(measures, name)].mean() for name in names]
    leg = [measures.leg[_part(measures, f"right_{n}")].mean() for n in ("thigh", "shin", "foot")]
    for upper, lower, tip in (arm, leg):
        np.testing.assert_allclose([upper, lower], [0.5, 1.5], atol=0.2)
        assert 2.2 < tip < 3.3
    assert measures.arm[measures.leg > 0.5].max() <= 0
    assert measures.leg[measures.arm > 0.5].max() <= 0


@pytest.mark.parametrize("age", [-0.3, 0.66])
def test_a_short_sleeve_ends_where_it_was_asked_to(age: float) -> None:
    measures = _measures(age)
    field = Top(sleeve=0.5, hem=0.0).field(measures)
    upper = _part(measures, "left_upper_arm")
    assert (field[upper & (measures.arm < 0.45) & (measures.arm > 0.2)] > 0).all()
    assert (field[upper & (measures.arm > 0.5)] < 0).all()
    assert (field[_part(measures, "right_hand")] < 0).all()


@pytest.mark.parametrize(
    ("cut", "worn", "bare"),
    [
        (Top(sleeve=0.5, hem=0.0), (), ("head", "left_shin", "right_hand", "left_foot")),
        (Bottom(leg=1.9), ("left_thigh",), ("head", "left_hand", "right_forearm")),
        (Brief(), (), ("head", "left_shin", "right_foot", "left_hand")),
        (OnePiece(sleeve=1.9, leg=3.5), ("left_thigh", "right_shin"), ("head",)),
        (Footwear(1.9), (), ("head", "left_hand", "torso", "right_thigh")),
    ],
)
def test_a_cut_covers_its_parts_and_no_others(
    cut: Cut, worn: tuple[str, ...], bare: tuple[str, ...]
) -> None:
    measures = _measures(-0.3)
    field = cut.field(measures)
    for name in worn:
        assert (field[_part(measures, name)] > 0).mean() > 0.95, name
    for name in bare:
        assert (field[_part(measures, name)] < 0).all(), name


def test_a_diaper_covers_the_hips_and_leaves_the_knees() -> None:
    measures = _measures(-0.3)
    field = Brief(waist=0.35, rise=0.7).field(measures)
    torso = _part(measures, "torso")
    middle = np.abs(measures.points[:, 0]) < 0.3 * measures.hip[0]
    assert (field[torso & middle & (measures.height < 0.3)] > 0).all()
    assert (field[torso & (measures.height > 0.36)] < 0).all()
    assert (field[measures.leg > 0.5] < 0).all()


def test_garments_are_as_symmetric_as_the_body() -> None:
    measures = _measures(-0.3)
    for cut in (Brief(), OnePiece(sleeve=0.5, leg=0.0), Top(sleeve=0.02, hem=0.1)):
        inside = cut.field(measures) > 0
        left, right = (inside[measures.points[:, 0] * sign > 0.003].mean() for sign in (1, -1))
        assert left == pytest.approx(right, abs=0.01)
