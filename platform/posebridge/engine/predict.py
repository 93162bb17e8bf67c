"""Predicting the people of many images; what cannot be read is told, counted and passed over."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from posebridge.engine.coco import Listing, PersonBox, is_outside
from posebridge.engine.predictors import Crop, Guess, Predictor
from posebridge.populations.checks import BOX_OUTSIDE, UNDECODABLE
from posebridge.populations.crops import BOX_PADDING, UndecodableImageError, decode_image

IMAGES_AT_ONCE = 8

MISSING = "missing image"
UNREADABLE = "unreadable image"
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""What is taken from a folder; a file that is named may end with anything."""
UNLISTED = "image not in the file of boxes"
WITHOUT_PEOPLE = "image without a usable box"


@dataclass(frozen=True, eq=False)
class Request:
    """An image that is asked about.

    Attributes:
        path: of the file.
        image_id: its name in the results.
        boxes: of the people in it; None takes the whole image for the surroundings of one person.
    """

    path: Path
    image_id: int | str
    boxes: tuple[PersonBox, ...] | None


@dataclass(frozen=True, eq=False)
class Picture:
    """An image with the people predicted in it."""

    request: Request
    pixels: UInt8[np.ndarray, "height width 3"]
    people: tuple[Guess, ...]


@dataclass(frozen=True)
class LeftOut:
    """An image or a box that gave no prediction, and why."""

    name: str
    reason: str


def requests(
    paths: Iterable[Path], listing: Listing | None
) -> tuple[list[Request], list[LeftOut]]:
    """What is asked about each image; folders stand for the images in them.

    Args:
        paths: of images and folders; each image counts once.
        listing: person boxes; None looks at whole images, which are numbered from 1.

    Raises:
        ValueError: if two images are meant by the same entry of the listing.
    """
    asked: list[Request] = []
    left_out: list[LeftOut] = []
    meant: dict[int | str, Path] = {}
    for path in dict.fromkeys(file for given in paths for file in _files(given)):
        if listing is None:
            asked.append(Request(path, len(asked) + 1, None))
            continue
        listed = listing.find(path)
        if listed is not None and meant.setdefault(listed.image_id, path) != path:
            raise ValueError(
                f"{listed.file_name!r} in {listing.path} must mean one image, but fits both "
                f"{meant[listed.image_id]} and {path}. Give one of them, or write the folders "
                "into its file names."
            )
        if listed is None:
            left_out.append(LeftOut(str(path), UNLISTED))
        elif not listed.boxes:
            left_out.append(LeftOut(str(path), WITHOUT_PEOPLE))
        else:
            asked.append(Request(path, listed.image_id, listed.boxes))
    return asked, left_out


def predict(predictor: Predictor, asked: Sequence[Request]) -> Iterator[Picture | LeftOut]:
    """Predict image by image, reading a few ahead; what cannot be read is told and passed over."""
    with ThreadPoolExecutor(thread_name_prefix="images") as pool:
        for start in range(0, len(asked), IMAGES_AT_ONCE):
            some = asked[start : start + IMAGES_AT_ONCE]
            crops: list[tuple[Request, list[Crop]]] = []
            for request, opened in zip(some, pool.map(_open, some), strict=True):
                if isinstance(opened, LeftOut):
                    yield opened
                    continue
                kept, outside = _crops(request, opened)
                yield from outside
                if kept:
                    crops.append((request, kept))
            guesses = iter(predictor.guess([crop for _, kept in crops for crop in kept]))
            for request, kept in crops:
                people = tuple(next(guesses) for _ in kept)
                yield Picture(request, kept[0].pixels, people)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)


def _open(request: Request) -> UInt8[np.ndarray, "height width 3"] | LeftOut:
    name = str(request.path)
    try:
        return decode_image(request.path.read_bytes())
    except FileNotFoundError:
        return LeftOut(name, MISSING)
    except OSError as error:
        return LeftOut(name, f"{UNREADABLE} ({error.strerror})")
    except UndecodableImageError:
        return LeftOut(name, UNDECODABLE)


def _crops(
    request: Request, pixels: UInt8[np.ndarray, "height width 3"]
) -> tuple[list[Crop], list[LeftOut]]:
    height, width = pixels.shape[:2]
    if request.boxes is None:
        return [Crop(pixels, PersonBox((0.0, 0.0, float(width), float(height))), 1.0)], []
    outside = [box for box in request.boxes if is_outside(box, height, width)]
    kept = [Crop(pixels, box, BOX_PADDING) for box in request.boxes if box not in outside]
    return kept, [LeftOut(f"{request.path} {box.xywh}", BOX_OUTSIDE) for box in outside]
