import os
import re
import sys
from pathlib import Path

import cv2
import pytest

from commands.asking_data import ask_data
from populations.toy import Toy
from posebridge.commands import populations
from posebridge.engine.artifacts import Store
from posebridge.engine.work import population_path

pytestmark = pytest.mark.usefixtures("toy_is_known")


def make(store: Path, *words: str) -> tuple[int, str]:
    return ask_data("make", "toy", "--debug", "--store", store, *words)


def folder(store: Path, toy: Toy | None = None) -> Path:
    return store / population_path(toy or Toy())


def test_make_renders_where_experiments_look(tmp_path: Path) -> None:
    status, printed = make(tmp_path)
    assert status == 0
    assert (folder(tmp_path) / "manifest.json").is_file()
    assert "rendering 13 images" in printed
    assert re.search(r"rendered 13 of 13 images in \d+ s \(.*images/s\)", printed)
    assert "is made: 15 people (train 11, test 4)" in printed
    assert "left out: nobody" in printed


def test_make_again_renders_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    status, printed = make(tmp_path)
    assert status == 0
    assert "there already" in printed
    assert "rendering" not in printed
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_make_sets_knobs(tmp_path: Path) -> None:
    make(tmp_path, "--set", "train=2", "--set", "brightness=100")
    assert (folder(tmp_path, Toy(train=2, brightness=100)) / "manifest.json").is_file()


def test_make_prints_nothing_but_the_folder_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = make(tmp_path, "--folder")
    assert (status, printed) == (0, "")
    assert capsys.readouterr().out == f"{folder(tmp_path)}\n"


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_make_renders_a_damaged_shard_again(tmp_path: Path, harm: str) -> None:
    make(tmp_path)
    shard = folder(tmp_path) / "train" / "images-00000.parquet"
    whole = shard.read_bytes()
    if harm == "cut":
        shard.write_bytes(whole[: len(whole) // 2])
    else:
        shard.unlink()
    status, printed = make(tmp_path)
    assert status == 0
    assert "1 shards are damaged or gone" in printed
    assert "rendered 10 of 10 images" in printed
    assert shard.read_bytes() == whole


def test_make_writes_a_lost_manifest_again(tmp_path: Path) -> None:
    make(tmp_path)
    manifest = folder(tmp_path) / "manifest.json"
    content = manifest.read_bytes()
    manifest.write_bytes(content[:100])
    status, printed = make(tmp_path)
    assert status == 0
    assert "damaged" not in printed
    assert manifest.read_bytes() == content


@pytest.mark.slow
@pytest.mark.long
def test_make_renders_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # For the workers, which must find the toy.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    status, printed = ask_data("make", "toy", "--store", tmp_path, "--set", "train=130")
    assert status == 0
    assert "rendered 133 of 133 images" in printed


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train", r"--set takes knob=value, but got 'train'\."),
        ("trian=3", r"has the knobs seed, train, .*but got 'trian': did you mean 'train'\?"),
        ("train=2.5", r"knob 'train' must be a finite int such as 10, but got '2\.5'"),
        ("train=true", r"knob 'train' must be a finite int such as 10, but got 'true'"),
        ("train=-1", r"train must not be negative, but got train=-1"),
    ],
)
def test_make_refuses_a_wrong_knob(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path, "--set", setting)


def test_knobs_are_converted_to_the_type_of_their_field() -> None:
    rotated = populations.population("infant-real", ["rotation_deg=45", "rung=C1"])
    assert rotated.label == "infant-real C1 ±45°"
    with pytest.raises(ValueError, match=r"'rotation_deg' must be a finite float such as 180\.0"):
        populations.population("infant-real", ["rotation_deg=NaN"])


def test_a_population_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have at least one image, but 'toy' has train=0"):
        populations.population("toy", ["train=0", "test=0"])


def test_an_unknown_population_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be one of adult, .*but got 'adlut'"):
        ask_data("make", "adlut", "--store", tmp_path)


def test_make_says_what_failed_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(populations, "_render", lambda *_: [object()])
    (tmp_path / "x").touch()
    status, printed = make(tmp_path)
    assert status == 1
    assert "What is made is kept: mend the cause and run the same command again." in printed


def test_list_shows_what_is_known_and_what_is_there(tmp_path: Path) -> None:
    _, printed = ask_data("list", "--store", tmp_path)
    assert re.search(r"adult +│ train 1500, validation 300, test 300 +│ coco17 +│ Apache", printed)
    assert "Nothing is in the store" in printed
    make(tmp_path, "--set", "brightness=100")
    _, printed = ask_data("list", "--store", tmp_path)
    assert "brightness=100" in printed
    assert Toy(brightness=100).fingerprint() in printed
    assert re.search(r"train 11, test 4 +│ 0\.\d +│ nobody +│ complete", printed)


def test_list_shows_what_is_not_complete(tmp_path: Path) -> None:
    make(tmp_path)
    (folder(tmp_path) / "manifest.json").unlink()
    assert "unfinished, 2 shards made" in ask_data("list", "--store", tmp_path)[1]
    make(tmp_path)
    (folder(tmp_path) / "test" / "people-00000.parquet").unlink()
    assert "damaged: " in ask_data("list", "--store", tmp_path)[1]


def test_show_draws_people_and_prints_the_path(tmp_path: Path) -> None:
    make(tmp_path)
    out = tmp_path / "pictures" / "toy.png"
    status, printed = ask_data("show", "toy", "--store", tmp_path, "--people", "3", "--out", out)
    assert (status, printed.strip()) == (0, str(out))
    drawn = cv2.imread(str(out))
    assert drawn is not None
    assert drawn.shape == (384, 3 * 512, 3)


def test_show_leaves_people_as_they_are_where_nothing_is_to_be_drawn_in(tmp_path: Path) -> None:
    make(tmp_path)
    out = tmp_path / "bare.png"
    words = ("show", "toy", "--store", tmp_path, "--people", "3", "--columns", "2", "--out", out)
    ask_data(*words)
    annotated = cv2.imread(str(out))
    ask_data(*words, "--bare")
    bare = cv2.imread(str(out))
    assert annotated is not None
    assert bare is not None
    assert bare.shape == annotated.shape == (2 * 384, 2 * 512, 3)
    assert (bare != annotated).any()


def test_show_takes_a_split_that_there_is(tmp_path: Path) -> None:
    make(tmp_path, "--set", "test=0")
    words = ("show", "toy", "--set", "test=0", "--store", tmp_path)
    assert ask_data(*words, "--out", tmp_path / "a.jpg")[0] == 0
    with pytest.raises(ValueError, match=r"has the splits train, but got 'test'"):
        ask_data(*words, "--split", "test")


def test_show_names_the_command_that_makes_what_is_missing(tmp_path: Path) -> None:
    expected = f"posebridge data make toy --set train=5 --store {tmp_path}"
    with pytest.raises(ValueError, match=re.escape(expected)):
        ask_data("show", "toy", "--set", "train=5", "--store", tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--people", "0"], r"--people must be at least 1, but got 0"),
        (["--columns", "0"], r"--columns must be at least 1, but got 0"),
        (["--out", "a.gif"], r"a picture must end with \.png, \.jpg, \.jpeg, but got 'a\.gif'"),
    ],
)
def test_show_refuses_what_it_cannot_draw(tmp_path: Path, words: list[str], message: str) -> None:
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        ask_data("show", "toy", "--store", tmp_path, *words)


def test_a_store_may_be_named_before_or_after_the_action(tmp_path: Path) -> None:
    make(tmp_path)
    assert ask_data("--store", tmp_path, "list") == ask_data("list", "--store", tmp_path)
    assert Store(str(tmp_path)).children("populations")
