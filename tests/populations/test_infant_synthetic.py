from functools import cache

import numpy as np

from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.populations.people import Sample

FINGERPRINT = "395164ecda59"
"""What published results stand on."""


@cache
def _sample(index: int) -> Sample:
    return InfantSynthetic().render("train", index)


def test_the_embedded_sizes_are_those_of_the_design() -> None:
    assert InfantSynthetic().splits() == {"train": 500, "validation": 100}


def test_the_same_index_gives_the_same_bytes() -> None:
    assert vars(InfantSynthetic().render("train", 0).image) == vars(_sample(0).image)


def test_infants_lie_nearly_upright_and_in_plain_view() -> None:
    for index in range(3):
        person = _sample(index).people[0]
        assert abs(float(person.attributes["rotation_deg"])) <= 25.0
        assert person.attributes["posture"] == "supine"
        assert (person.visibility == 2).mean() > 0.6
        nose, hips = person.keypoints[0], person.keypoints[11:13].mean(axis=0)
        assert nose[1] < hips[1]


def test_a_supine_infant_has_its_left_on_the_right_of_the_picture() -> None:
    """Its face is towards the camera; a roll of the trunk may not turn it over."""
    for index in range(3):
        x = _sample(index).people[0].keypoints[:, 0]
        assert x[5] > x[6]
        assert x[11] > x[12]


def test_the_rotation_knob_turns_the_picture_and_nothing_else() -> None:
    level = InfantSynthetic(rotation_deg=0.0).render("train", 0).people[0]
    turned = _sample(0).people[0]
    assert level.attributes["rotation_deg"] in ("0.0", "-0.0")
    assert level.keypoints_3d_mm is not None
    assert turned.keypoints_3d_mm is not None
    np.testing.assert_allclose(level.keypoints_3d_mm[:, 2], turned.keypoints_3d_mm[:, 2], atol=0.1)


def test_poses_and_views_change_no_address_while_they_are_the_usual_ones() -> None:
    usual = InfantSynthetic()
    assert usual.fingerprint() == FINGERPRINT
    assert usual.label == "infant-synthetic"
    seated = InfantSynthetic(poses=("sitting",), view="diagonal")
    assert seated.fingerprint() != FINGERPRINT
    assert seated.label == "infant-synthetic sitting diagonal"
    assert seated.render("train", 0).people[0].attributes["posture"] == "sitting"
