"""Decoders read the maps of their own encoders."""

import numpy as np
import pytest
import torch

from posebridge.estimators.decoders import Dark, Decoder, Msra, Quarter, Udp
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


def official_map(x: float, y: float) -> np.ndarray:
    """Generate_target of the released networks, written out: sigma 2, centred on a whole cell.

    https://github.com/leoxiaobin/deep-high-resolution-net.pytorch lib/dataset/JointsDataset.py
    """
    mu_x, mu_y = int(x / 4 + 0.5), int(y / 4 + 0.5)
    rows, columns = np.mgrid[:64, :48]
    return np.asarray(np.exp(-((columns - mu_x) ** 2 + (rows - mu_y) ** 2) / (2 * 2.0**2)))


def official_keypoint(heatmap: np.ndarray) -> tuple[float, float]:
    """Get_max_preds and the quarter of get_final_preds, written out, times the stride."""
    row, column = divmod(int(heatmap.argmax()), heatmap.shape[1])
    across = np.sign(heatmap[row, column + 1] - heatmap[row, column - 1]) * 0.25
    down = np.sign(heatmap[row + 1, column] - heatmap[row - 1, column]) * 0.25
    return 4 * (column + across), 4 * (row + down)


def test_released_maps_are_read_as_the_official_code_reads_them() -> None:
    """It counts pixels by their index; the centre of pixel 0 is at 0.5 for us."""
    rng = np.random.default_rng(0)
    indices = rng.uniform((20, 20), (170, 230), (9, 2))
    maps = np.stack([official_map(x, y) + 1e-3 * rng.random((64, 48)) for x, y in indices])
    found = Msra()(torch.from_numpy(maps).float()[None], 4).keypoints[0]
    expected = torch.tensor([official_keypoint(heatmap.astype(np.float32)) for heatmap in maps])
    torch.testing.assert_close(found, expected + 0.5)
    # Over many keypoints it is right, where PoseBridge's own frame is 1.5 px off.
    mean_error = (found - 0.5 - torch.tensor(indices)).mean().abs()
    assert mean_error < 0.75 < (found + 1.5 - 0.5 - torch.tensor(indices)).mean().abs()


@pytest.mark.parametrize("decoder", [Quarter(), Dark(17), Msra(), Udp()])
def test_a_decoder_is_plain_data(decoder: Decoder) -> None:
    assert restore(describe(decoder)) == decoder
