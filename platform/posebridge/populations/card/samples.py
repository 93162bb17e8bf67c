"""Pictures of a few people of a population, with their keypoints, and of images that are alike."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from posebridge.populations.card.duplicates import ImagePlace
from posebridge.populations.contact_sheet import annotated
from posebridge.populations.crops import (
    UndecodableImageError,
    apply_affine,
    crop_from_image,
    decode_image,
    look,
)
from posebridge.populations.manifest import OpenPopulation
from posebridge.populations.people import Person, row_person
from posebridge.skeletons import Skeleton

WIDTH_PX, HEIGHT_PX = 240, 320
PADDING = 1.15
STROKE = 2
_COLUMNS = (
    *("person_id", "image_id", "box", "keypoints", "visibility"),
    *("attributes", "height", "width", "encoded"),
)


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture with its caption.

    Attributes:
        caption: a few words.
        title: more of them.
        pixels: BGR.
    """

    caption: str
    title: str
    pixels: UInt8[np.ndarray, "height width 3"]


def sample_people(population: OpenPopulation, count: int) -> tuple[Tile, ...]:
    """People spread evenly over the splits and over each of them, cropped, with their keypoints.

    Args:
        population: open on its shards.
        count: at most so many; somebody whose image does not decode is left out.
    """
    splits = [split for split, entry in population.manifest.splits.items() if entry.people]
    tiles = []
    for number, split in enumerate(splits):
        share = count // len(splits) + (number < count % len(splits))
        tiles += [
            Tile(split, f"{person.person_id} ({split})", pixels)
            for pixels, person in _spread(population, split, share)
        ]
    return tuple(tiles)


def image_tile(population: OpenPopulation, place: ImagePlace) -> Tile:
    """A stored image, whole.

    Raises:
        UndecodableImageError: if it is none.
    """
    table = population.read_images(place.split, place.shard, ("image_id", "encoded"))
    row = table["image_id"].to_pylist().index(place.image_id)
    image = decode_image(table["encoded"][row].as_py())
    size = (round(HEIGHT_PX * image.shape[1] / image.shape[0]), HEIGHT_PX)
    pixels = cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_AREA)
    return Tile(place.split, f"{place.image_id} ({place.split})", np.asarray(pixels, np.uint8))


def jpeg(tile: Tile) -> bytes:
    """A tile as a JPEG file."""
    encoded = cv2.imencode(".jpg", tile.pixels, (cv2.IMWRITE_JPEG_QUALITY, 88))[1]
    return bytes(encoded)


def _spread(
    population: OpenPopulation, split: str, count: int
) -> Iterator[tuple[np.ndarray, Person]]:
    """Evenly spaced people of a split; each shard is read once."""
    ends = np.cumsum([s.people.rows for s in population.manifest.splits[split].shards])
    wanted = np.unique(np.linspace(0, ends[-1] - 1, min(count, int(ends[-1]))).astype(np.int64))
    shards = np.searchsorted(ends, wanted, side="right")
    for shard in np.unique(shards).tolist():
        table, _ = population.read_shard(split, shard, _COLUMNS)
        first = int(ends[shard - 1]) if shard else 0
        for row in (wanted[shards == shard] - first).tolist():
            # Fewer rows than the manifest says, where some may not be used.
            yield from _tile(table.slice(row, 1).to_pylist(), population.skeleton)


def _tile(
    rows: Sequence[dict[str, Any]], skeleton: Skeleton
) -> Iterator[tuple[np.ndarray, Person]]:
    for row in rows:
        try:
            image = decode_image(row["encoded"])
        except UndecodableImageError:
            continue
        person = row_person(row)
        crop = crop_from_image(person.box, HEIGHT_PX, WIDTH_PX, padding=PADDING)
        left, top, width, height = person.box.tolist()
        corners = apply_affine(crop, np.array([[left, top], [left + width, top + height]]))
        moved = dataclasses.replace(
            person,
            keypoints=apply_affine(crop, person.keypoints).astype(np.float32),
            box=np.concatenate([corners[0], corners[1] - corners[0]]).astype(np.float32),
        )
        looked = look(image, crop, HEIGHT_PX, WIDTH_PX)
        yield annotated(looked, moved, skeleton, stroke_px=STROKE), person
