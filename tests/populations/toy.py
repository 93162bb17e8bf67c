"""A population small enough to be made in a test: noise images, one or two people each."""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from jaxtyping import UInt8

from posebridge.populations.base import RenderedPopulation
from posebridge.populations.people import ImageRow, Person, Sample
from posebridge.skeletons import COCO17, Skeleton

HEIGHT, WIDTH = 48, 64


@dataclass(frozen=True)
class Toy(RenderedPopulation):
    """Noise with keypoints in it; the first image of a split holds two people."""

    name: ClassVar[str] = "toy"
    skeleton: ClassVar[Skeleton] = COCO17
    licence: ClassVar[str] = "CC0"
    citation: ClassVar[str] = "nobody, nowhere"
    train: int = 10
    test: int = 3
    brightness: int = 255

    def render(self, split: str, index: int) -> Sample:
        """Draw one image."""
        rng = self.generator(split, index)
        pixels = rng.integers(0, self.brightness, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        image = ImageRow(self.image_id(split, index), HEIGHT, WIDTH, png(pixels))
        people = tuple(
            toy_person(self.subject(split, index, who), image.image_id, rng)
            for who in range(2 if index == 0 else 1)
        )
        return Sample(image, people)


def toy_person(name: str, image_id: str, rng: np.random.Generator) -> Person:
    """A person whose 17 keypoints lie in the box, the last of them not labelled."""
    keypoints = rng.uniform((10, 5), (50, 40), (17, 2)).astype(np.float32)
    keypoints[-1] = 0.0
    visibility = np.full(17, 2, np.uint8)
    visibility[-1] = 0
    return Person(
        person_id=name,
        image_id=image_id,
        box=np.array([10.0, 5.0, 40.0, 35.0], np.float32),
        keypoints=keypoints,
        visibility=visibility,
        area=900.0,
        subject=name,
        attributes={"posture": "lying", "light": "low"},
    )


def png(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The pixels as a PNG file."""
    encoded: bytes = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
    return encoded


def make(toy: Toy, folder: str) -> None:
    """Make every shard and finish."""
    for split in toy.splits():
        for index in range(toy.num_shards(split)):
            toy.make_shard(folder, split, index)
    toy.finish(folder)
