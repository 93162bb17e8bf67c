"""Puts a pose together: legs by their angle to the vertical, on a trunk that pitches.

A leg is given as a thigh angle against the vertical (forwards positive) and a knee flexion, so
that a leg stays where it is when the trunk pitches; the foot is kept level as far as the ankle
allows.
"""

from __future__ import annotations

import numpy as np

from posebridge.synthesis.angles import PoseAngles, SideAngles, rotation_x
from posebridge.synthesis.arm_poses import Triple
from posebridge.synthesis.pose_samples import ADULT_LIMITS, PoseSample, clip_angles


def leg(
    rng: np.random.Generator, thigh_deg: float, knee_deg: float, *, out: Triple | None = None
) -> SideAngles:
    """A leg by its thigh against the vertical; `out` is (abduction, external rotation, spread)."""
    abduction, external, spread_deg = out or (6.0, 6.0, 4.0)
    level = np.clip(thigh_deg - knee_deg, -30, 45)
    return SideAngles(
        hip=(
            thigh_deg + rng.normal(0, 3),
            max(abduction + rng.normal(0, spread_deg), 1.0),
            external + rng.normal(0, spread_deg),
        ),
        knee=knee_deg + rng.normal(0, 3),
        ankle=(float(level) + rng.normal(0, 4), rng.normal(0, 4)),
    )


def assembled(
    rng: np.random.Generator,
    kind: str,
    *,
    legs: tuple[SideAngles, SideAngles],
    arms: tuple[SideAngles, SideAngles],
    pitch_deg: float,
    spine: Triple = (0.0, 0.0, 0.0),
) -> PoseSample:
    """Puts legs and arms on a trunk pitched forwards; the head looks about, mostly level."""
    bend, lean, turn = spine
    level = -0.5 * np.clip(pitch_deg + bend, -40, 80)
    angles = PoseAngles(
        left=_join(legs[0], arms[0], pitch_deg),
        right=_join(legs[1], arms[1], pitch_deg),
        spine=(bend + rng.normal(3, 5), lean + rng.normal(0, 6), turn + rng.normal(0, 8)),
        neck=(level + rng.normal(8, 15), rng.normal(0, 8), rng.normal(0, 22)),
    )
    return PoseSample(clip_angles(angles, ADULT_LIMITS), rotation_x(pitch_deg), kind)


def _join(lower: SideAngles, upper: SideAngles, pitch_deg: float) -> SideAngles:
    """The leg of one and the arm of the other; the thigh keeps its angle to the vertical."""
    flexion, abduction, external = lower.hip
    return SideAngles(
        hip=(flexion + pitch_deg, abduction, external),
        knee=lower.knee,
        ankle=lower.ankle,
        shoulder=upper.shoulder,
        elbow=upper.elbow,
        wrist=upper.wrist,
        fist=upper.fist,
    )
