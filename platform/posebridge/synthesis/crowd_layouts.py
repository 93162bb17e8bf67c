"""Where the people of a crowd stand, so that they overlap in the picture as much as asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.camera import Camera
from posebridge.synthesis.crowd_index import crowd_index
from posebridge.synthesis.framing import View, framed
from posebridge.synthesis.people import Figure
from posebridge.synthesis.vectors import bounds

Spots = Float[np.ndarray, "person 2"]

_SPACINGS_M = np.geomspace(0.12, 1.3, 14)  # between neighbours, across the view
_CLEARANCE_M = 0.17  # between keypoints of two people, so that no limb passes through another
_COARSE = 40  # every so manieth vertex stands for the skin


@dataclass(frozen=True, eq=False)
class Layout:
    """Places of people on the floor, and the camera that sees them all.

    Attributes:
        spots: (x, y) of each person, metres.
        camera: holds everybody.
        index: crowd index of the picture, about.
        clearance_m: least distance between keypoints of two people.
    """

    spots: Spots
    camera: Camera
    index: float
    clearance_m: float


def draw_layout(
    rng: np.random.Generator, figures: Sequence[Figure], view: View, *, wanted: float
) -> Layout:
    """The arrangement whose crowd index comes nearest to the one wanted, nobody in another's way.

    Args:
        rng: of the order and the jitter.
        figures: each at the origin.
        view: from where, and how large, the whole crowd is seen.
        wanted: crowd index.
    """
    count = len(figures)
    order, rows = rng.permutation(count), rng.permutation(count)
    jitter = rng.uniform(-0.18, 0.18, (count, 2))
    x = (order - (count - 1) / 2 + jitter[:, 0])[:, None]
    y = (rows - (count - 1) / 2 + jitter[:, 1])[:, None]
    outlines = [figure.skin[::_COARSE] for figure in figures]
    joints = [figure.keypoints for figure in figures]
    layouts = []
    for depth_m in (0.42, 0.62):
        for spacing_m in _SPACINGS_M:
            spots = np.concatenate([spacing_m * x, depth_m * y], axis=1)
            layouts.append(_tried(spots, outlines, joints, view))
    clear = [layout for layout in layouts if layout.clearance_m >= _CLEARANCE_M]
    if not clear:
        return max(layouts, key=lambda layout: layout.clearance_m)
    return min(clear, key=lambda layout: abs(layout.index - wanted))


def _tried(
    spots: Spots,
    outlines: Sequence[Float[np.ndarray, "point 3"]],
    joints: Sequence[Float[np.ndarray, "17 3"]],
    view: View,
) -> Layout:
    shifts = np.column_stack([spots, np.zeros(len(spots))])
    placed = [points + shift for points, shift in zip(outlines, shifts, strict=True)]
    keypoints = np.stack([points + shift for points, shift in zip(joints, shifts, strict=True)])
    camera = framed(np.concatenate(placed), view)
    boxes = np.stack([_box(camera, points) for points in placed])
    positions, _ = camera.project(keypoints.reshape(-1, 3))
    positions = positions.reshape(keypoints.shape[0], -1, 2)
    labelled = np.ones(positions.shape[:2], bool)
    return Layout(spots, camera, crowd_index(positions, labelled, boxes), _clearance(keypoints))


def _box(camera: Camera, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "4"]:
    outline, _ = camera.project(points)
    low, high = bounds(outline)
    return np.concatenate([low, high - low])


def _clearance(keypoints: Float[np.ndarray, "person 17 3"]) -> float:
    """Least distance between keypoints of two people, metres."""
    least = np.inf
    for i in range(1, len(keypoints)):
        apart = keypoints[i][:, None] - keypoints[:i].reshape(-1, 3)[None]
        least = min(least, float(np.sqrt((apart**2).sum(axis=-1)).min()))
    return least
