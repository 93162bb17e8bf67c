import numpy as np

from posebridge.engine.overlay import LEFT, MIDDLE, RIGHT, overlay, side_color
from posebridge.skeletons import COCO17

GREY = np.full((600, 400, 3), 90, np.uint8)


def person(*, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Both lower arms, each an upright line; nothing else."""
    keypoints = np.full((17, 2), np.nan)
    for name, place in {
        "left_elbow": (300, 100),
        "left_wrist": (300, 300),
        "right_elbow": (100, 100),
        "right_wrist": (100, 300),
    }.items():
        keypoints[COCO17.index(name)] = place
    return keypoints, np.full(17, confidence)


def test_limbs_have_the_colour_of_their_side() -> None:
    drawn = overlay(GREY, [person(confidence=0.9)], COCO17)
    assert drawn.shape == GREY.shape
    assert tuple(drawn[200, 300]) == LEFT
    assert tuple(drawn[200, 100]) == RIGHT
    assert tuple(drawn[200, 200]) == (90, 90, 90)


def test_unsure_limbs_are_thinner() -> None:
    sure, unsure = (overlay(GREY, [person(confidence=c)], COCO17) for c in (0.9, 0.1))
    thick, thin = ((picture[200] != 90).any(axis=1).sum() for picture in (sure, unsure))
    assert 0 < thin < thick


def test_the_two_sides_are_told_apart_without_hue() -> None:
    """Blue against orange: their luminance differs by more than a tenth of the range."""
    weights = np.array([0.0722, 0.7152, 0.2126])
    assert abs(weights @ LEFT - weights @ RIGHT) > 25


def test_a_limb_across_belongs_to_no_side() -> None:
    shoulders = COCO17.index("left_shoulder"), COCO17.index("right_shoulder")
    assert side_color(COCO17, *shoulders) == MIDDLE
    assert side_color(COCO17, 0, COCO17.index("left_eye")) == LEFT
    assert side_color(COCO17, 0) == MIDDLE


def test_a_small_image_is_enlarged_by_a_whole_number() -> None:
    assert overlay(GREY[:100, :200], [], COCO17).shape == (200, 400, 3)


def test_the_image_is_not_changed_and_nobody_leaves_it_as_it_is() -> None:
    before = GREY.copy()
    assert np.array_equal(overlay(GREY, [], COCO17), before)
    overlay(GREY, [person(confidence=0.9)], COCO17)
    assert np.array_equal(GREY, before)


def test_keypoints_far_outside_or_missing_are_no_error() -> None:
    keypoints, confidence = person(confidence=0.9)
    keypoints[0] = (1e9, -1e9)
    overlay(GREY, [(keypoints, confidence)], COCO17)
