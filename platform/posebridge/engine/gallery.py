"""A picture of what systems see: some people, and one row for the truth and for each system."""

import contextlib
import io
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pyarrow.parquet as pq
from jaxtyping import UInt8

from posebridge.engine.evaluate import evaluation_marker
from posebridge.engine.overlay import overlay
from posebridge.engine.reading import EncodedPeople, LeftOut, read_directly, reader
from posebridge.engine.run import Choice, Plan
from posebridge.engine.work import open_in
from posebridge.populations.crops import UndecodableImageError, decode_image
from posebridge.skeletons import Skeleton

TILE_WIDTH, TITLE_HEIGHT = 192, 22
SPLIT = "test"
Rows = dict[str, tuple[np.ndarray, np.ndarray]]


def gallery(
    plan: Plan, choices: Sequence[Choice], *, people: int
) -> UInt8[np.ndarray, "height width 3"]:
    """The first people of the headline population, as they are and as each system sees them.

    They are the first whose image decodes, not the best. Systems are under the first seed.

    Args:
        plan: of a finished experiment.
        choices: its decided systems.
        people: how many.

    Returns:
        BGR.

    Raises:
        ValueError: if no image of theirs decodes.
    """
    target, seed = plan.experiment.targets[0], plan.experiment.seeds[0]
    skeleton = plan.experiment.skeleton
    read = reader(
        open_in(plan.store, target).read_as(skeleton),
        SPLIT,
        labelled=True,
        read_tables=read_directly,
        left_out=LeftOut(),
        people=people,
    )
    shown = read.read(read.shards)
    images = _images(shown)
    rows: Rows = {"truth": _truth(shown)}
    for choice in choices:
        system = choice.system.seeded(seed)
        marker = evaluation_marker(system.stage, target, SPLIT, system.flip_test)
        rows[choice.system.name] = _predicted(plan, marker, len(shown))
    return np.concatenate([_strip(title, *row, images, skeleton) for title, row in rows.items()])


def _images(shown: EncodedPeople) -> dict[int, np.ndarray]:
    """The image of each person, by row; without those that do not decode."""
    images = {}
    for row in range(len(shown)):
        with contextlib.suppress(UndecodableImageError):
            images[row] = decode_image(shown.encoded(row))
    if not images:
        raise ValueError(
            f"the first {len(shown)} people must have an image that decodes, but none has: make "
            "or import their population again."
        )
    return images


def _truth(shown: EncodedPeople) -> tuple[np.ndarray, np.ndarray]:
    visibility = np.stack([p.visibility for p in shown.people])
    keypoints = np.stack([p.keypoints for p in shown.people]).astype(np.float64)
    # Seen keypoints are drawn as sure ones, hidden ones as unsure, the others not at all.
    keypoints[visibility == 0] = np.nan
    return keypoints, visibility / 2.0 * (visibility == 2)


def _predicted(plan: Plan, marker: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    content = plan.store.read(f"{marker.rpartition('/')[0]}/predictions.parquet")
    table = pq.read_table(io.BytesIO(content)).slice(0, count)
    keypoints = np.stack(table["keypoints"].to_numpy(zero_copy_only=False))
    confidence = np.stack(table["confidence"].to_numpy(zero_copy_only=False))
    return keypoints.reshape(count, -1, 2), confidence


def _strip(
    title: str,
    keypoints: np.ndarray,
    confidence: np.ndarray,
    images: Mapping[int, np.ndarray],
    skeleton: Skeleton,
) -> np.ndarray:
    """One row: a title, and the people side by side."""
    tiles = []
    for row, image in images.items():
        drawn = overlay(image, [(keypoints[row], confidence[row])], skeleton)
        height = round(TILE_WIDTH * drawn.shape[0] / drawn.shape[1])
        tiles.append(cv2.resize(drawn, (TILE_WIDTH, height), interpolation=cv2.INTER_AREA))
    height = max(tile.shape[0] for tile in tiles)
    padded = [
        cv2.copyMakeBorder(t, 0, height - t.shape[0], 0, 0, cv2.BORDER_CONSTANT) for t in tiles
    ]
    picture = np.concatenate(padded, axis=1)
    bar = np.full((TITLE_HEIGHT, picture.shape[1], 3), 255, np.uint8)
    font, black = cv2.FONT_HERSHEY_SIMPLEX, (0, 0, 0)
    cv2.putText(bar, title, (6, TITLE_HEIGHT - 6), font, 0.5, black, 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])
