"""SURREAL: rendered adults before photographs of rooms, as adaptation papers use them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from posebridge.populations.importers import body16
from posebridge.populations.importers.base import (
    Entry,
    Importer,
    Listed,
    ListedImage,
    ListedPerson,
    present,
)
from posebridge.populations.importers.json_rows import needed, rows
from posebridge.populations.importers.pictures import read_image
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.space import in_mm
from posebridge.populations.people import Sample
from posebridge.skeletons import BODY16, Skeleton

JOINTS = 24
FROM_SMPL = (7, 4, 1, 2, 5, 8, 0, 9, 12, 15, 20, 18, 13, 14, 19, 21)
"""SMPL's joint for each of body16's keypoints, as RegDA, UniFrame and SHIFT read it [0].

SMPL's left joints become right ones: SURREAL's images are mirrored against its model. Shoulders
are SMPL's collars.
[0] https://github.com/thuml/Transfer-Learning-Library tllib/vision/datasets/keypoint_detection
"""
RUNS = ("run0", "run1", "run2")
HALVES = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class Surreal(Importer):
    """SURREAL's people, cropped to squares half as large again as they are, with 16 keypoints.

    Papers report on up to 3200 images drawn from `test` with seed 42; here all are reported.
    """

    name: ClassVar[str] = "surreal"
    licence: ClassVar[str] = "for non-commercial research, as Inria grants it"
    citation: ClassVar[str] = (
        "Varol et al., Learning from Synthetic Humans, CVPR 2017, arXiv:1701.01370"
    )
    layout: ClassVar[str] = (
        "{train,val,test}/run{0,1,2}.json beside {train,val,test}/run{0,1,2}/*.jpg, as the "
        "Transfer-Learning-Library crops them"
    )

    def skeleton(self, source: Source) -> Skeleton:
        """The 16 keypoints of MPII's order."""
        return BODY16

    def parts(self, source: Source) -> tuple[str, ...]:
        """Each run of each half."""
        return tuple(f"{half}/{run}" for half in HALVES.values() for run in RUNS)

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """As published, as far as they are there."""
        published = {s: tuple(f"{half}/{run}" for run in RUNS) for s, half in HALVES.items()}
        return present(published, lambda part: f"{part}.json" in source.sizes)

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """The crops of a run, each of one person."""
        folder = part.split("/")[0]
        for row in rows(source, f"{part}.json", "item"):
            name = str(row.get("name", ""))
            needed(row, ("name", "keypoint2d", "keypoint3d", "intrinsic_matrix"), f"row of {part}")
            key = f"{part}/{name}"
            file = key if key in source.sizes else f"{folder}/{name}"
            yield ListedImage(key, file)
            yield ListedPerson(key, key, row)

    def sample(self, source: Source, listed: Listed) -> Sample:
        """A crop and the person in it."""
        image = read_image(source, listed.image)
        (person,) = listed.people
        flat, points = (_joints(person.about, name) for name in ("keypoint2d", "keypoint3d"))
        (fx, _, cx), (_, fy, cy), _ = person.about["intrinsic_matrix"]
        made = body16.body16_person(
            person.person_id,
            image,
            flat,
            np.ones(len(flat), bool),
            body16.Who(image.image_id, attributes={"origin": "rendered", "age": "adult"}),
            (in_mm(points, body16.SHOULDERS, body16.HIPS), (fx, fy, cx, cy)),
        )
        return Sample(image, (made,))


def _joints(about: Mapping[str, Any], name: str) -> np.ndarray:
    """Body16's keypoints of SMPL's joints."""
    joints = np.asarray(about[name], np.float64)
    if joints.ndim != 2 or len(joints) != JOINTS:
        raise SourceError(
            f"{name} of {about['name']} must have SMPL's {JOINTS} joints, but has the shape "
            f"{joints.shape}. Take the crops of the Transfer-Learning-Library."
        )
    return joints[list(FROM_SMPL)]
