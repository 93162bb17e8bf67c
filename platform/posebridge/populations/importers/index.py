"""From all that a data set lists to shards of it, and from such a shard to its two files."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from posebridge.identity import describe, digest
from posebridge.populations.files import Confirm, Folder, agree, sha256_of
from posebridge.populations.handedness import Handedness, handedness
from posebridge.populations.importers.base import (
    Importer,
    Listed,
    ListedImage,
    UnusableImageError,
)
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.spool import spool
from posebridge.populations.people import ImageRow, Sample
from posebridge.populations.shards import ShardReport, read_people, write_shard
from posebridge.skeletons import Skeleton

SHARD_IMAGES = 256
"""Images in a shard, at most; the content's hash depends on it."""
SHARD_BYTES = 128 << 20
"""Bytes of a shard's images, unless it has a single one."""


@dataclass(frozen=True)
class Request:
    """What is to be imported, as pure data.

    Attributes:
        importer: how it lies.
        folder: where, for every process that imports.
        name: of the population.
        splits: each with its parts.
        skeleton: of its people.
        state: of the folder, so that a change of any file is another request.
    """

    importer: Importer
    folder: str
    name: str
    splits: tuple[tuple[str, tuple[str, ...]], ...]
    skeleton: Skeleton
    state: str

    @property
    def source(self) -> Source:
        """Where it lies."""
        return Source(self.folder)

    def key(self) -> str:
        """Address of the work, 12 hex digits; that of its result is the content's."""
        return digest(describe(self))[:12]


def index_split(request: Request, split: str, told: Counter[str]) -> Iterator[tuple[Listed, ...]]:
    """The shards of a split, before any image is read.

    Args:
        request: what is asked.
        split: which.
        told: is given how many people were left out, by reason, once the last shard was given.

    Raises:
        SourceError: if the data set does not lie there as it should, or nobody can be used.
    """
    source = request.source
    with spool() as spooled:
        for part in dict(request.splits)[split]:
            spooled.fill(request.importer.entries(source, part))
        spooled.close()
        _check_found(request, split, spooled.images(), spooled.left_out)
        yield from _cut(spooled.images(), source)
        told.update(spooled.left_out)


def _check_found(
    request: Request, split: str, images: Iterator[Listed], left_out: Counter[str]
) -> None:
    """Refuse a split where nobody is, or none of whose images is there."""
    source, wanted = request.source, []
    for listed in images:
        if listed.image.file in source.sizes:
            return
        wanted.append(listed.image)
    raise _no_image(request, wanted) if wanted else nobody(request, split, left_out)


def _no_image(request: Request, wanted: Sequence[ListedImage]) -> SourceError:
    return SourceError(
        f"The images must lie below {request.folder}, but none of {len(wanted)} is there, such as "
        f"{wanted[0].file}. It must lie there as: {request.importer.layout}"
    )


def nobody(request: Request, split: str, left_out: Mapping[str, int]) -> SourceError:
    """What to say where nobody of a split can be used."""
    counts = ", ".join(f"{reason} {count}" for reason, count in left_out.items()) or "nobody"
    keypoints = request.skeleton
    return SourceError(
        f"Split {split!r} ({', '.join(dict(request.splits)[split])}) must have people with "
        f"{keypoints.num_keypoints} keypoints ({keypoints.name}), but nobody can be used; left "
        f"out: {counts}. Give --split other parts, or look at the annotations."
    )


def _cut(images: Iterator[Listed], source: Source) -> Iterator[tuple[Listed, ...]]:
    shard: list[Listed] = []
    held = 0
    for listed in images:
        size = source.sizes.get(listed.image.file, 0)
        if shard and (len(shard) == SHARD_IMAGES or held + size > SHARD_BYTES):
            yield tuple(shard)
            shard, held = [], 0
        shard.append(listed)
        held += size
    if shard:
        yield tuple(shard)


@dataclass(frozen=True)
class ImportedShard:
    """What became of a shard.

    Attributes:
        report: of its files.
        content: hash of its people and images as rows, whatever wrote the files.
        left_out: people whose image cannot be used, by reason; those with wrong labels are in the
            report.
        handedness: of its people.
    """

    report: ShardReport
    content: str
    left_out: Counter[str]
    handedness: Handedness


def import_shard(
    request: Request,
    folder: Folder,
    index: int,
    listed: Sequence[Listed],
    *,
    confirm: Confirm = agree,
) -> ImportedShard:
    """Read the images of a shard, and write it.

    Args:
        request: what is asked.
        folder: of the split, a local path or any fsspec URI.
        index: of the shard.
        listed: its images.
        confirm: called when all is read; raises if it may no longer be written.

    Raises:
        SourceError: if a file besides the images is missing, or is not what it should be.
        OSError: if it cannot be written.
    """
    skeleton, left_out = request.skeleton, Counter[str]()
    samples = list(_samples(request.importer.sample, request.source, listed, left_out))
    confirm()
    report = write_shard(
        folder,
        index,
        people=[person for sample in samples for person in sample.people],
        images=[sample.image for sample in samples],
        skeleton=skeleton,
        recipe=request.key(),
    )
    images = {sample.image.image_id: sample.image for sample in samples}
    rows = read_people(folder, index).to_pylist()
    return ImportedShard(
        report, _content(rows, images, skeleton), left_out, handedness(rows, skeleton)
    )


def _samples(
    read: Callable[[Source, Listed], Sample],
    source: Source,
    listed: Sequence[Listed],
    left_out: Counter[str],
) -> Iterator[Sample]:
    for one in listed:
        try:
            yield read(source, one)
        except UnusableImageError as unusable:
            left_out[str(unusable)] += len(one.people)


def _content(
    rows: Sequence[dict[str, Any]], images: dict[str, ImageRow], skeleton: Skeleton
) -> str:
    """Hash of rows, not of files: another version of Parquet's writer gives other files."""
    used = dict.fromkeys(str(row["image_id"]) for row in rows)
    pictures = [[name, *_hashes(images[name])] for name in used]
    # Numbers that a check would not let through, such as a NaN of 3-D, must count too.
    return digest([skeleton.name, skeleton.keypoints, repr(rows), pictures])


def _hashes(image: ImageRow) -> list[str]:
    files = (image.encoded, image.depth_png, image.normals_png, image.parts_png)
    return ["" if file is None else sha256_of(file) for file in (*files, image.instance_png)]
