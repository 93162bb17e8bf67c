"""A drawn pose, the range of motion it must respect, and its mirror image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import PoseAngles, SideAngles

Range = tuple[float, float]


@dataclass(frozen=True)
class PoseSample:
    """One drawn pose.

    Attributes:
        angles: anatomical angles, inside the limits of the age.
        root: rotation of the pelvis; the person faces -y where it is the identity.
        kind: the family, such as `walk`; for records and tables only.
    """

    angles: PoseAngles
    root: Float[np.ndarray, "3 3"]
    kind: str


@dataclass(frozen=True)
class Limits:
    """Range of motion, degrees, one (lowest, highest) for each number of `PoseAngles`."""

    hip: tuple[Range, Range, Range]
    knee: Range
    ankle: tuple[Range, Range]
    shoulder: tuple[Range, Range, Range]
    elbow: Range
    wrist: tuple[Range, Range]
    fist: Range
    spine: tuple[Range, Range, Range]
    neck: tuple[Range, Range, Range]


ADULT_LIMITS = Limits(
    hip=((-35, 130), (-25, 65), (-45, 65)),
    knee=(0, 150),
    ankle=((-30, 50), (-20, 30)),
    shoulder=((-60, 180), (-25, 175), (-80, 80)),
    elbow=(0, 145),
    wrist=((-70, 70), (-85, 85)),
    fist=(0, 85),
    spine=((-25, 65), (-35, 35), (-45, 45)),
    neck=((-50, 50), (-35, 35), (-70, 70)),
)
INFANT_LIMITS = Limits(
    hip=((5, 125), (5, 70), (-10, 65)),
    knee=(8, 140),
    ankle=((-30, 30), (-20, 30)),
    shoulder=((-35, 95), (10, 140), (-60, 70)),
    elbow=(5, 140),
    wrist=((-45, 60), (-60, 60)),
    fist=(0, 85),
    spine=((-10, 30), (-20, 20), (-20, 20)),
    neck=((-20, 35), (-20, 20), (-80, 80)),
)


def clip_angles(angles: PoseAngles, limits: Limits) -> PoseAngles:
    """The nearest pose within the limits."""
    return PoseAngles(
        left=_clip_side(angles.left, limits),
        right=_clip_side(angles.right, limits),
        spine=_clip_three(angles.spine, limits.spine),
        neck=_clip_three(angles.neck, limits.neck),
    )


def _clip_side(side: SideAngles, limits: Limits) -> SideAngles:
    return SideAngles(
        hip=_clip_three(side.hip, limits.hip),
        knee=_clip(side.knee, limits.knee),
        ankle=_clip_two(side.ankle, limits.ankle),
        shoulder=_clip_three(side.shoulder, limits.shoulder),
        elbow=_clip(side.elbow, limits.elbow),
        wrist=_clip_two(side.wrist, limits.wrist),
        fist=_clip(side.fist, limits.fist),
    )


def _clip(value: float, bounds: Range) -> float:
    return float(np.clip(value, *bounds))


def _clip_two(values: tuple[float, float], bounds: tuple[Range, Range]) -> tuple[float, float]:
    return _clip(values[0], bounds[0]), _clip(values[1], bounds[1])


def _clip_three(
    values: tuple[float, float, float], bounds: tuple[Range, Range, Range]
) -> tuple[float, float, float]:
    return _clip(values[0], bounds[0]), *_clip_two(values[1:], bounds[1:])


def mirrored(sample: PoseSample) -> PoseSample:
    """The sample as a mirror at x = 0 shows it: left and right swap."""
    flip = np.diag([-1.0, 1.0, 1.0])
    return replace(sample, angles=sample.angles.mirrored(), root=flip @ sample.root @ flip)
