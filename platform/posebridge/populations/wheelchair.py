"""Rendered people in wheelchairs: legs that are bent, covered and hidden by what surrounds them.

Each fitting and the view is a knob of its own, so that a gap can be told apart. The shares were
set by how published MoveNet Lightning does on the training split, before anything was adapted: on
ankles it loses at least 15 points against `adult`.
"""

from dataclasses import dataclass, fields
from typing import ClassVar

from posebridge.populations.embedded import SinglePerson, check_roll
from posebridge.populations.photographs import Photograph, photograph
from posebridge.synthesis.wheelchair_scenes import WheelchairKnobs, wheelchair_scene

VIEWS = {"any": (0.0, 180.0), "front": (0.0, 40.0), "side": (50.0, 120.0), "rear": (130.0, 180.0)}
"""Turns of the person to either side, degrees; 0 faces the camera."""

SHARES = ("blanket", "guards", "tray", "desk")


@dataclass(frozen=True)
class Wheelchair(SinglePerson):
    """People in wheelchairs, by hand or by motor, in rooms; a mild sensor.

    The same index shows the same person, chair and room at every value of the shares, and but for
    the turn in every view.

    Attributes:
        view: "front", "side", "rear" or "any".
        blanket: share of people with a blanket over the lap, in [0, 1].
        guards: share of chairs with plates beside the thighs, in [0, 1].
        tray: share of people with a tray, as far as the arms leave room, in [0, 1].
        desk: share of people at a desk, as far as the arms leave room, in [0, 1].
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    name: ClassVar[str] = "wheelchair"

    train: int = 500
    validation: int = 100
    test: int = 300
    view: str = "any"
    blanket: float = 0.5
    guards: float = 0.6
    tray: float = 0.4
    desk: float = 0.4
    roll_deg: float = 20.0

    def __post_init__(self) -> None:
        """Refuse an unknown view, and shares and turns out of range."""
        super().__post_init__()
        if self.view not in VIEWS:
            raise ValueError(f"view must be one of {', '.join(VIEWS)}, but got {self.view!r}.")
        for share in SHARES:
            if not 0.0 <= getattr(self, share) <= 1.0:
                raise ValueError(
                    f"{share} must lie in [0, 1], but got {getattr(self, share)}. It is the share "
                    "of people who have it; 0 is nobody."
                )
        check_roll(self.roll_deg)

    @property
    def label(self) -> str:
        """The name, and each knob that differs from the usual one."""
        view = "" if self.view == "any" else f" {self.view}"
        usual = {field.name: field.default for field in fields(self)}
        shares = [
            f" {share} {getattr(self, share):g}"
            for share in (*SHARES, "roll_deg")
            if getattr(self, share) != usual[share]
        ]
        return self.name + view + "".join(shares)

    def photo(self, split: str, index: int) -> Photograph:
        """Render one person."""
        knobs = WheelchairKnobs(
            VIEWS[self.view],
            blanket=self.blanket,
            guards=self.guards,
            tray=self.tray,
            desk=self.desk,
            roll_deg=self.roll_deg,
        )
        scene = wheelchair_scene(self.streams(split, index), knobs)
        return photograph(scene, supersample=2)
