"""Populations and labels that are made by hand, so that the numbers of a card are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from populations.toy import HEIGHT, WIDTH, png
from posebridge.populations.card.labels import SplitLabels
from posebridge.populations.manifest import (
    Manifest,
    OpenPopulation,
    content_hash,
    open_population,
    split_entry,
    write_manifest,
)
from posebridge.populations.people import ImageRow, Person, Sample
from posebridge.populations.shards import write_shard
from posebridge.skeletons import COCO17, Skeleton


def noise(seed: int) -> np.ndarray:
    """An image that looks like no other: 8 × 6 grey fields."""
    fields = np.random.default_rng(seed).integers(0, 255, (6, 8, 1), dtype=np.uint8)
    return np.repeat(np.kron(fields, np.ones((8, 8, 1), np.uint8)), 3, axis=2)


def sample(name: str, pixels: np.ndarray, **person: Any) -> Sample:
    """One image with one person in it, who fills the box (10, 5, 40, 35)."""
    keypoints = np.full((17, 2), 20.0, np.float32)
    fields: dict[str, Any] = {
        "person_id": name,
        "image_id": name,
        "box": np.array([10.0, 5.0, 40.0, 35.0], np.float32),
        "keypoints": keypoints,
        "visibility": np.full(17, 2, np.uint8),
        "area": 900.0,
        "subject": name,
    }
    return Sample(ImageRow(name, HEIGHT, WIDTH, png(pixels)), (Person(**fields | person),))


def population(
    folder: Path,
    splits: Mapping[str, Sequence[Sample]],
    *,
    name: str = "made",
    skeleton: Skeleton = COCO17,
) -> OpenPopulation:
    """Write samples as they are, to several shards, as an importer would; nothing is refused."""
    entries = {}
    for split, samples in splits.items():
        reports = [
            write_shard(
                folder / split,
                index,
                people=[person for one in part for person in one.people],
                images=[one.image for one in part],
                skeleton=skeleton,
            )
            for index, part in enumerate(_parts(samples))
        ]
        entries[split] = split_entry(split, reports)
    manifest = Manifest(
        name=name,
        skeleton=skeleton.name,
        licence="CC0",
        citation="<b>nobody</b>, nowhere",
        knobs={"importer": "made"},
        fingerprint="0123456789ab",
        splits=entries,
        rejected={},
        content_hash=content_hash(entries),
        made_by={},
    )
    write_manifest(folder, manifest)
    return open_population(folder)


def split_labels(
    keypoints: np.ndarray,
    *,
    visibility: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    image_size: tuple[float, float] = (100.0, 100.0),
    attributes: Mapping[str, Mapping[str, int]] | None = None,
) -> SplitLabels:
    """Labels of people in boxes (0, 0, 100, 100), one in each image, unless told otherwise."""
    count = len(keypoints)
    if visibility is None:
        visibility = np.full(keypoints.shape[:2], 2)
    if boxes is None:
        boxes = np.tile([0.0, 0.0, 100.0, 100.0], (count, 1))
    return SplitLabels(
        keypoints=keypoints.astype(np.float32),
        visibility=visibility.astype(np.uint8),
        boxes=boxes.astype(np.float32),
        image_sizes=np.tile(np.array(image_size, np.float32), (count, 1)),
        people_in={str(number): 1 for number in range(count)},
        sequence_of={},
        subjects=frozenset(str(number) for number in range(count)),
        attributes=attributes or {},
        known_3d=0,
        rejected={},
    )


def _parts(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    """Two to a shard, or more so as not to write dozens of files."""
    size = max(2, len(samples) // 4)
    return [samples[start : start + size] for start in range(0, len(samples), size)]
