"""Which part of a body a garment covers: cuts, on a tailor's measures of the resting body.

A cut is a field in metres that is positive inside the cloth. The renderer clips by it pixel by
pixel, so seams are smooth at any mesh size.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

OUTSIDE_M = -0.2
"""Far outside any cloth, yet small enough to keep interpolated seams near their vertices."""

HEAD, TORSO = 0, 1
UPPER_ARMS, FOREARMS, HANDS = (2, 3), (4, 5), (6, 7)
THIGHS, SHINS, FEET = (8, 9), (10, 11), (12, 13)


@dataclass(frozen=True)
class Measures:
    """Where each vertex of a resting body lies, as a tailor would say it.

    Attributes:
        points: resting vertices, metres, z up, the person facing -y.
        parts: body part of each vertex, in the order of `body.PARTS`.
        arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist, 3 at the knuckles; at most 0 off
            the arm.
        leg: 0 at the hip, 1 at the knee, 2 at the ankle, 3 at the toes; at most 0 off the leg.
        height: 0 at the hip joints, 1 at the base of the neck.
        arm_m: length of the upper arm in metres.
        leg_m: length of the thigh in metres.
        torso_m: distance from the hip joints to the base of the neck in metres.
        neck: base of the neck, metres.
        hip: left hip joint, metres.
    """

    points: FloatArray
    parts: NDArray[np.uint8]
    arm: FloatArray
    leg: FloatArray
    height: FloatArray
    arm_m: float
    leg_m: float
    torso_m: float
    neck: FloatArray
    hip: FloatArray

    def on(self, *groups: tuple[int, ...]) -> NDArray[np.bool_]:
        """Whether each vertex belongs to one of the named parts."""
        return np.isin(self.parts, [part for group in groups for part in group])


def measure(
    points: FloatArray, parts: NDArray[np.uint8], bones: dict[str, FloatArray]
) -> Measures:
    """The tailor's measures of a resting body.

    Args:
        points: resting vertices, metres.
        parts: body part of each vertex.
        bones: head of each bone at rest, metres, by bone name.
    """
    arm = _chain(
        points, parts, bones, ("upperarm01", "lowerarm01", "wrist", "finger3-1"), UPPER_ARMS[0]
    )
    leg = _chain(points, parts, bones, ("upperleg01", "lowerleg01", "foot", "toe3-1"), THIGHS[0])
    hip, neck = bones["upperleg01.L"], bones["neck01"]
    torso_m = float(neck[2] - hip[2])
    return Measures(
        points=points,
        parts=parts,
        arm=arm,
        leg=leg,
        height=((points[:, 2] - hip[2]) / torso_m).astype(np.float32),
        arm_m=float(np.linalg.norm(bones["lowerarm01.L"] - bones["upperarm01.L"])),
        leg_m=float(np.linalg.norm(bones["lowerleg01.L"] - hip)),
        torso_m=torso_m,
        neck=neck,
        hip=hip,
    )


def _chain(
    points: FloatArray,
    parts: NDArray[np.uint8],
    bones: dict[str, FloatArray],
    names: tuple[str, str, str, str],
    first_part: int,
) -> FloatArray:
    """How far along a limb each vertex lies, in segments; at most 0 for other parts."""
    along = np.full(len(points), -0.3, np.float32)
    for side, suffix in enumerate((".L", ".R")):
        for segment in range(3):
            start = bones[names[segment] + suffix]
            axis = bones[names[segment + 1] + suffix] - start
            here = np.flatnonzero(parts == first_part + 2 * segment + side)
            along[here] = segment + (points[here] - start) @ (axis / (axis @ axis))
            if segment == 0:
                torso = np.flatnonzero(parts == TORSO)
                near = torso[(points[torso, 0] > 0) == (side == 0)]
                share = (points[near] - start) @ (axis / (axis @ axis))
                along[near] = np.clip(share, -0.3, 0.0)
    return along


class Cut(ABC):
    """The outline of a garment on a resting body."""

    @abstractmethod
    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the cloth at each vertex, metres; negative outside."""


@dataclass(frozen=True)
class Top(Cut):
    """A shirt with sleeves, a hem and an open collar.

    Attributes:
        sleeve: end of the sleeves: 0.5 short, 1.0 elbow, 1.9 long; at most 0.1 for none.
        hem: lower edge on the scale of `Measures.height`; 0 is at the hip joints.
        collar: radius of the neck hole as a share of the torso.
    """

    sleeve: float
    hem: float
    collar: float = 0.16

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the shirt at each vertex, metres; negative outside."""
        hem = (measures.height - self.hem) * measures.torso_m
        on_arm = measures.on(UPPER_ARMS, FOREARMS, HANDS)
        inside = np.minimum(np.where(on_arm, 1.0, hem), _sleeve(measures, self.sleeve))
        inside = np.minimum(inside, _collar(measures, self.collar))
        return np.where(measures.on((HEAD,), SHINS, FEET), OUTSIDE_M, inside).astype(np.float32)


@dataclass(frozen=True)
class Bottom(Cut):
    """Trousers or shorts: from `waist` on the torso's scale to `leg` on the leg's."""

    leg: float
    waist: float = 0.3

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the trousers at each vertex, metres; negative outside."""
        waist = (self.waist - measures.height) * measures.torso_m
        inside = np.minimum(waist, (self.leg - measures.leg) * measures.leg_m)
        off = measures.on((HEAD,), UPPER_ARMS, FOREARMS, HANDS)
        return np.where(off, OUTSIDE_M, inside).astype(np.float32)


@dataclass(frozen=True)
class Brief(Cut):
    """A diaper: from `waist` down to leg holes that run from the crotch up over the hips.

    Attributes:
        waist: upper edge on the scale of `Measures.height`.
        rise: how steeply the leg holes rise outwards, metres per metre.
    """

    waist: float = 0.35
    rise: float = 0.75

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the diaper at each vertex, metres; negative outside."""
        waist = (self.waist - measures.height) * measures.torso_m
        inside = np.minimum(waist, _leg_holes(measures, self.rise))
        off = measures.on((HEAD,), UPPER_ARMS, FOREARMS, HANDS, SHINS, FEET)
        return np.where(off, OUTSIDE_M, inside).astype(np.float32)


@dataclass(frozen=True)
class OnePiece(Cut):
    """A bodysuit or a romper.

    Attributes:
        sleeve: end of the sleeves, as in `Top`.
        leg: end of the legs on the leg's scale; 3 covers the feet, and at most 0 is a bodysuit,
            whose legs are cut like a diaper's.
        collar: radius of the neck hole as a share of the torso.
    """

    sleeve: float
    leg: float
    collar: float = 0.2

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the suit at each vertex, metres; negative outside."""
        legs = (self.leg - measures.leg) * measures.leg_m
        lower = _leg_holes(measures, 0.9) if self.leg <= 0 else legs
        on_arm = measures.on(UPPER_ARMS, FOREARMS, HANDS)
        inside = np.minimum(np.where(on_arm, 1.0, lower), _sleeve(measures, self.sleeve))
        inside = np.minimum(inside, _collar(measures, self.collar))
        return np.where(measures.on((HEAD,)), OUTSIDE_M, inside).astype(np.float32)


@dataclass(frozen=True)
class Footwear(Cut):
    """Shoes (`start` about 1.95) or socks (about 1.7) on the leg's scale."""

    start: float

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the shoe at each vertex, metres; negative outside."""
        inside = (measures.leg - self.start) * measures.leg_m * 0.5
        return np.where(measures.on(SHINS, FEET), inside, OUTSIDE_M).astype(np.float32)


def _sleeve(measures: Measures, end: float) -> FloatArray:
    """Distance inside sleeves that end at `end`; without any, an upright armhole."""
    along = (end - measures.arm) * measures.arm_m
    if end > 0.1:
        return along.astype(np.float32)
    shoulder = np.abs(measures.points[measures.parts == TORSO][:, 0]).max() * 0.93
    armhole = shoulder - np.abs(measures.points[:, 0])
    arms = measures.on(FOREARMS, HANDS)
    upper = measures.height > 0.5
    return np.where(arms, OUTSIDE_M, np.where(upper, armhole, 1.0)).astype(np.float32)


def _collar(measures: Measures, radius: float) -> FloatArray:
    """Distance outside a ball about the base of the neck, and below its top."""
    centre = measures.neck + np.array([0.0, -0.03, 0.05], np.float32) * measures.torso_m / 0.6
    away = np.linalg.norm(measures.points - centre, axis=1) - radius * measures.torso_m
    below = (1.02 - measures.height) * measures.torso_m
    outside = np.minimum(away, np.maximum(below, -0.5 * measures.torso_m))
    return np.asarray(outside, np.float32)


def _leg_holes(measures: Measures, rise: float) -> FloatArray:
    """Distance above two slanted planes that start beside the crotch and rise outwards."""
    torso = measures.points[measures.parts == TORSO]
    crotch = float(torso[:, 2].min())
    inner = 0.35 * float(measures.hip[0])
    plane = crotch + rise * (np.abs(measures.points[:, 0]) - inner)
    inside = (measures.points[:, 2] - plane) / np.hypot(1.0, rise)
    return np.where(measures.on(SHINS, FEET), OUTSIDE_M, inside).astype(np.float32)
