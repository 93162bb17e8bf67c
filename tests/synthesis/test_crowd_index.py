import numpy as np
import pytest

from posebridge.synthesis.crowd_index import crowd_index, crowd_level


def test_the_index_is_the_mean_share_of_strange_keypoints() -> None:
    """A holds one of B's 2 and one of C's: 2/2. B holds none: 0. C (one label) one of A's: 1/1."""
    keypoints = np.array(
        [[[1.0, 1.0], [4.0, 4.0]], [[5.0, 5.0], [20.0, 20.0]], [[3.0, 3.0], [99.0, 99.0]]]
    )
    labelled = np.array([[True, True], [True, True], [True, False]])
    boxes = np.array([[0.0, 0.0, 6.0, 6.0], [4.5, 4.5, 20.0, 20.0], [2.5, 2.5, 2.0, 2.0]])
    assert crowd_index(keypoints, labelled, boxes) == pytest.approx((2 / 2 + 0 + 1 / 1) / 3)


def test_hidden_labels_count_and_missing_ones_do_not() -> None:
    keypoints = np.array([[[1.0, 1.0]], [[2.0, 2.0]]])
    boxes = np.array([[0.0, 0.0, 3.0, 3.0], [0.0, 0.0, 3.0, 3.0]])
    assert crowd_index(keypoints, np.array([[True], [True]]), boxes) == 1.0
    assert crowd_index(keypoints, np.array([[True], [False]]), boxes) == 0.0
    assert np.isnan(crowd_index(keypoints, np.array([[False], [False]]), boxes))


@pytest.mark.parametrize(
    ("index", "level"),
    [(0.0, "easy"), (0.1, "easy"), (0.11, "medium"), (0.8, "medium"), (0.81, "hard")],
)
def test_levels_have_the_limits_of_the_paper(index: float, level: str) -> None:
    assert crowd_level(index) == level
