"""What is read of a population for its card: all labels, and a look at every image."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from posebridge.populations.card.labels import SplitLabels, read_labels
from posebridge.populations.card.looks import Looks, joined_looks, look_at
from posebridge.populations.files import file_sizes, join
from posebridge.populations.manifest import Manifest, OpenPopulation
from posebridge.populations.shards import count_maps, find_shard
from posebridge.skeletons import Skeleton


@dataclass(frozen=True, eq=False)
class Contents:
    """A population in memory, without its pixels.

    Attributes:
        manifest: of the population.
        skeleton: of its keypoints.
        labels: of each split.
        looks: of the images of each split.
        left_out: people and images that shards left out when they were made, by split and reason.
        maps: images that have each of `MAP_COLUMNS`.
    """

    manifest: Manifest
    skeleton: Skeleton
    labels: Mapping[str, SplitLabels]
    looks: Mapping[str, Looks]
    left_out: Mapping[str, Mapping[str, int]]
    maps: Mapping[str, int]


def read_contents(population: OpenPopulation, told: Callable[[int], object]) -> Contents:
    """Read a population, one shard in memory at a time.

    Args:
        population: open on its shards.
        told: of the number of images, whenever some have been looked at.

    Raises:
        ShardError: if a shard is missing or damaged.
    """
    splits = tuple(population.manifest.splits)
    maps: Counter[str] = Counter()
    looks = {}
    for split in splits:
        parts = []
        for shard in range(population.num_shards(split)):
            parts.append(look_at(population, split, shard))
            maps.update(count_maps(join(population.folder, split), shard))
            told(len(parts[-1]) + len(parts[-1].undecodable))
        looks[split] = joined_looks(parts)
    return Contents(
        manifest=population.manifest,
        skeleton=population.skeleton,
        labels={split: read_labels(population, split) for split in splits},
        looks=looks,
        left_out={split: _left_out(population, split) for split in splits},
        maps=maps,
    )


def _left_out(population: OpenPopulation, split: str) -> dict[str, int]:
    """What the shards of a split say that they left out."""
    folder = join(population.folder, split)
    sizes = file_sizes(folder)
    counts: Counter[str] = Counter()
    for shard in range(population.num_shards(split)):
        report = find_shard(folder, shard, sizes)
        counts.update({} if report is None else report.rejected)
    return {reason: count for reason, count in counts.items() if count}
