"""Rendered infants on a plain sheet, like MINI-RGBD: labelled, but unlike a photograph."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.base import RenderedPopulation
from posebridge.populations.people import Sample
from posebridge.populations.photographs import photograph, sample
from posebridge.skeletons import COCO17, Skeleton
from posebridge.synthesis.infant_scenes import InfantKnobs, infant_scene


@dataclass(frozen=True)
class InfantSynthetic(RenderedPopulation):
    """Supine infants in plain clothes on a plain sheet, in even light, without noise.

    Attributes:
        train: images in the split that is trained on.
        validation: images in the split that choices are made on.
        test: images in the split that is reported.
        rotation_deg: the picture is turned by up to this much to either side.
    """

    name: ClassVar[str] = "infant-synthetic"
    skeleton: ClassVar[Skeleton] = COCO17
    licence: ClassVar[str] = "Apache-2.0; body CC0-1.0"
    citation: ClassVar[str] = ""

    train: int = 500
    validation: int = 100
    rotation_deg: float = 25.0

    @property
    def label(self) -> str:
        """The name, and the turn where it differs from the usual one."""
        return self.name if self.rotation_deg == 25.0 else f"{self.name} ±{self.rotation_deg:g}°"

    def render(self, split: str, index: int) -> Sample:
        """Render one infant; the same arguments give the same bytes."""
        knobs = InfantKnobs(self.rotation_deg, clutter=False, occluders=False, flaws=False)
        scene = infant_scene(lambda name: self.generator(split, index, name), knobs)
        return sample(
            photograph(scene, supersample=2),
            self.generator(split, index, "grain"),
            image_id=self.image_id(split, index),
            subjects=(self.subject(split, index),),
        )
