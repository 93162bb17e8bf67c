"""Leeds Sports Pose: photographs of athletes, about 150 px tall."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from posebridge.populations.importers import body16
from posebridge.populations.importers.base import (
    Entry,
    Importer,
    Listed,
    ListedImage,
    ListedPerson,
)
from posebridge.populations.importers.pictures import read_image
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.people import Sample
from posebridge.skeletons import BODY16, Skeleton

JOINTS, IMAGES = 14, 2000
FROM_LSP = (0, 1, 2, 3, 4, 5, -1, -1, 12, 13, 6, 7, 8, 9, 10, 11)
"""LSP's joint for each of body16's keypoints; pelvis and thorax are not labelled."""
HALVES = {"first": range(1, IMAGES // 2 + 1), "second": range(IMAGES // 2 + 1, IMAGES + 1)}


@dataclass(frozen=True)
class LeedsSports(Importer):
    """LSP's athletes with 16 keypoints, 14 of them labelled.

    Papers on unsupervised adaptation train and report on all 2000 images alike; that is
    `--split test=first,second`. Their network sees the whole image, ours the person.
    """

    name: ClassVar[str] = "lsp"
    licence: ClassVar[str] = "for research; images of Flickr's users"
    citation: ClassVar[str] = (
        "Johnson and Everingham, Clustered Pose and Nonlinear Appearance Models for Human Pose "
        "Estimation, BMVC 2010"
    )
    layout: ClassVar[str] = "joints.mat beside images/im0001.jpg to im2000.jpg"

    def skeleton(self, source: Source) -> Skeleton:
        """The 16 keypoints of MPII's order."""
        return BODY16

    def parts(self, source: Source) -> tuple[str, ...]:
        """The thousand images that are trained on, and those that are tested on."""
        return tuple(HALVES)

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """As published."""
        return {"train": ("first",), "test": ("second",)}

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """The images of a half."""
        joints = _joints(source)
        for number in HALVES[part]:
            if number <= joints.shape[2]:
                name = f"im{number:04d}"
                yield ListedImage(name, f"images/{name}.jpg")
                yield ListedPerson(name, name, {"joints": joints[:, :, number - 1].tolist()})

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and the athlete in it."""
        image = read_image(source, listed.image)
        (person,) = listed.people
        # Without a joint of its own, a keypoint is where nobody can label it.
        joints = np.column_stack([person.about["joints"], np.full(3, np.nan)])[:, list(FROM_LSP)]
        made = body16.body16_person(
            person.person_id,
            image,
            joints[:2].T,
            joints[2] == 0,
            body16.Who(image.image_id, attributes={"age": "adult", "origin": "photograph"}),
        )
        return Sample(image, (made,))


def _joints(source: Source) -> np.ndarray:
    """x, y and whether it is hidden, of each joint in each image."""
    content = source.need("joints.mat")
    try:
        joints = np.asarray(scipy.io.loadmat(io.BytesIO(content))["joints"], np.float64)
    except (MatReadError, ValueError, KeyError, NotImplementedError, TypeError) as error:
        raise SourceError(
            f"joints.mat in {source.folder} must be a MATLAB file (up to version 7) with "
            f"'joints', but is not: {error}. Unpack the data set again."
        ) from error
    if joints.ndim != 3 or joints.shape[:2] != (3, JOINTS):
        raise SourceError(
            f"'joints' in joints.mat must be 3 × {JOINTS} × {IMAGES}, but is {joints.shape}. LSP "
            "extended has another order: take the original LSP."
        )
    return joints
