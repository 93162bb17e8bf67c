"""Encoded people of a population, streamed by Ray Data.

Labels are read with their people, to be checked; those of a target are dropped here, before
anything that trains sees them.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa
import ray.data
from ray.data import DataContext, ExecutionOptions, TaskPoolStrategy
from ray.exceptions import RayError

from posebridge.populations.checks import CHECKED_COLUMNS, UNDECODABLE, check_people
from posebridge.populations.files import join
from posebridge.populations.manifest import OpenPopulation
from posebridge.populations.people import Person, row_person, with_keypoints_of
from posebridge.populations.shards import read_shard
from posebridge.skeletons import Skeleton

READERS = 2
"""Tasks that read for a stage at the same time. They take no CPU of Ray's count: one that had to
wait for a CPU would wait for the very trainings that wait for it."""
COLUMNS = (*CHECKED_COLUMNS, "image_id", "area", "encoded")
_PERSON = ["person_id", "image_id", "box", "keypoints", "visibility", "area"]
_SHARD = "shard"


@dataclass(frozen=True)
class Shard:
    """A shard of one split.

    Attributes:
        index: its number.
        people: rows that are used, from the first on.
        bytes: of its images, encoded.
    """

    index: int
    people: int
    bytes: int


@dataclass(frozen=True, eq=False)
class EncodedPeople:
    """People with their images, still encoded, in the order of the shards.

    Attributes:
        people: who.
        images: the bytes of each person's image.
        sizes: (height, width) of each person's image, px.
    """

    people: tuple[Person, ...]
    images: pa.ChunkedArray
    sizes: np.ndarray

    def __len__(self) -> int:
        """Number of people."""
        return len(self.people)

    def encoded(self, row: int) -> bytes:
        """The image of a person as it is stored."""
        content: bytes = self.images[row].as_py()
        return content


@dataclass
class LeftOut:
    """Who cannot be used, and why; each counted once, however often they come up.

    Plain data, so that a checkpoint keeps it: a stage that goes on does not read again what it
    has read.

    Attributes:
        undecodable: people whose image does not decode.
        rejected: people that no reader may use, by reason, for each shard that was read.
    """

    undecodable: set[str] = field(default_factory=set)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Number of people, by reason."""
        total = sum((Counter(counts) for counts in self.rejected.values()), Counter[str]())
        if self.undecodable:
            total[UNDECODABLE] += len(self.undecodable)
        return dict(total)

    def content(self) -> dict[str, Any]:
        """All of it as JSON, the same for the same people."""
        return {
            "undecodable": sorted(self.undecodable),
            "rejected": {name: dict(counts) for name, counts in sorted(self.rejected.items())},
        }

    def add(self, content: dict[str, Any]) -> None:
        """Add what `content` gave."""
        self.undecodable.update(content["undecodable"])
        self.rejected.update(content["rejected"])


Read = Callable[[OpenPopulation, str, Sequence[int]], Iterator[pa.Table]]
"""How shards become tables: `stream` with Ray Data, `read_directly` in this process."""


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads the people of one split.

    Attributes:
        population: where they are.
        split: which of them.
        shards: that are read, in order.
        labelled: whether labels are read; otherwise every person has none.
        read_tables: how.
        left_out: told of people that cannot be used.
    """

    population: OpenPopulation
    split: str
    shards: tuple[Shard, ...]
    labelled: bool
    read_tables: Read
    left_out: LeftOut

    @property
    def skeleton(self) -> Skeleton:
        """Of the people as they are read."""
        seen_as = self.population.seen_as
        return self.population.skeleton if seen_as is None else seen_as.target

    def read(self, shards: Sequence[Shard]) -> EncodedPeople:
        """Read some shards.

        Raises:
            ShardError: if one is missing or damaged.
            ValueError: if nobody in them can be used.
        """
        tables = self.read_tables(self.population, self.split, [s.index for s in shards])
        kept = []
        for shard, table in zip(shards, tables, strict=True):
            used = table.slice(0, shard.people)
            checked, rejected = check_people(used, self.population.skeleton)
            folder = PurePath(self.population.folder).name
            where = f"{folder}/{self.split}/{shard.index} to {shard.people}"
            if rejected:
                self.left_out.rejected[where] = dict(rejected)
            kept.append(checked)
        return self._encoded(pa.concat_tables(kept))

    def _encoded(self, table: pa.Table) -> EncodedPeople:
        if table.num_rows == 0:
            raise ValueError(
                f"split {self.split!r} of {self.population.folder} must hold people that can be "
                f"used, but all were left out: {self.left_out.counts()}. "
                "Make or import the population again."
            )
        rows = table.select(_PERSON).to_pylist()
        if not self.labelled:
            rows = [row | self._without_labels() for row in rows]
        people = tuple(row_person(row) for row in rows)
        seen_as = self.population.seen_as
        if self.labelled and seen_as is not None:
            people = tuple(with_keypoints_of(person, seen_as) for person in people)
        sizes = np.stack([table["height"].to_numpy(), table["width"].to_numpy()], axis=1)
        return EncodedPeople(people, table["encoded"], sizes)

    def _without_labels(self) -> dict[str, np.ndarray]:
        count = self.skeleton.num_keypoints
        return {"keypoints": np.zeros((count, 2)), "visibility": np.zeros(count, np.uint8)}


def windows(shards: Sequence[Shard], limit: int) -> list[tuple[Shard, ...]]:
    """Consecutive shards in groups of at most `limit` bytes, each of at least one shard."""
    groups: list[list[Shard]] = []
    for shard in shards:
        if groups and sum(s.bytes for s in groups[-1]) + shard.bytes <= limit:
            groups[-1].append(shard)
        else:
            groups.append([shard])
    return [tuple(group) for group in groups]


def reader(
    population: OpenPopulation,
    split: str,
    *,
    labelled: bool,
    read_tables: Read,
    people: int | None = None,
    left_out: LeftOut | None = None,
) -> Reader:
    """A reader of the first people of a split; None reads all."""
    used: list[Shard] = []
    left = population.manifest.splits[split].people if people is None else people
    for number, stored in enumerate(population.manifest.splits[split].shards):
        rows = min(stored.people.rows, left)
        if rows > 0:
            used.append(Shard(number, rows, stored.images.bytes))
        left -= rows
    told = LeftOut() if left_out is None else left_out
    return Reader(population, split, tuple(used), labelled, read_tables, told)


def read_directly(
    population: OpenPopulation, split: str, indices: Sequence[int]
) -> Iterator[pa.Table]:
    """The tables of some shards, read in this process."""
    for index in indices:
        yield read_shard(join(population.folder, split), index, COLUMNS)


def stream(population: OpenPopulation, split: str, indices: Sequence[int]) -> Iterator[pa.Table]:
    """The tables of some shards, in their order, read ahead by Ray Data.

    Raises:
        ShardError: if one is missing or damaged.
    """
    folder = join(population.folder, split)
    context = DataContext.get_current()
    context.execution_options = ExecutionOptions(preserve_order=True)
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)

    rows = ray.data.from_items(list(indices), override_num_blocks=len(indices)).map_batches(
        partial(_load, folder),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=0,
        compute=TaskPoolStrategy(min(READERS, len(indices))),
    )
    blocks = rows.iter_batches(batch_size=None, batch_format="pyarrow")
    try:
        for _, group in itertools.groupby(blocks, lambda block: block[_SHARD][0].as_py()):
            yield pa.concat_tables(list(group)).drop_columns([_SHARD])
    except RayError:
        # Ray Data loses the cause on the way: where a shard is damaged, this says which and how.
        for index in indices:
            read_shard(folder, index, COLUMNS)
        raise


def _load(folder: str, batch: pa.Table) -> Iterator[pa.Table]:
    for index in batch["item"].to_pylist():
        table = read_shard(folder, index, COLUMNS)
        yield table.append_column(_SHARD, pa.array([index] * table.num_rows, pa.int32()))
