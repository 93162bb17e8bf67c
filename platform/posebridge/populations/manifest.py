"""The manifest of a population: what its folder holds. It is written last, as the done mark."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pyarrow as pa

from posebridge.identity import digest, restore
from posebridge.populations.checks import CHECKED_COLUMNS, check_people
from posebridge.populations.files import (
    Folder,
    PopulationError,
    StoredFile,
    file_sizes,
    join,
    read_file,
    sha256_of,
    write_file,
)
from posebridge.populations.people import IMAGE_COLUMNS, PEOPLE_COLUMNS
from posebridge.populations.shards import ShardReport, read_images, read_people, read_shard
from posebridge.skeletons import KeypointMap, Skeleton, keypoint_map, skeleton

OWN_SKELETON = "own_skeleton"
"""Among the knobs of an imported population, where its skeleton has no name that is known here."""
MANIFEST_FILE = "manifest.json"
MANIFEST_FORMAT = 1


class ManifestError(PopulationError):
    """A manifest that is missing, cannot be read, or does not agree with its folder."""


@dataclass(frozen=True)
class ShardEntry:
    """The two files of a shard, their paths below the population's folder."""

    people: StoredFile
    images: StoredFile


@dataclass(frozen=True)
class SplitEntry:
    """What a split holds: counts of people, images and subjects, and its shards in order."""

    people: int
    images: int
    subjects: int
    shards: tuple[ShardEntry, ...]


@dataclass(frozen=True)
class Manifest:
    """What a population's folder holds, and where it comes from.

    Attributes:
        name: of the population.
        skeleton: name of the skeleton of its keypoints.
        licence: of the images and labels.
        citation: what to cite.
        knobs: everything that made it, as JSON.
        fingerprint: of the recipe (rendered) or the content (imported); part of every stage key.
        splits: disjoint by subject.
        rejected: people left out when it was made, by reason.
        content_hash: of the files.
        made_by: versions of the software that made it.
    """

    name: str
    skeleton: str
    licence: str
    citation: str
    knobs: Mapping[str, Any]
    fingerprint: str
    splits: Mapping[str, SplitEntry]
    rejected: Mapping[str, int]
    content_hash: str
    made_by: Mapping[str, str]


def split_entry(split: str, reports: Sequence[ShardReport]) -> SplitEntry:
    """Summarise the shards of a split, in the order of their index.

    Args:
        split: name of the split, which is also its folder.
        reports: of all its shards.

    Returns:
        The entry of the manifest.
    """
    shards = tuple(
        ShardEntry(
            people=dataclasses.replace(report.people, file=f"{split}/{report.people.file}"),
            images=dataclasses.replace(report.images, file=f"{split}/{report.images.file}"),
        )
        for report in reports
    )
    return SplitEntry(
        people=sum(shard.people.rows for shard in shards),
        images=sum(shard.images.rows for shard in shards),
        subjects=len({subject for report in reports for subject in report.subjects}),
        shards=shards,
    )


def content_hash(splits: Mapping[str, SplitEntry]) -> str:
    """Hash of all files of a population, of 16 hex digits."""
    return digest(
        [[file.file, file.sha256] for split in splits.values() for file in _files(split)]
    )


def check_subjects(subjects: Mapping[str, Iterable[str]]) -> None:
    """Refuse splits that share a person.

    Args:
        subjects: who is in each split.

    Raises:
        ManifestError: if a subject is in two splits.
    """
    sets = {split: set(names) for split, names in subjects.items()}
    for first, second in combinations(sets, 2):
        shared = sorted(sets[first] & sets[second])
        if shared:
            raise ManifestError(
                f"Splits must be disjoint by subject, but {first!r} and {second!r} share "
                f"{len(shared)}: "
                f"{', '.join(shared[:3])}. Assign every subject to one split and make them again."
            )


def write_manifest(folder: Folder, manifest: Manifest) -> None:
    """Write the manifest of a folder whose shards are complete."""
    content = {"format": MANIFEST_FORMAT} | dataclasses.asdict(manifest)
    write_file(join(folder, MANIFEST_FILE), (json.dumps(content, indent=1) + "\n").encode())


def read_manifest(folder: Folder) -> Manifest:
    """Read the manifest of a population.

    Args:
        folder: of the population.

    Returns:
        The manifest; its files are not looked at.

    Raises:
        ManifestError: if it is missing, damaged or of a newer format.
    """
    path = join(folder, MANIFEST_FILE)
    data = read_file(path)
    if data is None:
        raise ManifestError(
            f"A population must have a manifest, but {path} is missing: the folder is not a "
            "population, "
            "or making it did not finish. Run the command that makes or imports it (again)."
        )
    try:
        content = json.loads(data)
        found = int(content.pop("format"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error
    if found > MANIFEST_FORMAT:
        raise ManifestError(
            f"This posebridge reads manifests up to format {MANIFEST_FORMAT}, but {path} has "
            f"{found}. "
            "Update posebridge, or make the population again."
        )
    try:
        content["splits"] = {name: _split(value) for name, value in content["splits"].items()}
        return Manifest(**content)
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


@dataclass(frozen=True)
class OpenPopulation:
    """A population that lies complete in a folder.

    Attributes:
        folder: a local path or any fsspec URI.
        manifest: what it holds.
        skeleton: of its keypoints.
        seen_as: how whoever reads people wants their keypoints; None takes them as they are.
    """

    folder: str
    manifest: Manifest
    skeleton: Skeleton
    seen_as: KeypointMap | None = None

    def read_as(self, wanted: Skeleton) -> "OpenPopulation":
        """The same people, to be read with other keypoints; those they lack are not labelled.

        Raises:
            ManifestError: if they have none of those that are wanted.
        """
        if wanted == self.skeleton:
            return dataclasses.replace(self, seen_as=None)
        found = keypoint_map(self.skeleton, wanted, allow_missing=True)
        if not any(found.parts):
            raise ManifestError(
                f"Population {self.manifest.name!r} must have keypoints of {wanted.name}, but has "
                f"none of them: its own ({self.skeleton.name}) are "
                f"{', '.join(self.skeleton.keypoints)}. Take an estimator of such keypoints, or "
                "give the keypoints the usual names and import again."
            )
        return dataclasses.replace(self, seen_as=found)

    def num_shards(self, split: str) -> int:
        """Number of shards of a split."""
        return len(self._split(split).shards)

    def read_people(
        self, split: str, index: int, columns: Sequence[str] = PEOPLE_COLUMNS
    ) -> pa.Table:
        """The people of a shard without their images and without a check of them."""
        self._split(split)
        return read_people(join(self.folder, split), index, columns)

    def read_images(self, split: str, index: int, columns: Sequence[str]) -> pa.Table:
        """The images of a shard, each once, however many people are in it."""
        self._split(split)
        return read_images(join(self.folder, split), index, columns)

    def read_shard(
        self,
        split: str,
        index: int,
        columns: Sequence[str] = (*PEOPLE_COLUMNS, *IMAGE_COLUMNS),
    ) -> tuple[pa.Table, Counter[str]]:
        """The people of a shard with their images, checked once more.

        Args:
            split: name of the split.
            index: of the shard.
            columns: of people, images and maps, in this order.

        Returns:
            The people that pass, and how many did not, by reason.

        Raises:
            ShardError: if a file is missing or damaged.
            ManifestError: if there is no such split.
        """
        self._split(split)
        needed = [name for name in CHECKED_COLUMNS if name not in columns]
        table = read_shard(join(self.folder, split), index, (*columns, *needed))
        kept, rejected = check_people(table, self.skeleton)
        return kept.select(list(columns)), rejected

    def verify(self) -> None:
        """Read everything: hashes of all files, ids of all people, and subjects of all splits.

        Raises:
            ManifestError: naming the first file that differs, the ids that repeat, or the subjects
                that two splits share.
            ShardError: if a file is missing or damaged.
        """
        for split in self.manifest.splits.values():
            for file in _files(split):
                data = read_file(join(self.folder, file.file))
                found = None if data is None else sha256_of(data)
                if found != file.sha256:
                    raise ManifestError(
                        f"{join(self.folder, file.file)} must have SHA-256 {file.sha256}, but "
                        f"has {found}. "
                        "Delete it and make or import the population again."
                    )
        check_subjects({split: set(self._all(split, "subject")) for split in self.manifest.splits})
        people = Counter(
            name for split in self.manifest.splits for name in self._all(split, "person_id")
        )
        repeated = [name for name, count in people.items() if count > 1]
        if repeated:
            raise ManifestError(
                f"Every person must have an id of their own, but {len(repeated)} repeat: "
                f"{', '.join(repeated[:3])}. Import the population again with unique ids."
            )

    def _all(self, split: str, column: str) -> list[str]:
        tables = (self.read_people(split, i, [column]) for i in range(self.num_shards(split)))
        return [value for table in tables for value in table[column].to_pylist()]

    def _split(self, split: str) -> SplitEntry:
        if split not in self.manifest.splits:
            raise ManifestError(
                f"Population {self.manifest.name!r} has the splits "
                f"{', '.join(self.manifest.splits) or '(none)'}, but got {split!r}."
            )
        return self.manifest.splits[split]


def open_population(folder: Folder) -> OpenPopulation:
    """Open a population after checking that every shard is there in its full size.

    Args:
        folder: of the population, a local path or any fsspec URI.

    Returns:
        What can be read from.

    Raises:
        ManifestError: if the manifest, a shard or the skeleton is missing, cut short or unknown.
    """
    manifest = read_manifest(folder)
    try:
        own = manifest.knobs.get(OWN_SKELETON)
        keypoints: Skeleton = restore(own) if own else skeleton(manifest.skeleton)
    except ValueError as error:
        raise ManifestError(
            f"The manifest in {folder} names a skeleton that is not known here. {error} "
            "Update posebridge, or import the population with a known skeleton."
        ) from error
    sizes = file_sizes(folder)
    for split in manifest.splits.values():
        for file in _files(split):
            found = sizes.get(file.file)
            if found != file.bytes:
                state = "is missing" if found is None else f"has {found:,} bytes"
                raise ManifestError(
                    f"{join(folder, file.file)} must have {file.bytes:,} bytes, but {state}. "
                    "Delete it and make or import the population again; shards that are whole "
                    "are kept."
                )
    return OpenPopulation(folder=str(folder), manifest=manifest, skeleton=keypoints)


def _files(split: SplitEntry) -> list[StoredFile]:
    return [file for shard in split.shards for file in (shard.people, shard.images)]


def _split(content: Mapping[str, Any]) -> SplitEntry:
    shards = tuple(
        ShardEntry(people=StoredFile(**shard["people"]), images=StoredFile(**shard["images"]))
        for shard in content["shards"]
    )
    return SplitEntry(content["people"], content["images"], content["subjects"], shards)


def _damaged(path: str, error: Exception) -> ManifestError:
    return ManifestError(
        f"A manifest must be complete JSON of this format, but {path} is not: {error!r}. "
        "Delete it and make or import the population again; shards that are whole are kept."
    )
