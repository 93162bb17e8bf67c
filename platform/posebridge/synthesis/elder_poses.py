"""How old people stand and move: stooped, with bent knees and short steps, often on an aid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from posebridge.synthesis.angles import SideAngles
from posebridge.synthesis.arm_poses import (
    AT_REST,
    Triple,
    arm_near,
    arms_of,
    carrying,
    forwards,
    upwards,
)
from posebridge.synthesis.pose_assembly import assembled, leg
from posebridge.synthesis.pose_samples import PoseSample, mirrored
from posebridge.synthesis.poses import without_deep_contact

ELDER_AGE = 1.0
"""Of the body on which contact is tried."""

Arms = tuple[SideAngles, SideAngles]


@dataclass(frozen=True)
class ElderPose:
    """A pose, and the hands that hold a walking aid.

    Attributes:
        sample: the pose, facing -y.
        yaw_deg: how far the person is then turned about z.
        hands: "" for no aid, "L" or "R" for a cane, "LR" for a frame.
    """

    sample: PoseSample
    yaw_deg: float
    hands: str


def elder_pose(rng: np.random.Generator) -> ElderPose:
    """An old person in a room, mostly on their feet, one in three with a cane or a frame."""
    families, shares = list(_FAMILIES), np.array([share for share, _ in _FAMILIES.values()])
    family = families[rng.choice(len(families), p=shares / shares.sum())]
    sample = without_deep_contact(family, rng, age=ELDER_AGE)
    hands = _FAMILIES[family][1]
    if rng.random() < 0.5:
        sample, hands = mirrored(sample), {"R": "L"}.get(hands, hands)
    yaw_deg = float(np.clip(rng.normal(0, 30), -80, 80))
    return ElderPose(sample, yaw_deg, hands)


def _stoop(rng: np.random.Generator, most_deg: float = 42.0) -> Triple:
    """A rounded back; some are as straight as ever."""
    bent = rng.uniform(4, most_deg) if rng.random() < 0.8 else rng.uniform(-4, 6)
    return (bent, rng.normal(0, 5), rng.normal(0, 5))


def _standing_legs(rng: np.random.Generator) -> Arms:
    apart = rng.uniform(2, 12)
    knees = rng.uniform(2, 32) + rng.uniform(-2, 8, 2)
    first, second = (leg(rng, 0.5 * knee, max(knee, 0.0), out=(apart, 10, 3)) for knee in knees)
    return first, second


def _stride_legs(rng: np.random.Generator) -> Arms:
    stride = rng.uniform(6, 22)
    return (
        leg(rng, stride, rng.uniform(5, 28), out=(6, 9, 3)),
        leg(rng, -0.6 * stride, rng.uniform(8, 38), out=(6, 9, 3)),
    )


def stand(rng: np.random.Generator) -> PoseSample:
    """Standing, arms at rest."""
    legs, arms = _standing_legs(rng), arms_of(rng, AT_REST)
    pitch = rng.uniform(-3, 14)
    return assembled(rng, "stand", legs=legs, arms=arms, pitch_deg=pitch, spine=_stoop(rng))


def shuffle(rng: np.random.Generator) -> PoseSample:
    """A short step without an aid."""
    swing = rng.uniform(4, 20)
    arms = (
        arm_near(rng, (-swing, 12, 0), rng.uniform(15, 60)),
        arm_near(rng, (swing, 12, 0), rng.uniform(20, 80)),
    )
    legs, pitch = _stride_legs(rng), rng.uniform(0, 18)
    return assembled(rng, "shuffle", legs=legs, arms=arms, pitch_deg=pitch, spine=_stoop(rng))


def reach(rng: np.random.Generator) -> PoseSample:
    """Standing, with an arm forwards or up as far as old shoulders go."""
    legs, arms = _standing_legs(rng), arms_of(rng, (forwards, carrying, upwards, *AT_REST))
    capped = tuple(
        replace(arm, shoulder=(min(arm.shoulder[0], 130.0), *arm.shoulder[1:])) for arm in arms
    )
    spine, pitch = _stoop(rng, 25.0), rng.uniform(-2, 18)
    sides = (capped[0], capped[1])
    return assembled(rng, "reach", legs=legs, arms=sides, pitch_deg=pitch, spine=spine)


def on_cane(rng: np.random.Generator) -> PoseSample:
    """A step or a halt with a cane in the right hand."""
    legs = _stride_legs(rng) if rng.random() < 0.6 else _standing_legs(rng)
    held = replace(arm_near(rng, (16, 13, 0), rng.uniform(12, 32), spread_deg=4), fist=70)
    free = arms_of(rng, AT_REST)[0]
    pitch = rng.uniform(2, 20)
    arms = (free, held)
    return assembled(rng, "cane", legs=legs, arms=arms, pitch_deg=pitch, spine=_stoop(rng))


def on_frame(rng: np.random.Generator) -> PoseSample:
    """Behind a walking frame, both hands on it."""
    legs = _stride_legs(rng) if rng.random() < 0.7 else _standing_legs(rng)
    shoulder, elbow = (rng.uniform(18, 36), 9.0, 0.0), rng.uniform(18, 48)
    first, second = (
        replace(arm_near(rng, shoulder, elbow, spread_deg=1.5), fist=70, wrist=(0.0, 20.0))
        for _ in range(2)
    )
    bend, _, _ = _stoop(rng)
    spine, pitch = (bend, 0.0, 0.0), rng.uniform(4, 24)
    return assembled(rng, "frame", legs=legs, arms=(first, second), pitch_deg=pitch, spine=spine)


def sit(rng: np.random.Generator) -> PoseSample:
    """On a stool of knee height."""
    out = (rng.uniform(3, 18), rng.uniform(0, 12), 3.0)
    legs = [leg(rng, rng.uniform(80, 90), rng.uniform(65, 105), out=out) for _ in range(2)]
    arms, pitch = arms_of(rng, AT_REST), rng.uniform(-8, 24)
    sides = (legs[0], legs[1])
    return assembled(
        rng, "sit_on_chair", legs=sides, arms=arms, pitch_deg=pitch, spine=_stoop(rng)
    )


Family = Callable[[np.random.Generator], PoseSample]

_FAMILIES: dict[Family, tuple[float, str]] = {
    stand: (0.26, ""),
    shuffle: (0.22, ""),
    reach: (0.14, ""),
    on_cane: (0.17, "R"),
    on_frame: (0.13, "LR"),
    sit: (0.08, ""),
}
"""Share of each family, and the hands that hold an aid in it."""
