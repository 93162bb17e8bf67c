"""Rendered adults: the population that estimators come from."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.embedded import InRoom
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.adult_scenes import adult_scene


@dataclass(frozen=True)
class Adult(InRoom):
    """Adults in rooms, in wide poses, with all skin tones and many builds; a mild sensor."""

    name: ClassVar[str] = "adult"

    train: int = 1500
    validation: int = 300
    test: int = 300

    def photo(self, split: str, index: int) -> Photograph:
        """Render one adult."""
        scene = adult_scene(self.streams(split, index), roll_deg=self.roll_deg)
        return photograph(scene, supersample=2)
