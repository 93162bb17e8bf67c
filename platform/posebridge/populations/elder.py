"""Rendered old people by good light: grey hair, glasses, stooped backs, canes and frames."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.embedded import InRoom
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.room_scenes import elder_room_scene


@dataclass(frozen=True)
class Elder(InRoom):
    """Old people in rooms, as lit and photographed as `adult`.

    To tell age from darkness, use the four cells of `low-light`.
    """

    name: ClassVar[str] = "elder"

    train: int = 500
    validation: int = 100
    test: int = 300

    def photo(self, split: str, index: int) -> Photograph:
        """Render one old person."""
        scene = elder_room_scene(self.streams(split, index), roll_deg=self.roll_deg)
        return photograph(scene, supersample=2)
