"""What the populations that are rendered of the shipped body have in common."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from posebridge.populations.base import RenderedPopulation
from posebridge.populations.people import Sample
from posebridge.populations.photographs import Photograph, sample
from posebridge.skeletons import COCO17, Skeleton
from posebridge.synthesis.scenes import Streams


@dataclass(frozen=True)
class EmbeddedPopulation(RenderedPopulation):
    """People of the body model, with COCO's keypoints."""

    skeleton: ClassVar[Skeleton] = COCO17
    licence: ClassVar[str] = "Apache-2.0; body CC0-1.0"
    citation: ClassVar[str] = ""

    def streams(self, split: str, index: int) -> Streams:
        """The random numbers of one sample, by the part that they are for."""
        return lambda name: self.generator(split, index, name)


@dataclass(frozen=True)
class SinglePerson(EmbeddedPopulation):
    """One person in every picture."""

    @abstractmethod
    def photo(self, split: str, index: int) -> Photograph:
        """One person, rendered; the same arguments give the same bits."""

    def render(self, split: str, index: int) -> Sample:
        """Render one person; the same arguments give the same bytes."""
        return sample(
            self.photo(split, index),
            self.generator(split, index, "grain"),
            image_id=self.image_id(split, index),
            subjects=(self.subject(split, index),),
        )


@dataclass(frozen=True)
class InRoom(SinglePerson):
    """One person in a room, before a camera that nobody holds quite straight; a mild sensor.

    Attributes:
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    roll_deg: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a turn outside [0, 180]."""
        super().__post_init__()
        check_roll(self.roll_deg)

    @property
    def label(self) -> str:
        """The name, and the roll where it differs from the usual one."""
        return self.name if self.roll_deg == 30.0 else f"{self.name} ±{self.roll_deg:g}°"


def check_roll(roll_deg: float) -> None:
    """Refuse a turn of the camera outside [0, 180].

    Raises:
        ValueError: naming the range.
    """
    if not 0.0 <= roll_deg <= 180.0:
        raise ValueError(f"roll_deg must lie in [0, 180], but got {roll_deg}.")
