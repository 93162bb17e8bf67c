"""Where keypoints lie in their person's box, and what one scores who only knows that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from posebridge.metrics.errors import box_size, keypoint_distances
from posebridge.metrics.floors import into_box, mean_pose, predict_mean_pose, shuffled_truth
from posebridge.metrics.pck import pck
from posebridge.populations.card.labels import SplitLabels
from posebridge.skeletons import Skeleton

CELLS = 24
"""Cells of a map along each side of the box."""
MARGIN = 3
"""Cells around the box on every side."""
OUTSIDE = 0.01
"""How far from the box, as a share of its side, a keypoint may lie before it counts as outside."""
TRAIN = "train"
OTHER = "other"


@dataclass(frozen=True)
class Place:
    """Where one keypoint lies, in shares of the box's width and height from its top-left corner.

    Attributes:
        keypoint: its name.
        part: of the body, such as "wrist".
        labelled: people who have it.
        mean: (x, y), NaN where nobody has it.
        deviation: standard deviations of x and y.
        outside: people whose keypoint lies outside their box.
    """

    keypoint: str
    part: str
    labelled: int
    mean: tuple[float, float]
    deviation: tuple[float, float]
    outside: int


@dataclass(frozen=True)
class Density:
    """How often the keypoints of a part of the body lie in each cell of the box and its margin.

    Attributes:
        part: such as "wrist".
        side: "left" or "right" of the person; empty for the midline.
        counts: rows from the top down, each from the left to the right.
    """

    part: str
    side: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Floors:
    """What is scored on a split without looking: PCK@0.05 of the box's longer side, in [0, 1].

    Attributes:
        split: whose people are guessed.
        mean_pose: by the mean pose of train; NaN where there is no such split.
        shuffled: by another person's pose, fitted into one's box; NaN for a single person.
        keypoints: that were asked for.
    """

    split: str
    mean_pose: float
    shuffled: float
    keypoints: int


def places(labels: SplitLabels, skeleton: Skeleton) -> tuple[Place, ...]:
    """Where each keypoint lies, in the order of the skeleton."""
    part_of = {index: part for part, members in parts(skeleton).items() for index in members}
    return tuple(
        _place(name, part_of[index], _shares(labels, index))
        for index, name in enumerate(skeleton.keypoints)
    )


def densities(labels: SplitLabels, skeleton: Skeleton) -> tuple[Density, ...]:
    """Maps of the parts of the body, one for each side that a part has."""
    found: dict[tuple[str, str], np.ndarray] = {}
    for part, members in parts(skeleton).items():
        for index in members:
            side = skeleton.side(index) or ""
            counts = cell_counts(_shares(labels, index))
            found[part, side] = found.get((part, side), 0) + counts
    return tuple(
        Density(part, side, tuple(tuple(row) for row in counts.tolist()))
        for (part, side), counts in found.items()
    )


def parts(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """Keypoints of each part of the body that there are; what is in no group is `OTHER`."""
    groups = dict(skeleton.groups)
    grouped = {index for members in groups.values() for index in members}
    groups[OTHER] = tuple(i for i in range(skeleton.num_keypoints) if i not in grouped)
    return {name: members for name, members in groups.items() if members}


def cell_counts(shares: Float[np.ndarray, "point 2"]) -> np.ndarray:
    """Points in each cell [row, column]; those beyond the margin count in its outermost cells."""
    size = CELLS + 2 * MARGIN
    cells = np.floor(shares * CELLS).astype(np.int64) + MARGIN
    column, row = np.clip(cells, 0, size - 1).T
    return np.bincount(row * size + column, minlength=size * size).reshape(size, size)


def floors(labels: Mapping[str, SplitLabels]) -> tuple[Floors, ...]:
    """The floors of every split that has people, as leaderboards print them.

    Args:
        labels: of each split.
    """
    train = labels.get(TRAIN)
    mean = None
    if train is not None and len(train):
        mean = mean_pose(train.keypoints, train.labelled, train.boxes)
    return tuple(_floors(split, part, mean) for split, part in labels.items() if len(part))


def _floors(
    split: str, labels: SplitLabels, mean: Float[np.ndarray, "keypoint 2"] | None
) -> Floors:
    by_mean, shuffled = float("nan"), float("nan")
    if mean is not None:
        by_mean = _pck(predict_mean_pose(mean, labels.boxes), labels)
    if len(labels) > 1:
        guess = shuffled_truth(labels.keypoints, labels.labelled, labels.boxes, seed=0)
        shuffled = _pck(guess, labels)
    return Floors(split, by_mean, shuffled, int(labels.labelled.sum()))


def _pck(guess: Float[np.ndarray, "person keypoint 2"], labels: SplitLabels) -> float:
    distances = keypoint_distances(guess, labels.keypoints, labels.labelled)
    return pck(distances, labels.labelled, box_size(labels.boxes)).value


def _shares(labels: SplitLabels, keypoint: int) -> Float[np.ndarray, "point 2"]:
    """One keypoint of the people who have it, in shares of their boxes."""
    known: Bool[np.ndarray, " person"] = labels.visibility[:, keypoint] > 0
    points: Float[np.ndarray, "point 2"] = into_box(
        labels.keypoints[known, keypoint, None], labels.boxes[known]
    )[:, 0]
    return points


def _place(name: str, part: str, shares: Float[np.ndarray, "point 2"]) -> Place:
    count, nowhere = len(shares), (float("nan"), float("nan"))
    mean, deviation = nowhere, nowhere
    if count:
        (x, y), (x_deviation, y_deviation) = shares.mean(0).tolist(), shares.std(0).tolist()
        mean, deviation = (x, y), (x_deviation, y_deviation)
    outside = ((shares < -OUTSIDE) | (shares > 1.0 + OUTSIDE)).any(1)
    return Place(name, part, count, mean, deviation, int(outside.sum()))
