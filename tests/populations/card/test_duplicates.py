import numpy as np
import pytest

from posebridge.populations.card.duplicates import (
    EXAMPLES,
    Likeness,
    find_duplicates,
    near_pairs,
    shared,
)
from posebridge.populations.card.looks import Looks

A, B, C = np.eye(144, dtype=np.float32)[:3]


def beside(one: np.ndarray, correlation: float) -> np.ndarray:
    """A vector of length 1 that correlates so much with another."""
    aside = np.eye(144, dtype=np.float32)[-1]
    vector: np.ndarray = correlation * one + np.sqrt(1 - correlation**2) * aside
    return vector.astype(np.float32)


def looks(**images: tuple[np.ndarray, int]) -> Looks:
    """Images by name: a thumbnail, and what stands for the content."""
    return Looks(
        ids=tuple(images),
        shards=tuple(range(len(images))),
        contents=np.array([content for _, content in images.values()], np.uint64),
        thumbnails=np.array([t for t, _ in images.values()], np.float32).reshape(-1, 144),
        undecodable=(),
    )


def summed(found: tuple[Likeness, ...]) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {(like.split, like.of): (like.near, like.exact, like.frames) for like in found}


@pytest.mark.parametrize("count", [0, 1, 2, 3000])
def test_near_pairs_are_those_of_a_slow_loop(count: int) -> None:
    """3000 images are compared in several blocks; in two dimensions, many are alike."""
    angles = np.random.default_rng(count).uniform(0, 2 * np.pi, count)
    thumbnails = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = {
        (int(one), int(other)): float(alike)
        for rows, columns, alikes in near_pairs(thumbnails, 0.995)
        for one, other, alike in zip(rows, columns, alikes, strict=True)
    }
    assert all(one < other for one, other in found)
    for one in range(0, count, 97):
        others = np.arange(one + 1, count)
        near = np.cos(angles[one] - angles[others])
        surely = set(others[near > 0.9951].tolist())
        perhaps = set(others[near > 0.9949].tolist())
        mine = {other for first, other in found if first == one}
        assert surely <= mine <= perhaps


def test_images_of_test_that_train_has_are_counted_and_named() -> None:
    made = {
        "train": looks(a=(A, 1), b=(B, 2)),
        "test": looks(c=(beside(A, 0.99), 3), d=(B, 2), e=(C, 5)),
    }
    (like,) = find_duplicates(made, {})
    assert summed((like,)) == {("test", "train"): (2, 1, 0)}
    nearest, second = like.examples
    assert (nearest.first.image_id, nearest.second.image_id) == ("b", "d")
    assert (nearest.likeness, nearest.exact) == (1.0, True)
    assert (second.first.split, second.second.split, second.likeness) == ("train", "test", 0.99)
    assert (second.second.shard, second.exact) == (0, False)


def test_within_a_split_both_images_of_a_pair_are_counted_each_once() -> None:
    made = {"train": looks(a=(A, 1), b=(A, 2), c=(beside(A, 0.99), 3), d=(C, 4))}
    assert summed(find_duplicates(made, {})) == {("train", "train"): (3, 0, 0)}


def test_frames_of_one_sequence_are_counted_apart_but_not_between_splits() -> None:
    made = {"train": looks(a=(A, 1), b=(A, 1), c=(B, 3)), "test": looks(d=(B, 4))}
    sequences = {"train": {"a": "walk", "b": "walk", "c": "run"}, "test": {"d": "run"}}
    assert summed(find_duplicates(made, sequences)) == {
        ("train", "train"): (0, 0, 2),
        ("test", "train"): (1, 0, 0),
    }


def test_images_without_a_sequence_are_not_of_one_sequence() -> None:
    made = {"train": looks(a=(A, 1), b=(A, 1))}
    assert summed(find_duplicates(made, {"train": {}})) == {("train", "train"): (2, 2, 0)}


def test_the_limit_decides_what_is_near() -> None:
    made = {"train": looks(a=(A, 1), b=(beside(A, 0.95), 2))}
    assert find_duplicates(made, {}, limit=0.96) == ()
    assert len(find_duplicates(made, {}, limit=0.94)) == 1


def test_of_many_pairs_a_few_are_named_the_most_alike() -> None:
    images = {f"i{n:02d}": (beside(A, 0.981 + 0.001 * n), n) for n in range(12)}
    images |= {"x": (A, 99), "y": (A, 99), "z": (A, 98)}
    (like,) = find_duplicates({"train": looks(**images)}, {})
    assert (like.near, like.exact) == (15, 2)
    assert len(like.examples) == EXAMPLES
    assert (like.examples[0].first.image_id, like.examples[0].second.image_id) == ("x", "y")
    assert [twins.exact for twins in like.examples] == [True, False, False, False]
    assert [twins.likeness for twins in like.examples[:3]] == [1.0, 1.0, 1.0]


def test_a_population_without_images_has_no_duplicates() -> None:
    assert find_duplicates({"train": looks()}, {}) == ()
    assert find_duplicates({}, {}) == ()


def test_what_two_splits_share_is_named_in_order() -> None:
    names = {
        "train": frozenset({"b", "a", "x"}),
        "validation": frozenset({"y"}),
        "test": frozenset({"a", "b"}),
    }
    (common,) = shared("subjects", names)
    assert (common.kind, common.first, common.second) == ("subjects", "train", "test")
    assert common.names == ("a", "b")
