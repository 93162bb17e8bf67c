"""How people sit in a wheelchair: the seat gives the legs their place, the trunk may sag."""

import numpy as np

from posebridge.synthesis.angles import SideAngles
from posebridge.synthesis.arm_poses import any_arms, arm_near, at_face, carrying, forwards
from posebridge.synthesis.pose_assembly import assembled, leg
from posebridge.synthesis.pose_samples import PoseSample, mirrored
from posebridge.synthesis.poses import without_deep_contact

SEATED_AGE = 2 / 3
"""Of the body on which contact is tried."""

Arms = tuple[SideAngles, SideAngles]


def wheelchair_pose(rng: np.random.Generator) -> PoseSample:
    """Somebody in a wheelchair who faces -y: upright, slumped or leaning, the arms at rest or not.

    Thighs are about level and feet level below them, so that one seat and two footplates fit.
    """
    sample = without_deep_contact(_seated, rng, age=SEATED_AGE)
    return mirrored(sample) if rng.random() < 0.5 else sample


def _seated(rng: np.random.Generator) -> PoseSample:
    thigh, knee = rng.uniform(80, 92), rng.uniform(52, 96)
    out = (rng.uniform(2, 11), rng.uniform(0, 10), 2.5)
    legs = [leg(rng, thigh, knee + rng.normal(0, 3), out=out) for _ in range(2)]
    if rng.random() < 0.08:  # one leg rests high
        legs[0] = leg(rng, rng.uniform(86, 94), rng.uniform(12, 40), out=out)
    leans = rng.random() < 0.15
    pitch = rng.uniform(10, 38) if leans else rng.uniform(-20, 6)
    slump = rng.uniform(0, 12) if leans else rng.choice([0.0, 1.0]) * rng.uniform(5, 38)
    arms = _arms(rng)
    spine = (slump, rng.normal(0, 7), rng.normal(0, 5))
    sides = (legs[0], legs[1])
    return assembled(rng, "wheelchair", legs=sides, arms=arms, pitch_deg=pitch, spine=spine)


def _arms(rng: np.random.Generator) -> Arms:
    """On the armrests, on the rims, in the lap, at work before the body, or anything else."""
    choices = (_on_armrest, _on_armrest, _on_rim, _in_lap, _in_lap, _at_table, _at_table)
    if rng.random() < 0.15:
        return any_arms(rng)
    first = choices[rng.integers(len(choices))]
    if rng.random() < 0.6:
        return first(rng), first(rng)
    busy = (at_face, carrying, forwards, *choices)
    return first(rng), busy[rng.integers(len(busy))](rng)


def _on_armrest(rng: np.random.Generator) -> SideAngles:
    return arm_near(rng, (14, 16, 0), rng.uniform(70, 95), spread_deg=4)


def _on_rim(rng: np.random.Generator) -> SideAngles:
    """Hand beside the hip, on the wheel."""
    return arm_near(rng, (rng.uniform(-30, 10), 24, 0), rng.uniform(30, 75), spread_deg=5)


def _in_lap(rng: np.random.Generator) -> SideAngles:
    return arm_near(rng, (rng.uniform(8, 22), 10, -30), rng.uniform(55, 85), spread_deg=5)


def _at_table(rng: np.random.Generator) -> SideAngles:
    """Forearm level before the body."""
    return arm_near(rng, (rng.uniform(25, 45), 12, -15), rng.uniform(65, 88), spread_deg=5)
