"""How infants lie, crawl, sit and stand: families of poses beside lying on the back.

Each family has the posture that SyRIP labels it with (supine, prone, sitting or standing [0]). A
side-lying infant is prone or supine by where its chest looks, a crawling one prone: these have no
label of their own there.

Angles are set by hand inside the measured ranges of `infant_joints`; hips and knees of kicking
legs move together [1]. How a body then lies is left to gravity (`settling`).

Sources:
    [0] Huang, Fu, Liu, Ostadabbas, Invariant representation learning for infant pose estimation
        with small data, 2021, https://arxiv.org/abs/2010.06100
    [1] Thelen, Fisher, The organization of spontaneous leg movements in newborn infants, J Mot
        Behav 15, 1983, https://pubmed.ncbi.nlm.nih.gov/15151867
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from posebridge.synthesis.angles import (
    Matrix,
    PoseAngles,
    SideAngles,
    rotation_x,
    rotation_y,
    rotation_z,
)
from posebridge.synthesis.pose_samples import PoseSample

Triple = tuple[float, float, float]
Draw = Callable[[np.random.Generator], PoseSample]

SUPINE = "supine"
LYING_AGES, UPRIGHT_AGES = (-0.33, -0.05), (-0.06, 0.05)  # as in `Phenotype`
_ON_THE_BACK = rotation_x(-90)
_ON_THE_FRONT = rotation_z(180) @ rotation_x(90)  # the crown to +y, as on the back


@dataclass(frozen=True)
class Family:
    """One way to lie, sit or stand.

    Attributes:
        draw: one pose; its root is where gravity starts from.
        ages: of infants who do so, as in `Phenotype`.
        is_upright: the trunk stands, so that cameras look from the side.
        is_held: by a support, so that it may not be left to gravity alone.
    """

    draw: Draw
    ages: tuple[float, float] = LYING_AGES
    is_upright: bool = False
    is_held: bool = False


@dataclass(frozen=True)
class Limbs:
    """Angles of an arm and a leg to draw around, as in `SideAngles`."""

    hip: Triple
    knee: float
    shoulder: Triple
    elbow: float
    ankle: tuple[float, float] = (0.0, 0.0)
    wrist: tuple[float, float] = (0.0, 0.0)

    def near(self, rng: np.random.Generator, spread_deg: float = 10.0) -> SideAngles:
        """A side near these angles, its hand half closed."""

        def three(angles: Triple) -> Triple:
            x, y, z = rng.normal(angles, spread_deg)
            return float(x), float(y), float(z)

        plantar, inversion = rng.normal(self.ankle, 8.0)
        flexion, pronation = rng.normal(self.wrist, (15.0, 20.0))
        return SideAngles(
            hip=three(self.hip),
            knee=float(rng.normal(self.knee, spread_deg)),
            ankle=(float(plantar), float(inversion)),
            shoulder=three(self.shoulder),
            elbow=float(rng.normal(self.elbow, spread_deg)),
            wrist=(float(flexion), float(pronation)),
            fist=float(rng.uniform(15, 70)),
        )


def posture_of(root: Matrix, kind: str) -> str:
    """SyRIP's label of a pose that has come to rest.

    Args:
        root: of the body at rest.
        kind: name of its family.
    """
    if kind in ("sitting", "standing"):
        return kind
    chest_up = (root @ np.array([0.0, -1.0, 0.0]))[2]
    return SUPINE if chest_up > 0 else "prone"


def curled(rng: np.random.Generator) -> PoseSample:
    """On the back, drawn up as before birth."""
    limbs = Limbs(hip=(110, 25, 20), knee=122, shoulder=(35, 25, 0), elbow=115)
    return _pose("curled", _sides(rng, limbs, limbs), _trunk(rng, 20, 15), _ON_THE_BACK)


def kicking(rng: np.random.Generator) -> PoseSample:
    """On the back; each leg somewhere between drawn up and kicked out."""
    left, right = (
        Limbs(hip=(35 + 75 * bent, 28, 25), knee=15 + 115 * bent, shoulder=arm, elbow=75)
        for bent, arm in zip(rng.uniform(0, 1, 2), _spread_arms(rng), strict=True)
    )
    return _pose("kicking", _sides(rng, left, right), _trunk(rng, 6, 5), _ON_THE_BACK)


def side_lying(rng: np.random.Generator) -> PoseSample:
    """On one side, arms and legs before the body."""
    bent = rng.uniform(45, 100)
    limbs = Limbs(hip=(bent, 6, 5), knee=1.1 * bent, shoulder=(62, 12, 0), elbow=70)
    root = rotation_y(float(rng.choice([-1, 1]) * rng.uniform(75, 105))) @ _ON_THE_BACK
    return _pose("side-lying", _sides(rng, limbs, limbs), _trunk(rng, 12, 6), root)


def prone(rng: np.random.Generator) -> PoseSample:
    """On the front, the head turned to a side, or lifted over propped forearms."""
    hip, knee = (((25, 68, 78), 85), ((112, 14, 8), 122), ((20, 14, 15), 25))[rng.integers(3)]
    if rng.random() < 0.4:
        arm = Limbs(hip=hip, knee=knee, shoulder=(75, 16, 0), elbow=95, wrist=(0, 50))
        trunk = ((float(rng.uniform(-22, -8)), 0.0, 0.0), _head(rng, -38, 20))
    else:
        beside = rng.random() < 0.25
        shoulder, elbow = ((2, 24, -20), 25) if beside else ((12, 82, 75), 95)
        arm = Limbs(hip=hip, knee=knee, shoulder=shoulder, elbow=elbow, wrist=(0, 30))
        turned = rng.choice([-1, 1]) * rng.uniform(62, 88)
        trunk = ((float(rng.uniform(-6, 2)), 0.0, 0.0), (-8.0, 0.0, float(turned)))
    return _pose("prone", _sides(rng, arm, arm), trunk, _ON_THE_FRONT)


def crawling(rng: np.random.Generator) -> PoseSample:
    """On hands and knees."""
    pitch = rng.uniform(72, 90)
    stride = rng.uniform(-18, 18)
    left, right = (
        Limbs(
            hip=(pitch + step, 12, 6),
            knee=88 + step,
            shoulder=(pitch - 0.7 * step, 12, 0),
            elbow=12,
            ankle=(36, 0),
            wrist=(-68, 55),
        )
        for step in (stride, -stride)
    )
    trunk = ((float(rng.uniform(-8, 6)), 0.0, 0.0), _head(rng, -32, 25))
    root = rotation_z(180) @ rotation_x(pitch)
    return _pose("crawling", _sides(rng, left, right, spread_deg=5.0), trunk, root)


def sitting(rng: np.random.Generator) -> PoseSample:
    """On the bed, legs spread and bent, the back round; hands on the bed, in the lap or raised."""
    pitch, bend = rng.uniform(-16, 14), rng.uniform(4, 20)
    styles = (((30, 16, -15), 65), ((62, 28, 0), 50), ((pitch + bend + 22, 22, 10), 12))
    shoulder, elbow = styles[rng.integers(3)]
    bent = rng.uniform(25, 95)
    limbs = Limbs(
        hip=(90 + pitch + 0.1 * bent, rng.uniform(24, 46), 70),
        knee=bent,
        shoulder=shoulder,
        elbow=elbow,
        wrist=(-15, 20),
    )
    trunk = ((float(bend), *_lean(rng)), _head(rng, -0.9 * (pitch + bend) + 4, 24))
    return _pose("sitting", _sides(rng, limbs, limbs, spread_deg=7.0), trunk, rotation_x(pitch))


def standing(rng: np.random.Generator) -> PoseSample:
    """On both feet, holding on to something before it."""
    pitch, bent = rng.uniform(2, 16), rng.uniform(8, 34)
    limbs = Limbs(
        hip=(pitch + 0.5 * bent, 12, 18),
        knee=bent,
        ankle=(-0.5 * bent, 0),
        shoulder=(pitch + rng.uniform(52, 84), 16, 0),
        elbow=rng.uniform(12, 50),
        wrist=(-25, 60),
    )
    trunk = ((float(rng.uniform(-4, 8)), *_lean(rng)), _head(rng, -4, 25))
    return _pose("standing", _sides(rng, limbs, limbs, spread_deg=3.0), trunk, rotation_x(pitch))


FAMILIES: Mapping[str, Family] = {
    "curled": Family(curled),
    "kicking": Family(kicking),
    "side-lying": Family(side_lying),
    "prone": Family(prone),
    "crawling": Family(crawling, UPRIGHT_AGES),
    "sitting": Family(sitting, UPRIGHT_AGES, is_upright=True),
    "standing": Family(standing, UPRIGHT_AGES, is_upright=True, is_held=True),
}
"""All families but lying on the back, which is `poses.infant_pose`."""
INFANT_POSES = (SUPINE, *FAMILIES)


def check_poses(poses: Sequence[str]) -> None:
    """Refuse names that are no poses of infants.

    Raises:
        ValueError: naming those that are.
    """
    unknown = [name for name in poses if name not in INFANT_POSES]
    if unknown or not poses:
        raise ValueError(
            f"poses must be some of {', '.join(INFANT_POSES)}, but got "
            f"{', '.join(unknown) or 'none'}."
        )


def _pose(
    kind: str,
    sides: tuple[SideAngles, SideAngles],
    trunk: tuple[Triple, Triple],
    root: Matrix,
) -> PoseSample:
    left, right = sides
    spine, neck = trunk
    return PoseSample(PoseAngles(left=left, right=right, spine=spine, neck=neck), root, kind)


def _sides(
    rng: np.random.Generator, left: Limbs, right: Limbs, spread_deg: float = 10.0
) -> tuple[SideAngles, SideAngles]:
    return left.near(rng, spread_deg), right.near(rng, spread_deg)


def _spread_arms(rng: np.random.Generator) -> list[Triple]:
    """Upper arms of an infant on its back, away from the trunk."""
    return [(float(rng.normal(20, 20)), float(rng.normal(65, 20)), 10.0) for _ in range(2)]


def _trunk(rng: np.random.Generator, bend_deg: float, nod_deg: float) -> tuple[Triple, Triple]:
    return (float(rng.normal(bend_deg, 4)), *_lean(rng)), _head(rng, nod_deg, 28)


def _lean(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.normal(0, 5)), float(rng.normal(0, 5))


def _head(rng: np.random.Generator, nod_deg: float, turn_deg: float) -> Triple:
    """The head nodding by about one angle and turned by any with the deviation of the other."""
    return float(rng.normal(nod_deg, 6)), float(rng.normal(0, 4)), float(rng.normal(0, turn_deg))
