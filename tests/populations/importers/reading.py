"""What importers give, for tests: all of a part, brought together and read."""

from collections import Counter
from pathlib import Path

from posebridge.populations.importers.base import Importer, Listed
from posebridge.populations.importers.source import Source
from posebridge.populations.importers.spool import spool
from posebridge.populations.people import Person, Sample


def listed(importer: Importer, folder: Path, part: str) -> tuple[list[Listed], Counter[str]]:
    """The images of a part with all that is listed of them, and who was left out."""
    with spool() as spooled:
        spooled.fill(importer.entries(Source(str(folder)), part))
        spooled.close()
        return list(spooled.images()), spooled.left_out


def samples(importer: Importer, folder: Path, part: str) -> list[Sample]:
    """The images of a part, read."""
    source = Source(str(folder))
    return [importer.sample(source, one) for one in listed(importer, folder, part)[0]]


def people(importer: Importer, folder: Path, part: str) -> list[Person]:
    """The people of a part."""
    return [person for sample in samples(importer, folder, part) for person in sample.people]
