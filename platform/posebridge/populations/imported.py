"""A population that was imported: real people, or somebody else's renderings."""

import re
from dataclasses import dataclass
from typing import Any

from posebridge.identity import describe
from posebridge.populations.base import Population
from posebridge.populations.manifest import Manifest

SPLITS = ("train", "validation", "test")
IMPORTER = "importer"
"""Among the knobs of a manifest: how it lay."""
CONTENT_DIGITS = 12
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_CONTENT = re.compile(rf"[0-9a-f]{{{CONTENT_DIGITS}}}")


@dataclass(frozen=True)
class Imported(Population):
    """People that lie in a store because somebody imported them.

    `posebridge data import` prints it, to be pasted into an experiment. The hash pins who is in
    it: other people, labels or pixels are another population, with other results.

    Attributes:
        name: that it was imported under.
        content: hash of its people and images, 12 hex digits; part of every stage key.
        train: people in the split that is trained on.
        validation: people in the split that choices are made on.
        test: people in the split that is reported.
    """

    name: str
    content: str
    train: int = 0
    validation: int = 0
    test: int = 0

    def __post_init__(self) -> None:
        """Refuse what `data import` would not print."""
        check_name(self.name)
        if not _CONTENT.fullmatch(self.content):
            raise ValueError(
                f"content must be {CONTENT_DIGITS} hex digits, but got {self.content!r}. Paste "
                "the line that posebridge data import prints; data list shows it too."
            )
        if min(self.train, self.validation, self.test) < 0 or not self.splits():
            raise ValueError(
                f"{self.name!r} must have people in a split, but got {self.train=}, "
                f"{self.validation=}, {self.test=}. Paste the line that posebridge data import "
                "prints."
            )

    def splits(self) -> dict[str, int]:
        """People in each split that is not empty."""
        counts = {split: getattr(self, split) for split in SPLITS}
        return {split: count for split, count in counts.items() if count}

    def identity(self) -> dict[str, Any]:
        """Name, content and sizes."""
        described: dict[str, Any] = describe(self)
        return described

    def fingerprint(self) -> str:
        """Hash of the content."""
        return self.content

    @property
    def declaration(self) -> str:
        """The line that declares it in an experiment."""
        sizes = "".join(f", {split}={count}" for split, count in self.splits().items())
        return f'Imported("{self.name}", "{self.content}"{sizes})'


def check_name(name: str) -> None:
    """Refuse a name that would make a poor folder.

    Raises:
        ValueError: if it is not of small letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "a population's name must be small letters, digits, '.', '-' and '_', beginning with "
            f"a letter or digit, but got {name!r}. Give another with --name."
        )


def imported(manifest: Manifest) -> Imported | None:
    """The population that a manifest is of; None of one that was rendered."""
    if IMPORTER not in manifest.knobs:
        return None
    sizes = {split: entry.people for split, entry in manifest.splits.items()}
    return Imported(manifest.name, manifest.fingerprint, **sizes)
