import numpy as np

from posebridge.synthesis.angles import PoseAngles, rotation_z
from posebridge.synthesis.body import Phenotype
from posebridge.synthesis.figures import moved_figure, moved_meshes, standing_figure
from posebridge.synthesis.meshes import box
from posebridge.synthesis.pose_samples import PoseSample

UPRIGHT = PoseSample(PoseAngles(), np.eye(3), "upright")


def test_a_figure_stands_over_the_origin_as_high_as_asked() -> None:
    figure = standing_figure(Phenotype(), UPRIGHT, lift_m=0.2)
    low, high = figure.skin.min(axis=0), figure.skin.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-4)
    assert abs(low[2] - 0.2) < 1e-4


def test_turning_about_z_moves_skin_bones_and_things_alike() -> None:
    figure = standing_figure(Phenotype(), UPRIGHT)
    turn, shift = rotation_z(90), np.array([1.0, 0.0, 0.0])
    moved = moved_figure(figure, turn, shift)
    left = figure.keypoints[5]
    expected = [1.0 - left[1], left[0], left[2]]
    np.testing.assert_allclose(moved.keypoints[5], expected, atol=1e-4)
    bone = figure.body.bone("wrist.L")
    here = figure.bone_heads[bone]
    np.testing.assert_allclose(
        moved.bone_heads[bone], [1.0 - here[1], here[0], here[2]], atol=1e-4
    )
    (thing,) = moved_meshes([box((0.0, -1.0, 0.0), (0.2, 0.1, 0.1), color=(0, 0, 0))], turn, shift)
    np.testing.assert_allclose(np.ptp(thing.vertices, axis=0), [0.1, 0.2, 0.1], atol=1e-6)
    np.testing.assert_allclose(thing.vertices.mean(axis=0), [2.0, 0.0, 0.0], atol=1e-6)
