"""Human3.6M: adults who act before four cameras, as adaptation papers use them."""

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
from posebridge.populations.importers.json_rows import members, needed, rows
from posebridge.populations.importers.pictures import read_image
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.space import project
from posebridge.populations.people import Sample
from posebridge.skeletons import BODY16, Skeleton

JOINTS = 17
FROM_HUMAN36M = (3, 2, 1, 4, 5, 6, 0, 11, 8, 10, 16, 15, 14, 11, 12, 13)
"""Human3.6M's joint for each of body16's keypoints, as RegDA and UniFrame read it [0]; the thorax
is put between the shoulders.
[0] https://github.com/thuml/Transfer-Learning-Library tllib/vision/datasets/keypoint_detection
"""
_THORAX = BODY16.index("thorax")
TRAINED, TESTED = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
_WHERE = ("action_idx", "subaction_idx", "frame_idx", "cam_idx")


@dataclass(frozen=True)
class Human36M(Importer):
    """Human3.6M's actors with 16 keypoints in the image and in space, a subject a part.

    Papers crop the images beforehand and report on 3200 draws with replacement from S9 and S11
    (seed 42); here images stay as they are, and all are reported.

    Attributes:
        every: takes one in so many images, in the order of the json.
    """

    name: ClassVar[str] = "human36m"
    licence: ClassVar[str] = "for academic research, by licence of the Romanian Academy"
    citation: ClassVar[str] = (
        "Ionescu et al., Human3.6M: Large Scale Datasets and Predictive Methods for 3D Human "
        "Sensing in Natural Environments, TPAMI 2014"
    )
    layout: ClassVar[str] = (
        "annotations/Human36M_subject{1,5,…}_{data,camera,joint_3d}.json beside images/, as "
        "prepared for 3DMPPE"
    )

    every: int = 5

    def __post_init__(self) -> None:
        """Refuse to take no image."""
        if self.every < 1:
            raise ValueError(f"every must be at least 1, but got {self.every=}.")

    def skeleton(self, source: Source) -> Skeleton:
        """The 16 keypoints of MPII's order."""
        return BODY16

    def parts(self, source: Source) -> tuple[str, ...]:
        """The subjects with published poses."""
        return (*TRAINED, *TESTED)

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """The usual subjects, as far as they are there."""
        usual = {"train": TRAINED, "test": TESTED}
        return present(usual, lambda subject: _file(subject, "data") in source.sizes)

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """The images of a subject, and where its joints are in each."""
        taken: dict[tuple[str, ...], str] = {}
        for number, row in enumerate(rows(source, _file(part, "data"), "images.item")):
            if number % self.every == 0:
                *where, file = needed(row, (*_WHERE, "file_name"), f"image of {part}")
                image_id = f"{part}/{file}"
                taken[tuple(str(one) for one in where)] = image_id
                yield ListedImage(image_id, f"images/{file}", row)
        cameras = dict(members(source, _file(part, "camera")))
        for pose, joints in _poses(source, part):
            for name, camera in cameras.items():
                image_id = taken.get((*pose, name), "")
                if image_id:
                    about = {"joints": joints, "camera": camera, "subject": part}
                    yield ListedPerson(image_id, image_id, about)

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and the actor in it."""
        image, (person,) = read_image(source, listed.image), listed.people
        camera, said = person.about["camera"], listed.image.about
        turn, shift = np.array(camera["R"], float), np.array(camera["t"], float).reshape(3)
        points = _body16(person.about["joints"]) @ turn.T + shift
        (fx, fy), (cx, cy) = camera["f"], camera["c"]
        intrinsics = (float(fx), float(fy), float(cx), float(cy))
        subject = f"{self.name}-{person.about['subject']}"
        action, again, frame, view = (said[name] for name in _WHERE)
        made = body16.body16_person(
            person.person_id,
            image,
            project(points, intrinsics),
            np.ones(len(points), bool),
            body16.Who(
                subject,
                sequence=f"{subject}-{action}-{again}-{view}",
                frame=int(frame),
                attributes={"action": str(said.get("action_name", action)), "age": "adult"},
            ),
            (points, intrinsics),
        )
        return Sample(image, (made,))


def _file(part: str, what: str) -> str:
    return f"annotations/Human36M_subject{part.removeprefix('S')}_{what}.json"


def _poses(source: Source, part: str) -> Iterator[tuple[tuple[str, str, str], list[Any]]]:
    """Action, repetition and frame, and the joints in the room, mm."""
    for action, repetitions in members(source, _file(part, "joint_3d")):
        for repetition, frames in repetitions.items():
            for frame, joints in frames.items():
                yield (action, repetition, frame), joints


def _body16(joints: list[Any]) -> np.ndarray:
    points = np.asarray(joints, np.float64)
    if points.shape != (JOINTS, 3):
        raise SourceError(
            f"A pose of Human3.6M must have {JOINTS} joints of 3 coordinates, but has the shape "
            f"{points.shape}. Take the annotations prepared for 3DMPPE."
        )
    mapped = points[list(FROM_HUMAN36M)]
    mapped[_THORAX] = mapped[list(body16.SHOULDERS)].mean(0)
    return mapped
