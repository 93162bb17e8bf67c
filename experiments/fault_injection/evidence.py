"""What must be the same after a fault as without one, and what must not be done twice."""

import json
from pathlib import Path
from typing import Any

from posebridge.populations.files import TEMPORARY
from posebridge.populations.manifest import MANIFEST_FILE
from posebridge.records import Record, read_records, same_result

MARKERS = (
    "populations/*/made/*",
    f"populations/*/{MANIFEST_FILE}",
    "stages/*/done",
    "evaluations/*/scores.json",
)
"""Each says that a piece of work is done."""
ARTIFACTS = (
    "stages/*/weights.safetensors",
    "stages/*/metrics.jsonl",
    "stages/*/done",
    "evaluations/*/*.parquet",
    "evaluations/*/scores.json",
    "sweeps/*/trials/*.json",
    "sweeps/*/result.json",
)
LEFT = ("stages/*/checkpoint-*", "*/*/lease*", "populations/*/leases/*", f"**/.*{TEMPORARY}")
"""Of use only while somebody is at work."""


class Witness:
    """Remembers markers from when they are first seen, and which of them did not stay."""

    def __init__(self, store: Path) -> None:
        """Start without having seen any."""
        self._store = store
        self.seen: dict[Path, tuple[int, int]] = {}
        self.repeated: set[Path] = set()

    def look(self) -> None:
        """See what is done by now."""
        markers = [m for m in _matching(self._store, MARKERS) if not m.name.endswith(TEMPORARY)]
        versions = {path: _version(path) for path in markers}
        found = {path: version for path, version in versions.items() if version}
        self.repeated |= {path for path in self.seen if found.get(path) != self.seen[path]}
        self.seen |= found


def compare(store: Path, undisturbed: Path, name: str) -> dict[str, int]:
    """What a disturbed store lacks, or has otherwise than an undisturbed one.

    Args:
        store: in which the experiment is done.
        undisturbed: likewise.
        name: of the experiment.
    """
    file = f"records/{name}.jsonl"
    ours, lines = _records(store / file)
    theirs, _ = _records(undisturbed / file)
    differ = [
        key
        for key in ours.keys() | theirs.keys()
        if key not in theirs or (key in ours and not _same(store, ours[key], undisturbed, theirs))
    ]
    artifacts = {path.relative_to(undisturbed) for path in _matching(undisturbed, ARTIFACTS)}
    there = {path.relative_to(store) for path in _matching(store, ARTIFACTS)}
    changed = [
        path
        for path in artifacts & there
        if _content(store / path) != _content(undisturbed / path)
    ]
    return {
        "records": len(theirs),
        "records_lost": len(theirs.keys() - ours.keys()),
        "records_different": len(differ),
        "record_lines_doubled": lines - len(ours),
        "artifacts": len(artifacts),
        "artifacts_lost": len(artifacts - there),
        "artifacts_different": len(changed) + len(there - artifacts),
        "files_left": len(_matching(store, LEFT)),
    }


def _records(file: Path) -> tuple[dict[str, Record], int]:
    """Records by key, and how many whole lines there are."""
    if not file.is_file():
        return {}, 0
    records, _ = read_records(file)
    return {record.key: record for record in records}, len(records)


def _same(store: Path, record: Record, other: Path, others: dict[str, Record]) -> bool:
    people = [folder / "records" / record.people for folder in (store, other)]
    if not all(file.is_file() for file in people):
        return False
    ours, theirs = (file.read_bytes() for file in people)
    return ours == theirs and not same_result(record, others[record.key])


def _content(path: Path) -> Any:  # noqa: ANN401 - any JSON, or bytes
    content = path.read_bytes()
    return _timeless(json.loads(content)) if path.suffix == ".json" else content


def _timeless(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value without what says how long something took."""
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if not k.endswith("seconds")}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def _matching(store: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in store.glob(pattern) if path.is_file()]


def _version(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
