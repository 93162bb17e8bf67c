"""People with the 16 keypoints that the literature on unsupervised adaptation trains on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from posebridge.populations.importers.space import Intrinsics, box_around, inside
from posebridge.populations.people import ImageRow, Person
from posebridge.skeletons import BODY16

SHOULDERS = (BODY16.index("left_shoulder"), BODY16.index("right_shoulder"))
HIPS = (BODY16.index("left_hip"), BODY16.index("right_hip"))
SEEN, HIDDEN = 2, 1


@dataclass(frozen=True)
class Who:
    """Who somebody is, where the data set says so.

    Attributes:
        subject: who.
        sequence: names the video.
        frame: position in it.
        attributes: as text.
    """

    subject: str
    sequence: str = ""
    frame: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


def body16_person(
    person_id: str,
    image: ImageRow,
    keypoints: Float[np.ndarray, "16 2"],
    seen: Bool[np.ndarray, "16"],
    who: Who,
    space: tuple[Float[np.ndarray, "16 3"], Intrinsics] | None = None,
) -> Person:
    """A person of a data set that has no boxes, or whose crops are not ours.

    Box and area are those of the keypoints with a margin. Keypoints outside the image, or that are
    not numbers, count as not labelled.

    Args:
        person_id: unique in the population.
        image: where they are.
        keypoints: px of the image.
        seen: which are labelled as not hidden.
        who: they are.
        space: keypoints in space, mm, and the camera's intrinsics.
    """
    size = (image.height, image.width)
    labelled = np.isfinite(keypoints).all(axis=1) & inside(keypoints, size)
    box = box_around(keypoints[labelled] if labelled.any() else np.zeros((1, 2)), size)
    return Person(
        person_id=person_id,
        image_id=image.image_id,
        box=box,
        keypoints=np.where(labelled[:, None], keypoints, 0.0).astype(np.float32),
        visibility=np.where(labelled, np.where(seen, SEEN, HIDDEN), 0).astype(np.uint8),
        area=float(box[2] * box[3]),
        subject=who.subject,
        sequence=who.sequence,
        frame=who.frame,
        attributes=who.attributes,
        keypoints_3d_mm=None if space is None else space[0].astype(np.float32),
        intrinsics=None if space is None else space[1],
    )
