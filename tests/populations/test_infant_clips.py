from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from posebridge.metrics.temporal import limb_length_variation
from posebridge.populations.base import SHARD_PEOPLE
from posebridge.populations.infant_clips import InfantClips
from posebridge.populations.manifest import open_population
from posebridge.populations.people import Sample

SHORT = InfantClips(test=12, seconds=1.0, frame_rate_hz=5.0)


@cache
def _sample(index: int, character: str = "fidgety") -> Sample:
    return replace(SHORT, character=character).render("test", index)


def test_four_clips_of_ten_seconds_are_the_default() -> None:
    usual = InfantClips()
    assert (usual.frames, usual.splits()) == (250, {"test": 1000})
    assert usual.num_shards("test") == -(-1000 // SHARD_PEOPLE)


def test_rows_say_which_clip_and_frame_they_are() -> None:
    names = [SHORT.sequence("test", number) for number in range(3)]
    for index in (0, 4, 5, 11):
        (person,) = _sample(index).people
        assert (person.sequence, person.frame) == (names[index // 5], index % 5)
        assert person.subject == person.sequence
        assert person.person_id == f"{person.image_id}-0"
        assert person.attributes["character"] == "fidgety"
        assert person.attributes["frame_rate_hz"] == "5"
    assert len({_sample(index).image.image_id for index in (0, 4, 5, 11)}) == 4


def test_a_still_infant_differs_in_nothing_but_the_grain() -> None:
    one, other = _sample(0, "absent"), _sample(4, "absent")
    assert one.image.encoded != other.image.encoded
    assert one.image.depth_png == other.image.depth_png
    np.testing.assert_array_equal(one.people[0].keypoints, other.people[0].keypoints)


def test_a_moving_infant_moves_and_keeps_its_bones() -> None:
    people = [_sample(index).people[0] for index in range(5)]
    points = np.array([person.keypoints_3d_mm for person in people])
    assert np.linalg.norm(np.diff(points, axis=0), axis=2).max() > 3.0
    known = np.ones(points.shape[:2], bool)
    arms_and_legs = [(7, 9), (8, 10), (13, 15), (14, 16)]
    assert limb_length_variation(points, known, arms_and_legs).value < 1e-3


def test_another_character_is_the_same_infant() -> None:
    still, moving = (_sample(0, c).people[0].attributes for c in ("absent", "writhing"))
    for name in ("skin_tone", "age", "light", "rotation_deg"):
        assert still[name] == moving[name]


def test_a_longer_clip_begins_with_the_shorter() -> None:
    longer = replace(SHORT, test=20, seconds=2.0)
    assert longer.render("test", 3).image.encoded == _sample(3).image.encoded
    assert longer.render("test", 3).image.image_id == _sample(3).image.image_id


def test_labels_show_the_knobs() -> None:
    assert SHORT.label == "infant-clips"
    assert InfantClips(character="absent", view="diagonal").label == "infant-clips absent diagonal"


@pytest.mark.slow
def test_clips_may_cross_shards_and_never_splits(tmp_path: object) -> None:
    clips = InfantClips(train=70, test=6, seconds=2.0, frame_rate_hz=20.0, character="absent")
    for split in clips.splits():
        for shard in range(clips.num_shards(split)):
            clips.make_shard(str(tmp_path), split, shard)
    clips.finish(str(tmp_path))
    opened = open_population(str(tmp_path))
    opened.verify()
    rows = [
        (row["sequence"], row["frame"])
        for shard in range(2)
        for row in opened.read_people("train", shard, ["sequence", "frame"]).to_pylist()
    ]
    expected = [(clips.sequence("train", i // 40), i % 40) for i in range(70)]
    assert rows == expected


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"character": "calm"}, "character must be one of writhing, fidgety, absent, but got 'ca"),
        ({"view": "below"}, "view must be one of any, top-down, diagonal, but got 'below'"),
        ({"seconds": 0.0}, "a clip must have at least one frame, but got self.seconds=0.0"),
        ({"frame_rate_hz": -1.0}, "at least one frame, but got .*Make it longer"),
    ],
)
def test_clips_that_are_none_are_refused(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InfantClips(**knobs)  # type: ignore[arg-type]
