"""COCO jsons that lie in a folder under names of their makers' choice."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from posebridge.populations.importers.source import Source, SourceError

ANNOTATIONS = "annotations"
IMAGES = "images"
_WORDS = {"train": "train", "val": "validation", "test": "test"}


def json_files(source: Source) -> dict[str, str]:
    """Every json of a folder, by the name of its part: its path without annotations/ and .json.

    Raises:
        SourceError: if there is none.
    """
    files = [path for path in source.sizes if path.lower().endswith(".json")]
    if not files:
        shown = ", ".join(list(source.sizes)[:3])
        raise SourceError(
            f"There must be a COCO json below {source.folder}, but there is none among its "
            f"{len(source.sizes)} files ({shown}, …). Export the annotations as COCO keypoints, "
            "and put the file there."
        )
    return {path[: -len(".json")].removeprefix(f"{ANNOTATIONS}/"): path for path in files}


def image_folders(file: str) -> tuple[str, ...]:
    """Where the images of a json may lie: where paths begin, beside it, or in images/."""
    beside = str(PurePosixPath(file).parent)
    stem = PurePosixPath(file).stem
    return ("", IMAGES, beside, f"{beside}/{IMAGES}", stem, f"{IMAGES}/{stem}")


def split_named(part: str) -> str | None:
    """The split that the name of a part tells, if any.

    Example:
        >>> split_named("person_keypoints_val2017"), split_named("babies")
        ('validation', None)
    """
    return next((split for word, split in _WORDS.items() if word in part.lower()), None)


def named_splits(parts: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The parts of each split, as far as names tell."""
    found: dict[str, tuple[str, ...]] = {}
    for part in parts:
        split = split_named(part)
        if split:
            found[split] = (*found.get(split, ()), part)
    return found
