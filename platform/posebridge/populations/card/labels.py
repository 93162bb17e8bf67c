"""The labels of a split's people as arrays, read shard by shard; their images are left aside.

A person of 17 keypoints takes 0.2 kB: those of a million people fit in the memory of any machine.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import DTypeLike

from posebridge.populations.manifest import OpenPopulation

COLUMNS = (
    *("image_id", "box", "keypoints", "visibility", "subject", "sequence", "attributes"),
    *("keypoints_3d_mm", "height", "width"),
)


@dataclass(frozen=True, eq=False)
class SplitLabels:
    """What is written about the people of a split.

    Attributes:
        keypoints: px of the image, (0, 0) where not labelled.
        visibility: 0 not labelled, 1 hidden, 2 seen.
        boxes: left, top, width, height, px.
        image_sizes: width and height of each person's image, px.
        people_in: people of each image, by its id.
        sequence_of: the sequence of each image that belongs to one, by its id.
        subjects: who they are; people without a name are not among them.
        attributes: how many people have each value of each attribute.
        known_3d: people whose keypoints are known in 3-D.
        rejected: rows that no reader may use, by reason.
    """

    keypoints: Float32[np.ndarray, "person keypoint 2"]
    visibility: UInt8[np.ndarray, "person keypoint"]
    boxes: Float32[np.ndarray, "person 4"]
    image_sizes: Float32[np.ndarray, "person 2"]
    people_in: Mapping[str, int]
    sequence_of: Mapping[str, str]
    subjects: frozenset[str]
    attributes: Mapping[str, Mapping[str, int]]
    known_3d: int
    rejected: Mapping[str, int]

    def __len__(self) -> int:
        """Number of people."""
        return len(self.boxes)

    @property
    def labelled(self) -> Bool[np.ndarray, "person keypoint"]:
        """Which keypoints have a truth."""
        labelled: Bool[np.ndarray, "person keypoint"] = self.visibility > 0
        return labelled

    @property
    def sequences(self) -> frozenset[str]:
        """Names of the sequences that the images belong to."""
        return frozenset(self.sequence_of.values())


def read_labels(population: OpenPopulation, split: str) -> SplitLabels:
    """Read the labels of a split.

    Args:
        population: open on its shards.
        split: name of the split.

    Returns:
        Its people, those that fail `check_people` left out and counted.

    Raises:
        ShardError: if a shard is missing or damaged.
    """
    shards = (
        population.read_shard(split, index, COLUMNS)
        for index in range(population.num_shards(split))
    )
    keypoints = population.skeleton.num_keypoints
    parts = [_part(table, rejected, keypoints) for table, rejected in shards]
    return joined(parts, keypoints)


def joined(parts: Sequence[SplitLabels], num_keypoints: int) -> SplitLabels:
    """Labels of several shards, or of several splits, as one.

    Args:
        parts: in order; none give no people.
        num_keypoints: of the skeleton.
    """
    attributes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    people_in, rejected = Counter[str](), Counter[str]()
    for part in parts:
        people_in.update(part.people_in)
        rejected.update(part.rejected)
        for name, counts in part.attributes.items():
            attributes[name].update(counts)
    return SplitLabels(
        keypoints=_stacked([p.keypoints for p in parts], (num_keypoints, 2), np.float32),
        visibility=_stacked([p.visibility for p in parts], (num_keypoints,), np.uint8),
        boxes=_stacked([p.boxes for p in parts], (4,), np.float32),
        image_sizes=_stacked([p.image_sizes for p in parts], (2,), np.float32),
        people_in=people_in,
        sequence_of={image: name for p in parts for image, name in p.sequence_of.items()},
        subjects=frozenset[str]().union(*(part.subjects for part in parts)),
        attributes=attributes,
        known_3d=sum(part.known_3d for part in parts),
        rejected=rejected,
    )


def _stacked(parts: list[np.ndarray], shape: tuple[int, ...], kind: DTypeLike) -> np.ndarray:
    """Rows of several arrays, of the right shape also where there is none."""
    return np.concatenate([np.zeros((0, *shape), kind), *parts])


def _part(table: pa.Table, rejected: Mapping[str, int], num_keypoints: int) -> SplitLabels:
    """The labels of one shard."""
    count = table.num_rows
    attributes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in table["attributes"].to_pylist():
        for name, value in row:
            attributes[name][value] += 1
    images, sequences = table["image_id"].to_pylist(), table["sequence"].to_pylist()
    sizes = np.stack([table["width"].to_numpy(), table["height"].to_numpy()], axis=1)
    return SplitLabels(
        keypoints=_flat(table, "keypoints").astype(np.float32).reshape(-1, num_keypoints, 2),
        visibility=_flat(table, "visibility").astype(np.uint8).reshape(-1, num_keypoints),
        boxes=_flat(table, "box").astype(np.float32).reshape(-1, 4),
        image_sizes=sizes.astype(np.float32),
        people_in=Counter(images),
        sequence_of={i: name for i, name in zip(images, sequences, strict=True) if name},
        subjects=frozenset(table["subject"].to_pylist()) - {""},
        attributes=attributes,
        known_3d=count - table["keypoints_3d_mm"].null_count,
        rejected=rejected,
    )


def _flat(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(pc.list_flatten(table[name]).to_numpy())
