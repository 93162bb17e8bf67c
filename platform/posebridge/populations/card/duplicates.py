"""Images that are near-identical, and what the splits of a population share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, combinations_with_replacement

import numpy as np
from jaxtyping import Float32

from posebridge.populations.card.looks import Looks, joined_looks

NEAR = 0.98
"""Images whose thumbnails correlate this much are near-identical."""
_PAIRS_AT_ONCE = 4_000_000
EXAMPLES = 4
"""Pairs that are named, for each two splits and within each split."""


@dataclass(frozen=True)
class ImagePlace:
    """Which image, and where it is stored."""

    image_id: str
    split: str
    shard: int


@dataclass(frozen=True)
class Twins:
    """Two images that are near-identical.

    Attributes:
        first: one of them.
        second: the other.
        likeness: correlation of their thumbnails.
        exact: whether they are the same byte by byte.
    """

    first: ImagePlace
    second: ImagePlace
    likeness: float
    exact: bool


@dataclass(frozen=True)
class Likeness:
    """Images of one split that are near-identical to others.

    Attributes:
        split: whose images are counted.
        of: where the others are; the same split, or another one.
        near: images with such a one, those of the same sequence in the same split left aside.
        exact: those of them that are the same byte by byte as another.
        frames: images near-identical to another of their own sequence; 0 between splits.
        examples: the most alike.
    """

    split: str
    of: str
    near: int
    exact: int
    frames: int
    examples: tuple[Twins, ...]


@dataclass(frozen=True)
class Shared:
    """What two splits have in common.

    Attributes:
        kind: "subjects" or "sequences".
        first: a split.
        second: another.
        names: of what is in both, sorted.
    """

    kind: str
    first: str
    second: str
    names: tuple[str, ...]


def shared(kind: str, names: Mapping[str, frozenset[str]]) -> tuple[Shared, ...]:
    """What each two splits have in common; nothing for those that have nothing.

    Args:
        kind: of the names.
        names: in each split.
    """
    return tuple(
        Shared(kind, first, second, tuple(sorted(names[first] & names[second])))
        for first, second in combinations(names, 2)
        if names[first] & names[second]
    )


def near_pairs(
    thumbnails: Float32[np.ndarray, "image number"], limit: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of images whose thumbnails correlate.

    Every pair is compared: a minute for a hundred thousand images.

    Args:
        thumbnails: from `thumbnail`.
        limit: the least correlation.

    Yields:
        Indices of the first and of the second images, and their correlations.
    """
    count, start = len(thumbnails), 0
    while start < count:
        stop = min(count, start + max(1, _PAIRS_AT_ONCE // (count - start)))
        alike = thumbnails[start:stop] @ thumbnails[start:].T
        rows, columns = np.nonzero(alike >= limit)
        later = columns > rows
        rows, columns = rows[later], columns[later]
        yield rows + start, columns + start, alike[rows, columns]
        start = stop


def find_duplicates(
    looks: Mapping[str, Looks],
    sequences: Mapping[str, Mapping[str, str]],
    *,
    limit: float = NEAR,
) -> tuple[Likeness, ...]:
    """Near-identical images within each split, and images of each split in those before it.

    Args:
        looks: of the images of each split; of train and test in this order, it is the images of
            test that are counted.
        sequences: in each split, the sequence of each image that belongs to one.
        limit: the least correlation of near-identical images.

    Returns:
        A likeness for each split and for each two splits that have any.
    """
    whole = joined_looks(list(looks.values()))
    numbers = np.repeat(np.arange(len(looks)), [len(part) for part in looks.values()])
    frames_of = _sequence_numbers(looks, sequences)
    pairs = combinations_with_replacement(range(len(looks)), 2)
    tallies = {(split, of): _Tally(split == of) for of, split in pairs}
    for first, second, alike in near_pairs(whole.thumbnails, limit):
        exact = whole.contents[first] == whole.contents[second]
        frames = (frames_of[first] == frames_of[second]) & (frames_of[first] >= 0)
        found = _Pairs(first, second, alike, exact, frames)
        for (split, of), tally in tallies.items():
            # Images are in the order of the splits: the second is never of an earlier one.
            tally.add(found.where((numbers[second] == split) & (numbers[first] == of)))
    names = tuple(looks)
    stored = [
        ImagePlace(name, split, shard)
        for split, part in looks.items()
        for name, shard in zip(part.ids, part.shards, strict=True)
    ]
    return tuple(
        tally.likeness(names[split], names[of], stored)
        for (split, of), tally in tallies.items()
        if tally.near or tally.frames
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Near-identical images: indices, correlation, whether the same bytes, of one sequence."""

    first: np.ndarray
    second: np.ndarray
    alike: np.ndarray
    exact: np.ndarray
    frames: np.ndarray

    def where(self, mask: np.ndarray) -> "_Pairs":
        return _Pairs(*(column[mask] for column in vars(self).values()))


@dataclass
class _Tally:
    """What was found so far between two splits, or within one."""

    within: bool
    near: set[int] = field(default_factory=set)
    exact: set[int] = field(default_factory=set)
    frames: set[int] = field(default_factory=set)
    best: list[tuple[bool, float, int, int]] = field(default_factory=list)

    def add(self, pairs: _Pairs) -> None:
        """Count the images of some pairs, each once."""
        in_sequence = pairs.frames & self.within
        apart = pairs.where(~in_sequence)
        self.frames |= self._counted(pairs.where(in_sequence))
        self.near |= self._counted(apart)
        self.exact |= self._counted(apart.where(apart.exact))
        # As sorted: those that are the same first, then the most alike.
        different, unlike = ~apart.exact, -np.round(apart.alike.astype(np.float64), 4)
        nearest = np.lexsort((apart.second, apart.first, unlike, different))[:EXAMPLES]
        columns = (different, unlike, apart.first, apart.second)
        found = zip(*(column[nearest].tolist() for column in columns), strict=True)
        self.best = sorted([*self.best, *found])[:EXAMPLES]

    def likeness(self, split: str, of: str, stored: Sequence[ImagePlace]) -> Likeness:
        """The sum of it."""
        return Likeness(
            split=split,
            of=of,
            near=len(self.near),
            exact=len(self.exact),
            frames=len(self.frames),
            examples=tuple(
                Twins(stored[first], stored[second], -unlike, not different)
                for different, unlike, first, second in self.best
            ),
        )

    def _counted(self, pairs: _Pairs) -> set[int]:
        """Both images of a pair within a split; of two splits, the one of the later split."""
        ends = [pairs.first, pairs.second] if self.within else [pairs.second]
        return set(np.unique(np.concatenate(ends)).tolist())


def _sequence_numbers(
    looks: Mapping[str, Looks], sequences: Mapping[str, Mapping[str, str]]
) -> np.ndarray:
    """A number for each sequence, in the order of the images; −1 for none."""
    names = [
        sequences.get(split, {}).get(image, "")
        for split, part in looks.items()
        for image in part.ids
    ]
    numbers = {name: number for number, name in enumerate(sorted(set(names) - {""}))}
    return np.array([numbers.get(name, -1) for name in names], np.int64)
