"""Rendered adults: the population that estimators come from."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.base import RenderedPopulation
from posebridge.populations.people import Sample
from posebridge.populations.photographs import photograph, sample
from posebridge.skeletons import COCO17, Skeleton
from posebridge.synthesis.adult_scenes import adult_scene


@dataclass(frozen=True)
class Adult(RenderedPopulation):
    """Adults in rooms, in wide poses, with all skin tones and many builds; a mild sensor.

    Attributes:
        train: images in the split that is trained on.
        validation: images in the split that choices are made on.
        test: images in the split that is reported.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    name: ClassVar[str] = "adult"
    skeleton: ClassVar[Skeleton] = COCO17
    licence: ClassVar[str] = "Apache-2.0; body CC0-1.0"
    citation: ClassVar[str] = ""

    train: int = 1500
    validation: int = 300
    test: int = 300
    roll_deg: float = 30.0

    @property
    def label(self) -> str:
        """The name, and the roll where it differs from the usual one."""
        return self.name if self.roll_deg == 30.0 else f"{self.name} ±{self.roll_deg:g}°"

    def render(self, split: str, index: int) -> Sample:
        """Render one adult; the same arguments give the same bytes."""
        scene = adult_scene(
            lambda name: self.generator(split, index, name), roll_deg=self.roll_deg
        )
        return sample(
            photograph(scene, supersample=2),
            self.generator(split, index, "grain"),
            image_id=self.image_id(split, index),
            subjects=(self.subject(split, index),),
        )
