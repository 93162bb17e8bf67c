from pathlib import Path

import cv2
import numpy as np
import pytest

from populations.card.made import noise, population, sample
from populations.card.test_facts import told_of
from populations.toy import Toy, make
from posebridge.populations.card.panels import visibility_rows
from posebridge.populations.card.samples import sample_people
from posebridge.populations.card.sheet import A4_INCHES, DPI, card_picture
from posebridge.populations.manifest import OpenPopulation, open_population
from posebridge.populations.people import Sample
from posebridge.skeletons import SAPIENS308


def drawn(opened: OpenPopulation) -> np.ndarray:
    content = card_picture(told_of(opened), sample_people(opened, 20))
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture)


@pytest.mark.slow
def test_a_card_is_a_page_of_a4_with_colour_on_it(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    picture = drawn(open_population(tmp_path))
    height, width = picture.shape[:2]
    assert abs(width - A4_INCHES[0] * DPI) <= 1
    assert abs(height - A4_INCHES[1] * DPI) <= 1
    for fifth in np.array_split(picture, 5):
        assert (fifth.max(-1).astype(int) - fifth.min(-1) > 60).any()


def unlabelled(name: str) -> Sample:
    return sample(name, noise(0), visibility=np.zeros(17, np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize(
    "splits",
    [
        {"test": [unlabelled("a")]},
        {"train": [sample("a", noise(0))], "test": []},
        {
            "train": [
                sample(f"p{n}", noise(n), attributes={f"a{k}": str(n) for k in range(20)})
                for n in range(30)
            ]
        },
    ],
    ids=["nobody labelled", "one person", "many attributes"],
)
def test_unusual_populations_are_drawn(tmp_path: Path, splits: dict[str, list[Sample]]) -> None:
    assert drawn(population(tmp_path, splits)).size


@pytest.mark.slow
def test_a_skeleton_of_many_keypoints_is_drawn_by_parts(tmp_path: Path) -> None:
    count = SAPIENS308.num_keypoints
    keypoints = np.random.default_rng(0).uniform(10, 40, (count, 2)).astype(np.float32)
    who = sample("a", noise(0), keypoints=keypoints, visibility=np.full(count, 2, np.uint8))
    made = population(tmp_path, {"train": [who]}, skeleton=SAPIENS308)
    assert drawn(made).size
    rows = visibility_rows(told_of(made))
    assert rows["wrist"] == (2, 0, 0)
    assert sum(seen for seen, _, _ in rows.values()) == count
