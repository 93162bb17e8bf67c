"""What the tasks of an import do. Each may be called again at any time."""

import json
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import asdict

from posebridge.engine.artifacts import Store
from posebridge.engine.importing.manifest import manifest_of
from posebridge.engine.importing.places import (
    done_marker,
    forget_lists,
    index_marker,
    lease_path,
    listed_path,
    population_path,
    read_told,
    shard_marker,
    work_path,
)
from posebridge.engine.leases import Lease, sweep
from posebridge.engine.work import alone
from posebridge.populations.files import PopulationError, move
from posebridge.populations.handedness import Handedness
from posebridge.populations.importers.index import Request, import_shard, index_split
from posebridge.populations.importers.spool import from_row, to_row
from posebridge.populations.manifest import (
    MANIFEST_FILE,
    Manifest,
    open_population,
    read_manifest,
    write_manifest,
)


def make_index(uri: str, request: Request, split: str) -> None:
    """Write the shards of a split as lists of images and people."""
    store, marker = Store(uri), index_marker(request, split)
    with _alone(store, request, marker, f"index-{split}") as lease:
        if lease is None:
            return
        left_out, people = Counter[str](), list[int]()
        for number, shard in enumerate(index_split(request, split, left_out)):
            rows = json.dumps([to_row(listed) for listed in shard]).encode()
            lease.write(listed_path(request, split, number), rows)
            people.append(sum(len(listed.people) for listed in shard))
        lease.write_json(marker, {"people": people, "left_out": left_out})


def make_imported_shard(uri: str, request: Request, split: str, index: int) -> None:
    """Read the images of a shard, and write its two files."""
    store, marker = Store(uri), shard_marker(request, split, index)
    with _alone(store, request, marker, f"{split}-{index:05d}") as lease:
        # Who finished meanwhile has moved its files.
        if lease is None or store.exists(done_marker(request)):
            return
        listed = [from_row(row) for row in store.read_json(listed_path(request, split, index))]
        folder = store.path(work_path(request), split)
        done = import_shard(request, folder, index, listed, confirm=lease.confirm)
        told = {
            "content": done.content,
            "left_out": done.left_out,
            "handedness": asdict(done.handedness),
        }
        lease.write_json(marker, told)


def finish_import(uri: str, request: Request) -> None:
    """Put the files where experiments look, the manifest last, and say what it became."""
    store, marker = Store(uri), done_marker(request)
    with _alone(store, request, marker, "finish") as lease:
        if lease is None:
            return
        told = read_told(store, request)
        listed = f"{work_path(request)}/{MANIFEST_FILE}"
        # Who was killed while moving files goes on; they are not where they were made any more.
        if not store.exists(listed):
            for split, _ in request.splits:
                sweep(store, f"{work_path(request)}/{split}")
            manifest = manifest_of(store, request, told)
            lease.confirm()
            write_manifest(store.path(work_path(request)), manifest)
        manifest = read_manifest(store.path(work_path(request)))
        lease.confirm()
        settle(store, request, manifest)
        seen = [Handedness(**shard["handedness"]) for shard in told]
        warning = sum(seen, Handedness()).warning()
        lease.write_json(marker, {"content": manifest.fingerprint, "warning": warning})
        forget_lists(store, request)


def settle(store: Store, request: Request, manifest: Manifest) -> None:
    """Move the files to where experiments look, unless the same are there already."""
    staged = work_path(request)
    population = population_path(manifest.name, manifest.fingerprint)
    try:
        open_population(store.path(population))
    except PopulationError:
        for file in _files(manifest):
            if store.exists(f"{staged}/{file}"):
                move(store.path(staged, file), store.path(population, file))
        write_manifest(store.path(population), manifest)
        open_population(store.path(population))
    for file in _files(manifest):
        store.delete(f"{staged}/{file}")


def _files(manifest: Manifest) -> list[str]:
    shards = [shard for split in manifest.splits.values() for shard in split.shards]
    return [stored.file for shard in shards for stored in (shard.images, shard.people)]


def _alone(
    store: Store, request: Request, marker: str, what: str
) -> AbstractContextManager[Lease | None]:
    folder, _, name = lease_path(request, what).rpartition("/")
    return alone(store, folder, marker, name)
