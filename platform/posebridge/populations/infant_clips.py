"""Rendered clips of moving infants: for what a single image cannot show.

Rows of a clip have its name in `sequence` and its place in `frame`. A clip is one subject and
never crosses splits; it may cross shards.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from posebridge.populations.embedded import EmbeddedPopulation
from posebridge.populations.film import RATE
from posebridge.populations.people import Sample
from posebridge.populations.photographs import photograph, sample
from posebridge.synthesis.general_movements import CLIP_CHARACTERS
from posebridge.synthesis.infant_clips import Clip, infant_clip
from posebridge.synthesis.infant_scenes import InfantKnobs
from posebridge.synthesis.infant_views import check_view


@dataclass(frozen=True)
class InfantClips(EmbeddedPopulation):
    """Supine infants filmed from a tripod: bed, clothes, light and camera stay as they are.

    The same clip of another character is the same infant in the same place, moving otherwise; a
    longer clip begins with the shorter one.

    Attributes:
        train: images in the split that is trained on, clip after clip; the last may be cut short.
        validation: images in the split that choices are made on.
        test: images in the split that is reported. By default four clips of 250.
        seconds: of every clip.
        frame_rate_hz: images in a second.
        character: "writhing", "fidgety", or "absent" for no movement at all.
        view: "top-down", "diagonal", or "any" for roughly from above.
        rotation_deg: the picture of a clip is turned by up to this much to either side.
    """

    name: ClassVar[str] = "infant-clips"

    test: int = 1000
    seconds: float = 10.0
    frame_rate_hz: float = 25.0
    character: str = "fidgety"
    view: str = "top-down"
    rotation_deg: float = 15.0

    def __post_init__(self) -> None:
        """Refuse an unknown character or view, and a clip without frames."""
        super().__post_init__()
        check_view(self.view)
        if self.character not in CLIP_CHARACTERS:
            raise ValueError(
                f"character must be one of {', '.join(CLIP_CHARACTERS)}, but got "
                f"{self.character!r}."
            )
        if not (self.seconds > 0 and self.frame_rate_hz > 0 and self.frames >= 1):
            raise ValueError(
                "a clip must have at least one frame, but got "
                f"{self.seconds=}, {self.frame_rate_hz=}. Make it longer."
            )

    @property
    def frames(self) -> int:
        """Of every clip."""
        return round(self.seconds * self.frame_rate_hz)

    @property
    def label(self) -> str:
        """The name, and the character and view that differ from the usual ones."""
        character = "" if self.character == "fidgety" else f" {self.character}"
        return self.name + character + ("" if self.view == "top-down" else f" {self.view}")

    def sequence(self, split: str, clip: int) -> str:
        """Name of a clip."""
        return f"{self.name}-{self.seed}-{split}-{clip:04d}"

    def render(self, split: str, index: int) -> Sample:
        """Render one frame, of clip `index // frames`; the same arguments give the same bytes."""
        number, frame = divmod(index, self.frames)
        clip, sequence = _clip(self, split, number), self.sequence(split, number)
        taken = sample(
            photograph(clip.scene(frame), supersample=2),
            self.generator(split, number, f"grain {frame}"),
            image_id=f"{sequence}-{frame:05d}",
            subjects=(sequence,),
        )
        (person,) = taken.people
        known = {"character": self.character, "view": self.view, RATE: f"{self.frame_rate_hz:g}"}
        row = replace(
            person,
            person_id=f"{sequence}-{frame:05d}-0",
            sequence=sequence,
            frame=frame,
            attributes={**person.attributes, **known},
        )
        return replace(taken, people=(row,))


@lru_cache(maxsize=2)
def _clip(population: InfantClips, split: str, number: int) -> Clip:
    """All that the frames of a clip have in common, made once a process."""
    knobs = InfantKnobs(
        population.rotation_deg,
        clothes=True,
        clutter=True,
        occluders=False,
        flaws=True,
        view=population.view,
        toys=False,
    )
    return infant_clip(
        population.streams(split, number),
        knobs,
        population.character,
        np.arange(population.frames) / population.frame_rate_hz,
    )
