"""Where a resting head has gone in a pose, so that things can be fitted to the face at rest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.parts import PARTS
from posebridge.synthesis.people import Figure

HEAD = PARTS.index("head")

Points = Float[np.ndarray, "point 3"]


@dataclass(frozen=True, eq=False)
class HeadFrame:
    """A head at rest in units of the face, and the rigid motion into its pose.

    Coordinates of the face: origin between the eyes, x to the person's left, y backwards, z up,
    in distances between the eyes.

    Attributes:
        head: vertices of the skin of the head, in coordinates of the face.
        ears: how much each of them belongs to an ear, in [0, 1].
        span_m: distance between the eyes, metres.
        rotation: from rest to the pose.
        eyes: middle between the eyes in the pose, world, metres.
    """

    head: Points
    ears: Float[np.ndarray, " point"]
    span_m: float
    rotation: Float[np.ndarray, "3 3"]
    eyes: Float[np.ndarray, "3"]

    def in_world(self, points: Points) -> Points:
        """Points given in coordinates of the face, where the pose has them, metres."""
        return np.asarray(self.span_m * (points @ self.rotation.T) + self.eyes, np.float32)


def head_frame(figure: Figure) -> HeadFrame:
    """The frame of a posed head, from its eyeballs and its crown, which move as one."""
    body, rest = figure.body, figure.shaped.vertices
    heads = figure.shaped.bone_heads
    left, right = heads[body.bone("eye.L")], heads[body.bone("eye.R")]
    middle, span_m = (left + right) / 2, float(abs(left[0] - right[0]))
    rigid = np.append(body.group_vertices["eyes"], body.head_top)
    rotation, shift = _rigid_motion(rest[rigid], figure.vertices[rigid])
    members = body.group_vertices["body"]
    members = members[body.vertex_parts[members] == HEAD]
    return HeadFrame(
        head=(rest[members] - middle) / span_m,
        ears=body.masks["ears"][members],
        span_m=span_m,
        rotation=rotation,
        eyes=rotation @ middle + shift,
    )


def _rigid_motion(
    start: Points, end: Points
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """The turn and the shift that carry one set of points nearest to another (Kabsch, 1976)."""
    from_middle, to_middle = start.mean(axis=0), end.mean(axis=0)
    left, _, right = np.linalg.svd((end - to_middle).T @ (start - from_middle))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ flip @ right
    return rotation, to_middle - rotation @ from_middle
