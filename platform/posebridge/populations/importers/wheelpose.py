"""WheelPose: rendered wheelchair users, and UIW, photographs of real ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.importers.base import About, Entry, Importer, Listed
from posebridge.populations.importers.coco_json import coco_entries, coco_sample
from posebridge.populations.importers.jsons import image_folders, json_files, named_splits
from posebridge.populations.importers.source import Source
from posebridge.populations.people import Sample
from posebridge.skeletons import COCO17, Skeleton


@dataclass(frozen=True)
class WheelPose(Importer):
    """Wheelchair users with COCO's 17 keypoints.

    Attributes:
        photographed: whether these are UIW's photographs, and not WheelPose's renderings.
    """

    name: ClassVar[str] = "wheelpose"
    licence: ClassVar[str] = "as its authors grant it; UIW by request"
    citation: ClassVar[str] = (
        "Huang et al., WheelPose: Data Synthesis Techniques to Improve Pose Estimation "
        "Performance on Wheelchair Users, CHI 2024, arXiv:2404.17063"
    )
    layout: ClassVar[str] = "one or more COCO jsons in the folder or annotations/, beside images/"

    photographed: bool = True

    def skeleton(self, source: Source) -> Skeleton:
        """COCO's 17 keypoints."""
        return COCO17

    def parts(self, source: Source) -> tuple[str, ...]:
        """Its jsons."""
        return tuple(json_files(source))

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """As the jsons are named; what no name tells is for evaluation, as UIW is."""
        parts = self.parts(source)
        return named_splits(parts) or {"test": parts}

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """Images and people of a json."""
        file = json_files(source)[part]
        return coco_entries(source, file, part, image_folders(file))

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and its people."""
        return coco_sample(source, listed, attributes=self._attributes)

    def _attributes(self, image: About, person: About) -> dict[str, str]:
        origin = "photograph" if self.photographed else "rendered"
        return {"mobility": "wheelchair", "origin": origin}
