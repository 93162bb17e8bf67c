"""The manifest of an import whose shards are all made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from posebridge.engine.artifacts import Store
from posebridge.engine.importing.places import read_index, work_path
from posebridge.identity import describe, digest
from posebridge.populations.base import made_by
from posebridge.populations.files import file_sizes
from posebridge.populations.imported import CONTENT_DIGITS, IMPORTER
from posebridge.populations.importers.index import Request, nobody
from posebridge.populations.manifest import (
    OWN_SKELETON,
    Manifest,
    check_subjects,
    content_hash,
    split_entry,
)
from posebridge.populations.shards import ShardError, ShardReport, find_shard
from posebridge.skeletons import is_known


def manifest_of(store: Store, request: Request, told: Sequence[Mapping[str, Any]]) -> Manifest:
    """What was imported, after a last look at all of it.

    Args:
        store: where it lies.
        request: what was asked.
        told: what is known of every shard, in order.

    Raises:
        SourceError: if nobody is left in a split.
        ManifestError: if splits share a subject.
        ShardError: if a shard is gone.
    """
    reports = {split: _reports(store, request, split) for split, _ in request.splits}
    left_out = _left_out(store, request, told, reports)
    splits = {split: split_entry(split, shards) for split, shards in reports.items()}
    for split, entry in splits.items():
        if entry.people == 0:
            raise nobody(request, split, left_out)
    check_subjects(
        {
            split: {subject for report in shards for subject in report.subjects}
            for split, shards in reports.items()
        }
    )
    importer = request.importer
    return Manifest(
        name=request.name,
        skeleton=request.skeleton.name,
        licence=importer.licence,
        citation=importer.citation,
        knobs=_knobs(request),
        fingerprint=digest([shard["content"] for shard in told])[:CONTENT_DIGITS],
        splits=splits,
        rejected=dict(left_out),
        content_hash=content_hash(splits),
        made_by=made_by(),
    )


def _reports(store: Store, request: Request, split: str) -> list[ShardReport]:
    folder = store.path(work_path(request), split)
    sizes = file_sizes(folder)
    found = []
    for number in range(len(read_index(store, request, split)["people"])):
        report = find_shard(folder, number, sizes)
        if report is None:
            raise ShardError(
                f"Shard {number} of split {split!r} must lie in {folder}, but is gone or cut "
                "short. Run the same command again."
            )
        found.append(report)
    return found


def _left_out(
    store: Store,
    request: Request,
    told: Sequence[Mapping[str, Any]],
    reports: Mapping[str, Sequence[ShardReport]],
) -> Counter[str]:
    """People who were left out, by reason: when listed, when read and when checked."""
    counts = [read_index(store, request, split)["left_out"] for split, _ in request.splits]
    counts += [shard["left_out"] for shard in told]
    counts += [report.rejected for shards in reports.values() for report in shards]
    return sum((Counter(count) for count in counts), Counter[str]())


def _knobs(request: Request) -> dict[str, Any]:
    splits = {split: list(parts) for split, parts in request.splits}
    own = {} if is_known(request.skeleton) else {OWN_SKELETON: describe(request.skeleton)}
    return {IMPORTER: describe(request.importer), "splits": splits} | own
