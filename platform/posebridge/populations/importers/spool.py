"""Images and people brought together on disk, in whatever order a data set lists them.

COCO lists all images and then all people, of hundreds of megabytes; both are kept in a small
database beside the machine's temporary files, so that memory does not grow with the data set.
"""

import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posebridge.populations.checks import DUPLICATE_PERSON, UNKNOWN_IMAGE
from posebridge.populations.importers.base import (
    About,
    Entry,
    Listed,
    ListedBox,
    ListedImage,
    ListedPerson,
)
from posebridge.populations.importers.source import SourceError

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE images (number INTEGER PRIMARY KEY, id TEXT UNIQUE, file TEXT, about TEXT);
CREATE TABLE people (number INTEGER PRIMARY KEY, id TEXT UNIQUE, image TEXT, about TEXT);
CREATE TABLE boxes (number INTEGER PRIMARY KEY, image TEXT, about TEXT);
"""
_INDICES = """
CREATE INDEX people_image ON people (image);
CREATE INDEX boxes_image ON boxes (image);
"""
_USED = "SELECT id, file, about FROM images WHERE id IN (SELECT image FROM people) ORDER BY number"
_STRAY = "SELECT count(*) FROM people WHERE image NOT IN (SELECT id FROM images)"


@dataclass(frozen=True)
class Spool:
    """What a data set lists, on disk.

    Attributes:
        left_out: people who cannot be used, by reason.
    """

    _database: sqlite3.Connection
    left_out: Counter[str] = field(default_factory=Counter)

    def fill(self, entries: Iterable[Entry]) -> None:
        """Take up everything; somebody whose id was there already is left out and counted.

        Raises:
            SourceError: if two images have the same id.
        """
        for entry in entries:
            if isinstance(entry, ListedImage):
                self._add_image(entry)
            elif isinstance(entry, ListedPerson):
                if not self._add("people", entry.person_id, entry.image_id, _text(entry.about)):
                    self.left_out[DUPLICATE_PERSON] += 1
            elif isinstance(entry, ListedBox):
                self._add("boxes", entry.image_id, _text(entry.about))
            else:
                self.left_out[entry.reason] += 1

    def close(self) -> None:
        """Be ready to give; people of an image that is not listed are left out and counted."""
        self._database.executescript(_INDICES)
        (stray,) = self._database.execute(_STRAY).fetchone()
        self.left_out.update({UNKNOWN_IMAGE: stray} if stray else {})

    def images(self) -> Iterator[Listed]:
        """Every image that has people, in the order of the data set."""
        for image_id, file, about in self._database.execute(_USED):
            people = self._database.execute(
                "SELECT id, about FROM people WHERE image = ? ORDER BY number", (image_id,)
            )
            boxes = self._database.execute(
                "SELECT about FROM boxes WHERE image = ? ORDER BY number", (image_id,)
            )
            yield Listed(
                ListedImage(image_id, file, json.loads(about)),
                tuple(ListedPerson(name, image_id, json.loads(text)) for name, text in people),
                tuple(ListedBox(image_id, json.loads(text)) for (text,) in boxes),
            )

    def _add_image(self, image: ListedImage) -> None:
        if not self._add("images", image.image_id, image.file, _text(image.about)):
            found = self._database.execute(
                "SELECT file FROM images WHERE id = ?", (image.image_id,)
            ).fetchone()
            raise SourceError(
                f"Every image must have an id of its own, but {image.image_id!r} is {found[0]} "
                f"and {image.file}. Number the images of the json anew, or import its parts under "
                "different names."
            )

    def _add(self, table: str, *values: str) -> bool:
        marks = ", ".join("?" * len(values))
        row = self._database.execute(
            f"INSERT OR IGNORE INTO {table} VALUES (NULL, {marks})", values
        )
        return row.rowcount == 1


@contextmanager
def spool() -> Iterator[Spool]:
    """An empty one, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="posebridge-import-") as scratch:
        # Every statement is a transaction of its own otherwise.
        connection = sqlite3.connect(Path(scratch) / "listed.sqlite", isolation_level="DEFERRED")
        with closing(connection) as database:
            database.executescript(_TABLES)
            yield Spool(database)


def _text(about: About) -> str:
    return json.dumps(about, separators=(",", ":"))


def to_row(listed: Listed) -> dict[str, Any]:
    """A listed image as JSON."""
    return {
        "image": [listed.image.image_id, listed.image.file, listed.image.about],
        "people": [[person.person_id, person.about] for person in listed.people],
        "boxes": [box.about for box in listed.boxes],
    }


def from_row(row: dict[str, Any]) -> Listed:
    """The inverse of `to_row`."""
    image = ListedImage(*row["image"])
    return Listed(
        image,
        tuple(ListedPerson(name, image.image_id, about) for name, about in row["people"]),
        tuple(ListedBox(image.image_id, about) for about in row["boxes"]),
    )
