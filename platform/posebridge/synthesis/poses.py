"""Priors over poses: what adults do in rooms, and how infants lie on their backs.

All numbers are set by hand from the range of motion of healthy joints and looked at as pictures;
none is fitted to recorded motion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from posebridge.synthesis.adult_poses import ALONG_THE_FLOOR, FAMILIES
from posebridge.synthesis.angles import (
    PoseAngles,
    SideAngles,
    rotation_x,
    rotation_y,
    rotation_z,
)
from posebridge.synthesis.body import Body, Phenotype, Shaped
from posebridge.synthesis.pose_samples import INFANT_LIMITS, PoseSample, clip_angles, mirrored
from posebridge.synthesis.self_contact import DEEP, Capsules, capsules

__all__ = ["PoseSample", "adult_pose", "infant_pose"]

_ANY_DIRECTION_SHARE = 0.02  # of the adults; the others face -y more or less
_MAX_DRAWS = 20  # of one pose, before a limb may pass through another
_ADULT_AGE, _INFANT_AGE = 2 / 3, -0.2  # of the bodies on which contact is tried


def adult_pose(rng: np.random.Generator) -> PoseSample:
    """An adult in a room: most are upright, a share sits, kneels, crouches, crawls or lies.

    The root turns the person about z too: mostly within 75 degrees of facing -y, and across the
    view for those who lie. The spread is wide on purpose: the mean pose in the person's box must
    stay a poor guess (`tests/synthesis/test_poses.py` measures it), or a benchmark would reward
    constants.
    """
    families, shares = list(FAMILIES), np.array(list(FAMILIES.values()))
    family = families[rng.choice(len(families), p=shares / shares.sum())]
    sample = without_deep_contact(family, rng, age=_ADULT_AGE)
    if rng.random() < 0.5:
        sample = mirrored(sample)
    if sample.kind in ALONG_THE_FLOOR:  # along the body, a camera would only see soles or crown
        yaw = rng.choice([-90, 90]) + rng.normal(0, 30)
    elif rng.random() < _ANY_DIRECTION_SHARE:
        yaw = rng.uniform(-180, 180)
    else:
        yaw = np.clip(rng.normal(0, 27), -75, 75)
    return replace(sample, root=rotation_z(float(yaw)) @ sample.root)


def infant_pose(rng: np.random.Generator) -> PoseSample:
    """An infant on its back: flexed and abducted limbs, fists, the head turned to a side.

    The root lays the infant on its back (face to +z, crown to +y) with a little roll. Turn it
    about z for any direction in the image.
    """
    return without_deep_contact(_supine, rng, age=_INFANT_AGE)


def without_deep_contact(
    draw: Callable[[np.random.Generator], PoseSample], rng: np.random.Generator, *, age: float
) -> PoseSample:
    """Draws until no limb passes through another; gives up after `_MAX_DRAWS` and keeps the last.

    Args:
        draw: one of `adult_poses.FAMILIES`, or any other.
        rng: source of all randomness; how much it is used depends on the rejections.
        age: of the average body the contact is tried on, as in `Phenotype`.
    """
    body, shaped, volume = _reference(age)
    for _ in range(_MAX_DRAWS):
        sample = draw(rng)
        if volume.overlap(body.pose_bones(shaped, sample.angles, sample.root)) < DEEP:
            break
    return sample


@lru_cache(maxsize=4)
def _reference(age: float) -> tuple[Body, Shaped, Capsules]:
    body = Body.load()
    shaped = body.shape(Phenotype(age=age))
    return body, shaped, capsules(body, shaped)


def _supine(rng: np.random.Generator) -> PoseSample:
    angles = PoseAngles(
        left=_infant_side(rng),
        right=_infant_side(rng),
        spine=(rng.uniform(0, 14), rng.uniform(-9, 9), rng.uniform(-8, 8)),
        neck=(rng.uniform(-5, 18), rng.uniform(-6, 6), rng.normal(0, 32)),
    )
    roll = rotation_y(float(np.rad2deg(rng.normal(0, 0.2))))
    return PoseSample(clip_angles(angles, INFANT_LIMITS), roll @ rotation_x(-90), "supine")


def _infant_side(rng: np.random.Generator) -> SideAngles:
    return SideAngles(
        hip=(rng.normal(75, 28), rng.normal(38, 15), rng.normal(30, 18)),
        knee=rng.normal(80, 30),
        ankle=(rng.uniform(-25, 15), rng.uniform(-10, 20)),
        shoulder=(rng.normal(20, 30), rng.normal(70, 28), rng.normal(10, 30)),
        elbow=rng.normal(75, 32),
        wrist=(rng.uniform(-25, 35), rng.uniform(-40, 40)),
        fist=rng.uniform(30, 75),
    )
