from functools import cache

import numpy as np
import pytest

from posebridge.synthesis.angles import PoseAngles, rotation_x, rotation_z
from posebridge.synthesis.body import Phenotype
from posebridge.synthesis.figures import standing_figure
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.head_frames import HEAD, HeadFrame, head_frame
from posebridge.synthesis.headwear import bun_mesh, draw_glasses, glasses_meshes
from posebridge.synthesis.people import Figure
from posebridge.synthesis.pose_samples import PoseSample

ANGLES = PoseAngles(neck=(20.0, 10.0, 50.0), spine=(15.0, 0.0, 10.0))


@cache
def _figure(age: float = 0.7, *, posed: bool = True) -> Figure:
    angles = ANGLES if posed else PoseAngles()
    root = rotation_z(40) @ rotation_x(10) if posed else np.eye(3)
    return standing_figure(Phenotype(age=age), PoseSample(angles, root, "turned"))


@pytest.mark.parametrize("age", [0.1, 0.7, 1.0])
def test_the_face_is_where_the_pose_has_taken_it(age: float) -> None:
    figure = _figure(age)
    face = head_frame(figure)
    np.testing.assert_allclose(face.rotation @ face.rotation.T, np.eye(3), atol=1e-6)
    eyes = face.in_world(np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]))
    bones = [figure.body.bone("eye.L"), figure.body.bone("eye.R")]
    np.testing.assert_allclose(eyes, figure.bone_heads[bones], atol=0.004)


def _glasses(figure: Figure, seed: int) -> tuple[HeadFrame, np.ndarray]:
    """Vertices of the glasses in coordinates of the face."""
    face = head_frame(figure)
    meshes = glasses_meshes(face, draw_glasses(np.random.default_rng(seed)), instance=2)
    assert {mesh.instance for mesh in meshes} == {2}
    assert all((mesh.parts == HEAD).all() for mesh in meshes)
    world = np.concatenate([mesh.vertices for mesh in meshes])
    return face, (world - face.eyes) @ face.rotation / face.span_m


@pytest.mark.parametrize("age", [0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_glasses_stay_outside_the_head(seed: int, age: float) -> None:
    """Before the skin right behind them, but for the slope of the nose, or beside it."""
    face, points = _glasses(_figure(age), seed)
    for x, y, z in points[points[:, 1] < -0.4]:
        near = np.hypot(face.head[:, 0] - x, face.head[:, 2] - z) < 0.06
        if near.any():
            assert y < face.head[near, 1].min() + 0.03
    for x, y, z in points[(points[:, 1] > 0.3) & (points[:, 1] < 1.0)]:
        near = (np.hypot(face.head[:, 1] - y, face.head[:, 2] - z) < 0.12) & (face.ears < 0.05)
        assert abs(x) > np.abs(face.head[near & (face.head[:, 0] * x > 0), 0]).max() - 0.06


def test_glasses_sit_before_the_eyes_and_reach_the_ears() -> None:
    face, points = _glasses(_figure(), 0)
    rims = points[points[:, 1] < -0.2]
    assert abs(rims[:, 0].mean()) < 0.05
    assert abs(rims[:, 2].mean()) < 0.15
    ears = face.head[face.ears > 0.5]
    assert points[:, 1].max() > ears[:, 1].min()


def test_glasses_move_with_the_head() -> None:
    _, posed = _glasses(_figure(), 1)
    _, rested = _glasses(_figure(posed=False), 1)
    np.testing.assert_allclose(posed, rested, atol=0.11)  # tubes turn about their path


def test_a_bun_sits_at_the_back_of_the_head() -> None:
    face = head_frame(_figure())
    hair = Hair((0.1, 0.1, 0.1), density=0.9, brows=0.5)
    bun = bun_mesh(face, hair, instance=1)
    center = (bun.vertices.mean(axis=0) - face.eyes) @ face.rotation / face.span_m
    assert abs(center[0]) < 0.05
    assert center[1] > face.head[:, 1].max() - 0.6
