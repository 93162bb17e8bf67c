"""Rendered toddlers at home: standing, walking, sitting, squatting, kneeling and crawling."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.base import RenderedPopulation
from posebridge.populations.people import Sample
from posebridge.populations.photographs import photograph, sample
from posebridge.skeletons import COCO17, Skeleton
from posebridge.synthesis.toddler_scenes import toddler_scene


@dataclass(frozen=True)
class Toddler(RenderedPopulation):
    """Toddlers between infants and children, among toys; a mild sensor.

    As with infants, these are an artist's bodies and poses set by hand, not measured children.

    Attributes:
        train: images in the split that is trained on.
        validation: images in the split that choices are made on.
        test: images in the split that is reported.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    name: ClassVar[str] = "toddler"
    skeleton: ClassVar[Skeleton] = COCO17
    licence: ClassVar[str] = "Apache-2.0; body CC0-1.0"
    citation: ClassVar[str] = ""

    train: int = 500
    validation: int = 100
    test: int = 300
    roll_deg: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a turn outside [0, 180]."""
        super().__post_init__()
        if not 0.0 <= self.roll_deg <= 180.0:
            raise ValueError(f"roll_deg must lie in [0, 180], but got {self.roll_deg}.")

    @property
    def label(self) -> str:
        """The name, and the roll where it differs from the usual one."""
        return self.name if self.roll_deg == 30.0 else f"{self.name} ±{self.roll_deg:g}°"

    def render(self, split: str, index: int) -> Sample:
        """Render one toddler; the same arguments give the same bytes."""
        scene = toddler_scene(
            lambda name: self.generator(split, index, name), roll_deg=self.roll_deg
        )
        return sample(
            photograph(scene, supersample=2),
            self.generator(split, index, "grain"),
            image_id=self.image_id(split, index),
            subjects=(self.subject(split, index),),
        )
