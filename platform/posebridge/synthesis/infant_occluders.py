"""What hides infants now and then: a blanket, toys, leads of monitors, a caregiver's hand."""

from dataclasses import dataclass

import numpy as np

from posebridge.synthesis import cots, occluders
from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.people import Figure

_SHARE_LEVEL = 0.5  # of the trunk's length, seen from above, below which it stands


@dataclass(frozen=True, eq=False)
class Place:
    """Where an infant is.

    Attributes:
        figure: the infant.
        body: its relief.
        heights: of the sheet.
    """

    figure: Figure
    body: cots.Relief
    heights: cots.Heights

    @property
    def is_upright(self) -> bool:
        """Whether the trunk stands, so that nothing stays on it."""
        return _down(self.figure.keypoints, slice(5, 7), slice(11, 13)) is None

    def top(self, x: float, y: float) -> float:
        """Height of what lies on top there, body or bed."""
        body = np.where(np.isfinite(self.body.top), self.body.top, self.heights)
        return self.body.height_at(np.maximum(body, self.heights), x, y)


def hiding_things(rng: np.random.Generator, place: Place) -> list[Mesh]:
    """Things that hide the infant: each draws its numbers whether it is there or not."""
    meshes: list[Mesh] = []
    points, is_upright = place.figure.keypoints, place.is_upright
    if rng.random() < 0.35:
        meshes += _blanket(rng, place)
    for _ in range(int(rng.integers(0, 3))):
        on = points[int(rng.integers(5, 17)), :2] + rng.normal(0, 0.04, 2)
        made = occluders.toy(rng, (float(on[0]), float(on[1]), place.top(*map(float, on))))
        meshes += [] if is_upright else made
    for _ in range(int(rng.choice([0, 0, 1, 3]))):
        start = points[5:13].mean(axis=0) + rng.normal(0, [0.04, 0.04, 0.0])
        if not is_upright:
            start[2] = place.top(float(start[0]), float(start[1]))
        azimuth = rng.uniform(0, 2 * np.pi)
        end = np.array([0.6 * np.cos(azimuth), 0.6 * np.sin(azimuth), 0.02])
        meshes.append(occluders.lead(rng, start, end))
    if rng.random() < 0.3:
        azimuth_deg = float(rng.uniform(0, 360))
        at = _hand_place(place, float(rng.uniform(0.02, 0.2)), azimuth_deg)
        meshes += occluders.caregiver_hand(rng, at, azimuth_deg)
    return meshes


def _hand_place(place: Place, reach_m: float, azimuth_deg: float) -> tuple[float, float, float]:
    """Over one who lies; at the side of the chest of one who sits or stands."""
    x = reach_m * float(np.cos(np.deg2rad(azimuth_deg)))
    y = reach_m * float(np.sin(np.deg2rad(azimuth_deg)))
    if not place.is_upright:
        return x, y, place.top(x, y) + 0.05
    chest = place.figure.keypoints[5:7].mean(axis=0)
    side = 0.1 * np.array([np.cos(np.deg2rad(azimuth_deg)), np.sin(np.deg2rad(azimuth_deg)), -0.3])
    return (float(chest[0] + side[0]), float(chest[1] + side[1]), float(chest[2] + side[2]))


def _blanket(rng: np.random.Generator, place: Place) -> list[Mesh]:
    """Over everything below a line across the infant; none over one who stands."""
    points = place.figure.keypoints
    edge = _blanket_edge(rng, points)
    covered = cots.blanket(place.body, place.heights, rng, edge=edge or cots.Edge((0.0, -1.0), 0))
    return [covered] if edge else []


def _blanket_edge(rng: np.random.Generator, points: np.ndarray) -> cots.Edge | None:
    """From the belly to the knees of one who lies, over the lap of one who sits."""
    down = _down(points, slice(5, 7), slice(11, 13))
    if down is None:
        down = _down(points, slice(11, 13), slice(13, 15))
    turn = rotation_z(float(rng.normal(0, 17)))[:2, :2]
    share = float(rng.uniform(-0.1, 0.9))
    if down is None:
        return None
    direction = turn @ (down / np.linalg.norm(down))
    hips = points[11:13, :2].mean(axis=0)
    offset = float(hips @ direction) + float(np.linalg.norm(down)) * share
    return cots.Edge((float(direction[0]), float(direction[1])), offset)


def _down(points: np.ndarray, start: slice, end: slice) -> np.ndarray | None:
    """From a pair of keypoints to another, seen from above; None if that is mostly downwards."""
    first, last = points[start].mean(axis=0), points[end].mean(axis=0)
    down = last[:2] - first[:2]
    is_level = np.linalg.norm(down) > _SHARE_LEVEL * np.linalg.norm(last - first)
    return np.asarray(down) if is_level else None
