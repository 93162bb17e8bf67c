"""Any folder of images with a COCO json: "my infants"."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from posebridge.identity import digest
from posebridge.populations.importers.base import (
    About,
    Entry,
    Importer,
    Listed,
    ListedImage,
    ListedPerson,
)
from posebridge.populations.importers.coco_json import (
    coco_entries,
    coco_sample,
    keypoint_names,
    subject_of,
)
from posebridge.populations.importers.json_rows import rows
from posebridge.populations.importers.jsons import image_folders, json_files, named_splits
from posebridge.populations.importers.own_skeleton import skeleton_named
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.people import Sample
from posebridge.skeletons import COCO17, Skeleton

MARK = ":"
"""Between the name of a single json and the split that a share of it is."""
SPLITS = ("train", "validation", "test")
SHARE = 0.2
"""Of the subjects of a single json, for validation and for test; the rest are trained on."""


@dataclass(frozen=True)
class FolderOfImages(Importer):
    """Images with keypoints in COCO's json, of any joints that have names.

    A json whose name says train, val or test is that split. A single json that says nothing is
    divided by subject: the field `subject` of an annotation or image, else `sequence`, else every
    image is somebody else's.
    """

    name: ClassVar[str] = "folder"
    licence: ClassVar[str] = "as its owner says"
    citation: ClassVar[str] = ""
    layout: ClassVar[str] = (
        "one or more COCO jsons in the folder or annotations/; images where file_name says, below "
        "the folder or images/"
    )

    def skeleton(self, source: Source) -> Skeleton:
        """As the jsons name the keypoints; COCO's 17 where they name none.

        Raises:
            SourceError: if they name different ones.
        """
        named = {file: keypoint_names(source, file) for file in json_files(source).values()}
        if len(set(named.values())) > 1:
            shown = "; ".join(f"{file}: {names and len(names)}" for file, names in named.items())
            raise SourceError(
                "All jsons of a folder must have the same keypoints in the same order, but they "
                f"have ({shown}). Import them one by one, each from a folder of its own."
            )
        (names,) = set(named.values())
        return COCO17 if names is None else skeleton_named(names, _limbs(source))

    def parts(self, source: Source) -> tuple[str, ...]:
        """Its jsons, or the shares of the only one."""
        jsons = tuple(json_files(source))
        if len(jsons) > 1 or named_splits(jsons):
            return jsons
        return tuple(f"{jsons[0]}{MARK}{split}" for split in SPLITS)

    def splits(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """As the jsons are named, or divided by subject.

        Raises:
            SourceError: if there are several jsons, and no name tells of a split.
        """
        jsons = json_files(source)
        found = named_splits(jsons)
        if not found and len(jsons) > 1:
            raise SourceError(
                f"The jsons in {source.folder} must be named train, val or test, but are "
                f"{', '.join(jsons)}. Say which is which: --split train={next(iter(jsons))} …"
            )
        if found:
            return found
        ((name, file),) = jsons.items()
        shares = divide(set(_subjects(source, file, name).values()))
        return {split: (f"{name}{MARK}{split}",) for split, members in shares.items() if members}

    def entries(self, source: Source, part: str) -> Iterator[Entry]:
        """Images and people of a json, or of a share of its subjects."""
        name, _, share = part.partition(MARK)
        file = json_files(source)[name]
        listed = coco_entries(source, file, name, image_folders(file))
        if not share:
            return listed
        subjects = _subjects(source, file, name)
        members = divide(set(subjects.values()))[share]
        # Whoever cannot be used, in an image with nobody else, is counted once: with the tested.
        nobodys = share == "test"
        return (
            entry
            for entry in listed
            if (subjects[entry.image_id] in members if entry.image_id in subjects else nobodys)
        )

    def sample(self, source: Source, listed: Listed) -> Sample:
        """An image and its people."""
        return coco_sample(source, listed)


def divide(subjects: set[str]) -> dict[str, set[str]]:
    """Subjects by split, the same for the same subjects; whoever is alone is tested on.

    Example:
        >>> {split: len(members) for split, members in divide(set("abcdefghij")).items()}
        {'train': 6, 'validation': 2, 'test': 2}
    """
    ordered = sorted(subjects, key=digest)
    fifth = round(SHARE * len(ordered))
    test, rest = ordered[: max(1, fifth)], ordered[max(1, fifth) :]
    return {"train": set(rest[fifth:]), "validation": set(rest[:fifth]), "test": set(test)}


def _subjects(source: Source, file: str, name: str) -> dict[str, str]:
    """Who is in each image that has people; of several, the first."""
    images: dict[str, About] = {}
    found: dict[str, str] = {}
    for entry in coco_entries(source, file, name, image_folders(file)):
        if isinstance(entry, ListedImage):
            images[entry.image_id] = {
                key: entry.about[key] for key in ("subject", "sequence") if key in entry.about
            }
        elif isinstance(entry, ListedPerson):
            image = images.get(entry.image_id, {})
            found.setdefault(entry.image_id, subject_of(entry, image))
    return found


def _limbs(source: Source) -> tuple[tuple[int, int], ...]:
    """The limbs that the first json gives with its keypoints."""
    file = next(iter(json_files(source).values()))
    for row in rows(source, file, "categories.item"):
        if row.get("keypoints"):
            return tuple((int(one) - 1, int(other) - 1) for one, other in row.get("skeleton", ()))
    return ()
