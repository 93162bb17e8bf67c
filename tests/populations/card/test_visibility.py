import math

import numpy as np
import pytest

from populations.card.made import split_labels
from posebridge.populations.card.labels import joined
from posebridge.populations.card.visibility import occlusion, sizes, visibility
from posebridge.skeletons import COCO17


def test_each_keypoint_is_counted_by_how_it_is_seen() -> None:
    levels = np.zeros((3, 17))
    levels[:, 0] = [0, 1, 2]
    levels[:, 1] = [2, 2, 1]
    told = visibility(split_labels(np.zeros((3, 17, 2)), visibility=levels), COCO17)
    assert (told[0].not_labelled, told[0].hidden, told[0].seen) == (1, 1, 1)
    assert (told[1].not_labelled, told[1].hidden, told[1].seen) == (0, 1, 2)
    assert (told[16].keypoint, told[16].not_labelled) == ("right_ankle", 3)


def test_the_share_that_is_hidden_is_of_labelled_keypoints() -> None:
    """Of 4 labelled one is hidden, then of 2 both; the third person has no label."""
    levels = np.zeros((3, 17))
    levels[0, :4] = [1, 2, 2, 2]
    levels[1, :2] = 1
    told = occlusion(split_labels(np.zeros((3, 17, 2)), visibility=levels))
    assert told.unlabelled == 1
    assert (told.hidden.count, told.hidden.minimum, told.hidden.maximum) == (2, 0.25, 1.0)
    assert told.hidden_histogram.counts == (0, 1, 1, *[0] * 15)
    assert told.hidden_histogram.edges == tuple(float(edge) for edge in range(19))


def test_hidden_keypoints_of_a_large_skeleton_share_bars() -> None:
    """308 keypoints: 0 to 308 in steps of 10."""
    told = occlusion(split_labels(np.zeros((1, 308, 2)), visibility=np.full((1, 308), 1)))
    counts, edges = told.hidden_histogram.counts, told.hidden_histogram.edges
    assert (edges[1], len(counts), counts[30], sum(counts)) == (10.0, 31, 1, 1)


def test_a_box_at_the_border_is_cut() -> None:
    boxes = np.array([[5.0, 5, 50, 50], [0.5, 5, 50, 50], [5, 5, 95, 50], [5, 5, 50, 94.5]])
    told = occlusion(split_labels(np.zeros((4, 17, 2)), boxes=boxes))
    assert told.cut == 3


def test_sizes_are_of_boxes_and_shares_of_what_is_inside_the_image() -> None:
    """A box of 30 × 20, and one of 200 × 100 of which half is inside an image of 200 × 100."""
    boxes = np.array([[10.0, 10, 30, 20], [100, 0, 200, 100]])
    told = sizes(split_labels(np.zeros((2, 17, 2)), boxes=boxes, image_size=(200.0, 100.0)))
    assert (told.side.minimum, told.side.maximum) == (30.0, 200.0)
    assert (told.width.maximum, told.height.maximum) == (200.0, 100.0)
    assert told.area.minimum == pytest.approx(0.03)
    assert told.area.maximum == pytest.approx(0.5)
    assert (told.small, told.medium, told.large) == (1, 0, 1)
    assert told.images == {"200 × 100": 2}
    assert told.crowds == {"1": 2}


def test_many_sizes_of_images_are_told_together() -> None:
    parts = [
        split_labels(np.zeros((1, 17, 2)), image_size=(100.0 + number, 100.0))
        for number in range(8)
    ]
    told = sizes(joined(parts, 17)).images
    assert told["other"] == 3
    assert len(told) == 6
    assert sum(told.values()) == 8


def test_of_nobody_no_size_is_known() -> None:
    told = sizes(split_labels(np.zeros((0, 17, 2))))
    assert math.isnan(told.side.median)
    assert (told.small, told.large, told.images, told.crowds) == (0, 0, {}, {})
