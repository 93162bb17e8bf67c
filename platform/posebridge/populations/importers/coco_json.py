"""COCO's json, of which many data sets have a kind of their own.

https://cocodataset.org/#format-data
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from posebridge.populations.checks import (
    CROWD,
    INVALID_BOX,
    NO_KEYPOINTS,
    NOT_A_PERSON,
)
from posebridge.populations.importers.base import (
    About,
    Entry,
    LeftOut,
    Listed,
    ListedImage,
    ListedPerson,
)
from posebridge.populations.importers.json_rows import needed, rows
from posebridge.populations.importers.pictures import read_image
from posebridge.populations.importers.source import Source
from posebridge.populations.people import Person, Sample

OWN = "posebridge"
"""Under this name our own export keeps what COCO has no place for."""
_NEVER_USED = {"segmentation", "license", "flickr_url", "coco_url", "date_captured"}
_OTHER_VISIBILITY = 255


def coco_entries(source: Source, file: str, part: str, folders: Sequence[str]) -> Iterator[Entry]:
    """The images and people of a COCO json; people without a labelled keypoint are left out.

    Args:
        source: where it lies.
        file: the json.
        part: prefix of all ids, so that parts may number theirs alike.
        folders: in which its images may lie, tried in this order.

    Raises:
        SourceError: if the file is missing, no complete json, or lacks something.
    """
    for row in rows(source, file, "images.item"):
        needed(row, ("id", "file_name"), f"image of {file}")
        image = find_image(source, str(row["file_name"]), folders)
        yield ListedImage(_id(row, "image_id", f"{part}/{row['id']}"), image, _kept(row))
    people = _person_categories(source, file)
    for row in rows(source, file, "annotations.item"):
        needed(row, ("id", "image_id"), f"annotation of {file}")
        image_id = _id(row, "image_id", f"{part}/{row['image_id']}")
        reason = _unusable(row, people)
        if reason:
            yield LeftOut(reason, image_id)
        else:
            yield ListedPerson(_id(row, "person_id", f"{part}/{row['id']}"), image_id, _kept(row))


def find_image(source: Source, name: str, folders: Sequence[str]) -> str:
    """The path of an image below its data set; the first that it could have if it is nowhere."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in "/.."]
    paths = [str(PurePosixPath(folder, *parts)) for folder in folders]
    return next((path for path in paths if path in source.sizes), paths[0])


def keypoint_names(source: Source, file: str) -> tuple[str, ...] | None:
    """The names of keypoints that a json gives with its category of people; None for none."""
    for row in rows(source, file, "categories.item"):
        if row.get("keypoints"):
            return tuple(str(name) for name in row["keypoints"])
    return None


Area = Callable[[About], float]
Attributes = Callable[[About, About], Mapping[str, str]]


def annotated_area(about: About) -> float:
    """What the annotation says of a person's area, px², else that of its box."""
    area = about.get("area")
    return float(area) if area else box_area(about)


def box_area(about: About) -> float:
    """Area of an annotation's box, px²."""
    box = about.get("bbox") or (0.0, 0.0, 0.0, 0.0)
    return float(box[2]) * float(box[3])


def no_attributes(_image: About, _person: About) -> Mapping[str, str]:
    """Nothing is known of anybody."""
    return {}


def coco_sample(
    source: Source,
    listed: Listed,
    *,
    area: Area = annotated_area,
    attributes: Attributes = no_attributes,
) -> Sample:
    """An image and the people of a COCO json.

    Args:
        source: where it lies.
        listed: what the json says.
        area: of a person, px², from the annotation.
        attributes: of a person, from what is said of the image and the person.

    Raises:
        UnusableImageError: if the image cannot be used.
    """
    image = read_image(source, listed.image)
    about = listed.image.about
    return Sample(
        image,
        tuple(
            _person(person, about, area(person.about), attributes(about, person.about))
            for person in listed.people
        ),
    )


def _person(
    listed: ListedPerson, image: About, area: float, attributes: Mapping[str, str]
) -> Person:
    about = listed.about
    flat = about["keypoints"]
    # No number of keypoints that any skeleton has, so that who checks counts it as wrong.
    numbers = np.asarray(flat if len(flat) % 3 == 0 else [], np.float64).reshape(-1, 3)
    # Somebody's confidences, cut to whole numbers, would pass for visibilities.
    whole = np.isin(numbers[:, 2], (0, 1, 2))
    visibility = np.where(whole, numbers[:, 2], _OTHER_VISIBILITY).astype(np.uint8)
    own: About = about.get(OWN, {})
    points_3d = own.get("keypoints_3d_mm")
    return Person(
        person_id=listed.person_id,
        image_id=listed.image_id,
        box=np.asarray(about["bbox"], np.float32),
        keypoints=np.where(visibility[:, None] > 0, numbers[:, :2], 0.0).astype(np.float32),
        visibility=visibility,
        area=area,
        subject=subject_of(listed, image),
        sequence=_said("sequence", own, about, image),
        frame=int(_said("frame", own, about, image) or 0),
        attributes={**attributes, **own.get("attributes", {})},
        keypoints_3d_mm=None
        if points_3d is None
        else np.asarray(points_3d, np.float32).reshape(-1, 3),
        intrinsics=tuple(own["intrinsics"]) if own.get("intrinsics") else None,
    )


def subject_of(listed: ListedPerson, image: About) -> str:
    """Who somebody is: as annotated, else whoever is in the video, else in this image alone."""
    abouts = (listed.about.get(OWN, {}), listed.about, image)
    return _said("subject", *abouts) or _said("sequence", *abouts) or listed.image_id


def _said(name: str, *abouts: About) -> str:
    """What the first says that says anything; empty where nobody does."""
    return next((str(about[name]) for about in abouts if about.get(name) is not None), "")


def _id(row: Mapping[str, Any], name: str, otherwise: str) -> str:
    own = row.get(OWN, {}).get(name)
    return otherwise if own is None else str(own)


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _NEVER_USED}


def _person_categories(source: Source, file: str) -> set[Any]:
    """Ids of the categories that have keypoints, else of those that are called person."""
    found = list(rows(source, file, "categories.item"))
    with_keypoints = {row.get("id") for row in found if row.get("keypoints")}
    return with_keypoints or {row.get("id") for row in found if row.get("name") == "person"}


def _unusable(row: Mapping[str, Any], people: set[Any]) -> str:
    """Why an annotation cannot be used; empty if it can."""
    keypoints, box = row.get("keypoints"), row.get("bbox")
    if people and row.get("category_id", next(iter(people))) not in people:
        return NOT_A_PERSON
    if row.get("iscrowd"):
        return CROWD
    if not keypoints or not any(keypoints[2::3]):
        return NO_KEYPOINTS
    return "" if isinstance(box, list) and len(box) == 4 else INVALID_BOX
