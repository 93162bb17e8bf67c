"""COCO files around a prediction: person boxes in, keypoint results out.

The format: https://cocodataset.org/#format-data and https://cocodataset.org/#format-results
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Float

from posebridge.populations.checks import CROWD, EMPTY_BOX, INVALID_BOX, NOT_A_PERSON
from posebridge.skeletons import Skeleton

PERSON = 1

SURE = 0.3
"""Confidence from which a keypoint is written with visibility 2."""


@dataclass(frozen=True)
class PersonBox:
    """Where a person is said to be.

    Attributes:
        xywh: left, top, width, height, px of the image.
        score: how sure the detector was; 1 for boxes without a score.
    """

    xywh: tuple[float, float, float, float]
    score: float = 1.0


@dataclass(frozen=True)
class ListedImage:
    """An image of a COCO file and its people."""

    image_id: int | str
    file_name: str
    boxes: tuple[PersonBox, ...]


@dataclass(frozen=True)
class Listing:
    """A COCO file of person boxes.

    Attributes:
        path: of the file.
        images: that it lists.
        left_out: annotations that cannot be used, by reason.
    """

    path: Path
    images: tuple[ListedImage, ...]
    left_out: Mapping[str, int]

    def find(self, image: Path) -> ListedImage | None:
        """The entry whose file name is the end of a path; of several, the longest.

        Raises:
            ValueError: if two of the same file name stand in the file.
        """
        parts = image.absolute().parts
        near = self._by_last_name.get(image.name, [])
        fits = [listed for listed in near if _ends_with(parts, listed.file_name)]
        if not fits:
            return None
        longest = max(_length(listed.file_name) for listed in fits)
        best = [listed for listed in fits if _length(listed.file_name) == longest]
        if len(best) > 1:
            raise ValueError(
                f"{self.path} must list every file name once, but {best[0].file_name!r} stands "
                f"{len(best)} times, with the ids {', '.join(str(b.image_id) for b in best)}. "
                "Leave one of them."
            )
        return best[0]

    @cached_property
    def _by_last_name(self) -> dict[str, list[ListedImage]]:
        found = defaultdict(list)
        for listed in self.images:
            found[PurePosixPath(listed.file_name).name].append(listed)
        return dict(found)


def read_boxes(path: Path) -> Listing:
    """Read the person boxes of a COCO file.

    Args:
        path: JSON with `images` (id, file_name) and `annotations` (image_id, bbox, perhaps
            category_id, iscrowd and score).

    Returns:
        The images and their boxes; what is no box of one person is left out and counted.

    Raises:
        ValueError: if it is no such file, or cannot be read.
    """
    content = _content(path)
    left_out: Counter[str] = Counter()
    boxes: dict[Any, list[PersonBox]] = defaultdict(list)
    known = {image["id"] for image in content["images"]}
    for annotation in content["annotations"]:
        if annotation["image_id"] not in known:
            raise _not_coco(path, f"an annotation of image {annotation['image_id']!r}, unlisted")
        reason = _unusable(annotation)
        if reason:
            left_out[reason] += 1
            continue
        left, top, width, height = (float(value) for value in annotation["bbox"])
        score = annotation.get("score", 1.0)
        boxes[annotation["image_id"]].append(PersonBox((left, top, width, height), _number(score)))
    images = tuple(
        ListedImage(image["id"], str(image["file_name"]), tuple(boxes[image["id"]]))
        for image in content["images"]
    )
    return Listing(path, images, dict(left_out))


def is_outside(box: PersonBox, height: int, width: int) -> bool:
    """Whether a box has no pixel in common with its image."""
    left, top, box_width, box_height = box.xywh
    return left >= width or top >= height or left + box_width <= 0 or top + box_height <= 0


def result(
    image_id: int | str,
    box: PersonBox,
    keypoints: Float[np.ndarray, "keypoint 2"],
    confidence: Float[np.ndarray, " keypoint"],
    *,
    score: float | None = None,
) -> dict[str, Any]:
    """One person as an entry of a COCO keypoint result.

    Args:
        image_id: of the image.
        box: that was looked at.
        keypoints: px of the image, (0, 0) the corner of its first pixel; NaN where there is none.
        confidence: of each.
        score: of the person; None takes the mean confidence times the box's score.

    Returns:
        `keypoints` holds x, y, v of each: v is 2 from a confidence of `SURE` on, 1 below, and 0
        (with x = y = 0) where there is no position. `keypoint_scores` are the confidences
        themselves, which COCO has no place for.
    """
    placed = np.isfinite(keypoints).all(axis=1) & np.isfinite(confidence)
    sure = np.where(placed, confidence, 0.0)
    visibility = np.where(placed, np.where(sure >= SURE, 2, 1), 0)
    places = np.where(placed[:, None], keypoints, 0.0).round(3).tolist()
    triples = zip(places, visibility.tolist(), strict=True)
    return {
        "image_id": image_id,
        "category_id": PERSON,
        "bbox": [round(value, 3) for value in box.xywh],
        "keypoints": [value for (x, y), v in triples for value in (x, y, v)],
        "score": round(float(sure.mean()) * box.score if score is None else score, 6),
        "keypoint_scores": [round(float(value), 6) for value in sure],
    }


def image_listing(images: Sequence[Mapping[str, Any]], skeleton: Skeleton) -> dict[str, Any]:
    """A COCO file that says which image an id is, and which keypoint a number is.

    Args:
        images: each with id, file_name, height and width.
        skeleton: of the results.
    """
    category = {
        "id": PERSON,
        "name": "person",
        "keypoints": list(skeleton.keypoints),
        # COCO counts keypoints from one.
        "skeleton": [[one + 1, other + 1] for one, other in skeleton.limbs],
    }
    return {"images": list(images), "annotations": [], "categories": [category]}


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise _not_coco(path, f"no JSON ({error})") from error
    except OSError as error:
        raise _not_coco(path, f"nothing that can be read ({error.strerror})") from error
    if not isinstance(content, dict):
        raise _not_coco(path, f"a {type(content).__name__}")
    _check_rows(path, content, "images", ("id", "file_name"))
    _check_rows(path, content, "annotations", ("image_id", "bbox"))
    return content


def _check_rows(
    path: Path, content: Mapping[str, Any], name: str, needed: tuple[str, str]
) -> None:
    """Check that a list has rows with an id and one more field."""
    rows = content.get(name)
    if not isinstance(rows, list):
        raise _not_coco(path, f"no list {name!r}")
    for row in rows:
        lacking = [field for field in needed if not isinstance(row, dict) or field not in row]
        if lacking:
            raise _not_coco(path, f"one of {name!r} without {', '.join(lacking)}")
        if not isinstance(row[needed[0]], int | str):
            raise _not_coco(path, f"{needed[0]} = {row[needed[0]]!r} in {name!r}")


def _not_coco(path: Path, found: str) -> ValueError:
    return ValueError(
        f"{path} must be a COCO file with `images` (id, file_name) and `annotations` (image_id, "
        f"bbox), but has {found}. Give such a file, or leave --boxes out to look at whole images."
    )


def _unusable(annotation: Mapping[str, Any]) -> str:
    """Why an annotation is no box of one person; empty if it is."""
    if annotation.get("category_id", PERSON) != PERSON:
        return NOT_A_PERSON
    if annotation.get("iscrowd", 0):
        return CROWD
    box = annotation["bbox"]
    numbers = isinstance(box, list) and all(type(value) in (int, float) for value in box)
    if not numbers or len(box) != 4 or not all(math.isfinite(value) for value in box):
        return INVALID_BOX
    return "" if box[2] > 0 and box[3] > 0 else EMPTY_BOX


def _number(score: object) -> float:
    """A detector's score; 1 where there is none."""
    return float(score) if isinstance(score, int | float) and math.isfinite(score) else 1.0


def _ends_with(parts: tuple[str, ...], file_name: str) -> bool:
    names = PurePosixPath(file_name).parts
    return 0 < len(names) <= len(parts) and parts[-len(names) :] == names


def _length(file_name: str) -> int:
    return len(PurePosixPath(file_name).parts)
