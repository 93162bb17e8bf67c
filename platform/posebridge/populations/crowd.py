"""Rendered crowds: several adults in one picture, graded by how much they overlap.

The grade is CrowdPose's crowd index, computed from the truth of each picture (its COCO keypoints
and boxes) and stored with every person: `crowd_index`, and `crowding` as easy, medium or hard.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from posebridge.populations.embedded import EmbeddedPopulation, check_roll
from posebridge.populations.people import Person, Sample
from posebridge.populations.photographs import Photograph, photograph, sample
from posebridge.synthesis.crowd_index import crowd_index, crowd_level
from posebridge.synthesis.crowd_scenes import CrowdKnobs, crowd_scene

LEVELS = {"all": (0.0, 1.0), "easy": (0.0, 0.08), "medium": (0.14, 0.76), "hard": (0.84, 1.3)}
"""Crowd indices that are aimed at; evenly, as CrowdPose's pictures are."""

MIN_SEEN_KEYPOINTS = 3
"""Whoever shows fewer is part of the picture, but nobody could label them: no truth is given."""

_MAX_ATTEMPTS = 6


@dataclass(frozen=True)
class Crowd(EmbeddedPopulation):
    """Several adults in a room; every one of them is a person with truth.

    Counts are of images; each has `fewest` to `most` people.

    Attributes:
        level: "easy", "medium" or "hard" by CrowdPose's limits, or "all" of them evenly.
        fewest: people in a picture.
        most: people in a picture.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    name: ClassVar[str] = "crowd"

    train: int = 200
    validation: int = 40
    test: int = 100
    level: str = "all"
    fewest: int = 3
    most: int = 6
    roll_deg: float = 10.0

    def __post_init__(self) -> None:
        """Refuse an unknown level, and numbers of people that are no crowd."""
        super().__post_init__()
        if self.level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, but got {self.level!r}.")
        if not 2 <= self.fewest <= self.most <= 12:
            raise ValueError(
                "A crowd needs 2 <= fewest <= most <= 12 people, but got "
                f"fewest={self.fewest} and most={self.most}."
            )
        check_roll(self.roll_deg)

    @property
    def label(self) -> str:
        """The name, and each knob that differs from the usual one."""
        level = "" if self.level == "all" else f" {self.level}"
        usual = (self.fewest, self.most) == (Crowd.fewest, Crowd.most)
        count = "" if usual else f" of {self.fewest}–{self.most}"
        turn = "" if self.roll_deg == Crowd.roll_deg else f" ±{self.roll_deg:g}°"
        return self.name + level + count + turn

    def render(self, split: str, index: int) -> Sample:
        """Render one crowd; the same arguments give the same bytes."""
        knobs = CrowdKnobs((self.fewest, self.most), LEVELS[self.level], self.roll_deg)
        for attempt in range(_MAX_ATTEMPTS):
            scene = crowd_scene(self.streams(split, index), knobs, attempt=attempt)
            made = self._sample(photograph(scene, supersample=2), split, index)
            crowding = made.people[0].attributes["crowding"]
            if len(made.people) == len(scene.people) and self.level in ("all", crowding):
                break
        return made

    def _sample(self, photo: Photograph, split: str, index: int) -> Sample:
        """Those who are seen, with the crowd index of their picture."""
        seen = [int((who.visibility == 2).sum()) for who in photo.people]
        kept = [i for i, count in enumerate(seen) if count >= MIN_SEEN_KEYPOINTS] or [
            int(np.argmax(seen))
        ]
        photo = replace(
            photo,
            scene=replace(photo.scene, people=tuple(photo.scene.people[i] for i in kept)),
            people=tuple(photo.people[i] for i in kept),
        )
        made = sample(
            photo,
            self.generator(split, index, "grain"),
            image_id=self.image_id(split, index),
            subjects=tuple(self.subject(split, index, who) for who in kept),
        )
        return replace(made, people=graded(made.people))


def graded(people: tuple[Person, ...]) -> tuple[Person, ...]:
    """The people of one picture, each with its crowd index and what CrowdPose calls that."""
    index = crowd_index(
        np.stack([person.keypoints for person in people]),
        np.stack([person.visibility > 0 for person in people]),
        np.stack([person.box for person in people]),
    )
    told = {
        "crowd_index": f"{index:.3f}",
        "crowding": crowd_level(index),
        "people": str(len(people)),
    }
    return tuple(replace(person, attributes={**person.attributes, **told}) for person in people)
