"""Tests of encoding, decoding and warping heatmaps.

The reference values come from loops or formulas written out here, on maps of 32 × 24 cells.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from posebridge.batch import Predictions
from posebridge.heatmaps import (
    decode_argmax,
    decode_dark,
    decode_offset,
    decode_quarter,
    decode_soft_argmax,
    encode_gaussian,
    encode_udp,
    image_from_udp,
)

Decoder = Callable[[Tensor, int], Predictions]
HEIGHT, WIDTH, STRIDE, SIGMA = 32, 24, 4, 2.0
DECODERS: list[Decoder] = [
    decode_argmax,
    decode_quarter,
    decode_dark,
    decode_soft_argmax,
    lambda maps, stride: decode_offset(
        maps, torch.zeros(*maps.shape[:2], 2, *maps.shape[2:]), stride
    ),
]


def encode(*keypoints: tuple[float, float], visible: bool = True) -> Tensor:
    points = torch.tensor([keypoints], dtype=torch.float32)
    mask = torch.full(points.shape[:2], visible)
    return encode_gaussian(points, mask, HEIGHT, WIDTH, stride=STRIDE, sigma_cells=SIGMA)


def interior(count: int) -> Tensor:
    """Points at least eight cells from the border, so that no Gaussian is cut."""
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([WIDTH, HEIGHT]) * STRIDE
    return 32 + torch.rand(1, count, 2, generator=generator) * (size - 64)


def test_a_gaussian_has_the_values_of_its_formula() -> None:
    heatmap = encode((21.3, 30.7))[0, 0]
    for row in range(HEIGHT):
        for column in range(WIDTH):
            dx, dy = column + 0.5 - 21.3 / 4, row + 0.5 - 30.7 / 4
            expected = math.exp(-(dx**2 + dy**2) / (2 * SIGMA**2))
            assert heatmap[row, column].item() == pytest.approx(expected, abs=1e-6)


def test_a_keypoint_at_the_centre_of_a_cell_has_amplitude_one() -> None:
    assert encode((22.0, 30.0))[0, 0, 7, 5] == 1.0


def test_masked_keypoints_are_absent_even_where_they_are_nan() -> None:
    points = torch.tensor([[[math.nan, math.nan], [20.0, 20.0]]])
    maps = encode_gaussian(
        points, torch.tensor([[False, True]]), HEIGHT, WIDTH, stride=STRIDE, sigma_cells=SIGMA
    )
    assert (maps[0, 0] == 0).all()
    assert maps[0, 1].max() > 0.9
    assert points.isnan().sum() == 2


def test_only_what_falls_inside_remains_of_a_keypoint_outside_the_map() -> None:
    heatmap = encode((-2.0, 30.0))[0, 0]
    assert heatmap[7, 0].item() == pytest.approx(math.exp(-0.5 * (1 / SIGMA) ** 2))
    assert heatmap.argmax().item() == 7 * WIDTH
    assert encode((-400.0, 30.0)).max() < 1e-6


def test_a_mirrored_keypoint_has_the_mirrored_map() -> None:
    mirrored = encode((WIDTH * STRIDE - 21.3, 30.7))
    torch.testing.assert_close(mirrored, encode((21.3, 30.7)).flip(-1))


def test_the_corners_of_udp_are_the_centres_of_the_outer_pixels() -> None:
    """(0.5, 0.5) is the first pixel's centre and (95.5, 127.5) the last one's."""
    points = torch.tensor([[[0.5, 0.5], [95.5, 127.5]]])
    visible = torch.ones(1, 2, dtype=torch.bool)
    maps = encode_udp(points, visible, HEIGHT, WIDTH, stride=STRIDE, sigma_cells=SIGMA)
    assert maps[0, 0, 0, 0].item() == pytest.approx(1.0)
    assert maps[0, 1, -1, -1].item() == pytest.approx(1.0)


def test_udp_maps_are_read_back_with_their_own_scale() -> None:
    points = interior(20)
    visible = torch.ones(1, 20, dtype=torch.bool)
    maps = encode_udp(points, visible, HEIGHT, WIDTH, stride=STRIDE, sigma_cells=SIGMA)
    decoded = decode_dark(maps, STRIDE)
    read = image_from_udp(decoded, HEIGHT, WIDTH, stride=STRIDE)
    torch.testing.assert_close(read.keypoints, points, atol=4e-3, rtol=0)
    assert torch.equal(read.confidence, decoded.confidence)


@pytest.mark.parametrize(
    ("decode", "tolerance_cells"),
    [
        (decode_argmax, 0.5),
        (decode_quarter, 0.25),
        (decode_dark, 0.001),
        (decode_soft_argmax, 0.1),
    ],
)
def test_decoders_undo_the_encoding_within_their_resolution(
    decode: Decoder, tolerance_cells: float
) -> None:
    points = interior(50)
    decoded = decode(encode(*points[0].tolist()), STRIDE)
    assert (decoded.keypoints - points).abs().max() <= tolerance_cells * STRIDE + 1e-4


def test_argmax_reads_the_first_of_equal_cells() -> None:
    heatmap = torch.zeros(1, 1, 3, 4)
    heatmap[0, 0, 1, 2] = heatmap[0, 0, 2, 1] = 0.5
    decoded = decode_argmax(heatmap, 2)
    assert decoded.keypoints.tolist() == [[[5.0, 3.0]]]
    assert decoded.confidence.tolist() == [[0.5]]


def test_quarter_moves_towards_the_higher_neighbour_and_not_at_the_border() -> None:
    heatmap = torch.zeros(1, 2, 3, 3)
    heatmap[0, 0, 1, 1], heatmap[0, 0, 1, 0], heatmap[0, 0, 2, 1] = 1.0, 0.2, 0.3
    heatmap[0, 1, 0, 1], heatmap[0, 1, 0, 2] = 1.0, 0.4
    keypoints = decode_quarter(heatmap, 4).keypoints
    assert keypoints.tolist() == [[[5.0, 7.0], [7.0, 2.0]]]


def test_dark_is_exact_at_any_amplitude_and_keeps_the_confidence_of_the_map() -> None:
    maps = 0.37 * encode((37.3, 58.7))
    decoded = decode_dark(maps, STRIDE)
    torch.testing.assert_close(
        decoded.keypoints[0, 0], torch.tensor([37.3, 58.7]), atol=0.004, rtol=0
    )
    assert decoded.confidence[0, 0] == maps.max()


def test_dark_takes_no_step_at_the_border() -> None:
    assert decode_dark(encode((0.0, 30.0)), STRIDE).keypoints.tolist() == [[[2.0, 30.0]]]


def test_dark_takes_no_step_where_the_fit_is_no_peak() -> None:
    """A ridge along x: no peak in that direction."""
    ridge = torch.zeros(1, 1, 16, 16)
    ridge[0, 0, 8] = 1.0
    ridge[0, 0, 8, 8] = 1.0 + 1e-6
    decoded = decode_dark(ridge, 1)
    assert decoded.keypoints.isfinite().all()
    torch.testing.assert_close(decoded.keypoints[0, 0], torch.tensor([8.5, 8.5]), atol=0.5, rtol=0)


def test_offset_is_read_at_the_peak() -> None:
    heatmap = torch.zeros(1, 1, 3, 4)
    heatmap[0, 0, 1, 2] = 0.8
    offsets = torch.full((1, 1, 2, 3, 4), 9.0)
    offsets[0, 0, :, 1, 2] = torch.tensor([0.25, 0.75])
    assert decode_offset(heatmap, offsets, 4).keypoints.tolist() == [[[9.0, 7.0]]]


@pytest.mark.parametrize("decode", DECODERS)
def test_a_flat_or_nan_map_gives_nan_and_not_the_origin(
    decode: Decoder,
) -> None:
    maps = torch.cat(
        (
            torch.zeros(1, 1, HEIGHT, WIDTH),
            encode((21.3, 30.7)),
            torch.full((1, 1, HEIGHT, WIDTH), math.nan),
            encode((20.0, 20.0)),
        ),
        dim=1,
    )
    maps[0, 3, 2, 3] = math.nan
    decoded = decode(maps, STRIDE)
    assert decoded.keypoints.isnan().all(dim=-1).tolist() == [[True, False, True, True]]
    assert decoded.confidence[0, 0] == 0.0
    assert decoded.confidence[0, 2:].isnan().all()


@pytest.mark.parametrize("decode", DECODERS)
def test_decoders_leave_their_input_unchanged(
    decode: Decoder,
) -> None:
    maps = encode((21.3, 30.7))
    before = maps.clone()
    decode(maps, STRIDE)
    assert torch.equal(maps, before)


def test_soft_argmax_is_differentiable() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(1, 2, 4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda m: decode_soft_argmax(m, 4, temperature=0.5).keypoints, (maps,)
    )


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="odd and positive, but got kernel=10"):
        decode_dark(torch.zeros(1, 1, 4, 4), 4, kernel=10)
    with pytest.raises(ValueError, match="positive temperature, but got temperature=0"):
        decode_soft_argmax(torch.zeros(1, 1, 4, 4), 4, temperature=0.0)
