"""Rendered infants on a plain sheet, like MINI-RGBD: labelled, but unlike a photograph."""

from dataclasses import dataclass
from typing import ClassVar

from posebridge.identity import later
from posebridge.populations.embedded import SinglePerson
from posebridge.populations.infant_knobs import ANY_VIEW, ONLY_SUPINE, check_knobs, shown
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.infant_scenes import InfantKnobs, infant_scene


@dataclass(frozen=True)
class InfantSynthetic(SinglePerson):
    """Infants in plain clothes on a plain sheet, in even light, without noise; supine ones.

    Attributes:
        rotation_deg: the picture is turned by up to this much to either side.
        poses: as of `InfantReal`.
        view: as of `InfantReal`.
    """

    name: ClassVar[str] = "infant-synthetic"

    train: int = 500
    validation: int = 100
    rotation_deg: float = 25.0
    poses: tuple[str, ...] = later(ONLY_SUPINE)
    view: str = later(ANY_VIEW)

    def __post_init__(self) -> None:
        """Refuse unknown poses and views."""
        super().__post_init__()
        check_knobs(self.poses, self.view)

    @property
    def label(self) -> str:
        """The name, and each knob that differs from the usual one."""
        turn = "" if self.rotation_deg == 25.0 else f" ±{self.rotation_deg:g}°"
        return self.name + turn + shown(self.poses, self.view)

    def photo(self, split: str, index: int) -> Photograph:
        """Render one infant."""
        knobs = InfantKnobs(
            self.rotation_deg,
            clothes=False,
            clutter=False,
            occluders=False,
            flaws=False,
            poses=self.poses,
            view=self.view,
        )
        scene = infant_scene(self.streams(split, index), knobs)
        return photograph(scene, supersample=2)
