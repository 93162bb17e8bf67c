"""Families of adult poses. Each draws one pose; the person faces -y before any turn about z.

Legs and trunks are put together by `posebridge.synthesis.pose_assembly`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from posebridge.synthesis.angles import rotation_x, rotation_y, rotation_z
from posebridge.synthesis.arm_poses import (
    AT_REST,
    AT_WORK,
    any_arms,
    arm_near,
    arms_of,
    at_face,
    bent_upwards,
    carrying,
    folded,
    forwards,
    hanging,
    on_hip,
    sideways,
    upwards,
)
from posebridge.synthesis.pose_assembly import assembled, leg
from posebridge.synthesis.pose_samples import PoseSample

Family = Callable[[np.random.Generator], PoseSample]


def stand(rng: np.random.Generator) -> PoseSample:
    """Standing, a foot apart or not, arms at rest."""
    knees = rng.uniform(0, 14, 2)
    apart = rng.uniform(2, 14)
    legs = [leg(rng, 0.5 * knee, knee, out=(apart, 8, 3)) for knee in knees]
    arms = arms_of(rng, AT_REST)
    return assembled(rng, "stand", legs=(legs[0], legs[1]), arms=arms, pitch_deg=rng.normal(2, 5))


def walk(rng: np.random.Generator) -> PoseSample:
    """A stride of any length, the arms swinging against the legs."""
    stride = rng.uniform(12, 40)
    legs = (leg(rng, stride, rng.uniform(3, 30)), leg(rng, -0.6 * stride, rng.uniform(8, 60)))
    swing = rng.uniform(0.5, 1.4) * stride
    arms = (
        arm_near(rng, (-swing, 10, 0), rng.uniform(5, 60)),
        arm_near(rng, (swing, 10, 0), rng.uniform(15, 95)),
    )
    if rng.random() < 0.35:
        arms = any_arms(rng)
    return assembled(rng, "walk", legs=legs, arms=arms, pitch_deg=rng.uniform(-2, 14))


def reach(rng: np.random.Generator) -> PoseSample:
    """Standing, with arms forwards, aside or up, the trunk following."""
    pitch = rng.normal(8, 14)
    legs = (
        leg(rng, rng.uniform(0, 22), rng.uniform(0, 35)),
        leg(rng, rng.uniform(-18, 8), rng.uniform(0, 25), out=(10, 10, 5)),
    )
    spine = (rng.uniform(-14, 18), rng.normal(0, 14), rng.normal(0, 14))
    arms = arms_of(rng, AT_WORK) if rng.random() < 0.6 else any_arms(rng)
    return assembled(rng, "reach", legs=legs, arms=arms, pitch_deg=pitch, spine=spine)


def bend(rng: np.random.Generator) -> PoseSample:
    """Bent at the hips, hands at the knees, the floor or a table."""
    pitch, knee = rng.uniform(30, 90), rng.uniform(0, 45)
    legs = (leg(rng, 0.4 * knee - 8, knee), leg(rng, 0.4 * knee - 8, knee, out=(10, 8, 6)))
    hang = pitch * rng.uniform(0.7, 1.3)
    arms = (arm_near(rng, (hang, 8, 0), 15), arm_near(rng, (hang, 8, 0), 15))
    if rng.random() < 0.4:
        arms = any_arms(rng)
    spine = (rng.uniform(5, 35), 0.0, 0.0)
    return assembled(rng, "bend", legs=legs, arms=arms, pitch_deg=pitch, spine=spine)


def crouch(rng: np.random.Generator) -> PoseSample:
    """A squat, shallow to deep."""
    thigh = rng.uniform(55, 112)
    knee = thigh + rng.uniform(18, 36)
    out = (rng.uniform(5, 30), rng.uniform(5, 30), 4.0)
    legs = (leg(rng, thigh, knee, out=out), leg(rng, thigh, knee, out=out))
    arms = (forwards(rng), forwards(rng)) if rng.random() < 0.4 else any_arms(rng)
    pitch = rng.uniform(10, 50)
    return assembled(rng, "crouch", legs=legs, arms=arms, pitch_deg=pitch, spine=(12, 0, 0))


def sit_on_chair(rng: np.random.Generator) -> PoseSample:
    """Thighs level, shins down, any trunk; for a seat of knee height."""
    out = (rng.uniform(2, 22), rng.uniform(0, 15), 4.0)
    legs = [leg(rng, rng.uniform(78, 92), rng.uniform(55, 110), out=out) for _ in range(2)]
    arms = arms_of(rng, (carrying, hanging, folded, forwards, at_face, upwards))
    pitch = rng.uniform(-18, 30)
    return assembled(rng, "sit_on_chair", legs=(legs[0], legs[1]), arms=arms, pitch_deg=pitch)


def sit_on_floor(rng: np.random.Generator) -> PoseSample:
    """On the floor: legs long, knees drawn up, or crossed."""
    pitch = rng.uniform(-25, 25)
    style = rng.integers(3)
    if style == 0:
        legs = [leg(rng, 88 + 0.5 * knee, knee) for knee in rng.uniform(0, 50, 2)]
    elif style == 1:
        legs = [leg(rng, 90 + 0.45 * knee, knee) for knee in rng.uniform(60, 120, 2)]
    else:
        legs = [leg(rng, 88, rng.uniform(105, 125), out=(35, 55, 4)) for _ in range(2)]
    propped = arm_near(rng, (-42, 20, 10), 8)
    arms = (propped, propped) if pitch < -8 else any_arms(rng)
    return assembled(rng, "sit_on_floor", legs=(legs[0], legs[1]), arms=arms, pitch_deg=pitch)


def kneel(rng: np.random.Generator) -> PoseSample:
    """On both knees, upright or on the heels, or on one knee."""
    down = rng.uniform(-8, 58)
    legs = (leg(rng, down, 90 + down), leg(rng, down, 90 + down))
    if rng.random() < 0.45:
        legs = (leg(rng, rng.uniform(-15, 10), 92), leg(rng, rng.uniform(80, 92), 88))
    arms = any_arms(rng)
    pitch = rng.uniform(-5, 35)
    return assembled(rng, "kneel", legs=legs, arms=arms, pitch_deg=pitch, spine=(6, 0, 0))


def lunge(rng: np.random.Generator) -> PoseSample:
    """A long step: forwards or to the side."""
    thigh = rng.uniform(45, 85)
    legs = (
        leg(rng, thigh, thigh + rng.uniform(-5, 12)),
        leg(rng, rng.uniform(-34, -15), rng.uniform(5, 55)),
    )
    if rng.random() < 0.4:
        legs = (leg(rng, 50, 80, out=(25, 25, 5)), leg(rng, 0, 4, out=(48, 10, 5)))
    pitch = rng.uniform(-5, 40)
    return assembled(rng, "lunge", legs=legs, arms=any_arms(rng), pitch_deg=pitch)


def exercise(rng: np.random.Generator) -> PoseSample:
    """Jumping jacks, kicks and balances, side bends."""
    style = rng.integers(3)
    arms = arms_of(rng, (sideways, upwards, upwards, bent_upwards, on_hip))
    spine = (0.0, 0.0, 0.0)
    if style == 0:
        out = (rng.uniform(12, 32), 8.0, 4.0)
        legs = (leg(rng, 3, 5, out=out), leg(rng, 3, 5, out=out))
    elif style == 1:
        kick = rng.uniform(35, 95)
        legs = (leg(rng, 3, 8), leg(rng, kick, rng.uniform(0, 110), out=(12, 10, 10)))
    else:
        legs = (leg(rng, 3, 6, out=(12, 8, 4)), leg(rng, 3, 6, out=(12, 8, 4)))
        spine = (0.0, rng.uniform(18, 34) * rng.choice([-1, 1]), rng.normal(0, 10))
    pitch = rng.normal(2, 7)
    return assembled(rng, "exercise", legs=legs, arms=arms, pitch_deg=pitch, spine=spine)


def jump(rng: np.random.Generator) -> PoseSample:
    """In the air, legs tucked or trailing."""
    legs = [leg(rng, t, t + rng.uniform(5, 60), out=(14, 10, 8)) for t in rng.uniform(-25, 75, 2)]
    sides = (legs[0], legs[1])
    arms = arms_of(rng, AT_WORK)
    return assembled(rng, "jump", legs=sides, arms=arms, pitch_deg=rng.uniform(-10, 20))


def crawl(rng: np.random.Generator) -> PoseSample:
    """On hands and knees, or in a push-up."""
    if rng.random() < 0.65:
        pitch = rng.uniform(68, 88)
        thighs = rng.uniform(-15, 22, 2)
        legs = [leg(rng, thigh, 90 + thigh) for thigh in thighs]
    else:
        pitch = rng.uniform(60, 80)
        legs = [leg(rng, rng.normal(8, 8) - pitch, 0) for _ in range(2)]
    arms = [arm_near(rng, (pitch + rng.normal(0, 8), 8, 0), 8) for _ in range(2)]
    sides = ((legs[0], legs[1]), (arms[0], arms[1]))
    return assembled(rng, "crawl", legs=sides[0], arms=sides[1], pitch_deg=pitch, spine=(5, 0, 0))


def lie(rng: np.random.Generator) -> PoseSample:
    """On the floor: on the back, on a side, or on the front."""
    style = rng.integers(4)
    if style == 3:
        legs = [leg(rng, rng.uniform(-5, 8), rng.uniform(0, 90)) for _ in range(2)]
        arms = [arm_near(rng, (rng.uniform(0, 60), rng.uniform(30, 120), 0), 60) for _ in range(2)]
        root = rotation_x(90)
    else:
        flexion = rng.uniform(0, 75)
        legs = [leg(rng, flexion, knee) for knee in flexion * rng.uniform(0.8, 1.7, 2)]
        arms = list(any_arms(rng))
        root = rotation_x(-90)
    if style == 2:
        root = root @ rotation_z(rng.choice([-1, 1]) * rng.uniform(70, 100))
        arms = [
            arm_near(rng, (rng.uniform(20, 100), 8, 0), rng.uniform(10, 110)) for _ in range(2)
        ]
    sides = ((legs[0], legs[1]), (arms[0], arms[1]))
    sample = assembled(rng, "lie", legs=sides[0], arms=sides[1], pitch_deg=0)
    return PoseSample(sample.angles, root @ rotation_y(rng.normal(0, 4)), "lie")


FAMILIES: Mapping[Family, float] = {
    stand: 0.21,
    walk: 0.18,
    reach: 0.21,
    lunge: 0.09,
    exercise: 0.10,
    jump: 0.04,
    sit_on_chair: 0.05,
    crouch: 0.04,
    kneel: 0.03,
    sit_on_floor: 0.02,
    bend: 0.01,
    crawl: 0.01,
    lie: 0.01,
}
"""Share of each family. Those near the floor are rare: a published adult model, where every
adaptation starts, is weak on them (57 to 92 of 100 keypoints that are seen)."""
ALONG_THE_FLOOR = ("lie", "crawl")  # kinds whose trunk is level
