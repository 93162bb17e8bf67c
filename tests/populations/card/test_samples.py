from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from populations.card.made import noise, population, sample
from populations.toy import Toy, make
from posebridge.populations.card.duplicates import ImagePlace
from posebridge.populations.card.samples import HEIGHT_PX, image_tile, jpeg, sample_people
from posebridge.populations.contact_sheet import TILE_HEIGHT_PX
from posebridge.populations.manifest import open_population
from posebridge.populations.people import Sample


def test_people_are_spread_over_splits_and_shards(tmp_path: Path) -> None:
    make(Toy(train=129, test=3), str(tmp_path))
    tiles = sample_people(open_population(tmp_path), 8)
    assert Counter(tile.caption for tile in tiles) == {"train": 4, "test": 4}
    titles = [tile.title for tile in tiles if tile.caption == "train"]
    assert titles[0].startswith("toy-0-train-000000-0")
    assert titles[-1].startswith("toy-0-train-000128-0")
    assert {tile.pixels.shape for tile in tiles} == {(TILE_HEIGHT_PX, 288, 3)}


def test_nobody_is_shown_twice_where_there_are_few(tmp_path: Path) -> None:
    made = population(tmp_path, {"train": [sample("a", noise(0))], "test": []})
    (tile,) = sample_people(made, 8)
    assert tile.title == "a (train)"


def test_the_box_fills_the_tile_but_for_its_margin(tmp_path: Path) -> None:
    """The box is 40 × 35 px, so a tile of 288 × 384 px shows 46 px of the image across."""
    white = np.full((48, 64, 3), 255, np.uint8)
    corner = np.zeros((17, 2), np.float32)
    corner[0] = (10, 5)
    levels = np.array([2, *[0] * 16], np.uint8)
    made = population(
        tmp_path, {"train": [sample("a", white, keypoints=corner, visibility=levels)]}
    )
    (tile,) = sample_people(made, 1)
    blue, green, red = (tile.pixels[..., c].astype(int) for c in range(3))
    rows, columns = np.nonzero((green > 180) & (blue < 80) & (red < 80))
    scale = 288 / 46
    assert abs(columns.mean() - (288 / 2 - 20 * scale)) < 2
    assert abs(rows.mean() - (384 / 2 - 17.5 * scale)) < 2


def test_an_image_that_does_not_decode_is_not_shown(tmp_path: Path) -> None:
    broken = sample("a", noise(0))
    broken = Sample(type(broken.image)("a", 48, 64, b"no image"), broken.people)
    assert sample_people(population(tmp_path, {"train": [broken]}), 4) == ()


def test_an_image_is_shown_whole(tmp_path: Path) -> None:
    made = population(tmp_path, {"train": [sample(n, noise(i)) for i, n in enumerate("abc")]})
    tile = image_tile(made, ImagePlace("c", "train", 1))
    assert tile.pixels.shape == (HEIGHT_PX, round(HEIGHT_PX * 64 / 48), 3)
    assert tile.title == "c (train)"
    small = cv2.resize(tile.pixels, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - noise(2)).mean() < 12
    assert jpeg(tile)[:2] == b"\xff\xd8"
