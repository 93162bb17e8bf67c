"""What toddlers do at home: stand and walk with arms and legs wide, sit, squat, kneel, crawl.

Sources:
    [0] Soucie et al., Range of motion measurements: reference values and a database for comparison
        studies, 2011; means of ages 2-8 as the CDC lists them: hip flexion 131 (boys) to 141
        degrees, hip extension 26 to 28, knee flexion 148 to 153, ankle dorsiflexion 23 to 25.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from posebridge.synthesis.angles import SideAngles, rotation_z
from posebridge.synthesis.arm_poses import (
    arm_near,
    at_face,
    bent_upwards,
    carrying,
    forwards,
    hanging,
    sideways,
    upwards,
)
from posebridge.synthesis.pose_assembly import assembled, leg
from posebridge.synthesis.pose_samples import Limits, PoseSample, clip_angles, mirrored
from posebridge.synthesis.poses import without_deep_contact

TODDLER_AGE = 0.1
"""Of the body on which contact is tried."""

TODDLER_LIMITS = Limits(
    hip=((-26, 131), (0, 65), (-45, 65)),
    knee=(0, 148),
    ankle=((-23, 50), (-20, 30)),
    shoulder=((-50, 170), (2, 160), (-70, 80)),
    elbow=(0, 142),
    wrist=((-70, 70), (-85, 85)),
    fist=(0, 85),
    spine=((-20, 55), (-30, 30), (-40, 40)),
    neck=((-40, 40), (-30, 30), (-70, 70)),
)
"""Hip, knee and dorsiflexion by the lower mean of [0]; the others set by hand within adults'."""

Arms = tuple[SideAngles, SideAngles]


def toddler_pose(rng: np.random.Generator) -> PoseSample:
    """A toddler who faces -y more or less; on all fours any way round."""
    families, shares = list(FAMILIES), np.array(list(FAMILIES.values()))
    family = families[rng.choice(len(families), p=shares / shares.sum())]
    sample = without_deep_contact(lambda draws: within_limits(family(draws)), rng, age=TODDLER_AGE)
    if rng.random() < 0.5:
        sample = mirrored(sample)
    if sample.kind == "crawl":
        yaw_deg = rng.choice([-60, 60]) + rng.normal(0, 32)
    else:
        yaw_deg = np.clip(rng.normal(0, 34), -100, 100)
    return replace(sample, root=rotation_z(float(yaw_deg)) @ sample.root)


def within_limits(sample: PoseSample) -> PoseSample:
    """The nearest pose that a toddler's joints allow."""
    return replace(sample, angles=clip_angles(sample.angles, TODDLER_LIMITS))


def _arms(rng: np.random.Generator) -> Arms:
    """Held high and wide for balance, busy with something, or hanging."""
    choices = (_on_guard, _on_guard, hanging, carrying, forwards, at_face, sideways, upwards)
    first = choices[rng.integers(len(choices))]
    if rng.random() < 0.5:
        return first(rng), first(rng)
    return first(rng), choices[rng.integers(len(choices))](rng)


def _on_guard(rng: np.random.Generator) -> SideAngles:
    """The guard of a new walker: elbow out and bent, hand up."""
    if rng.random() < 0.4:
        return bent_upwards(rng)
    return arm_near(rng, (rng.uniform(0, 40), rng.uniform(30, 70), 40), rng.uniform(50, 105))


def _wide(rng: np.random.Generator) -> tuple[float, float, float]:
    """A wide base, toes out: abduction, external rotation and their spread."""
    return (rng.uniform(6, 18), rng.uniform(5, 22), 4.0)


def stand(rng: np.random.Generator) -> PoseSample:
    """On wide legs, the belly ahead."""
    wide, knees = _wide(rng), rng.uniform(2, 26, 2)
    legs = [leg(rng, 0.6 * knee, knee, out=wide) for knee in knees]
    sides = (legs[0], legs[1])
    pitch, spine = rng.uniform(-6, 14), (rng.uniform(-10, 12), 0.0, 0.0)
    return assembled(rng, "stand", legs=sides, arms=_arms(rng), pitch_deg=pitch, spine=spine)


def walk(rng: np.random.Generator) -> PoseSample:
    """A short step on flat feet."""
    wide, stride = _wide(rng), rng.uniform(10, 32)
    legs = (
        leg(rng, stride, rng.uniform(5, 35), out=wide),
        leg(rng, -0.5 * stride, rng.uniform(8, 50), out=wide),
    )
    pitch = rng.uniform(0, 20)
    return assembled(rng, "walk", legs=legs, arms=_arms(rng), pitch_deg=pitch)


def reach(rng: np.random.Generator) -> PoseSample:
    """Up or ahead for something, on the toes or bent over."""
    wide, bent = _wide(rng), rng.uniform(0, 30)
    legs = (leg(rng, 0.5 * bent, bent, out=wide), leg(rng, 0.3 * bent, 0.8 * bent, out=wide))
    pick = (forwards, upwards, upwards, carrying)
    arms = (pick[rng.integers(4)](rng), pick[rng.integers(4)](rng))
    pitch, spine = rng.uniform(-4, 38), (rng.uniform(-8, 20), rng.normal(0, 9), rng.normal(0, 9))
    return assembled(rng, "reach", legs=legs, arms=arms, pitch_deg=pitch, spine=spine)


def squat(rng: np.random.Generator) -> PoseSample:
    """As deep as only toddlers do, feet flat."""
    thigh = rng.uniform(78, 112)
    knee = thigh + rng.uniform(14, 24)
    out = (rng.uniform(18, 36), rng.uniform(12, 30), 4.0)
    legs = (leg(rng, thigh, knee, out=out), leg(rng, thigh, knee, out=out))
    arms = (forwards(rng), forwards(rng)) if rng.random() < 0.6 else _arms(rng)
    pitch = rng.uniform(8, 30)
    return assembled(rng, "squat", legs=legs, arms=arms, pitch_deg=pitch, spine=(14, 0, 0))


def sit(rng: np.random.Generator) -> PoseSample:
    """On the floor with legs long and apart, bent, or folded in a ring."""
    style, pitch = rng.integers(3), rng.uniform(-4, 24)
    apart = (rng.uniform(12, 34), rng.uniform(8, 30), 5.0)
    if style == 0:
        legs = [leg(rng, 88 + 0.5 * knee, knee, out=apart) for knee in rng.uniform(0, 40, 2)]
    elif style == 1:
        legs = [leg(rng, 90 + 0.42 * knee, knee, out=apart) for knee in rng.uniform(40, 90, 2)]
    else:
        legs = [leg(rng, 86, rng.uniform(85, 120), out=(36, 55, 4)) for _ in range(2)]
    spine = (rng.uniform(2, 28), 0.0, 0.0)
    arms = _arms(rng) if rng.random() < 0.5 else (forwards(rng), carrying(rng))
    sides = (legs[0], legs[1])
    return assembled(rng, "sit", legs=sides, arms=arms, pitch_deg=pitch, spine=spine)


def kneel(rng: np.random.Generator) -> PoseSample:
    """On both knees, upright or on the heels."""
    down, out = rng.uniform(-4, 48), (rng.uniform(6, 16), 4.0, 3.0)
    legs = (leg(rng, down, 90 + down, out=out), leg(rng, down, 90 + down, out=out))
    pitch = rng.uniform(-2, 26)
    return assembled(rng, "kneel", legs=legs, arms=_arms(rng), pitch_deg=pitch, spine=(8, 0, 0))


def crawl(rng: np.random.Generator) -> PoseSample:
    """On hands and knees, one arm and the other leg ahead."""
    pitch, swing = rng.uniform(64, 82), rng.uniform(4, 20)
    legs = [leg(rng, thigh, 90 + thigh, out=(10, 4, 4)) for thigh in (swing, -swing)]
    arms = [arm_near(rng, (pitch + turn, 10, 0), 8, spread_deg=4) for turn in (-swing, swing)]
    sides, hands = (legs[0], legs[1]), (arms[0], arms[1])
    return assembled(rng, "crawl", legs=sides, arms=hands, pitch_deg=pitch, spine=(-4, 0, 0))


FAMILIES: Mapping[Callable[[np.random.Generator], PoseSample], float] = {
    stand: 0.24,
    walk: 0.2,
    reach: 0.14,
    squat: 0.11,
    sit: 0.15,
    kneel: 0.06,
    crawl: 0.1,
}
"""Share of each family."""
