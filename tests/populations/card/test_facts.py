import json
from pathlib import Path

import numpy as np
import pytest

from populations.card.made import noise, population, sample
from populations.toy import Toy, make
from posebridge.populations.card.contents import read_contents
from posebridge.populations.card.facts import Facts, as_json, facts
from posebridge.populations.manifest import OpenPopulation, open_population
from posebridge.populations.people import Sample


def told_of(opened: OpenPopulation) -> Facts:
    return facts(read_contents(opened, lambda count: None))


def test_the_facts_of_a_small_population(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    opened = open_population(tmp_path)
    told = told_of(opened)
    assert (told.name, told.skeleton, told.licence) == ("toy", "coco17", "CC0")
    assert told.fingerprint == Toy().fingerprint()
    assert told.content_hash == opened.manifest.content_hash
    assert told.knobs["brightness"] == 255
    train, test = told.splits
    assert (train.split, train.people, train.images, train.subjects) == ("train", 11, 10, 11)
    assert (test.split, test.people, test.images, test.sequences) == ("test", 4, 3, 0)
    assert (told.people, told.images) == (15, 13)
    assert told.known == {
        **{"depth_png": 0, "normals_png": 0, "parts_png": 0, "instance_png": 0},
        "keypoints_3d_mm": 0,
    }
    assert told.sizes.crowds == {"1": 11, "2": 2}
    assert told.visibility[16].not_labelled == 15
    assert told.shared == ()
    assert told.duplicates == ()


def test_reading_tells_how_many_images_were_looked_at(tmp_path: Path) -> None:
    make(Toy(train=70), str(tmp_path))
    seen: list[int] = []
    read_contents(open_population(tmp_path), seen.append)
    assert seen == [64, 6, 3]


def test_facts_are_json_without_nan_and_the_same_again(tmp_path: Path) -> None:
    made = population(tmp_path, {"test": [sample("a", noise(0))]})
    told = as_json(told_of(made))
    text = json.dumps(told, allow_nan=False, sort_keys=True)
    assert told["format"] == 1
    assert told["floors"][0]["mean_pose"] is None
    assert told["splits"][0]["people"] == 1
    assert json.dumps(as_json(told_of(made)), sort_keys=True) == text


def test_leaks_are_found_whatever_made_the_population(tmp_path: Path) -> None:
    made = population(
        tmp_path,
        {
            "train": [
                sample("a", noise(0), subject="anna", sequence="one"),
                sample("b", noise(1), subject="bert"),
            ],
            "test": [
                sample("c", noise(0), subject="anna", sequence="one"),
                sample("d", noise(2), subject="carl"),
            ],
        },
    )
    told = told_of(made)
    assert (told.subjects, told.sequences) == (3, 1)
    assert [(s.kind, s.names) for s in told.shared] == [
        ("subjects", ("anna",)),
        ("sequences", ("one",)),
    ]
    (like,) = told.duplicates
    assert (like.split, like.of, like.near, like.exact) == ("test", "train", 1, 1)


def test_whoever_is_left_out_is_counted_in_their_split(tmp_path: Path) -> None:
    wild = sample("b", noise(1), keypoints=np.full((17, 2), 900.0, np.float32))
    broken = sample("c", noise(2))
    broken = Sample(type(broken.image)("c", 48, 64, b"no image"), broken.people)
    made = population(tmp_path, {"train": [sample("a", noise(0)), wild, broken]})
    (split,) = told_of(made).splits
    assert split.people == 2
    assert split.left_out == {
        "labelled keypoint outside the image": 1,
        "image without people": 1,
        "undecodable image": 1,
    }


def test_a_population_of_nobody_has_no_card(tmp_path: Path) -> None:
    wild = sample("b", noise(1), keypoints=np.full((17, 2), 900.0, np.float32))
    made = population(tmp_path, {"train": [wild]})
    with pytest.raises(ValueError, match=r"a card needs at least one person, but .*'made'.*none"):
        told_of(made)
