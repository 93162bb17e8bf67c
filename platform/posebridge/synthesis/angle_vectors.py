"""The angles of a pose as one vector, and limits as two: what moves in time is easier so.

A vector has 32 channels: 13 of the left side (hip 3, knee, ankle 2, shoulder 3, elbow, wrist 2,
fist), 13 of the right, 3 of the spine and 3 of the neck, degrees.
"""

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import PoseAngles, SideAngles
from posebridge.synthesis.pose_samples import Limits

NUM_SIDE, NUM_CHANNELS = 13, 32

Vector = Float[np.ndarray, " channel"]


def to_vector(angles: PoseAngles) -> Vector:
    """All angles of a pose."""
    sides = [_side_vector(side) for side in (angles.left, angles.right)]
    return np.concatenate([*sides, angles.spine, angles.neck])


def from_vector(vector: Vector) -> PoseAngles:
    """The pose of a vector.

    Example:
        >>> pose = PoseAngles(spine=(1.0, 2.0, 3.0))
        >>> from_vector(to_vector(pose)) == pose
        True
    """
    values = [float(value) for value in vector]
    left, right, trunk = values[:NUM_SIDE], values[NUM_SIDE : 2 * NUM_SIDE], values[2 * NUM_SIDE :]
    return PoseAngles(
        left=_side(left), right=_side(right), spine=_three(trunk[:3]), neck=_three(trunk[3:])
    )


def limit_vectors(limits: Limits) -> tuple[Vector, Vector]:
    """Lowest and highest values of all channels."""
    side = [*limits.hip, limits.knee, *limits.ankle, *limits.shoulder, limits.elbow]
    side += [*limits.wrist, limits.fist]
    ranges = np.array([*side, *side, *limits.spine, *limits.neck], dtype=float)
    return ranges[:, 0], ranges[:, 1]


def _side_vector(side: SideAngles) -> Vector:
    leg, arm = [*side.hip, side.knee, *side.ankle], [*side.shoulder, side.elbow, *side.wrist]
    return np.array([*leg, *arm, side.fist], dtype=float)


def _side(values: list[float]) -> SideAngles:
    return SideAngles(
        hip=_three(values[0:3]),
        knee=values[3],
        ankle=(values[4], values[5]),
        shoulder=_three(values[6:9]),
        elbow=values[9],
        wrist=(values[10], values[11]),
        fist=values[12],
    )


def _three(values: list[float]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]
