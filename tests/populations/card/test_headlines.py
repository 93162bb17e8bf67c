from pathlib import Path

import pytest

from populations.card.made import noise, population, sample
from populations.card.test_facts import told_of
from populations.toy import Toy, make
from posebridge.populations.card.headlines import headlines, percent, reported
from posebridge.populations.manifest import open_population


def test_the_numbers_at_the_head_are_those_of_the_card(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    told = told_of(open_population(tmp_path))
    lines = {line.label: (line.value, line.note) for line in headlines(told)}
    assert lines["people"] == ("15", "in 13 images")
    assert lines["subjects"] == ("15", "no sequences")
    assert lines["hidden"] == ("0.0 %", "of keypoints")
    assert lines["size"] == ("40 px", "90 %: 40 to 40 px")
    assert lines["mean pose"] == (percent(reported(told).mean_pose), "PCK@0.05 on test")
    assert lines["near-identical"][0] == "0"


@pytest.mark.parametrize(("splits", "expected"), [(("train", "test"), "test"), (("x",), "x")])
def test_floors_are_those_of_the_split_that_is_reported(
    tmp_path: Path, splits: tuple[str, ...], expected: str
) -> None:
    made = population(tmp_path, {s: [sample(s, noise(i))] for i, s in enumerate(splits)})
    assert reported(told_of(made)).split == expected
