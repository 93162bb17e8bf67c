from pathlib import Path
from typing import Any

import numpy as np
import pytest

from populations.card.made import noise, population, sample
from populations.card.test_facts import told_of
from posebridge.populations.card.findings import findings
from posebridge.populations.people import Sample


def said(folder: Path, **splits: list[Sample]) -> tuple[list[str], list[str]]:
    """The leaks, and all else."""
    found = findings(told_of(population(folder, splits)))
    assert [f.is_leak for f in found] == sorted((f.is_leak for f in found), reverse=True)
    leaks = [finding.text for finding in found if finding.is_leak]
    return leaks, [finding.text for finding in found if not finding.is_leak]


def people(count: int, first: int = 0, **person: Any) -> list[Sample]:
    numbers = range(first, first + count)
    return [sample(f"p{number:03d}", noise(number), **person) for number in numbers]


def test_a_sound_population_has_nothing_to_be_said_of(tmp_path: Path) -> None:
    levels = np.array([1, *[2] * 16], np.uint8)
    train = people(3, visibility=levels)
    assert said(tmp_path, train=train, test=people(2, 3, visibility=levels)) == ([], [])


def test_leaks_come_first_and_say_what_to_do(tmp_path: Path) -> None:
    train = [sample(n, noise(i), subject=f"s{i}", sequence="v") for i, n in enumerate("abcd")]
    test = [sample(n, noise(i), subject=f"s{i}", sequence="v") for i, n in enumerate("efgh")]
    leaks, _ = said(tmp_path, train=train, test=test)
    assert leaks == [
        "train and test share 4 subjects: s0, s1, s2 and 1 more. Assign each to one split, and "
        "import again.",
        "train and test share 1 sequence: v. Assign each to one split, and import again.",
        "test has 4 images near-identical to images of train, 4 of them byte by byte: such as e "
        "and a. Look at them, and keep each scene in one split.",
    ]


def test_duplicates_within_a_split_are_no_leak(tmp_path: Path) -> None:
    twins = [sample("a", noise(0)), sample("b", noise(0))]
    leaks, others = said(tmp_path, train=twins)
    assert leaks == []
    assert (
        "train has 2 images near-identical to another of its own, 2 of them byte by byte: such as "
        "a and b."
    ) in others


def test_frames_that_hardly_differ_are_told(tmp_path: Path) -> None:
    frames = [sample(name, noise(0), sequence="v") for name in "ab"]
    _, others = said(tmp_path, train=frames)
    assert (
        "train has 2 images near-identical to another frame of their sequence: they count for "
        "fewer than they are."
    ) in others


def test_what_is_wrong_with_the_labels_is_told(tmp_path: Path) -> None:
    levels = np.full(17, 2, np.uint8)
    levels[3] = 0
    outside = np.full((17, 2), 3.0, np.float32)
    made = people(3, visibility=levels, keypoints=outside)
    made += people(1, 3, visibility=np.zeros(17, np.uint8))
    _, others = said(tmp_path, test=made)
    assert others == [
        "Never labelled: left_ear. Metrics and losses know nothing of them.",
        "No keypoint is marked as hidden: occlusion is not known here.",
        "Without any labelled keypoint: 1 person.",
        "100.0% of the labelled keypoints lie outside their person's box: check the boxes.",
        "There is no split train, so the floor of the mean pose is not known.",
    ]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["supine"] * 60, "The same for everybody: posture 'supine'."),
        (["0.5"] * 60, "The same for everybody: posture 0.5."),
        (["supine"] * 59 + ["prone"], "posture has values below 2%: 'prone' 1.7%."),
        (["supine"] * 59 + [None], "posture is not given for 1 person."),
    ],
)
def test_what_is_out_of_balance_is_told(
    tmp_path: Path, values: list[str | None], text: str
) -> None:
    made = [
        sample(f"p{n}", noise(n), attributes={} if value is None else {"posture": value})
        for n, value in enumerate(values)
    ]
    assert text in said(tmp_path, train=made)[1]


def test_all_that_is_the_same_for_everybody_is_told_at_once(tmp_path: Path) -> None:
    made = people(2, attributes={"age": "newborn", "rate_hz": "12.5", "view": "above"})
    told = "The same for everybody: age 'newborn', rate_hz 12.5, view 'above'."
    assert told in said(tmp_path, train=made)[1]


def test_balanced_values_are_not_mentioned(tmp_path: Path) -> None:
    made = [
        sample(f"p{n}", noise(n), attributes={"posture": ("supine", "prone")[n % 2]})
        for n in range(50)
    ]
    assert not [text for text in said(tmp_path, train=made)[1] if "posture" in text]


def test_many_values_are_not_listed_one_by_one(tmp_path: Path) -> None:
    made = [sample(f"p{n}", noise(n), attributes={"room": f"room {n}"}) for n in range(60)]
    told = [text for text in said(tmp_path, train=made)[1] if "room" in text]
    assert len(told) == 1
    assert told[0].endswith("40 other values.")
