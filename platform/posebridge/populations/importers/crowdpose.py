"""CrowdPose: people close together, graded by how crowded the image is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.importers.base import About, Entry, Importer, Listed, present
from posebridge.populations.importers.coco_json import box_area, coco_entries, coco_sample
from posebridge.populations.importers.source import Source
from posebridge.populations.people import Sample
from posebridge.skeletons import CROWDPOSE14, Skeleton
from posebridge.synthesis.crowd_index import crowd_level

AREA_OF_BOX = 0.53
"""OKS takes this share of the box for a person's area: CrowdPose has no segments."""


@dataclass(frozen=True)
class CrowdPose(Importer):
    """CrowdPose's people with their 14 keypoints.

    Images are easy up to a crowd index of 0.1 and medium up to 0.8, as in the paper; the authors'
    own code parts at 0.2 and 0.8. The index is kept too, so that any parting can be made later.
    """

    name: ClassVar[str] = "crowdpose"
    licence: ClassVar[str] = "for research only, as its authors ask; images of their own sources"
    citation: ClassVar[str] = (
        "Li et al., CrowdPose: Efficient Crowded Scenes Pose Estimation and A New Benchmark, "
        "CVPR 2019, arXiv:1812.00324"
    )
    layout: ClassVar[str] = (
        "annotations/crowdpose_{train,val,trainval,test}.json (or mmpose_crowdpose_…) beside "
        "images/"
    )

    def skeleton(self, source: Source) -> Skeleton:
        """Its 14 keypoints. The skeleton drawn in its json is a left-over of COCO's."""
        return CROWDPOSE14

    def parts(self, source: Source) -> tuple[str, ...]:
        """Its files; trainval is train and val."""
        return ("train", "val", "trainval", "test")

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """As published, as far as it is there."""
        published = {"train": ("train",), "validation": ("val",), "test": ("test",)}
        return present(published, lambda part: _file(source, part) in source.sizes)

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """Images and people of a json."""
        # Numbers are those of the whole data set: train and trainval name the same people alike.
        yield from coco_entries(source, _file(source, part), self.name, ("images",))

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and its people."""
        return coco_sample(source, listed, area=_area, attributes=_crowding)


def _file(source: Source, part: str) -> str:
    names = [f"annotations/{kind}crowdpose_{part}.json" for kind in ("", "mmpose_")]
    return next((name for name in names if name in source.sizes), names[0])


def _area(person: About) -> float:
    return AREA_OF_BOX * box_area(person)


def _crowding(image: About, person: About) -> dict[str, str]:
    if "crowdIndex" not in image:
        return {}
    index = float(image["crowdIndex"])
    return {"crowd_index": repr(index), "crowding": crowd_level(index)}
