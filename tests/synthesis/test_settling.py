import numpy as np
import pytest

from posebridge.synthesis.angles import rotation_x, rotation_y
from posebridge.synthesis.meshes import box, sphere
from posebridge.synthesis.settling import center_of_mass, settle, tilt_deg


def dense_box(size: tuple[float, float, float]) -> np.ndarray:
    axes = [np.linspace(-s / 2, s / 2, 9) for s in size]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 3)


def test_the_center_of_a_closed_surface_is_that_of_its_volume() -> None:
    """A box and a ball far away from it that is as heavy as its volume says."""
    block, ball = (
        box((0.0, 0.0, 1.0), (2.0, 1.0, 1.0), color=(0.5, 0.5, 0.5)),
        sphere((4.0, 0.0, 1.0), 0.5, color=(0.5, 0.5, 0.5), rings=60, segments=90),
    )
    np.testing.assert_allclose(center_of_mass(block.vertices, block.faces), (0, 0, 1), atol=1e-6)
    vertices = np.concatenate([block.vertices, ball.vertices])
    # Both must be wound the same way for their volumes to add up.
    flipped = ball.faces[:, ::-1] if _volume(ball) * _volume(block) < 0 else ball.faces
    faces = np.concatenate([block.faces, flipped + len(block.vertices)])
    weight = np.pi / 6
    expected = 4 * weight / (2 + weight)
    np.testing.assert_allclose(center_of_mass(vertices, faces), (expected, 0, 1), atol=5e-3)


def _volume(mesh: object) -> float:
    corners = mesh.vertices[mesh.faces].astype(float)  # type: ignore[attr-defined]
    return float(
        np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
    )


@pytest.mark.parametrize("lean_deg", [-30.0, 5.0, 40.0])
def test_a_block_falls_back_onto_its_side(lean_deg: float) -> None:
    """A 2 × 2 × 1 block on its large side stays there up to 63 degrees: atan(1 / 0.5)."""
    lean = rotation_x(lean_deg)
    turn = settle(dense_box((2.0, 2.0, 1.0)) @ lean.T, np.zeros(3))
    np.testing.assert_allclose(turn @ lean, np.eye(3), atol=1e-6)
    assert tilt_deg(turn) == pytest.approx(abs(lean_deg), abs=1e-3)


def test_a_block_that_leans_too_far_falls_over() -> None:
    lean = rotation_y(70.0)
    turn = settle(dense_box((2.0, 2.0, 1.0)) @ lean.T, np.zeros(3))
    np.testing.assert_allclose(turn @ lean, rotation_y(90.0), atol=1e-6)


def test_a_heavy_end_turns_down() -> None:
    """A tall block stands, until its centre of mass is beyond its foot."""
    tall = dense_box((0.5, 0.5, 2.0))
    assert tilt_deg(settle(tall, np.array([0.2, 0.0, 0.0]))) == pytest.approx(0, abs=1e-3)
    assert tilt_deg(settle(tall, np.array([0.3, 0.0, 0.9]))) == pytest.approx(90, abs=1e-3)
