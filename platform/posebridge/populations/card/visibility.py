"""What is seen of people: which keypoints, how much of a person, and how large."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.populations.card.labels import SplitLabels
from posebridge.populations.card.quantities import Histogram, Summary, histogram, summary
from posebridge.skeletons import Skeleton

HIDDEN, SEEN = 1, 2
BORDER_PX = 1.0
"""A box that ends this near to the border of the image is cut by it."""
MANY = 5
"""Sizes of images that are named."""
MOST_BARS = 32
"""Of the histogram of hidden keypoints; a skeleton with more keypoints has several in a bar."""
SIDE_EDGES = tuple(2.0 ** (step / 4.0) for step in range(12, 49))
"""8 to 4096 px, four steps to an octave."""
AREA_EDGES = tuple(2.0 ** (step / 4.0) for step in range(-40, 1))
"""0.1 to 100 % of the image, four steps to an octave."""
# https://cocodataset.org/#keypoints-eval, where a segment's area counts and not a box's.
_SMALL, _MEDIUM = 32.0**2, 96.0**2


@dataclass(frozen=True)
class KeypointVisibility:
    """How many people have a keypoint not labelled, labelled but hidden, and seen."""

    keypoint: str
    not_labelled: int
    hidden: int
    seen: int


@dataclass(frozen=True)
class Occlusion:
    """How much of people is hidden.

    Attributes:
        unlabelled: people without any labelled keypoint; they are in none of the following.
        hidden: share of each person's labelled keypoints that is hidden.
        hidden_histogram: how many keypoints of a person are hidden.
        cut: people whose box the border of the image cuts, unlabelled people too.
    """

    unlabelled: int
    hidden: Summary
    hidden_histogram: Histogram
    cut: int


@dataclass(frozen=True)
class Sizes:
    """How large people are.

    Attributes:
        width: of the boxes, px.
        height: of the boxes, px.
        side: the longer side of the boxes, px.
        side_histogram: from 8 to 4096 px, four steps to an octave.
        area: share of the image that the part of the box inside it takes.
        area_histogram: from 0.1 to 100 %, four steps to an octave.
        small: people whose box has less than 32² px².
        medium: others whose box has less than 96² px².
        large: all others.
        images: people by the size of their image, the most frequent "width × height" and "other".
        crowds: images by how many people are in them, `count` as text.
    """

    width: Summary
    height: Summary
    side: Summary
    side_histogram: Histogram
    area: Summary
    area_histogram: Histogram
    small: int
    medium: int
    large: int
    images: dict[str, int]
    crowds: dict[str, int]


def visibility(labels: SplitLabels, skeleton: Skeleton) -> tuple[KeypointVisibility, ...]:
    """How often each keypoint is seen, in the order of the skeleton."""
    levels = [(labels.visibility == level).sum(0).tolist() for level in (0, HIDDEN, SEEN)]
    return tuple(KeypointVisibility(*row) for row in zip(skeleton.keypoints, *levels, strict=True))


def occlusion(labels: SplitLabels) -> Occlusion:
    """How much of people is hidden."""
    labelled = labels.labelled.sum(1)
    hidden = (labels.visibility == HIDDEN).sum(1)
    shares = np.where(labelled > 0, hidden / np.maximum(labelled, 1), np.nan)
    count = labels.visibility.shape[1]
    step = -(-(count + 1) // MOST_BARS)
    edges = [float(edge) for edge in range(0, count + step + 1, step)]
    left, top, right, bottom = _ends(labels)
    width, height = labels.image_sizes.T.astype(np.float64)
    cut = (left <= BORDER_PX) | (top <= BORDER_PX)
    cut |= (right >= width - BORDER_PX) | (bottom >= height - BORDER_PX)
    return Occlusion(
        unlabelled=int((labelled == 0).sum()),
        hidden=summary(shares),
        hidden_histogram=histogram(np.where(labelled > 0, hidden, np.nan), edges),
        cut=int(cut.sum()),
    )


def sizes(labels: SplitLabels) -> Sizes:
    """How large people are."""
    width, height = labels.boxes[:, 2:].T.astype(np.float64)
    side, box_area = np.maximum(width, height), width * height
    left, top, right, bottom = _ends(labels)
    image_width, image_height = labels.image_sizes.T.astype(np.float64)
    inside_x = np.minimum(right, image_width) - np.maximum(left, 0.0)
    inside_y = np.minimum(bottom, image_height) - np.maximum(top, 0.0)
    area = inside_x * inside_y / (image_width * image_height)
    small, medium = int((box_area < _SMALL).sum()), int((box_area < _MEDIUM).sum())
    return Sizes(
        width=summary(width),
        height=summary(height),
        side=summary(side),
        side_histogram=histogram(side, SIDE_EDGES),
        area=summary(area),
        area_histogram=histogram(area, AREA_EDGES),
        small=small,
        medium=medium - small,
        large=len(labels) - medium,
        images=_image_sizes(labels),
        crowds=_crowds(labels),
    )


def _ends(labels: SplitLabels) -> tuple[Float[np.ndarray, " person"], ...]:
    """Left, top, right and bottom of every box, px."""
    left, top, width, height = labels.boxes.T.astype(np.float64)
    return left, top, left + width, top + height


def _image_sizes(labels: SplitLabels) -> dict[str, int]:
    found, counts = np.unique(labels.image_sizes.astype(np.int64), axis=0, return_counts=True)
    named = Counter(
        {
            f"{width} × {height}": count
            for (width, height), count in zip(found.tolist(), counts.tolist(), strict=True)
        }
    )
    told = dict(named.most_common(MANY))
    rest = len(labels) - sum(told.values())
    return told | ({"other": rest} if rest else {})


def _crowds(labels: SplitLabels) -> dict[str, int]:
    crowds = Counter(labels.people_in.values())
    return {str(count): crowds[count] for count in sorted(crowds)}
