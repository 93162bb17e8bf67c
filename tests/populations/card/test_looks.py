from pathlib import Path

import cv2
import numpy as np
import pytest

from populations.card.made import noise, population, sample
from posebridge.populations.card.looks import (
    Looks,
    joined_looks,
    look_at,
    read_gray,
    thumbnail,
)


def scene(seed: int, height: int = 480, width: int = 640) -> np.ndarray:
    """A smooth picture in grey."""
    small = np.random.default_rng(seed).integers(20, 230, (9, 12), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(thumbnail(one) @ thumbnail(other))


def test_a_thumbnail_is_brightness_against_its_mean_of_length_one() -> None:
    """12 columns of brightness 0, 20, … 220: −110, −90, … 110 against their mean."""
    columns = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 4)
    numbers = thumbnail(np.tile(columns, (36, 1))).reshape(12, 12)
    expected = np.arange(-110.0, 111.0, 20.0)
    expected /= np.sqrt(12 * (expected**2).sum())
    np.testing.assert_allclose(numbers, np.tile(expected, (12, 1)), atol=1e-6)


def test_flat_images_are_like_each_other_and_like_nothing_else() -> None:
    dark, grey = np.zeros((50, 70), np.uint8), np.full((48, 64), 127, np.uint8)
    assert alike(dark, grey) == pytest.approx(1.0)
    assert abs(alike(dark, scene(0))) < 1e-5


@pytest.mark.parametrize("seed", range(5))
def test_an_image_is_known_again_after_what_does_not_change_it(seed: int) -> None:
    image = scene(seed)
    darker = (0.7 * image + 10).astype(np.uint8)
    smaller = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
    worse = cv2.imdecode(
        cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 30))[1], cv2.IMREAD_GRAYSCALE
    )
    assert worse is not None
    blurred = cv2.GaussianBlur(image, (0, 0), 3.0)
    assert min(alike(image, other) for other in (darker, smaller, worse, blurred)) > 0.99


def test_other_images_look_different() -> None:
    images = [scene(seed) for seed in range(20)]
    assert max(alike(a, b) for i, a in enumerate(images) for b in images[:i]) < 0.6


@pytest.mark.parametrize(("side", "read"), [(1024, 128), (511, 128), (256, 64), (100, 100)])
def test_a_large_image_is_read_small_but_readable(side: int, read: int) -> None:
    encoded = cv2.imencode(".jpg", scene(0, side, side))[1].tobytes()
    gray = read_gray(encoded, side)
    assert gray is not None
    assert abs(gray.shape[0] - read) <= 1


@pytest.mark.parametrize("encoded", [b"", b"no image"])
def test_what_is_no_image_is_none(encoded: bytes) -> None:
    assert read_gray(encoded, 100) is None


def test_every_image_of_a_shard_is_looked_at_once(tmp_path: Path) -> None:
    one = sample("a", noise(0))
    two = sample("b", noise(1))
    crowd = type(two)(two.image, (*two.people, *sample("c", noise(1), image_id="b").people))
    looks = look_at(population(tmp_path, {"train": [one, crowd]}), "train", 0)
    assert looks.ids == ("a", "b")
    assert looks.shards == (0, 0)
    assert looks.thumbnails[0] @ looks.thumbnails[1] < 0.9
    assert looks.contents[0] != looks.contents[1]


def test_an_image_that_does_not_decode_is_named(tmp_path: Path) -> None:
    broken = sample("a", noise(0))
    broken = type(broken)(type(broken.image)("a", 48, 64, b"cut short"), broken.people)
    looks = look_at(population(tmp_path, {"train": [broken, sample("b", noise(1))]}), "train", 0)
    assert (looks.ids, looks.undecodable) == (("b",), ("a",))


def test_looks_of_shards_are_joined_in_order(tmp_path: Path) -> None:
    made = population(tmp_path, {"train": [sample(n, noise(i)) for i, n in enumerate("abc")]})
    whole = joined_looks([look_at(made, "train", shard) for shard in (0, 1)])
    assert (whole.ids, whole.shards) == (("a", "b", "c"), (0, 0, 1))
    assert whole.thumbnails.shape == (3, 144)
    nothing = joined_looks([])
    assert isinstance(nothing, Looks)
    assert len(nothing) == 0
