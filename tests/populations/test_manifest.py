import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from populations.toy import Toy, make
from posebridge.populations import checks
from posebridge.populations.manifest import (
    MANIFEST_FILE,
    ManifestError,
    check_subjects,
    open_population,
    read_manifest,
)
from posebridge.skeletons import COCO17


def _edit(folder: Path, **changes: Any) -> None:  # noqa: ANN401 - JSON values
    path = folder / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_population_opens_as_it_was_made(tmp_path: Path) -> None:
    toy = Toy()
    make(toy, str(tmp_path))
    opened = open_population(tmp_path)
    manifest = opened.manifest
    assert (manifest.name, manifest.licence, manifest.citation) == (
        "toy",
        "CC0",
        "nobody, nowhere",
    )
    assert opened.skeleton is COCO17
    assert manifest.fingerprint == toy.fingerprint()
    assert manifest.knobs == toy.identity()
    # The first image of a split holds two people.
    train, test = manifest.splits["train"], manifest.splits["test"]
    assert (train.people, train.images, train.subjects) == (11, 10, 11)
    assert (test.people, test.images, test.subjects) == (4, 3, 4)
    assert opened.num_shards("train") == 1
    table, rejected = opened.read_shard("train", 0)
    assert table.num_rows == 11
    assert rejected == Counter()
    opened.verify()


def test_the_content_hash_changes_with_the_content(tmp_path: Path) -> None:
    hashes = []
    for name, toy in (("a", Toy()), ("b", Toy()), ("c", Toy(brightness=200))):
        make(toy, str(tmp_path / name))
        hashes.append(read_manifest(tmp_path / name).content_hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_population_may_lie_at_any_uri() -> None:
    make(Toy(), "memory://populations/toy")
    opened = open_population("memory://populations/toy")
    opened.verify()
    assert opened.read_people("test", 0).num_rows == 4


def test_a_folder_without_a_manifest_is_no_population(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="must have a manifest, but .* is missing"):
        open_population(tmp_path)


def test_a_manifest_cut_in_half_is_damaged(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    path = tmp_path / MANIFEST_FILE
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ManifestError, match="must be complete JSON"):
        open_population(tmp_path)


def test_a_manifest_without_a_field_is_damaged(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    content = json.loads((tmp_path / MANIFEST_FILE).read_text())
    del content["licence"]
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(content))
    with pytest.raises(ManifestError, match=r"must be complete JSON .*licence"):
        open_population(tmp_path)


def test_a_newer_manifest_asks_for_an_update(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    _edit(tmp_path, format=2)
    with pytest.raises(ManifestError, match="up to format 1, but .* has 2. Update posebridge"):
        open_population(tmp_path)


def test_an_unknown_skeleton_is_named_with_the_known_ones(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    _edit(tmp_path, skeleton="octopus8")
    with pytest.raises(ManifestError, match="skeleton that is not known here.*octopus8"):
        open_population(tmp_path)


@pytest.mark.parametrize("file", ["train/people-00000.parquet", "test/images-00000.parquet"])
def test_a_shard_cut_in_half_is_found_on_opening(tmp_path: Path, file: str) -> None:
    make(Toy(), str(tmp_path))
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[: len(content) // 2])
    expected = f"{re.escape(file)} must have {len(content):,} bytes, but has {len(content) // 2:,}"
    with pytest.raises(ManifestError, match=expected):
        open_population(tmp_path)


def test_a_missing_shard_is_found_on_opening(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    (tmp_path / "train" / "images-00000.parquet").unlink()
    with pytest.raises(ManifestError, match="images-00000.parquet must have .* but is missing"):
        open_population(tmp_path)


def test_a_changed_byte_is_found_by_verify(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    path = tmp_path / "train" / "images-00000.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ManifestError, match="must have SHA-256"):
        open_population(tmp_path).verify()


def test_an_unknown_split_lists_the_known_ones(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    with pytest.raises(ManifestError, match="has the splits train, test, but got 'validation'"):
        open_population(tmp_path).read_shard("validation", 0)


def test_a_reader_drops_and_counts_what_a_writer_let_through(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    path = tmp_path / "train" / "people-00000.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[2]["box"] = [0.0, 0.0, 0.0, 0.0]
    rows[5]["keypoints"][0] = float("nan")
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), path)
    content = json.loads((tmp_path / MANIFEST_FILE).read_text())
    content["splits"]["train"]["shards"][0]["people"]["bytes"] = path.stat().st_size
    _edit(tmp_path, splits=content["splits"])
    kept, rejected = open_population(tmp_path).read_shard("train", 0, ["person_id"])
    assert kept.column_names == ["person_id"]
    assert kept.num_rows == 9
    assert rejected == Counter({checks.EMPTY_BOX: 1, checks.INVALID_KEYPOINT: 1})


def test_a_subject_in_two_splits_is_refused() -> None:
    check_subjects({"train": ["a", "b"], "test": ["c"]})
    with pytest.raises(ManifestError, match="'train' and 'test' share 1: b"):
        check_subjects({"train": ["a", "b"], "validation": ["d"], "test": ["b", "c"]})


def test_an_id_in_two_shards_is_found_by_verify(tmp_path: Path) -> None:
    """The same shard under two names: all else agrees."""
    make(Toy(), str(tmp_path))
    content = json.loads((tmp_path / MANIFEST_FILE).read_text())
    shards = content["splits"]["train"]["shards"]
    for kind in ("people", "images"):
        source = tmp_path / "train" / f"{kind}-00000.parquet"
        (tmp_path / "train" / f"{kind}-00001.parquet").write_bytes(source.read_bytes())
    _edit(
        tmp_path,
        splits=content["splits"] | {"train": content["splits"]["train"] | {"shards": shards * 2}},
    )
    with pytest.raises(
        ManifestError, match="an id of their own, but 11 repeat: toy-0-train-000000-0"
    ):
        open_population(tmp_path).verify()
