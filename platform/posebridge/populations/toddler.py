"""Rendered toddlers at home: standing, walking, sitting, squatting, kneeling and crawling."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.embedded import InRoom
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.toddler_scenes import toddler_scene


@dataclass(frozen=True)
class Toddler(InRoom):
    """Toddlers between infants and children, among toys; a mild sensor.

    As with infants, these are an artist's bodies and poses set by hand, not measured children.
    """

    name: ClassVar[str] = "toddler"

    train: int = 500
    validation: int = 100
    test: int = 300

    def photo(self, split: str, index: int) -> Photograph:
        """Render one toddler."""
        scene = toddler_scene(self.streams(split, index), roll_deg=self.roll_deg)
        return photograph(scene, supersample=2)
