"""Records of experiments with the people's errors beside them, in a folder or on an object store.

In a folder an experiment has one file, to which a line is appended under a lock (`records.py`).
An object cannot be locked, and only be replaced whole: of two who replace it at the same time, one
loses what the other has added. So on an object store each addition is an object of its own, the
next in a row, created only where there is none: whoever finds its number taken first reads what
the other has added. Nothing is ever written twice, and the order is that of writing.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posebridge.engine.artifacts import Store
from posebridge.populations.files import join
from posebridge.records import (
    Record,
    append_record,
    no_records,
    parse_records,
    read_records,
    record_lines,
)

RECORDS = "records"
PEOPLE = "people"
LINES = ".jsonl"


@dataclass(frozen=True)
class RecordsFolder:
    """Where records are kept.

    Attributes:
        store: whose root is the folder of records.
    """

    store: Store

    @classmethod
    def of(cls, store: Store) -> "RecordsFolder":
        """The records that a store keeps."""
        return cls(Store(join(store.uri, RECORDS)))

    def place(self, experiment: str) -> str:
        """Where the records of an experiment are: a file, or a folder of objects."""
        end = LINES if self.store.is_local else "/"
        return join(self.store.uri, f"{experiment}{end}")

    def read(self, experiment: str) -> tuple[list[Record], int]:
        """Records of an experiment in the order of writing, and how many half lines were skipped.

        Raises:
            FileNotFoundError: if there are none.
            ValueError: if a whole line is not a record of this version.
        """
        if self.store.is_local:
            return read_records(self.place(experiment))
        parts = self._parts(experiment)
        if not parts:
            raise no_records(self.place(experiment))
        return self._parsed(parts)

    def by_key(self, experiment: str) -> dict[str, Record]:
        """Records of an experiment, by their keys."""
        try:
            return _by_key(self.read(experiment)[0])
        except FileNotFoundError:
            return {}

    def add(self, experiment: str, records: Sequence[Record]) -> None:
        """Add those that are not there yet, their people's errors being there already.

        Raises:
            ValueError: if a record holds an infinite number, or NaN outside its scores and cost.
            OSError: if they cannot be written.
        """
        if not self.store.is_local:
            while not self._add_part(experiment, records):
                pass
            return
        known = self.by_key(experiment)
        for record in records:
            if record.key not in known:
                append_record(self.place(experiment), record)

    def has_people(self) -> set[str]:
        """What `Record.people` may name: the files of people's errors that are there."""
        return {f"{PEOPLE}/{name}" for name in self.store.children(PEOPLE)}

    def people(self, name: str) -> bytes | None:
        """The file of people's errors that a record names; None if it is gone."""
        return self.store.read_many([name]).get(name)

    def write_people(self, name: str, content: bytes) -> None:
        """Put a file of people's errors in place."""
        self.store.write(name, content)

    def _add_part(self, experiment: str, records: Sequence[Record]) -> bool:
        """Add what is missing as the next object; False if somebody else has just added one."""
        parts = self._parts(experiment)
        known = _by_key(self._parsed(parts)[0])
        missing = [record for record in records if record.key not in known]
        if not missing:
            return True
        number = max((int(_stem(path)) for path in parts), default=0) + 1
        return self.store.create(f"{experiment}/{number:06d}{LINES}", record_lines(missing))

    def _parts(self, experiment: str) -> dict[str, bytes]:
        """Objects with records of an experiment, in the order of writing."""
        names = [name for name in self.store.children(experiment) if _stem(name).isdigit()]
        return self.store.read_many(f"{experiment}/{name}" for name in names)

    def _parsed(self, parts: Mapping[str, bytes]) -> tuple[list[Record], int]:
        found = [
            parse_records(io.BytesIO(content), join(self.store.uri, path))
            for path, content in parts.items()
        ]
        return [r for records, _ in found for r in records], sum(skipped for _, skipped in found)


def _by_key(records: Sequence[Record]) -> dict[str, Record]:
    return {record.key: record for record in records}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(LINES)
