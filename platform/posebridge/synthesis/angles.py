"""Anatomical joint angles, and the bone rotations they mean for a body at rest.

Every limb is first swung from its rest direction to straight down, so that angles mean the same
for every body shape. Then it turns by its angles in the frame of its parent: x to the person's
left, y backwards, z upwards. Flexion is outside abduction: a frog leg is flexion about the
body's axis of an already abducted thigh.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.vectors import cross

_DOWN = np.array([0.0, 0.0, -1.0])
_SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
_NECK = ("neck01", "neck02", "neck03", "head")
_CLAVICLE_SHARE = 0.25  # of the arm's elevation above `_CLAVICLE_FREE_DEG` the clavicle takes
_CLAVICLE_FREE_DEG = 30.0
_THUMB_SHARE = 0.5  # of a finger bone's curl the thumb's bones take

Matrix = Float[np.ndarray, "3 3"]
Vector = Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class SideAngles:
    """Angles of one arm and one leg, degrees; all zero is a straight limb hanging down.

    Attributes:
        hip: flexion (knee forwards), abduction (outwards), external rotation.
        knee: flexion, moves the ankle backwards.
        ankle: plantar flexion (toes down), inversion (sole inwards).
        shoulder: flexion (elbow forwards), abduction (outwards), external rotation, of the upper
            arm against the trunk; the clavicle follows by itself.
        elbow: flexion, moves the wrist forwards.
        wrist: flexion towards the palm, pronation of the forearm.
        fist: how much every finger bone curls towards the palm; the thumb follows by half.
    """

    hip: tuple[float, float, float] = (0.0, 0.0, 0.0)
    knee: float = 0.0
    ankle: tuple[float, float] = (0.0, 0.0)
    shoulder: tuple[float, float, float] = (0.0, 0.0, 0.0)
    elbow: float = 0.0
    wrist: tuple[float, float] = (0.0, 0.0)
    fist: float = 20.0


@dataclass(frozen=True)
class PoseAngles:
    """All angles of a person, degrees.

    Attributes:
        left: the person's left arm and leg.
        right: the person's right arm and leg.
        spine: flexion (forwards), lean to the left, turn to the left.
        neck: as `spine`, of the head against the chest.
    """

    left: SideAngles = field(default_factory=SideAngles)
    right: SideAngles = field(default_factory=SideAngles)
    spine: tuple[float, float, float] = (0.0, 0.0, 0.0)
    neck: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def mirrored(self) -> PoseAngles:
        """The pose seen in a mirror: sides swap, leans and turns change sign."""
        spine = (self.spine[0], -self.spine[1], -self.spine[2])
        neck = (self.neck[0], -self.neck[1], -self.neck[2])
        return replace(self, left=self.right, right=self.left, spine=spine, neck=neck)


def rotation_x(angle_deg: float) -> Matrix:
    """Rotation about x, right-handed."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def rotation_y(angle_deg: float) -> Matrix:
    """Rotation about y, right-handed."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def rotation_z(angle_deg: float) -> Matrix:
    """Rotation about z, right-handed."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def rotation_about(axis: Vector, angle_deg: float) -> Matrix:
    """Rotation about any axis, right-handed; the axis need not have length one."""
    x, y, z = axis / np.linalg.norm(axis)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(angle_deg)
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew)


def swing(start: Vector, end: Vector) -> Matrix:
    """The smallest rotation that turns the direction `start` into `end` (not opposite)."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    x, y, z = cross(a, b)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1 + a @ b))


def local_rotations(
    bone_names: tuple[str, ...], heads: Float[np.ndarray, "bone 3"], angles: PoseAngles
) -> Float[np.ndarray, "bone 3 3"]:
    """Rotation of each bone against its parent, in the axes of the rest pose.

    Args:
        bone_names: the body's bones.
        heads: their heads at rest, metres.
        angles: the pose.

    Returns:
        One rotation a bone; bones without an angle of their own follow their parent.
    """
    named: dict[str, Matrix] = {}
    for chain, (flexion, lean, turn) in ((_SPINE, angles.spine), (_NECK, angles.neck)):
        share = 1 / len(chain)
        bend = rotation_x(flexion * share) @ rotation_y(lean * share) @ rotation_z(turn * share)
        named |= dict.fromkeys(chain, bend)
    index = {name: i for i, name in enumerate(bone_names)}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        rest = {n[:-2]: heads[i] for n, i in index.items() if n.endswith("." + side)}
        side_angles = angles.left if side == "L" else angles.right
        bends = {
            **_leg(rest, side_angles, sign),
            **_arm(rest, side_angles, sign),
            **_hand(rest, side_angles, sign),
        }
        named |= {f"{name}.{side}": rotation for name, rotation in bends.items()}
    local = np.tile(np.eye(3), (len(bone_names), 1, 1))
    for name, rotation in named.items():
        local[index[name]] = rotation
    return local


def _ball(angles: tuple[float, float, float], sign: float) -> tuple[Matrix, Matrix]:
    """Direction of a limb that hangs down, and half of its turn about itself."""
    flexion, abduction, external = angles
    direction = rotation_x(-flexion) @ rotation_y(-sign * abduction)
    return direction, rotation_z(sign * external / 2)


def _leg(rest: dict[str, Vector], angles: SideAngles, sign: float) -> dict[str, Matrix]:
    thigh = swing(rest["lowerleg01"] - rest["upperleg01"], _DOWN)
    shin = swing(rest["foot"] - rest["lowerleg01"], _DOWN)
    direction, half_turn = _ball(angles.hip, sign)
    plantar_flexion, inversion = angles.ankle
    foot = rotation_x(plantar_flexion) @ rotation_y(sign * inversion)
    return {
        "upperleg01": direction @ half_turn @ thigh,
        "upperleg02": thigh.T @ half_turn @ thigh,
        "lowerleg01": thigh.T @ rotation_x(angles.knee) @ shin,
        "foot": shin.T @ foot,
    }


def _arm(rest: dict[str, Vector], angles: SideAngles, sign: float) -> dict[str, Matrix]:
    upper = swing(rest["lowerarm01"] - rest["upperarm01"], _DOWN)
    fore = swing(rest["wrist"] - rest["lowerarm01"], _DOWN)
    direction, half_turn = _ball(angles.shoulder, sign)
    elevation = np.rad2deg(np.arccos(np.clip(direction[2, 2], -1, 1)))
    lift = _CLAVICLE_SHARE * max(0.0, elevation - _CLAVICLE_FREE_DEG)
    clavicle = rotation_y(-sign * lift)
    return {
        "clavicle": clavicle,
        "upperarm01": clavicle.T @ direction @ half_turn @ upper,
        "upperarm02": upper.T @ half_turn @ upper,
        "lowerarm01": upper.T @ rotation_x(-angles.elbow) @ fore,
    }


def _hand(rest: dict[str, Vector], angles: SideAngles, sign: float) -> dict[str, Matrix]:
    across = rest["finger5-1"] - rest["finger2-1"]
    palm = sign * cross(across, rest["finger3-1"] - rest["wrist"])
    flexion, pronation = angles.wrist
    half_turn = rotation_about(rest["wrist"] - rest["lowerarm01"], sign * pronation / 2)
    curl = rotation_about(across, sign * angles.fist)
    thumb = rotation_about(palm, -sign * _THUMB_SHARE * angles.fist)
    fingers = {f"finger{i}-{j}": curl for i in range(2, 6) for j in range(1, 4)}
    opposed = rotation_about(across, -sign * _THUMB_SHARE * angles.fist)
    wrist = half_turn @ rotation_about(across, sign * flexion)
    thumbs = {"finger1-1": opposed, "finger1-2": thumb, "finger1-3": thumb}
    return {"lowerarm02": half_turn, "wrist": wrist, **fingers, **thumbs}
