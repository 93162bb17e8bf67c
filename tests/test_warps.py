"""Tests of moving points and maps between frames."""

import torch
from torch import Tensor

from posebridge.heatmaps import decode_dark, encode_gaussian
from posebridge.warps import exchange_mirrored, inverse, transform, warp_maps

HEIGHT, WIDTH, STRIDE, SIGMA = 32, 24, 4, 2.0
MIRROR = torch.tensor([[-1.0, 0.0, 32.0], [0.0, 1.0, 0.0]])


def encode(*keypoints: tuple[float, float], visible: bool = True) -> Tensor:
    points = torch.tensor([keypoints], dtype=torch.float32)
    mask = torch.full(points.shape[:2], visible)
    return encode_gaussian(points, mask, HEIGHT, WIDTH, stride=STRIDE, sigma_cells=SIGMA)


def quarter_turn(side: float) -> Tensor:
    """(x, y) → (side − y, x): a quarter turn about the centre of a square."""
    return torch.tensor([[[0.0, -1.0, side], [1.0, 0.0, 0.0]]])


def test_points_move_by_the_matrix_and_back_by_its_inverse() -> None:
    matrix = torch.tensor([[[0.9, -0.3, 9.0], [0.3, -0.9, -6.0]]])
    points = torch.tensor([[[10.0, 20.0], [0.0, 0.0]]])
    moved = transform(matrix, points)
    torch.testing.assert_close(moved, torch.tensor([[[12.0, -21.0], [9.0, -6.0]]]))
    torch.testing.assert_close(transform(inverse(matrix), moved), points)


def test_points_keep_their_precision_under_autocast() -> None:
    points = torch.tensor([[[100.3, 90.7]]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        moved = transform(inverse(torch.eye(2, 3)[None]), points)
    torch.testing.assert_close(moved, points)


def test_left_and_right_are_exchanged_only_for_those_who_are_mirrored() -> None:
    values = torch.arange(6).view(2, 3)
    exchanged = exchange_mirrored(values, torch.stack((MIRROR, torch.eye(2, 3))), (0, 2, 1))
    assert exchanged.tolist() == [[0, 2, 1], [3, 4, 5]]
    assert values.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_identity_and_quarter_turns_move_cells_onto_cells() -> None:
    maps = torch.rand(1, 2, 48, 48, generator=torch.Generator().manual_seed(0))
    identity = torch.eye(2, 3)[None]
    torch.testing.assert_close(warp_maps(maps, identity, 4), maps, atol=1e-5, rtol=0)
    turned = warp_maps(maps, quarter_turn(48 * 4), 4)
    torch.testing.assert_close(turned, maps.rot90(-1, (2, 3)), atol=1e-5, rtol=0)


def test_warping_a_map_moves_its_keypoint_by_the_matrix() -> None:
    matrix = torch.tensor([[[0.9, -0.3, 9.0], [0.3, 0.9, -6.0]]])
    point = torch.tensor([22.0, 30.0])
    moved = decode_dark(warp_maps(encode(tuple(point.tolist())), matrix, STRIDE), STRIDE)
    expected = matrix[0, :, :2] @ point + matrix[0, :, 2]
    torch.testing.assert_close(moved.keypoints[0, 0], expected, atol=0.2, rtol=0)


def test_warping_forth_and_back_restores_a_map_inside() -> None:
    matrix = torch.tensor([[[1.0, 0.0, 4.0], [0.0, 1.0, -8.0]]])
    back = torch.tensor([[[1.0, 0.0, -4.0], [0.0, 1.0, 8.0]]])
    maps = encode((22.0, 30.0))
    restored = warp_maps(warp_maps(maps, matrix, STRIDE), back, STRIDE)
    torch.testing.assert_close(restored[..., 2:, :-1], maps[..., 2:, :-1], atol=1e-5, rtol=0)
    assert (restored[..., :2, :] == 0).all()


def test_channels_are_exchanged_only_where_the_matrix_mirrors() -> None:
    maps = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    matrices = torch.stack((MIRROR, torch.eye(2, 3)))
    warped = warp_maps(maps, matrices, 4, flip_order=(0, 2, 1))
    torch.testing.assert_close(warped[0], maps[0, [0, 2, 1]].flip(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(warped[1], maps[1], atol=1e-5, rtol=0)


def test_warping_is_differentiable_in_the_maps() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(2, 2, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    matrix = torch.tensor([[0.8, -0.3, 3.0], [0.2, -1.1, 15.0]]).expand(2, 2, 3)
    assert torch.autograd.gradcheck(lambda m: warp_maps(m, matrix, 4, flip_order=(1, 0)), (maps,))
