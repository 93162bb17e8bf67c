"""Which way limbs point in the image, and how far joints are bent in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from posebridge.geometry import angles
from posebridge.populations.card.labels import SplitLabels
from posebridge.populations.card.quantities import Histogram, Summary, histogram, summary
from posebridge.skeletons import Skeleton

SECTORS = 24
"""Of a circle of directions: 15° each, the first from −7.5° to 7.5°."""
BEND_EDGES = tuple(10.0 * step for step in range(19))

_TRUNK = "trunk"
_LIMBS = {
    "upper arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
}
_JOINTS = {
    "shoulder": ("hip", "shoulder", "elbow"),
    "elbow": ("shoulder", "elbow", "wrist"),
    "hip": ("shoulder", "hip", "knee"),
    "knee": ("hip", "knee", "ankle"),
}
_SIDES = ("left", "right")


@dataclass(frozen=True)
class Direction:
    """Which way a limb points in the image, from the trunk outwards; the trunk, to the shoulders.

    Attributes:
        limb: such as "forearm".
        side: "left" or "right" of the person; empty for the trunk.
        people: whose two ends are labelled, and apart.
        counts: of directions in each of `SECTORS`, anticlockwise from pointing right.
        mean_deg: anticlockwise from pointing right, [0, 360); NaN where there is nobody.
        spread: circular variance: 0 if all point the same way, 1 if no direction prevails.
    """

    limb: str
    side: str
    people: int
    counts: tuple[int, ...]
    mean_deg: float
    spread: float


@dataclass(frozen=True)
class Bend:
    """The angle at a joint as the image shows it, degrees: 180 is straight.

    Attributes:
        joint: such as "elbow".
        side: "left" or "right" of the person.
        summary: of all people who have the three keypoints.
        histogram: in steps of 10°.
    """

    joint: str
    side: str
    summary: Summary
    histogram: Histogram


def directions(labels: SplitLabels, skeleton: Skeleton) -> tuple[Direction, ...]:
    """Directions of the trunk and of every limb that the skeleton has the ends of."""
    points = _known(labels)
    found = []
    trunk = [_named(skeleton, [f"{side}_{end}" for side in _SIDES]) for end in ("hip", "shoulder")]
    if all(trunk):
        hips, shoulders = (points[:, list(ends)].mean(1) for ends in trunk)
        found.append(direction(_TRUNK, "", shoulders - hips))
    for limb, ends in _LIMBS.items():
        for side in _SIDES:
            pair = _named(skeleton, [f"{side}_{end}" for end in ends])
            if pair:
                start, end = pair
                found.append(direction(limb, side, points[:, end] - points[:, start]))
    return tuple(found)


def direction(limb: str, side: str, offsets: Float[np.ndarray, "person 2"]) -> Direction:
    """Summarise which way offsets point.

    Args:
        limb: its name.
        side: "left", "right" or empty.
        offsets: (x, y), px, y downwards; NaN or (0, 0) where unknown.
    """
    x, y = offsets[(np.isfinite(offsets) & (offsets != 0).any(1, keepdims=True)).all(1)].T
    radians = np.arctan2(-y, x)
    sectors = np.rint(radians * SECTORS / (2 * np.pi)).astype(np.int64) % SECTORS
    counts = tuple(np.bincount(sectors, minlength=SECTORS).tolist())
    if not len(radians):
        return Direction(limb, side, 0, counts, float("nan"), float("nan"))
    resultant = np.exp(1j * radians).mean()
    mean_deg = float(np.rad2deg(np.angle(resultant)) % 360.0)
    return Direction(limb, side, len(radians), counts, mean_deg, float(1.0 - abs(resultant)))


def bends(labels: SplitLabels, skeleton: Skeleton) -> tuple[Bend, ...]:
    """Angles of every joint that the skeleton has the three keypoints of."""
    points = torch.from_numpy(_known(labels))
    found = []
    for joint, names in _JOINTS.items():
        for side in _SIDES:
            corner = _named(skeleton, [f"{side}_{name}" for name in names])
            if corner:
                one, middle, other = corner
                bent = np.rad2deg(angles(points, [(one, middle, other)])[:, 0].numpy())
                found.append(Bend(joint, side, summary(bent), histogram(bent, BEND_EDGES)))
    return tuple(found)


def _known(labels: SplitLabels) -> Float[np.ndarray, "person keypoint 2"]:
    """Keypoints, px, NaN where not labelled."""
    points: Float[np.ndarray, "person keypoint 2"] = np.where(
        labels.labelled[..., None], labels.keypoints.astype(np.float64), np.nan
    )
    return points


def _named(skeleton: Skeleton, names: Sequence[str]) -> tuple[int, ...]:
    """Indices of keypoints; empty unless the skeleton has them all."""
    if not set(names) <= set(skeleton.keypoints):
        return ()
    return tuple(skeleton.index(name) for name in names)
