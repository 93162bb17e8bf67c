"""What an importer is: a pure description of how a data set lies in its folder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from posebridge.populations.importers.source import Source
from posebridge.populations.people import Sample
from posebridge.skeletons import Skeleton

About = Mapping[str, Any]
"""What a data set says of something, as JSON."""


@dataclass(frozen=True)
class ListedImage:
    """An image that a data set lists; it has not been read.

    Attributes:
        image_id: unique in the population.
        file: its path below the data set's folder.
        about: the rest.
    """

    image_id: str
    file: str
    about: About = field(default_factory=dict)


@dataclass(frozen=True)
class ListedPerson:
    """Somebody whom a data set lists.

    Attributes:
        person_id: unique in the population.
        image_id: where they are.
        about: the rest.
    """

    person_id: str
    image_id: str
    about: About = field(default_factory=dict)


@dataclass(frozen=True)
class ListedBox:
    """What a detector says of an image: a box of somebody, who need not be there.

    Attributes:
        image_id: where.
        about: the rest.
    """

    image_id: str
    about: About


@dataclass(frozen=True)
class LeftOut:
    """Somebody whom a data set lists, but who cannot be used.

    Attributes:
        reason: why.
        image_id: where they are.
    """

    reason: str
    image_id: str = ""


Entry = ListedImage | ListedPerson | ListedBox | LeftOut


@dataclass(frozen=True)
class Listed:
    """An image with all that a data set lists of it."""

    image: ListedImage
    people: tuple[ListedPerson, ...]
    boxes: tuple[ListedBox, ...] = ()


def present(
    splits: Mapping[str, tuple[str, ...]], is_there: Callable[[str], bool]
) -> Mapping[str, tuple[str, ...]]:
    """The parts that are there; where none is, all of them, so that an error can name one."""
    found = {split: tuple(filter(is_there, parts)) for split, parts in splits.items()}
    return {split: parts for split, parts in found.items() if parts} or splits


class UnusableImageError(ValueError):
    """An image that cannot be used; its message is the reason under which its people count."""


@dataclass(frozen=True)
class Importer(ABC):
    """How a data set lies in its folder; its fields are what the user may set.

    A part is what the data set itself keeps apart: a file of annotations, a sequence, a subject.
    A split is made of parts.

    Attributes:
        name: short, as in `data import NAME`.
        licence: of its images and labels.
        citation: what to cite.
        layout: the files that must be there, in a line or two.
        version: raised whenever the same files give other people.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    citation: ClassVar[str]
    layout: ClassVar[str]
    version: ClassVar[int] = 1

    @abstractmethod
    def skeleton(self, source: Source) -> Skeleton:
        """The keypoints that its people have."""

    @abstractmethod
    def parts(self, source: Source) -> tuple[str, ...]:
        """The parts that there can be."""

    @abstractmethod
    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """The parts of each split, unless the user says otherwise."""

    @abstractmethod
    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """All that a part lists, in any order, with little of it in memory at a time.

        Raises:
            SourceError: if a file is missing, or is not what it should be.
        """

    @abstractmethod
    def sample(self, source: Source, listed: Listed) -> Sample:
        """Read an image, and its people as we keep them.

        Raises:
            UnusableImageError: if it cannot be used.
            SourceError: if another file is missing, or is not what it should be.
        """
