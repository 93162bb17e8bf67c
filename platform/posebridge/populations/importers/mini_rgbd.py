"""MINI-RGBD: twelve rendered infants on their backs, a sequence of a thousand frames each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from jaxtyping import Float32

from posebridge.populations.importers.base import (
    Entry,
    Importer,
    Listed,
    ListedImage,
    ListedPerson,
    present,
)
from posebridge.populations.importers.pictures import read_image, with_maps
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.space import box_around, in_camera_frame, in_mm
from posebridge.populations.people import ImageRow, Person, Sample
from posebridge.skeletons import SMIL25, Skeleton

SEQUENCES = tuple(f"{number:02d}" for number in range(1, 13))
TRAINED, TESTED = SEQUENCES[:10], SEQUENCES[10:]
"""As ZeDO and SHIFT part it: 01 to 10 to train on, 11 and 12 to report."""
INTRINSICS = (588.67905803875317, 590.25690113005601, 322.22048191353628, 237.46785983766890)
_SHOULDERS = (SMIL25.index("left_shoulder"), SMIL25.index("right_shoulder"))
_HIPS = (SMIL25.index("left_hip"), SMIL25.index("right_hip"))


@dataclass(frozen=True)
class MiniRgbd(Importer):
    """MINI-RGBD's infants with 25 joints in the image and in space, depth and mask.

    Every joint counts as seen: what covers what is not said. A sequence is one infant. Points in
    space are taken if their image is where the joints are, else left away.
    """

    name: ClassVar[str] = "mini-rgbd"
    licence: ClassVar[str] = "for non-commercial research, as Fraunhofer IOSB grants it"
    citation: ClassVar[str] = (
        "Hesse et al., Computer Vision for Medical Infant Motion Analysis: State of the Art and "
        "RGB-D Data Set, ECCV Workshops 2018"
    )
    layout: ClassVar[str] = (
        "{01,…,12}/ with rgb/syn_00000.png, depth/syn_00000_depth.png, fg_mask/mask_00000.png, "
        "joints_2Ddep/syn_joints_2Ddep_00000.txt and joints_3D/syn_joints_3D_00000.txt"
    )

    def skeleton(self, source: Source) -> Skeleton:
        """SMIL's 24 joints and the nose."""
        return SMIL25

    def parts(self, source: Source) -> tuple[str, ...]:
        """The sequences."""
        return SEQUENCES

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """The sequences that are there, as ZeDO and SHIFT part them."""
        there = {path.split("/")[0] for path in source.sizes}
        return present({"train": TRAINED, "test": TESTED}, there.__contains__)

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """The frames of a sequence, in order."""
        folder, end = f"{part}/rgb/syn_", ".png"
        frames = [p[len(folder) : -len(end)] for p in source.sizes if p.startswith(folder)]
        if not frames:
            raise SourceError(
                f"Sequence {part} must have frames {folder}00000{end} below {source.folder}, but "
                "has none. Give the folder that holds 01 to 12."
            )
        for frame in frames:
            name = f"{part}/{frame}"
            yield ListedImage(name, f"{folder}{frame}{end}", {"sequence": part, "frame": frame})
            yield ListedPerson(name, name)

    def sample(self, source: Source, listed: Listed) -> Sample:
        """A frame and the infant in it."""
        part, frame = (str(listed.image.about[key]) for key in ("sequence", "frame"))
        image = with_maps(
            read_image(source, listed.image),
            source.read(f"{part}/depth/syn_{frame}_depth.png"),
            source.read(f"{part}/fg_mask/mask_{frame}.png"),
        )
        flat = _joints(source, f"{part}/joints_2Ddep/syn_joints_2Ddep_{frame}.txt")[:, :2]
        points = _joints(source, f"{part}/joints_3D/syn_joints_3D_{frame}.txt")[:, :3]
        space = in_camera_frame(in_mm(points, _SHOULDERS, _HIPS), flat, INTRINSICS)
        box, area = _extent(image, flat)
        (person,) = listed.people
        return Sample(
            image,
            (
                Person(
                    person_id=person.person_id,
                    image_id=image.image_id,
                    box=box,
                    keypoints=flat.astype(np.float32),
                    visibility=np.full(len(flat), 2, np.uint8),
                    area=area,
                    subject=f"{self.name}-{part}",
                    sequence=f"{self.name}-{part}",
                    frame=int(frame),
                    attributes={"age": "infant", "posture": "supine", "origin": "rendered"},
                    keypoints_3d_mm=None if space is None else space.astype(np.float32),
                    intrinsics=INTRINSICS,
                ),
            ),
        )


def _joints(source: Source, path: str) -> np.ndarray:
    """The rows of a file of joints, put in the order of their ids, which stand last."""
    rows = source.numbers(path, 4)
    if sorted(rows[:, 3].tolist()) != list(range(SMIL25.num_keypoints)):
        raise SourceError(
            f"{path} in {source.folder} must have the joints 0 to 24 once each, but has "
            f"{rows[:, 3].astype(int).tolist()}. Unpack the data set again."
        )
    return rows[np.argsort(rows[:, 3])]


def _extent(image: ImageRow, keypoints: np.ndarray) -> tuple[Float32[np.ndarray, "4"], float]:
    """Box and area of the mask; of the joints where there is no mask."""
    if image.instance_png is not None:
        mask = cv2.imdecode(np.frombuffer(image.instance_png, np.uint8), cv2.IMREAD_GRAYSCALE)
        if mask is not None and np.any(mask):
            left, top, width, height = cv2.boundingRect(np.asarray(mask, np.uint8))
            box = np.array([left, top, width, height], np.float32)
            return box, float(np.count_nonzero(mask))
    box = box_around(keypoints, (image.height, image.width))
    return box, float(box[2] * box[3])
