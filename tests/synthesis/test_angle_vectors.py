import numpy as np

from posebridge.synthesis.angle_vectors import (
    NUM_CHANNELS,
    from_vector,
    limit_vectors,
    to_vector,
)
from posebridge.synthesis.infant_joints import infant_limits
from posebridge.synthesis.pose_samples import clip_angles
from posebridge.synthesis.poses import infant_pose


def test_a_pose_survives_being_a_vector() -> None:
    angles = infant_pose(np.random.default_rng(0)).angles
    vector = to_vector(angles)
    assert vector.shape == (NUM_CHANNELS,)
    assert from_vector(vector) == angles
    assert (vector[3], vector[13 + 9], vector[31]) == (
        angles.left.knee,
        angles.right.elbow,
        angles.neck[2],
    )


def test_limits_clip_a_vector_as_they_clip_a_pose() -> None:
    limits = infant_limits(2.0)
    vector = np.random.default_rng(1).normal(0, 120, NUM_CHANNELS)
    clipped = to_vector(clip_angles(from_vector(vector), limits))
    np.testing.assert_allclose(np.clip(vector, *limit_vectors(limits)), clipped)
