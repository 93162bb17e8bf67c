"""A contact sheet: people of a made population, with their keypoints drawn in or as they are."""

from collections.abc import Callable, Iterator
from itertools import islice

import cv2
import numpy as np
from jaxtyping import UInt8

from posebridge.populations.crops import decode_image
from posebridge.populations.manifest import OpenPopulation
from posebridge.populations.people import Person, row_person
from posebridge.skeletons import Skeleton

Picture = UInt8[np.ndarray, "_ _ 3"]
Draw = Callable[[Picture, Person, Skeleton], Picture]
"""From an RGB image, a person in it and their skeleton to a tile, BGR."""

TILE_HEIGHT_PX = 384
_SEEN, _HIDDEN = (0, 220, 0), (40, 40, 255)  # BGR
_LIMB_COLORS = {"left": (255, 160, 0), "right": (0, 160, 255), None: (230, 230, 230)}
_BOX_COLOR = (200, 200, 200)


def annotated(image: Picture, person: Person, known: Skeleton, *, stroke_px: int = 1) -> Picture:
    """An RGB image enlarged, with one person's box, limbs and keypoints, as BGR.

    Seen keypoints are green and hidden ones red; the limbs of the person's left are blue, those of
    the right orange.

    Args:
        image: RGB, the frame of `person`.
        person: whose truth is drawn.
        known: skeleton of the keypoints.
        stroke_px: how wide limbs are; more for a picture that is shown smaller.
    """
    scale = TILE_HEIGHT_PX / image.shape[0]
    canvas = _enlarged(image)
    points = np.rint(scale * person.keypoints - 0.5).astype(int)
    left, top, width, height = (int(v) for v in np.rint(scale * person.box))
    cv2.rectangle(canvas, (left, top), (left + width, top + height), _BOX_COLOR, 1)
    for one, other in known.limbs:
        if person.visibility[one] and person.visibility[other]:
            color = _LIMB_COLORS[known.side(one, other)]
            ends = tuple(points[one]), tuple(points[other])
            cv2.line(canvas, *ends, color, stroke_px, cv2.LINE_AA)
    for point, visible in zip(points, person.visibility, strict=True):
        if visible:
            color = _SEEN if visible == 2 else _HIDDEN
            cv2.circle(canvas, tuple(point), 2 + stroke_px, color, -1, cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)


def bare(image: Picture, person: Person, known: Skeleton) -> Picture:
    """An RGB image enlarged as BGR, with nothing drawn in."""
    return _enlarged(image)


def contact_sheet(
    population: OpenPopulation,
    split: str,
    *,
    count: int = 12,
    columns: int = 6,
    draw: Draw = annotated,
) -> Picture:
    """Draw the first people of a split.

    Of clips, whose frames are alike, people spread evenly over the split are drawn.

    Args:
        population: open on its shards.
        split: whose people.
        count: how many at most.
        columns: tiles in a row.
        draw: makes a tile.

    Returns:
        BGR, ready for `cv2.imwrite`.

    Raises:
        ValueError: if the split has nobody to draw.
    """
    known = population.skeleton
    total = population.manifest.splits[split].people if split in population.manifest.splits else 0
    rows = islice(_rows(population, split, max(1, total // max(count, 1))), count)
    tiles = [draw(decode_image(encoded), person, known) for encoded, person in rows]
    if not tiles:
        raise ValueError(
            f"A contact sheet needs at least one person, but split {split!r} of "
            f"{population.manifest.name!r} has none. Make the population first."
        )
    return _tiled(tiles, columns)


def _enlarged(image: Picture) -> Picture:
    size = (round(TILE_HEIGHT_PX / image.shape[0] * image.shape[1]), TILE_HEIGHT_PX)
    return np.asarray(cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _rows(population: OpenPopulation, split: str, stride: int) -> Iterator[tuple[bytes, Person]]:
    """People of a split; of clips, one in so many."""
    place = 0
    for shard in range(population.num_shards(split)):
        people, _ = population.read_shard(split, shard)
        for row in people.to_pylist():
            if not row["sequence"] or place % stride == 0:
                yield row["encoded"], row_person(row)
            place += 1


def _tiled(tiles: list[Picture], columns: int) -> Picture:
    """Tiles in rows; tiles of other widths are padded with black."""
    width = max(tile.shape[1] for tile in tiles)
    padded = [np.pad(tile, ((0, 0), (0, width - tile.shape[1]), (0, 0))) for tile in tiles]
    blank = [np.zeros_like(padded[0])] * (-len(padded) % columns if len(padded) > columns else 0)
    cells = padded + blank
    across = min(columns, len(cells))
    rows = [np.hstack(cells[start : start + across]) for start in range(0, len(cells), across)]
    return np.vstack(rows)
