from functools import cache

import numpy as np

from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.layers import OpenTop, Sole
from posebridge.synthesis.tailoring import FEET, Measures, Top, measure

TOP = Top(sleeve=1.9, hem=-0.1)


@cache
def _measures() -> Measures:
    body = Body.load()
    shaped = body.shape(Phenotype())
    bones = dict(zip(body.bone_names, shaped.bone_heads, strict=True))
    return measure(shaped.vertices, body.vertex_parts, bones)


def test_a_cardigan_is_a_shirt_that_is_open_in_front() -> None:
    measures = _measures()
    shirt, open_ = TOP.field(measures), OpenTop(TOP, gap=0.1).field(measures)
    assert (open_ <= shirt + 1e-6).all()
    x, y = measures.points[:, 0], measures.points[:, 1]
    behind = y > measures.hip[1] + 0.02
    np.testing.assert_array_equal(open_[behind], shirt[behind])
    middle = (np.abs(x) < 0.01) & (y < measures.hip[1]) & (shirt > 0)
    assert middle.any()
    assert (open_[middle] < 0).all()
    aside = (np.abs(x) > 0.12 * measures.torso_m) & (shirt > 0)
    assert (open_[aside] > 0).all()


def test_a_sole_is_the_bottom_of_the_feet() -> None:
    measures = _measures()
    inside = Sole(0.02).field(measures) > 0
    height = measures.points[:, 2] - measures.points[:, 2].min()
    np.testing.assert_array_equal(inside, measures.on(FEET) & (height < 0.02))
    assert inside.sum() > 20
