"""Shards: `people-00000.parquet` beside the `images-00000.parquet` that holds exactly its images.

No join crosses a shard. The images are written first and the people last, with the size and hash
of the images in the metadata, so that a people file that can be read is the mark of a complete
shard.
"""

import dataclasses
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from posebridge.populations.checks import IMAGE_WITHOUT_PEOPLE, check_people
from posebridge.populations.files import (
    Folder,
    PopulationError,
    StoredFile,
    join,
    open_file,
    read_file,
    sha256_of,
    write_file,
)
from posebridge.populations.people import (
    IMAGE_COLUMNS,
    MAP_COLUMNS,
    PEOPLE_COLUMNS,
    ImageRow,
    Person,
    images_table,
    people_table,
)
from posebridge.skeletons import Skeleton

_METADATA = b"posebridge"


class ShardError(PopulationError):
    """A shard that is missing or damaged."""


@dataclass(frozen=True)
class ShardReport:
    """What a shard holds.

    Attributes:
        people: the file of people; its path is below the split's folder.
        images: the file of images.
        subjects: who is in it, sorted.
        rejected: people left out, by reason.
        recipe: fingerprint of the population that made it, empty for none.
        kept: whether a complete shard was found and nothing was done.
    """

    people: StoredFile
    images: StoredFile
    subjects: tuple[str, ...]
    rejected: Mapping[str, int]
    recipe: str = ""
    kept: bool = False


def people_file(index: int) -> str:
    """Name of the people file of a shard."""
    return f"people-{index:05d}.parquet"


def images_file(index: int) -> str:
    """Name of the images file of a shard."""
    return f"images-{index:05d}.parquet"


def write_shard(
    folder: Folder,
    index: int,
    *,
    people: Sequence[Person],
    images: Sequence[ImageRow],
    skeleton: Skeleton,
    recipe: str = "",
) -> ShardReport:
    """Check people and write them with their images.

    Args:
        folder: of the split, a local path or any fsspec URI.
        index: of the shard.
        people: who; those that fail `check_people` are left out and counted.
        images: of these people; images that nobody is left in are left out and counted.
        skeleton: of the population.
        recipe: fingerprint of the population that makes the shard.

    Returns:
        What was written.

    Raises:
        ValueError: if two images have the same id.
        OSError: if it cannot be written.
    """
    image_table = images_table(images)
    if len(pc.unique(image_table["image_id"])) != image_table.num_rows:
        raise ValueError(
            f"Every image of a shard must have an id of its own, but shard {index} repeats some. "
            "Give one row an image; people share it by its id."
        )
    joined = _joined(people_table(people), image_table, ("height", "width"))
    checked, rejected = check_people(joined, skeleton)
    people_kept = checked.select(PEOPLE_COLUMNS)
    used = pc.is_in(image_table["image_id"], pc.unique(people_kept["image_id"]))
    images_kept = image_table.filter(used)
    rejected += Counter({IMAGE_WITHOUT_PEOPLE: image_table.num_rows - images_kept.num_rows})

    # The bytes of images are compressed already.
    images_data = _parquet(images_kept, compression="none")
    stored_images = _stored(images_file(index), images_data, images_kept.num_rows)
    write_file(join(folder, stored_images.file), images_data)
    about = {
        "recipe": recipe,
        "rejected": dict(rejected),
        "images": dataclasses.asdict(stored_images),
    }
    metadata = {_METADATA: json.dumps(about, sort_keys=True).encode()}
    people_data = _parquet(people_kept.replace_schema_metadata(metadata), compression="zstd")
    stored_people = _stored(people_file(index), people_data, people_kept.num_rows)
    write_file(join(folder, stored_people.file), people_data)
    return ShardReport(
        people=stored_people,
        images=stored_images,
        subjects=_subjects(people_kept),
        rejected=dict(rejected),
        recipe=recipe,
    )


def find_shard(folder: Folder, index: int, sizes: Mapping[str, int]) -> ShardReport | None:
    """The report of a complete shard, or None where it is missing or cut short.

    Args:
        folder: of the split.
        index: of the shard.
        sizes: of the files in the folder, as `file_sizes` gives them.

    Returns:
        What the shard holds.
    """
    data = read_file(join(folder, people_file(index)))
    if data is None:
        return None
    try:
        table = _parsed(io.BytesIO(data), ("subject",), join(folder, people_file(index)))
    except ShardError:
        return None
    metadata = table.schema.metadata or {}
    if _METADATA not in metadata:
        return None
    about: dict[str, Any] = json.loads(metadata[_METADATA])
    images = StoredFile(**about["images"])
    if sizes.get(images.file) != images.bytes:
        return None
    return ShardReport(
        people=_stored(people_file(index), data, table.num_rows),
        images=images,
        subjects=_subjects(table),
        rejected=about["rejected"],
        recipe=about["recipe"],
        kept=True,
    )


def read_people(folder: Folder, index: int, columns: Sequence[str] = PEOPLE_COLUMNS) -> pa.Table:
    """The people of a shard, without their images.

    Args:
        folder: of the split.
        index: of the shard.
        columns: which of `PEOPLE_COLUMNS`, in this order.

    Returns:
        One row a person.

    Raises:
        ShardError: if the file is missing or damaged.
    """
    return _read(folder, people_file(index), columns)


def read_images(folder: Folder, index: int, columns: Sequence[str]) -> pa.Table:
    """The images of a shard, each once.

    Args:
        folder: of the split.
        index: of the shard.
        columns: "image_id", and any of `IMAGE_COLUMNS` and `MAP_COLUMNS`, in this order.

    Returns:
        One row an image.

    Raises:
        ShardError: if the file is missing or damaged.
    """
    return _read(folder, images_file(index), columns)


def count_maps(folder: Folder, index: int) -> dict[str, int]:
    """How many images of a shard have each of `MAP_COLUMNS`; the maps are not read.

    Args:
        folder: of the split.
        index: of the shard.

    Raises:
        ShardError: if the file is missing or damaged.
    """
    path = join(folder, images_file(index))
    with _opened(path) as handle:
        try:
            about = pq.ParquetFile(handle).metadata
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error
    groups = [about.row_group(group) for group in range(about.num_row_groups)]
    columns = (group.column(c) for group in groups for c in range(group.num_columns))
    known: Counter[str] = Counter()
    for column in columns:
        # A group without rows has no statistics.
        if column.num_values:
            known[column.path_in_schema] += column.num_values - column.statistics.null_count
    return {name: known[name] for name in MAP_COLUMNS}


def read_shard(
    folder: Folder, index: int, columns: Sequence[str] = (*PEOPLE_COLUMNS, *IMAGE_COLUMNS)
) -> pa.Table:
    """The people of a shard, each with their image.

    The bytes of an image are repeated in memory for each person in it. Only the columns asked for
    are read: the depth, normals, parts and instance maps cost nothing unless named.

    Args:
        folder: of the split.
        index: of the shard.
        columns: of `PEOPLE_COLUMNS`, `IMAGE_COLUMNS` and `MAP_COLUMNS`, in this order.

    Returns:
        One row a person; image columns are null where the image is not in the shard.

    Raises:
        ShardError: if a file is missing or damaged.
        ValueError: if there is no such column.
    """
    known = (*PEOPLE_COLUMNS, *IMAGE_COLUMNS, *MAP_COLUMNS)
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise ValueError(f"Columns must be among {', '.join(known)}, but got {unknown}.")
    of_people = [name for name in columns if name in PEOPLE_COLUMNS and name != "image_id"]
    of_images = [name for name in columns if name not in PEOPLE_COLUMNS]
    people = _read(folder, people_file(index), ["image_id", *of_people])
    images = _read(folder, images_file(index), ["image_id", *of_images])
    return _joined(people, images, of_images).select(list(columns))


def _joined(people: pa.Table, images: pa.Table, columns: Sequence[str]) -> pa.Table:
    rows = pc.index_in(people["image_id"], value_set=images["image_id"])
    for name in columns:
        # 32-bit offsets of a binary column end at 2 GiB: chunks stay apart.
        people = people.append_column(name, pc.take(images[name], rows))
    return people


def _read(folder: Folder, file: str, columns: Sequence[str]) -> pa.Table:
    path = join(folder, file)
    with _opened(path) as handle:
        return _parsed(handle, columns, path)


def _opened(path: str) -> io.IOBase:
    handle = open_file(path)
    if handle is None:
        raise ShardError(
            f"A shard must be two files, but {path} is missing. "
            "Make or import the population again; shards that are there are kept."
        )
    return handle


def _parsed(source: io.IOBase, columns: Sequence[str], path: str) -> pa.Table:
    try:
        # Of a file on its own, so that a folder called `a=b` adds no column.
        table = pq.ParquetFile(source).read(columns=list(columns), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    lacking = [name for name in columns if name not in table.column_names]
    if lacking:
        raise ShardError(
            f"{path} must have the columns {', '.join(columns)}, but lacks {', '.join(lacking)}. "
            "Make or import the population again."
        )
    return table


def _damaged(path: str, error: Exception) -> ShardError:
    return ShardError(
        f"A shard must be a complete Parquet file, but {path} cannot be read: {error}. "
        "Delete it and make or import the population again; other shards are kept."
    )


def _parquet(table: pa.Table, compression: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=compression)
    return buffer.getvalue()


def _stored(file: str, data: bytes, rows: int) -> StoredFile:
    return StoredFile(file=file, bytes=len(data), sha256=sha256_of(data), rows=rows)


def _subjects(table: pa.Table) -> tuple[str, ...]:
    return tuple(np.unique(np.asarray(table["subject"].to_pylist(), dtype=str)).tolist())
