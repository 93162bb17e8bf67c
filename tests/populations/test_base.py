import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from populations.toy import Toy, make
from posebridge.populations import all_populations, base, population_class
from posebridge.populations.manifest import MANIFEST_FILE, ManifestError, open_population
from posebridge.populations.people import Sample
from posebridge.populations.shards import ShardError


def test_a_smaller_population_is_the_beginning_of_a_bigger_one() -> None:
    small, big = Toy(train=2), Toy(train=9, test=100)
    for index in range(2):
        assert (
            small.render("train", index).image.encoded == big.render("train", index).image.encoded
        )


def test_a_knob_does_not_change_who_the_people_are() -> None:
    first, second = (Toy(brightness=b).generator("train", 3).random(4) for b in (255, 100))
    assert (first == second).all()


def test_splits_indices_seeds_and_streams_have_their_own_random_numbers() -> None:
    toy = Toy()
    draws = {
        float(rng.random())
        for rng in (
            toy.generator("train", 0),
            toy.generator("train", 1),
            toy.generator("test", 0),
            toy.generator("train", 0, "sensor"),
            Toy(seed=1).generator("train", 0),
        )
    }
    assert len(draws) == 5


def test_the_fingerprint_changes_with_every_field() -> None:
    prints = {
        Toy().fingerprint(),
        Toy(seed=1).fingerprint(),
        Toy(train=11).fingerprint(),
        Toy(brightness=254).fingerprint(),
    }
    assert len(prints) == 4
    assert all(len(text) == 12 for text in prints)


def test_the_fingerprint_changes_with_the_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Toy().fingerprint()
    monkeypatch.setattr(base, "SYNTHESIS_VERSION", 999)
    assert Toy().fingerprint() != before


def test_the_fingerprint_ignores_how_a_table_names_the_population(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Toy().fingerprint()
    monkeypatch.setattr(Toy, "label", "a toy")
    monkeypatch.setattr(Toy, "citation", "somebody")
    assert Toy().fingerprint() == before


def test_a_split_without_people_does_not_exist() -> None:
    assert Toy(train=0).splits() == {"test": 3}
    with pytest.raises(ValueError, match="has the splits test, but got 'train'"):
        Toy(train=0).num_shards("train")


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="train must not be negative, but got train=-1"):
        Toy(train=-1)


def test_a_split_has_enough_shards_and_no_more() -> None:
    counts = {count: Toy(train=count).num_shards("train") for count in (1, 64, 65, 128)}
    assert counts == {1: 1, 64: 1, 65: 2, 128: 2}


def test_a_complete_shard_is_kept_and_a_damaged_one_made_again(tmp_path: Path) -> None:
    toy = Toy()
    made = toy.make_shard(tmp_path, "train", 0)
    assert not made.kept
    assert toy.make_shard(tmp_path, "train", 0) == dataclasses.replace(made, kept=True)
    path = tmp_path / "train" / made.images.file
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert toy.make_shard(tmp_path, "train", 0) == made
    assert path.read_bytes() == whole


def test_the_last_shard_holds_the_rest(tmp_path: Path) -> None:
    toy = Toy(train=70)
    assert toy.make_shard(tmp_path, "train", 1).images.rows == 6
    with pytest.raises(ValueError, match="has 2 shards, but got index=2"):
        toy.make_shard(tmp_path, "train", 2)


def test_shards_of_two_recipes_do_not_mix(tmp_path: Path) -> None:
    Toy().make_shard(tmp_path, "train", 0)
    with pytest.raises(ManifestError, match=r"made by recipe .* but was made by"):
        Toy(brightness=99).make_shard(tmp_path, "train", 0)


def test_a_population_is_not_finished_before_its_last_shard(tmp_path: Path) -> None:
    toy = Toy()
    toy.make_shard(tmp_path, "train", 0)
    with pytest.raises(ShardError, match=r"'test' must have 1 complete shards .* lacks \[0\]"):
        toy.finish(tmp_path)
    assert not (tmp_path / MANIFEST_FILE).exists()


@dataclass(frozen=True)
class Overlapping(Toy):
    """A population that forgets to keep its splits apart."""

    def render(self, split: str, index: int) -> Sample:
        """Draw one image, with the same subject in all splits."""
        sample = super().render(split, index)
        people = tuple(
            dataclasses.replace(person, subject=f"subject-{index}") for person in sample.people
        )
        return dataclasses.replace(sample, people=people)


def test_splits_that_share_a_subject_are_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="'train' and 'test' share 3: subject-0"):
        make(Overlapping(), str(tmp_path))


def test_finishing_twice_writes_the_same_manifest(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    first = (tmp_path / MANIFEST_FILE).read_bytes()
    make(Toy(), str(tmp_path))
    assert (tmp_path / MANIFEST_FILE).read_bytes() == first


def test_training_reads_a_shard_without_its_maps(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    stored = pq.read_schema(tmp_path / "train" / "images-00000.parquet").names
    assert "depth_png" in stored
    assert "depth_png" not in open_population(tmp_path).read_shard("train", 0)[0].column_names


def test_an_unknown_population_lists_the_known_ones() -> None:
    known = ", ".join(kind.name for kind in all_populations())
    with pytest.raises(ValueError, match=f"must be one of {known}, but got 'martians'"):
        population_class("martians")


def test_a_population_is_found_by_its_name() -> None:
    for kind in all_populations():
        assert population_class(kind.name) is kind
