"""Looking at a clip: its frames with keypoints and the paths they came along."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from posebridge.populations.contact_sheet import TILE_HEIGHT_PX, annotated
from posebridge.populations.crops import decode_image
from posebridge.populations.manifest import OpenPopulation
from posebridge.populations.people import Person, row_person
from posebridge.skeletons import Skeleton

Picture = UInt8[np.ndarray, "_ _ 3"]

STRIP_FRAMES = 8
TRAIL_S = 1.0
RATE, USUAL_RATE_HZ = "frame_rate_hz", 25.0
"""The attribute of people that says how many frames a second has, and what holds without it."""
_TRAIL_COLORS = {"left": (255, 160, 0), "right": (0, 160, 255), None: (230, 230, 230)}  # BGR


@dataclass(frozen=True, eq=False)
class Film:
    """A clip of one person.

    Attributes:
        people: one a frame, in order of time.
        encoded: the image of each.
        skeleton: of the keypoints.
    """

    people: Sequence[Person]
    encoded: Sequence[bytes]
    skeleton: Skeleton

    @property
    def rate_hz(self) -> float:
        """Frames in a second."""
        return float(self.people[0].attributes.get(RATE, USUAL_RATE_HZ))

    def frame(self, index: int) -> Picture:
        """A frame with its keypoints, and the paths of the limbs' ends in the second before."""
        person, image = self.people[index], decode_image(self.encoded[index])
        canvas = annotated(image, person, self.skeleton)
        scale = TILE_HEIGHT_PX / image.shape[0]
        past = self.people[max(0, index - round(TRAIL_S * self.rate_hz)) : index + 1]
        for keypoint in _ends(self.skeleton):
            points = [scale * p.keypoints[keypoint] for p in past if p.visibility[keypoint]]
            path = np.rint(np.reshape(points, (-1, 1, 2))).astype(np.int32)
            color = _TRAIL_COLORS[self.skeleton.side(keypoint)]
            cv2.polylines(canvas, [path], False, color, 2, cv2.LINE_AA)
        return canvas

    def frames(self, step: int = 1) -> Iterator[Picture]:
        """Every frame, or every so many, drawn one by one."""
        return (self.frame(index) for index in range(0, len(self.people), step))

    def strip(self, count: int = STRIP_FRAMES) -> Picture:
        """Frames side by side, evenly spread from the first to the last."""
        chosen = np.unique(np.linspace(0, len(self.people) - 1, count).round().astype(int))
        return np.hstack([self.frame(int(index)) for index in chosen])


def sequences(population: OpenPopulation, split: str) -> list[str]:
    """Names of the clips of a split, in order.

    Raises:
        ManifestError: if there is no such split.
    """
    names: dict[str, None] = {}
    for shard in range(population.num_shards(split)):
        column = population.read_people(split, shard, ["sequence"])["sequence"]
        names |= dict.fromkeys(name for name in column.to_pylist() if name)
    return list(names)


def film(population: OpenPopulation, split: str, sequence: str) -> Film:
    """A clip.

    Args:
        population: open on its shards.
        split: it is in.
        sequence: name of the clip, or its number in the split.

    Raises:
        ValueError: if there is no such clip.
    """
    known = sequences(population, split)
    name = known[int(sequence)] if sequence.isdigit() and int(sequence) < len(known) else sequence
    if name not in known:
        there = f"{len(known)} clips, {known[0]} to {known[-1]}" if known else "single images"
        raise ValueError(
            f"a sequence must be a name or a number of a clip, but got {sequence!r}: split "
            f"{split!r} of {population.manifest.name!r} has {there}."
        )
    rows: list[tuple[int, bytes, Person]] = []
    for shard in range(population.num_shards(split)):
        if name in population.read_people(split, shard, ["sequence"])["sequence"].to_pylist():
            people, _ = population.read_shard(split, shard)
            rows += [
                (row["frame"], row["encoded"], row_person(row))
                for row in people.to_pylist()
                if row["sequence"] == name
            ]
    rows.sort(key=lambda row: row[0])
    return Film([row[2] for row in rows], [row[1] for row in rows], population.skeleton)


def _ends(known: Skeleton) -> list[int]:
    """Keypoints that move most: wrists, ankles and nose, as far as the skeleton has them."""
    names = ("nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
    return [known.index(name) for name in names if name in known.keypoints]
