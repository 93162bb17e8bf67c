"""Decoders read the maps of their own encoders."""

import pytest
import torch

from posebridge.estimators.decoders import Dark, Decoder, Quarter, Udp
from posebridge.heatmaps import encode_gaussian, encode_udp
from posebridge.identity import describe, restore

KEYPOINTS = torch.tensor([[[70.3, 101.8], [20.0, 33.3], [171.5, 222.2]]])
VISIBLE = torch.ones(1, 3, dtype=torch.bool)


@pytest.mark.parametrize(
    ("decoder", "encode", "error_px"),
    [
        # A quarter of a cell of 4 px is off by a quarter of a cell at most, along each axis.
        (Quarter(), encode_gaussian, 1.0),
        (Dark(), encode_gaussian, 0.01),
        (Udp(), encode_udp, 0.01),
    ],
)
def test_a_decoder_finds_what_was_encoded_in_its_frame(
    decoder: Decoder, encode: object, error_px: float
) -> None:
    assert callable(encode)
    maps = encode(KEYPOINTS, VISIBLE, 64, 48, stride=4, sigma_cells=2.0)
    found = decoder(maps, 4).keypoints
    torch.testing.assert_close(found, KEYPOINTS, atol=error_px, rtol=0)


def test_the_frame_of_udp_is_another_one() -> None:
    """At x = 171.5, UDP's cell is (171.5 − 0.5)·47/191 = 42.08, ours 171.5/4 − 0.5 = 42.375."""
    maps = encode_udp(KEYPOINTS, VISIBLE, 64, 48, stride=4, sigma_cells=2.0)
    shift = (Dark()(maps, 4).keypoints - KEYPOINTS)[0, 2, 0].item()
    assert shift == pytest.approx((171.0 * 47 / 191 - 42.375) * 4, abs=0.01)


@pytest.mark.parametrize("decoder", [Quarter(), Dark(17), Udp()])
def test_a_decoder_is_plain_data(decoder: Decoder) -> None:
    assert restore(describe(decoder)) == decoder
