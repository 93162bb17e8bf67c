import argparse
import io
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from populations.toy import Toy, make
from posebridge.commands.clip import add_clip, clip
from posebridge.populations.contact_sheet import TILE_HEIGHT_PX, contact_sheet
from posebridge.populations.film import film, sequences
from posebridge.populations.manifest import OpenPopulation, open_population
from posebridge.populations.people import Sample

FRAMES = 10


@dataclass(frozen=True)
class ToyClips(Toy):
    """Noise in clips of ten frames, at 20 frames/s."""

    train: int = 30
    test: int = 10

    def render(self, split: str, index: int) -> Sample:
        taken = super().render(split, index)
        name = f"clip-{split}-{index // FRAMES}"
        people = [
            replace(
                person, sequence=name, frame=index % FRAMES, attributes={"frame_rate_hz": "20"}
            )
            for person in taken.people
        ]
        return replace(taken, people=tuple(people[:1]))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> OpenPopulation:
    folder = tmp_path_factory.mktemp("clips")
    make(ToyClips(), str(folder))
    return open_population(folder)


def run(population: OpenPopulation, *words: str | Path) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    add_clip(parser)
    printed = io.StringIO()
    asked = parser.parse_args([str(word) for word in words])
    return clip(asked, Console(file=printed, width=200), find=lambda _: population), (
        printed.getvalue()
    )


def test_a_video_has_every_frame_at_its_rate(clips: OpenPopulation, tmp_path: Path) -> None:
    out = tmp_path / "made" / "clip.mp4"
    assert run(clips, "--out", out) == (0, f"{out}\n")
    video = cv2.VideoCapture(str(out))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    assert len(frames) == FRAMES
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(20)
    assert frames[0].shape == (TILE_HEIGHT_PX, 512, 3)


def test_an_animation_has_fewer_frames_and_lasts_as_long(
    clips: OpenPopulation, tmp_path: Path
) -> None:
    run(clips, "--out", tmp_path / "clip.gif")
    read, animation = cv2.imreadanimation(str(tmp_path / "clip.gif"))
    assert read
    assert len(animation.frames) == FRAMES // 2
    assert sum(animation.durations) == pytest.approx(1000 * FRAMES / 20, abs=50)


def test_a_strip_has_eight_frames_from_the_first_to_the_last(
    clips: OpenPopulation, tmp_path: Path
) -> None:
    run(clips, "--out", tmp_path / "clip.png", "--split", "train", "--sequence", "clip-train-2")
    drawn = cv2.imread(str(tmp_path / "clip.png"))
    assert drawn is not None
    assert drawn.shape == (TILE_HEIGHT_PX, 8 * 512, 3)
    found = film(clips, "train", "2")
    np.testing.assert_array_equal(drawn[:, :512], found.frame(0))
    np.testing.assert_array_equal(drawn[:, -512:], found.frame(FRAMES - 1))


def test_frames_come_in_order_with_a_trail_behind_them(clips: OpenPopulation) -> None:
    found = film(clips, "train", "1")
    assert [person.frame for person in found.people] == list(range(FRAMES))
    assert sequences(clips, "train") == [f"clip-train-{i}" for i in range(3)]
    alone = replace(found, people=found.people[5:6], encoded=found.encoded[5:6])
    assert (found.frame(5) != alone.frame(0)).any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "clip.avi"], r"a clip must end with \.mp4, \.gif, \.png, but got 'clip\.avi'"),
        (
            ["--sequence", "7"],
            "must be a name or a number of a clip, but got '7': split 'test' of "
            "'toy' has 1 clips, clip-test-0 to clip-test-0",
        ),
        (["--split", "night"], "has the splits train, test, but got 'night'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    clips: OpenPopulation, words: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(clips, *words)


def test_single_images_are_no_clips(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    with pytest.raises(ValueError, match="split 'train' of 'toy' has single images"):
        film(open_population(tmp_path), "train", "0")


def test_a_contact_sheet_shows_clips_from_first_to_last(clips: OpenPopulation) -> None:
    drawn = contact_sheet(clips, "train", count=3)
    for tile, index in enumerate((0, 10, 20)):
        found = film(clips, "train", str(index // FRAMES))
        plain = replace(found, people=found.people[:1], encoded=found.encoded[:1]).frame(0)
        at = drawn[:, 512 * tile : 512 * (tile + 1)]
        assert np.abs(at.astype(int) - plain).mean() < 1  # but for the trail's own dots
