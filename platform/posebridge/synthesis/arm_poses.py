"""What adults do with an arm: rest it, or reach with it.

Every function draws a `SideAngles` of which only shoulder, elbow, wrist and fist count.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from posebridge.synthesis.angles import SideAngles

Triple = tuple[float, float, float]
Arm = Callable[[np.random.Generator], SideAngles]


def arm_near(
    rng: np.random.Generator, shoulder: Triple, elbow: float, *, spread_deg: float = 7.0
) -> SideAngles:
    """An arm near the given angles."""
    flexion, abduction, external = (x + rng.normal(0, spread_deg) for x in shoulder)
    return SideAngles(
        shoulder=(flexion, max(abduction, 4.0), external),
        elbow=elbow + rng.normal(0, spread_deg),
        wrist=(rng.normal(0, 14), rng.normal(0, 25)),
        fist=rng.uniform(2, 45),
    )


def hanging(rng: np.random.Generator) -> SideAngles:
    """Down at the side."""
    return arm_near(rng, (4, 12, 0), rng.uniform(5, 35))


def on_hip(rng: np.random.Generator) -> SideAngles:
    """Hand on the hip, elbow out."""
    return arm_near(rng, (-12, 50, -60), rng.uniform(85, 100))


def folded(rng: np.random.Generator) -> SideAngles:
    """Forearm across the chest."""
    return arm_near(rng, (35, 8, -50), rng.uniform(95, 120))


def at_face(rng: np.random.Generator) -> SideAngles:
    """Hand at the face, as with a telephone."""
    return arm_near(rng, (rng.uniform(20, 60), 20, -10), rng.uniform(120, 142))


def carrying(rng: np.random.Generator) -> SideAngles:
    """Forearm forwards, as with a bag or a cup."""
    return arm_near(rng, (rng.uniform(0, 30), 12, -15), rng.uniform(60, 105))


def forwards(rng: np.random.Generator) -> SideAngles:
    """Held out in front."""
    return arm_near(rng, (rng.uniform(50, 110), 12, 0), rng.uniform(0, 60))


def sideways(rng: np.random.Generator) -> SideAngles:
    """Held out to the side."""
    return arm_near(rng, (rng.uniform(-10, 30), rng.uniform(55, 110), 0), rng.uniform(0, 70))


def upwards(rng: np.random.Generator) -> SideAngles:
    """Overhead."""
    return arm_near(rng, (rng.uniform(125, 172), rng.uniform(5, 35), 0), rng.uniform(0, 70))


def bent_upwards(rng: np.random.Generator) -> SideAngles:
    """Elbow out at shoulder height, hand up."""
    return arm_near(rng, (0, rng.uniform(70, 100), rng.uniform(60, 80)), rng.uniform(70, 125))


AT_REST = (hanging, hanging, on_hip, folded, at_face, carrying)
AT_WORK = (forwards, sideways, upwards, upwards, bent_upwards)


def arms_of(rng: np.random.Generator, choices: tuple[Arm, ...]) -> tuple[SideAngles, SideAngles]:
    """Both arms: half of the people do the same with both."""
    first = choices[rng.integers(len(choices))]
    second = first if rng.random() < 0.5 else choices[rng.integers(len(choices))]
    return first(rng), second(rng)


def any_arms(rng: np.random.Generator) -> tuple[SideAngles, SideAngles]:
    """Both arms at rest or at work."""
    return arms_of(rng, AT_WORK if rng.random() < 0.5 else AT_REST + AT_WORK)
