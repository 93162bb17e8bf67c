"""Affine maps, projection, limb lengths, angles and Procrustes alignment."""

import numpy as np
import pytest
import torch
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation
from torch import Tensor

from posebridge.geometry import (
    angles,
    apply,
    compose,
    invert,
    limb_lengths,
    limb_lengths_25d,
    procrustes_align,
    project,
)
from posebridge.skeletons import COCO17

LIMBS = COCO17.limbs


def affines(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(*shape, 2, 3))


def test_composition_is_application_in_turn() -> None:
    outer, inner = affines(0, 5), affines(1, 5)
    points = np.random.default_rng(2).normal(size=(5, 7, 2))
    np.testing.assert_allclose(
        apply(compose(outer, inner), points), apply(outer, apply(inner, points))
    )


def test_composition_is_the_product_of_the_3x3_matrices() -> None:
    def square(matrix: np.ndarray) -> np.ndarray:
        return np.vstack((matrix, (0, 0, 1)))

    outer, inner = affines(3), affines(4)
    np.testing.assert_allclose(compose(outer, inner), (square(outer) @ square(inner))[:2])
    np.testing.assert_allclose(invert(outer), np.linalg.inv(square(outer))[:2])


def test_the_inverse_leads_back() -> None:
    matrix = affines(5, 3, 4)
    identity = np.broadcast_to(np.eye(2, 3), (3, 4, 2, 3))
    np.testing.assert_allclose(compose(matrix, invert(matrix)), identity, atol=1e-12)


def test_float32_matrices_are_worked_on_in_float64() -> None:
    matrix = affines(6).astype(np.float32)
    assert compose(matrix, matrix).dtype == invert(matrix).dtype == np.float64
    assert apply(matrix, np.zeros((3, 2), np.float32)).dtype == np.float64


def test_affine_functions_leave_their_arguments_alone() -> None:
    matrix, points = affines(7), np.ones((3, 2))
    before = matrix.copy()
    compose(matrix, matrix), invert(matrix), apply(matrix, points)
    np.testing.assert_array_equal(matrix, before)
    np.testing.assert_array_equal(points, np.ones((3, 2)))


@pytest.mark.parametrize("bad", [[[1, 2, 0], [2, 4, 0]], [[np.nan, 0, 0], [0, 1, 0]]])
def test_a_map_without_area_is_not_inverted(bad: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="must be finite and have an area.*Check the box"):
        invert(np.array([[[1.0, 0, 0], [0, 1, 0]], bad]))


def test_projection_puts_the_optical_axis_on_the_principal_point() -> None:
    camera = torch.tensor([[500.0, 0, 320], [0, 400, 240], [0, 0, 1]])
    seen = project(torch.tensor([[0.0, 0, 700], [70, -70, 700], [1, 1, 0], [1, 1, -5]]), camera)
    torch.testing.assert_close(seen[:2], torch.tensor([[320.0, 240], [370, 200]]))
    assert seen[2:].isnan().all()


def test_gradients_are_exact() -> None:
    """Central differences in float64 for every function a loss may use."""
    generator = torch.Generator().manual_seed(0)
    keypoints = torch.randn(2, 17, 3, dtype=torch.float64, generator=generator)
    keypoints[..., 2] += 8
    camera = torch.tensor([[5.0, 0, 3], [0, 4, 2], [0, 0, 1]], dtype=torch.float64)

    def flat_lengths(points: Tensor) -> Tensor:
        return limb_lengths_25d(points[..., :2], points[..., 2], LIMBS, px_per_depth=0.7)

    for function in (
        lambda points: project(points, camera),
        lambda points: limb_lengths(points, LIMBS),
        flat_lengths,
        lambda points: angles(points, ((5, 7, 9), (11, 13, 15))),
    ):
        assert torch.autograd.gradcheck(function, (keypoints.clone().requires_grad_(True),))


def test_degenerate_limbs_have_a_finite_gradient() -> None:
    keypoints = torch.zeros(3, 3, requires_grad=True)
    camera = torch.eye(3)
    lengths = limb_lengths_25d(
        keypoints[:, :2], keypoints[:, 2], ((0, 1), (1, 2)), px_per_depth=2.0
    )
    angle = angles(keypoints, ((0, 1, 2),))
    pixels = project(keypoints, camera)
    assert angle.isnan().all()
    (lengths.sum() + angle.nansum() + pixels.nansum()).backward()  # type: ignore[no-untyped-call]
    assert keypoints.grad is not None
    assert (keypoints.grad == 0).all()


def test_limb_lengths_agree_with_a_slow_loop() -> None:
    keypoints = torch.randn(4, 17, 2, generator=torch.Generator().manual_seed(1))
    for person, lengths in zip(keypoints.tolist(), limb_lengths(keypoints, LIMBS), strict=True):
        slow = [np.hypot(*np.subtract(person[one], person[other])) for one, other in LIMBS]
        np.testing.assert_allclose(lengths, slow, rtol=1e-5)


def test_depth_adds_to_a_flat_length_as_in_pythagoras() -> None:
    keypoints = torch.randn(4, 17, 3, generator=torch.Generator().manual_seed(2))
    with_depth = limb_lengths_25d(keypoints[..., :2], keypoints[..., 2], LIMBS, px_per_depth=1.0)
    torch.testing.assert_close(with_depth, limb_lengths(keypoints, LIMBS))
    without = limb_lengths_25d(keypoints[..., :2], keypoints[..., 2], LIMBS, px_per_depth=0.0)
    torch.testing.assert_close(without, limb_lengths(keypoints[..., :2], LIMBS))


@pytest.mark.parametrize("degrees", [0.0, 1e-4, 30.0, 90.0, 179.9999, 180.0])
@pytest.mark.parametrize("dimension", [2, 3])
def test_an_angle_is_measured_to_the_last_digits(degrees: float, dimension: int) -> None:
    turn = np.deg2rad(degrees)
    corner = torch.zeros(3, dimension, dtype=torch.float64)
    corner[0, 0] = 2.0
    corner[2, :2] = torch.tensor([np.cos(turn), np.sin(turn)])
    measured = torch.rad2deg(angles(corner + 3.0, ((0, 1, 2),)))
    assert measured.item() == pytest.approx(degrees, abs=1e-9)


def test_angles_and_length_ratios_survive_a_similarity() -> None:
    rng = np.random.default_rng(3)
    turn = torch.tensor(Rotation.random(random_state=1).as_matrix())
    keypoints = torch.tensor(rng.normal(size=(17, 3)))
    moved = 2.5 * keypoints @ turn.mT + 4
    corners = ((5, 7, 9), (6, 8, 10))
    torch.testing.assert_close(angles(moved, corners), angles(keypoints, corners))
    torch.testing.assert_close(limb_lengths(moved, LIMBS), 2.5 * limb_lengths(keypoints, LIMBS))


@pytest.mark.parametrize("dimension", [2, 3])
def test_alignment_agrees_with_scipy(dimension: int) -> None:
    """Its disparity is the squared distance that is left when `onto` has unit norm."""
    rng = np.random.default_rng(4)
    onto = rng.normal(size=(6, 17, dimension))
    points = onto + 0.3 * rng.normal(size=onto.shape)
    aligned = procrustes_align(points, onto, np.ones((6, 17), bool))
    for moved, given, goal in zip(aligned, points, onto, strict=True):
        norm = ((goal - goal.mean(0)) ** 2).sum()
        _, _, disparity = procrustes(goal, given)
        assert ((moved - goal) ** 2).sum() / norm == pytest.approx(disparity)


@pytest.mark.parametrize("dimension", [2, 3])
def test_alignment_undoes_any_similarity(dimension: int) -> None:
    rng = np.random.default_rng(5)
    onto = rng.normal(size=(17, dimension))
    turn = Rotation.from_euler("xyz", (0.0, 0.0, 2.0)).as_matrix()[:dimension, :dimension]
    visible = rng.random(17) < 0.5
    np.testing.assert_allclose(
        procrustes_align(4 * onto @ turn.T - 9, onto, visible), onto, atol=1e-12
    )


def test_a_mirror_image_does_not_align() -> None:
    onto = np.random.default_rng(6).normal(size=(17, 3))
    mirrored = onto * np.array([-1.0, 1.0, 1.0])
    error = np.abs(procrustes_align(mirrored, onto, np.ones(17, bool)) - onto).mean()
    assert error > 0.1


def test_hidden_points_have_no_say_even_if_they_are_nan() -> None:
    rng = np.random.default_rng(7)
    points, onto = rng.normal(size=(2, 17, 3))
    visible = np.arange(17) < 12
    wild = np.where(visible[:, None], points, np.nan)
    np.testing.assert_allclose(
        procrustes_align(wild, onto, visible)[:12], procrustes_align(points, onto, visible)[:12]
    )


def test_an_alignment_that_fails_is_nan_and_leaves_its_neighbours_alone() -> None:
    """Too few points, one place, one line, a NaN; then a sound person in the same batch."""
    rng = np.random.default_rng(8)
    points, onto = rng.normal(size=(2, 5, 17, 3))
    visible = np.ones((5, 17), bool)
    visible[0, 2:] = False
    points[1] = 3.0
    points[2] = np.arange(17)[:, None] * np.array([1.0, 2.0, 3.0])
    points[3, 4, 1] = np.nan
    aligned = procrustes_align(points, onto, visible)
    assert np.isnan(aligned[:4]).all()
    np.testing.assert_allclose(aligned[4], procrustes_align(points[4], onto[4], visible[4]))


def test_two_points_never_align_perfectly_in_the_plane() -> None:
    points, onto = np.random.default_rng(9).normal(size=(2, 2, 2))
    assert np.isnan(procrustes_align(points, onto, np.ones(2, bool))).all()
