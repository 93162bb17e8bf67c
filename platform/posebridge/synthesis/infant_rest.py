"""Poses of infants as gravity leaves them."""

from dataclasses import replace

import numpy as np

from posebridge.synthesis.angles import Matrix
from posebridge.synthesis.body import Body, Shaped
from posebridge.synthesis.infant_joints import infant_limits
from posebridge.synthesis.infant_poses import FAMILIES
from posebridge.synthesis.pose_samples import PoseSample, clip_angles
from posebridge.synthesis.self_contact import DEEP, capsules
from posebridge.synthesis.settling import center_of_mass, settle, tilt_deg

_MAX_DRAWS = 40  # of one pose, before one is kept as it is drawn
_MAX_TILT_DEG = 38.0  # a pose that falls further is another one


def pose_at_rest(
    kind: str, rng: np.random.Generator, body: Body, shaped: Shaped, *, months: float
) -> PoseSample:
    """A pose of a family that neither passes through itself nor tips over.

    Args:
        kind: name in `FAMILIES`.
        rng: source of all randomness; how much it is used depends on the rejections.
        body: the body model.
        shaped: the infant at rest.
        months: its age, for the reach of its joints.

    Returns:
        The pose, its root turned to how the body rests on level ground.
    """
    family, limits, volume = FAMILIES[kind], infant_limits(months), capsules(body, shaped)
    for _ in range(_MAX_DRAWS):
        drawn = family.draw(rng)
        sample = replace(drawn, angles=clip_angles(drawn.angles, limits))
        if volume.overlap(body.pose_bones(shaped, sample.angles, sample.root)) >= DEEP:
            continue
        turn = np.eye(3) if family.is_held else _fall(body, shaped, sample)
        if tilt_deg(turn) <= _MAX_TILT_DEG:
            return replace(sample, root=turn @ sample.root)
    return sample


def _fall(body: Body, shaped: Shaped, sample: PoseSample) -> Matrix:
    vertices = body.pose(shaped, sample.angles, sample.root).vertices
    center = center_of_mass(vertices, body.faces["body"])
    return settle(vertices[body.group_vertices["body"]], center)
