"""COCO keypoints: photographs of people in everyday scenes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.importers.base import Entry, Importer, Listed, ListedBox, present
from posebridge.populations.importers.coco_json import coco_entries, coco_sample
from posebridge.populations.importers.detections import with_detected_boxes
from posebridge.populations.importers.json_rows import needed, rows
from posebridge.populations.importers.source import Source
from posebridge.populations.people import Sample
from posebridge.skeletons import COCO17, Skeleton

PERSON = 1


@dataclass(frozen=True)
class CocoKeypoints(Importer):
    """COCO's people with keypoints; crowds and people without a keypoint are left out.

    Attributes:
        detections: a detector's results as COCO json, below the folder, whose boxes take the place
            of the annotated ones; empty for none. Published: AP 56 by Microsoft (SimpleBaseline,
            HRNet), AP 70 by Sapiens; a better detector is worth a point of AP. What it finds where
            nobody is annotated is not counted against anybody.
    """

    name: ClassVar[str] = "coco"
    licence: ClassVar[str] = "annotations CC BY 4.0; images under Flickr's terms of use"
    citation: ClassVar[str] = (
        "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv:1405.0312"
    )
    layout: ClassVar[str] = (
        "annotations/person_keypoints_{train2017,val2017}.json beside train2017/ and val2017/"
    )

    detections: str = ""

    def skeleton(self, source: Source) -> Skeleton:
        """COCO's 17 keypoints."""
        return COCO17

    def parts(self, source: Source) -> tuple[str, ...]:
        """The two annotated years' halves."""
        return ("train2017", "val2017")

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """As published, as far as it is there: what papers report is on val2017."""
        published = {"train": ("train2017",), "test": ("val2017",)}
        return present(published, lambda part: _file(part) in source.sizes)

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """Images and people of a json, and boxes of the detector."""
        yield from coco_entries(source, _file(part), part, (part, f"images/{part}"))
        if self.detections:
            for row in rows(source, self.detections, "item"):
                image_id, _, _ = needed(row, ("image_id", "bbox", "score"), "detection")
                if row.get("category_id", PERSON) == PERSON:
                    yield ListedBox(f"{part}/{image_id}", row)

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and its people."""
        sample = coco_sample(source, listed)
        return with_detected_boxes(sample, listed.boxes) if self.detections else sample


def _file(part: str) -> str:
    return f"annotations/person_keypoints_{part}.json"
