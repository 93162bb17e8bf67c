"""MoveNet against the published graphs, and the ways its weights can be wrong."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from drawn_figure import JOINTS
from posebridge.batch import Maps
from posebridge.estimators.base import Architecture
from posebridge.estimators.movenet import (
    WEIGHTS,
    AllHeads,
    Lightning,
    MoveNet,
    Thunder,
    read_weights,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "movenet"
IMAGES = ("astronaut", "blobs", "figure", "pattern")
MODELS: tuple[tuple[Architecture, str], ...] = ((Lightning(), "lightning"), (Thunder(), "thunder"))
EVERY = 3  # the golden files hold every third cell
CHANNELS = (17, 34, 34, 1)


@pytest.fixture(scope="module")
def lightning() -> MoveNet:
    return Lightning().build().eval()


def read_image(name: str, side_px: int) -> Tensor:
    """An image in the top left corner of a black canvas."""
    stored = cv2.imread(str(GOLDEN / f"{name}.png"))
    assert stored is not None
    pixels = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    image = torch.zeros(3, side_px, side_px)
    image[:, : pixels.shape[0], : pixels.shape[1]] = torch.from_numpy(pixels).permute(2, 0, 1)
    return image / 255


def read_golden(model: str, cells: int) -> list[list[Tensor]]:
    """What TensorFlow.js gave: for each image the four heads, [channel, row, column]."""
    numbers = np.fromfile(GOLDEN / f"{model}.f32", "<f4").reshape(len(IMAGES), -1)
    ends = np.cumsum([cells * cells * channels for channels in CHANNELS])[:-1]
    return [
        [torch.from_numpy(head.reshape(cells, cells, -1)).permute(2, 0, 1) for head in heads]
        for heads in (np.split(row, ends) for row in numbers)
    ]


def in_the_order_of_the_graph(heads: AllHeads) -> list[Tensor]:
    """Every third cell of the four heads, pairs as (y, x)."""
    offsets = heads.maps.offsets
    assert offsets is not None
    pairs = (offsets.flip(2).flatten(1, 2), heads.regress.flip(2).flatten(1, 2))
    maps = (heads.maps.heatmaps, *pairs, heads.center)
    return [values[..., ::EVERY, ::EVERY] for values in maps]


@pytest.mark.parametrize(("architecture", "model"), MODELS)
@torch.no_grad()
def test_all_heads_equal_those_of_the_published_graph(
    architecture: Architecture, model: str
) -> None:
    """The golden numbers were made by TensorFlow.js, see golden/movenet/make_golden.mjs.

    The graph scales integers by 2/255 rounded to float16, which is 1028·2⁻¹⁷; the images are
    scaled alike here, so that only the arithmetic differs.
    """
    estimator = architecture.build()
    assert isinstance(estimator, MoveNet)
    images = torch.stack([read_image(name, estimator.input_width) for name in IMAGES])
    rounded = images * (1028 * 2**-17 * 255 / 2)
    found = in_the_order_of_the_graph(estimator.all_heads(estimator.features(rounded)))
    cells = -(-estimator.input_width // estimator.stride // EVERY)
    for index, golden in enumerate(read_golden(model, cells)):
        for ours, theirs in zip(found, golden, strict=True):
            torch.testing.assert_close(ours[index], theirs, atol=1e-3, rtol=0)


@torch.no_grad()
def test_keypoints_stand_on_the_drawn_figure(lightning: MoveNet) -> None:
    """The figure's shoulders, wrists and ankles were drawn at these pixels."""
    found = lightning.decode(lightning(read_image("figure", 192)[None])).keypoints[0]
    for name, position in JOINTS.items():
        keypoint = found[lightning.skeleton.index(name)]
        assert torch.dist(keypoint, torch.tensor(position, dtype=torch.float32)) < 12


@torch.no_grad()
def test_offsets_count_from_the_corner_of_a_cell(lightning: MoveNet) -> None:
    """Mirrored, a person's x becomes width − x; counting from centres would be 2 px off."""
    image = read_image("figure", 192)[None]
    flip_order = list(lightning.skeleton.flip_order)
    x = lightning.decode(lightning(image)).keypoints[0, :, 0]
    mirrored = lightning.decode(lightning(image.flip(-1))).keypoints[0, flip_order, 0]
    assert ((x + mirrored - 192) / 2).median().abs() < 1


@torch.no_grad()
def test_keypoints_move_with_the_image_by_whole_cells(lightning: MoveNet) -> None:
    image = read_image("figure", 192)[None]
    moved = torch.nn.functional.pad(image, (4, -4, 8, -8), mode="replicate")
    shift = (
        lightning.decode(lightning(moved)).keypoints - lightning.decode(lightning(image)).keypoints
    )
    torch.testing.assert_close(shift[0].median(0).values, torch.tensor((4.0, 8.0)), atol=1, rtol=0)


def test_regress_and_center_heads_are_frozen(lightning: MoveNet) -> None:
    frozen = {name for name, value in lightning.named_parameters() if not value.requires_grad}
    assert {name.split(".")[0] for name in frozen} == {"regress_head", "center_head"}


def test_number_of_parameters_is_the_published_one(lightning: MoveNet) -> None:
    assert sum(value.numel() for value in lightning.parameters()) == 2_317_974
    assert sum(value.numel() for value in Thunder().build().parameters()) == 6_226_046


def test_images_that_cannot_be_halved_five_times_are_refused(lightning: MoveNet) -> None:
    with pytest.raises(ValueError, match="multiples of 32, but got 192 × 100 pixels: resize"):
        lightning(torch.zeros(1, 3, 192, 100))


def test_maps_without_offsets_are_refused(lightning: MoveNet) -> None:
    maps = Maps(heatmaps=torch.zeros(1, 17, 4, 4), offsets=None)
    with pytest.raises(ValueError, match=r"decodes maps with offsets, but got maps.offsets=None"):
        lightning.decode(maps)


def test_missing_weights_are_named_with_their_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"but there is no file: install posebridge again or run"):
        read_weights(tmp_path / "movenet_lightning.safetensors", Lightning.sha256)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "movenet_lightning.safetensors"
    path.write_bytes((WEIGHTS / Lightning.file).read_bytes() + b"!")
    with pytest.raises(ValueError, match=f"must have the SHA-256 {Lightning.sha256}, but has"):
        read_weights(path, Lightning.sha256)
