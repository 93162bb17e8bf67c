"""SyRIP: photographs of infants, and renderings of others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.importers.base import About, Entry, Importer, Listed, present
from posebridge.populations.importers.coco_json import coco_entries, coco_sample
from posebridge.populations.importers.source import Source
from posebridge.populations.people import Sample
from posebridge.skeletons import COCO17, Skeleton

_POSTURES = ("posture", "Posture", "pose_class")
"""Names under which releases give the posture."""


@dataclass(frozen=True)
class Syrip(Importer):
    """SyRIP's infants with COCO's 17 keypoints.

    `validate500` are the 500 real images that are not trained on. `Test100` are a hundred of them
    in difficult poses: the two cannot be two splits of one population.
    """

    name: ClassVar[str] = "syrip"
    licence: ClassVar[str] = "for non-commercial research, by its authors' leave (password)"
    citation: ClassVar[str] = (
        "Huang et al., Invariant Representation Learning for Infant Pose Estimation with Small "
        "Data, FG 2021, arXiv:2010.06100"
    )
    layout: ClassVar[str] = (
        "annotations/{200R_1000S/person_keypoints_train_infant, "
        "validate500/person_keypoints_validate_infant, "
        "Test100/person_keypoints_validate_infant}.json beside images/{train,validate}_infant/"
    )

    def skeleton(self, source: Source) -> Skeleton:
        """COCO's 17 keypoints."""
        return COCO17

    def parts(self, source: Source) -> tuple[str, ...]:
        """Its folders of annotations."""
        found = {file.split("/")[-2] for file in _files(source)}
        return tuple(sorted(found | {"200R_1000S", "Test100", "validate500"}))

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """200 real and 1000 rendered infants to train on, 500 real ones to report."""
        there = {file.split("/")[-2] for file in _files(source)}
        return present({"train": ("200R_1000S",), "test": ("validate500",)}, there.__contains__)

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """Images and people of a json."""
        found = [file for file in _files(source) if file.split("/")[-2] == part]
        kind = "train" if "R_" in part else "validate"
        file = found[0] if found else f"annotations/{part}/person_keypoints_{kind}_infant.json"
        folders = (f"images/{kind}_infant", "images/train_infant", "images/validate_infant")
        # An infant of Test100 has the same id in validate500.
        yield from coco_entries(source, file, f"{self.name}-{kind}", folders)

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and its infant."""
        return coco_sample(source, listed, attributes=_attributes)


def _files(source: Source) -> list[str]:
    return [
        file
        for file in source.sizes
        if file.endswith("_infant.json")
        and file.startswith("annotations/")
        and file.count("/") > 1
    ]


def _attributes(image: About, person: About) -> dict[str, str]:
    """Whether the image is a photograph, and how the infant lies or sits."""
    known = {"age": "infant"}
    if "is_synthetic" in image:
        known["origin"] = "rendered" if image["is_synthetic"] else "photograph"
    for about in (image, person):
        for name in _POSTURES:
            if about.get(name):
                known["posture"] = str(about[name]).lower()
    return known
