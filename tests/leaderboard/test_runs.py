import dataclasses

from posebridge.leaderboard.runs import is_fixed
from posebridge.records import Record


def _of(records: list[Record], system: str) -> list[Record]:
    return [r for r in records if r.system == system and r.population == "infant-real"]


def test_published_weights_are_the_same_under_every_seed(records: list[Record]) -> None:
    published = _of(records, "published")
    assert is_fixed(published)
    assert is_fixed(published[:1])


def test_a_floor_is_the_same_under_every_seed(records: list[Record]) -> None:
    assert is_fixed(_of(records, "mean pose")[:1])


def test_a_single_training_is_not_fixed_whatever_its_role(records: list[Record]) -> None:
    """One seed of a system trained on the source says nothing about the next."""
    (control, *_) = _of(records, "control")
    assert not is_fixed([control])
    assert not is_fixed([dataclasses.replace(control, role="source-only")])
