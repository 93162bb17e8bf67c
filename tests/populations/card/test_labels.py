from pathlib import Path

import numpy as np

from populations.card.made import noise, population, sample
from populations.toy import Toy, make
from posebridge.populations.card.labels import joined, read_labels
from posebridge.populations.manifest import open_population


def test_the_labels_are_those_of_the_people(tmp_path: Path) -> None:
    make(Toy(train=70), str(tmp_path))
    labels = read_labels(open_population(tmp_path), "train")
    people = [person for index in range(70) for person in Toy().render("train", index).people]
    assert len(labels) == len(people) == 71
    np.testing.assert_array_equal(labels.keypoints, [p.keypoints for p in people])
    np.testing.assert_array_equal(labels.visibility, [p.visibility for p in people])
    np.testing.assert_array_equal(labels.boxes, [p.box for p in people])
    np.testing.assert_array_equal(labels.image_sizes, [(64.0, 48.0)] * 71)
    assert labels.subjects == {p.subject for p in people}
    assert sorted(labels.people_in.values()) == [1] * 69 + [2]
    assert labels.attributes == {"posture": {"lying": 71}, "light": {"low": 71}}
    assert (labels.known_3d, labels.sequences) == (0, frozenset())


def test_what_is_known_of_some_people_is_counted(tmp_path: Path) -> None:
    solid = np.ones((17, 3), np.float32)
    made = population(
        tmp_path,
        {
            "train": [
                sample("a", noise(0), sequence="walk", keypoints_3d_mm=solid),
                sample("b", noise(1), sequence="walk", attributes={"age": "old"}),
                sample("c", noise(2), subject=""),
            ]
        },
    )
    labels = read_labels(made, "train")
    assert labels.sequence_of == {"a": "walk", "b": "walk"}
    assert labels.subjects == {"a", "b"}
    assert labels.attributes == {"age": {"old": 1}}
    assert labels.known_3d == 1


def test_labels_of_nobody_have_the_shape_of_the_skeleton() -> None:
    nobody = joined([], 17)
    assert len(nobody) == 0
    assert nobody.keypoints.shape == (0, 17, 2)
    assert nobody.labelled.shape == (0, 17)


def test_joined_splits_hold_everybody(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    opened = open_population(tmp_path)
    train, test = (read_labels(opened, split) for split in ("train", "test"))
    both = joined([train, test], 17)
    assert len(both) == len(train) + len(test)
    assert both.subjects == train.subjects | test.subjects
    assert both.attributes["light"] == {"low": len(both)}
    np.testing.assert_array_equal(both.boxes[len(train) :], test.boxes)
