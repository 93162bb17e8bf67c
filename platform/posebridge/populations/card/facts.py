"""All that a card says, as plain data: what is drawn and written is a function of it."""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from posebridge.populations.card.attributes import Category, Quantity, attributes
from posebridge.populations.card.bends import Bend, Direction, bends, directions
from posebridge.populations.card.contents import Contents
from posebridge.populations.card.duplicates import Likeness, Shared, find_duplicates, shared
from posebridge.populations.card.labels import joined
from posebridge.populations.card.places import Density, Floors, Place, densities, floors, places
from posebridge.populations.card.visibility import (
    KeypointVisibility,
    Occlusion,
    Sizes,
    occlusion,
    sizes,
    visibility,
)
from posebridge.populations.checks import UNDECODABLE

FORMAT = 1
"""Raised whenever a number of the card's JSON changes its name or its meaning."""


@dataclass(frozen=True)
class SplitCounts:
    """How much a split holds.

    Attributes:
        split: its name.
        people: rows of people, each in one image.
        images: that they are in.
        subjects: different people.
        sequences: that images belong to.
        left_out: people that are left out, by reason, and images that cannot be decoded.
    """

    split: str
    people: int
    images: int
    subjects: int
    sequences: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class Facts:
    """All that a card says about a population; measures without a split are over all of them.

    Attributes:
        name: of the population.
        skeleton: name of its skeleton.
        licence: of its images and labels.
        citation: what to cite, empty for none.
        fingerprint: part of every stage key.
        content_hash: of its files.
        knobs: everything that made it.
        made_by: versions of the software that made it.
        left_out: of the whole population when it was made, by reason.
        known: images that have each map, and people whose 3-D keypoints are known.
        subjects: different people of all splits together.
        sequences: different ones of all splits together.
        splits: how much each holds.
        shared: subjects and sequences that are in two splits.
        duplicates: near-identical images.
        floors: of each split.
        places: of each keypoint in the box.
        densities: maps of the same, for each part of the body.
        directions: of limbs.
        bends: of joints.
        visibility: of each keypoint.
        occlusion: how much of people is hidden.
        sizes: how large people are.
        attributes: who has which value.
    """

    name: str
    skeleton: str
    licence: str
    citation: str
    fingerprint: str
    content_hash: str
    knobs: dict[str, Any]
    made_by: dict[str, str]
    left_out: dict[str, int]
    known: dict[str, int]
    subjects: int
    sequences: int
    splits: tuple[SplitCounts, ...]
    shared: tuple[Shared, ...]
    duplicates: tuple[Likeness, ...]
    floors: tuple[Floors, ...]
    places: tuple[Place, ...]
    densities: tuple[Density, ...]
    directions: tuple[Direction, ...]
    bends: tuple[Bend, ...]
    visibility: tuple[KeypointVisibility, ...]
    occlusion: Occlusion
    sizes: Sizes
    attributes: tuple[Category | Quantity, ...]

    @property
    def people(self) -> int:
        """People of all splits."""
        return sum(split.people for split in self.splits)

    @property
    def images(self) -> int:
        """Images of all splits."""
        return sum(split.images for split in self.splits)


def facts(contents: Contents) -> Facts:
    """Measure a population.

    Raises:
        ValueError: if it holds nobody.
    """
    manifest, skeleton, labels = contents.manifest, contents.skeleton, contents.labels
    everybody = joined(list(labels.values()), skeleton.num_keypoints)
    if not len(everybody):
        raise ValueError(
            f"a card needs at least one person, but population {manifest.name!r} "
            f"({manifest.fingerprint}) holds none that can be used; left out: "
            f"{dict(manifest.rejected) or 'nobody'}. Make or import it again."
        )
    names = {split: part.sequences for split, part in labels.items()}
    return Facts(
        name=manifest.name,
        skeleton=manifest.skeleton,
        licence=manifest.licence,
        citation=manifest.citation,
        fingerprint=manifest.fingerprint,
        content_hash=manifest.content_hash,
        knobs=dict(manifest.knobs),
        made_by=dict(manifest.made_by),
        left_out=_positive(manifest.rejected),
        known=dict(contents.maps) | {"keypoints_3d_mm": everybody.known_3d},
        subjects=len(everybody.subjects),
        sequences=len(everybody.sequences),
        splits=tuple(_counts(contents, split) for split in labels),
        shared=shared("subjects", {split: part.subjects for split, part in labels.items()})
        + shared("sequences", names),
        duplicates=find_duplicates(
            contents.looks, {split: part.sequence_of for split, part in labels.items()}
        ),
        floors=floors(labels),
        places=places(everybody, skeleton),
        densities=densities(everybody, skeleton),
        directions=directions(everybody, skeleton),
        bends=bends(everybody, skeleton),
        visibility=visibility(everybody, skeleton),
        occlusion=occlusion(everybody),
        sizes=sizes(everybody),
        attributes=attributes(labels),
    )


def as_json(told: Facts) -> dict[str, Any]:
    """Facts as JSON; what is not known is null."""
    content: dict[str, Any] = _without_nan({"format": FORMAT} | dataclasses.asdict(told))
    return content


def _counts(contents: Contents, split: str) -> SplitCounts:
    labels = contents.labels[split]
    left_out = Counter(contents.left_out.get(split, {}))
    left_out.update(labels.rejected)
    left_out[UNDECODABLE] += len(contents.looks[split].undecodable)
    return SplitCounts(
        split=split,
        people=len(labels),
        images=len(labels.people_in),
        subjects=len(labels.subjects),
        sequences=len(labels.sequences),
        left_out=_positive(left_out),
    )


def _positive(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
