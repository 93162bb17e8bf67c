"""What a population is, and how one that is rendered makes its shards."""

import platform
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import posebridge
from posebridge.identity import describe, digest
from posebridge.populations.files import Confirm, Folder, agree, file_sizes, join
from posebridge.populations.manifest import (
    Manifest,
    ManifestError,
    check_subjects,
    content_hash,
    split_entry,
    write_manifest,
)
from posebridge.populations.people import Sample
from posebridge.populations.shards import ShardError, ShardReport, find_shard, write_shard
from posebridge.skeletons import Skeleton

SYNTHESIS_VERSION = 1
"""Raised whenever the same recipe renders other pixels; part of every rendered identity."""

SHARD_PEOPLE = 64
"""Rendered samples in a shard: a few megabytes, some ten seconds of rendering."""


@dataclass(frozen=True)
class Population(ABC):
    """A named distribution of people in images; pure data.

    Attributes:
        name: short and unique among populations, as in file names.
    """

    if TYPE_CHECKING:
        # For the type checker alone: one kind has it in the class, the other in a field.
        @property
        def name(self) -> str: ...  # noqa: D102 - said above

    @property
    def label(self) -> str:
        """How a table names it. The one property that a population may replace, to show a knob."""
        return self.name

    @abstractmethod
    def splits(self) -> dict[str, int]:
        """People (of a rendered population: images) in each split that is not empty."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """All that decides who is in it and how they look, as JSON."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Address of who is in it and how they look, 12 hex digits; part of every stage key."""


@dataclass(frozen=True)
class RenderedPopulation(Population):
    """A population that is rendered on the spot, person by person.

    Person `index` of a split depends on the seed, the name, the split and the index alone, so a
    smaller population is the beginning of a bigger one. Splits never share a subject.

    Attributes:
        name: short and unique among populations, as in file names.
        skeleton: of its keypoints.
        licence: of its images and labels.
        citation: what to cite, empty for none.
        version: raised whenever the same fields give other people.
        seed: other people for another seed.
        train: images in the split that is trained on.
        validation: images in the split that choices are made on.
        test: images in the split that is reported.
    """

    name: ClassVar[str]
    skeleton: ClassVar[Skeleton]
    licence: ClassVar[str]
    citation: ClassVar[str]
    version: ClassVar[int] = 1

    seed: int = 0
    train: int = 0
    validation: int = 0
    test: int = 0

    def __post_init__(self) -> None:
        """Refuse negative counts."""
        for split, count in (
            ("train", self.train),
            ("validation", self.validation),
            ("test", self.test),
        ):
            if count < 0:
                raise ValueError(
                    f"{split} must not be negative, but got {split}={count}. Use 0 for none."
                )

    @abstractmethod
    def render(self, split: str, index: int) -> Sample:
        """Render one image with its people; the same arguments give the same bytes."""

    def splits(self) -> dict[str, int]:
        """Images in each split that is not empty."""
        counts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {split: count for split, count in counts.items() if count}

    def num_shards(self, split: str) -> int:
        """Number of shards of a split."""
        return -(-self._count(split) // SHARD_PEOPLE)

    def identity(self) -> dict[str, Any]:
        """Class, version, every field, and the version of the renderer."""
        described: dict[str, Any] = describe(self)
        return described | {"synthesis": SYNTHESIS_VERSION}

    def fingerprint(self) -> str:
        """Hash of the identity."""
        return digest(self.identity())[:12]

    def generator(self, split: str, index: int, stream: str = "people") -> np.random.Generator:
        """The random numbers of one sample.

        Args:
            split: name of the split.
            index: of the sample in the split.
            stream: separate ones (people, camera, …) keep one part's draws from moving another's.

        Returns:
            A fresh generator, the same whatever the other fields of the population are.
        """
        key = digest([self.seed, self.name, split, index, stream])
        return np.random.default_rng(int(key, 16))

    def subject(self, split: str, index: int, who: int = 0) -> str:
        """Name of the subject `who` of a sample; also serves as id of the person in this image."""
        return f"{self.image_id(split, index)}-{who}"

    def image_id(self, split: str, index: int) -> str:
        """Name of the image of a sample."""
        return f"{self.name}-{self.seed}-{split}-{index:06d}"

    def make_shard(
        self,
        folder: Folder,
        split: str,
        index: int,
        *,
        confirm: Confirm = agree,
    ) -> ShardReport:
        """Render one shard, unless it is there already.

        Args:
            folder: of the population, a local path or any fsspec URI.
            split: name of the split.
            index: of the shard.
            confirm: called when it is rendered; raises if it may no longer be written.

        Returns:
            What the shard holds.

        Raises:
            ManifestError: if the folder holds a shard of another recipe.
            ValueError: if there is no such split or shard.
            OSError: if it cannot be written.
        """
        if not 0 <= index < self.num_shards(split):
            raise ValueError(
                f"Split {split!r} of {self.label!r} has {self.num_shards(split)} shards, but got "
                f"{index=}."
            )
        split_folder = join(folder, split)
        found = self._found(split_folder, index, file_sizes(split_folder))
        if found is not None:
            return found
        start, stop = index * SHARD_PEOPLE, min((index + 1) * SHARD_PEOPLE, self._count(split))
        samples = [self.render(split, sample) for sample in range(start, stop)]
        confirm()
        return write_shard(
            split_folder,
            index,
            people=[person for sample in samples for person in sample.people],
            images=[sample.image for sample in samples],
            skeleton=self.skeleton,
            recipe=self.fingerprint(),
        )

    def finish(self, folder: Folder) -> Manifest:
        """Write the manifest, once every shard has been made.

        Args:
            folder: of the population.

        Returns:
            The manifest.

        Raises:
            ShardError: if shards are missing.
            ManifestError: if splits share a subject.
        """
        reports = {split: self._reports(folder, split) for split in self.splits()}
        check_subjects({split: _subjects(shards) for split, shards in reports.items()})
        splits = {split: split_entry(split, shards) for split, shards in reports.items()}
        rejected: Counter[str] = Counter()
        for report in (report for shards in reports.values() for report in shards):
            rejected.update(report.rejected)
        manifest = Manifest(
            name=self.name,
            skeleton=self.skeleton.name,
            licence=self.licence,
            citation=self.citation,
            knobs=self.identity(),
            fingerprint=self.fingerprint(),
            splits=splits,
            rejected=dict(rejected),
            content_hash=content_hash(splits),
            made_by=made_by(),
        )
        write_manifest(folder, manifest)
        return manifest

    def _count(self, split: str) -> int:
        counts = self.splits()
        if split not in counts:
            raise ValueError(
                f"Population {self.label!r} has the splits {', '.join(counts) or '(none)'}, but "
                f"got {split!r}."
            )
        return counts[split]

    def _reports(self, folder: Folder, split: str) -> list[ShardReport]:
        split_folder = join(folder, split)
        sizes = file_sizes(split_folder)
        indices = range(self.num_shards(split))
        found = [self._found(split_folder, index, sizes) for index in indices]
        missing = [index for index, report in enumerate(found) if report is None]
        if missing:
            raise ShardError(
                f"Split {split!r} must have {len(found)} complete shards in {split_folder}, but "
                "lacks "
                f"{missing}. Make them, then finish."
            )
        return [report for report in found if report is not None]

    def _found(
        self, split_folder: str, index: int, sizes: Mapping[str, int]
    ) -> ShardReport | None:
        found = find_shard(split_folder, index, sizes)
        if found is not None and found.recipe != self.fingerprint():
            raise ManifestError(
                f"Shard {index} in {split_folder} must be made by recipe {self.fingerprint()} "
                f"({self.label}), but was made by {found.recipe or 'no known recipe'}. "
                "Use another folder, or delete this one."
            )
        return found


def made_by() -> Mapping[str, str]:
    """Versions of the software that decides pixels and files."""
    packages = ("numpy", "numba", "opencv-python-headless", "pyarrow")
    return {
        "posebridge": posebridge.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    } | {package: version(package) for package in packages}


def _subjects(reports: list[ShardReport]) -> set[str]:
    return {subject for report in reports for subject in report.subjects}
