"""The rows of a population: people and images, and their Arrow tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, UInt8

from posebridge.skeletons import KeypointMap


@dataclass(frozen=True, eq=False)
class Person:
    """One person in one image.

    Attributes:
        person_id: unique in the population.
        image_id: names the image row.
        box: left, top, width, height, px of the image.
        keypoints: (x, y), px of the image, finite; (0, 0) where not labelled.
        visibility: 0 not labelled, 1 labelled but hidden, 2 labelled and seen.
        area: px² that the person covers (segment, else what the data set defines).
        subject: who it is; splits are disjoint by subject.
        sequence: names the video, empty for single images.
        frame: position in the sequence.
        attributes: age band, posture, light, … as text.
        keypoints_3d_mm: camera frame (x right, y down, z forward), mm, where known.
        intrinsics: fx, fy, cx, cy, px, where known.
    """

    person_id: str
    image_id: str
    box: Float32[np.ndarray, "4"]
    keypoints: Float32[np.ndarray, "keypoint 2"]
    visibility: UInt8[np.ndarray, " keypoint"]
    area: float
    subject: str
    sequence: str = ""
    frame: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    keypoints_3d_mm: Float32[np.ndarray, "keypoint 3"] | None = None
    intrinsics: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class ImageRow:
    """One stored image, its bytes once however many people are in it.

    Attributes:
        image_id: unique in the population.
        height: px.
        width: px.
        encoded: the bytes of a JPEG or PNG file.
        depth_png: camera z, 16-bit PNG, mm, 0 where nothing is.
        normals_png: camera frame, 8-bit RGB PNG, channel = round(127.5 · (n + 1)).
        parts_png: body part of each pixel, 8-bit PNG, 255 for none.
        instance_png: person of each pixel, 8-bit PNG, 0 for none.
    """

    image_id: str
    height: int
    width: int
    encoded: bytes
    depth_png: bytes | None = None
    normals_png: bytes | None = None
    parts_png: bytes | None = None
    instance_png: bytes | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """One image and the people in it."""

    image: ImageRow
    people: tuple[Person, ...]


PEOPLE_SCHEMA = pa.schema(
    [
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("box", pa.list_(pa.float32()), nullable=False),
        pa.field("keypoints", pa.list_(pa.float32()), nullable=False),
        pa.field("visibility", pa.list_(pa.uint8()), nullable=False),
        pa.field("area", pa.float32(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("sequence", pa.string(), nullable=False),
        pa.field("frame", pa.int32(), nullable=False),
        pa.field("attributes", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("keypoints_3d_mm", pa.list_(pa.float32())),
        pa.field("intrinsics", pa.list_(pa.float32())),
    ]
)
IMAGES_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("encoded", pa.binary(), nullable=False),
        pa.field("depth_png", pa.binary()),
        pa.field("normals_png", pa.binary()),
        pa.field("parts_png", pa.binary()),
        pa.field("instance_png", pa.binary()),
    ]
)
PEOPLE_COLUMNS: tuple[str, ...] = tuple(PEOPLE_SCHEMA.names)
IMAGE_COLUMNS: tuple[str, ...] = ("height", "width", "encoded")
MAP_COLUMNS: tuple[str, ...] = ("depth_png", "normals_png", "parts_png", "instance_png")


def people_table(people: Sequence[Person]) -> pa.Table:
    """The people as an Arrow table, one row each; arrays are stored flat."""
    return pa.Table.from_pylist([_person_row(person) for person in people], schema=PEOPLE_SCHEMA)


def images_table(images: Sequence[ImageRow]) -> pa.Table:
    """The images as an Arrow table, one row each."""
    return pa.Table.from_pylist([dict(vars(image)) for image in images], schema=IMAGES_SCHEMA)


def row_person(row: Mapping[str, Any]) -> Person:
    """The person of one row of `Table.to_pylist`; columns that it lacks take their defaults."""
    points_3d, intrinsics = row.get("keypoints_3d_mm"), row.get("intrinsics")
    return Person(
        person_id=row["person_id"],
        image_id=row.get("image_id", ""),
        box=np.asarray(row["box"], np.float32),
        keypoints=np.asarray(row["keypoints"], np.float32).reshape(-1, 2),
        visibility=np.asarray(row["visibility"], np.uint8),
        area=float(row.get("area", float("nan"))),
        subject=row.get("subject", ""),
        sequence=row.get("sequence", ""),
        frame=int(row.get("frame", 0)),
        attributes=dict(row.get("attributes", ())),
        keypoints_3d_mm=None if points_3d is None else _points(points_3d, 3),
        intrinsics=None
        if intrinsics is None
        else cast("tuple[float, float, float, float]", tuple(float(v) for v in intrinsics)),
    )


def with_keypoints_of(person: Person, seen_as: KeypointMap) -> Person:
    """The person with the keypoints of another skeleton; those that it lacks are not labelled."""
    keypoints, visibility = seen_as(person.keypoints, person.visibility)
    labelled = visibility[:, None] > 0
    space = person.keypoints_3d_mm
    return replace(
        person,
        keypoints=np.where(labelled, keypoints, 0.0).astype(np.float32),
        visibility=visibility,
        keypoints_3d_mm=None if space is None else seen_as(space, person.visibility)[0],
    )


def _person_row(person: Person) -> dict[str, Any]:
    points_3d = person.keypoints_3d_mm
    return {
        **vars(person),
        "box": person.box,
        "keypoints": person.keypoints.ravel(),
        "attributes": list(person.attributes.items()),
        "keypoints_3d_mm": None if points_3d is None else points_3d.ravel(),
    }


def _points(flat: Sequence[float], size: int) -> Float32[np.ndarray, "keypoint size"]:
    return np.asarray(flat, np.float32).reshape(-1, size)
