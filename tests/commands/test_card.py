import json
import re
from pathlib import Path

import cv2
import pytest

from commands.asking_data import ask_data
from populations.card.made import noise, population, sample
from populations.toy import Toy, make
from posebridge.engine.artifacts import Store
from posebridge.engine.work import population_path

pytestmark = pytest.mark.usefixtures("toy_is_known")


def run(*words: str | Path) -> tuple[int, str]:
    return ask_data("card", *words)


def made_toy(store: Path, **knobs: int) -> Toy:
    toy = Toy(**knobs)
    make(toy, str(store / population_path(toy)))
    return toy


@pytest.mark.slow
def test_a_card_is_a_page_a_picture_and_numbers(tmp_path: Path) -> None:
    made_toy(tmp_path)
    out = tmp_path / "here"
    status, printed = run("toy", "--store", tmp_path, "--out", out)
    assert status == 0
    assert printed.splitlines()[-1] == str(out / "card.html")
    assert "Never labelled: right_ankle." in printed
    assert "The same for everybody: light 'low', posture 'lying'." in printed
    assert sorted(path.name for path in out.iterdir()) == ["card.html", "card.json", "card.png"]
    told = json.loads((out / "card.json").read_text())
    assert (told["name"], told["fingerprint"]) == ("toy", Toy().fingerprint())
    assert cv2.imread(str(out / "card.png")) is not None
    assert Toy().fingerprint() in (out / "card.html").read_text()


@pytest.mark.slow
def test_knobs_choose_the_population_and_its_name_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made_toy(tmp_path)
    other = made_toy(tmp_path, train=2)
    run("toy", "--set", "train=2", "--store", tmp_path)
    name = f"toy-{other.fingerprint()}"
    told = json.loads((tmp_path / "cards" / name / "card.json").read_text())
    assert told["splits"][0]["images"] == 2


def imported(store: Path, *folders: str) -> None:
    """A population that is known only from its manifest, and leaks."""
    for folder in folders:
        splits = {"train": [sample("a", noise(0))], "test": [sample("b", noise(0), subject="a")]}
        population(store / "populations" / folder, splits)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["made", "made-0123456789ab"])
def test_an_imported_population_is_found_by_name(tmp_path: Path, name: str) -> None:
    imported(tmp_path, "made-0123456789ab")
    status, printed = run(name, "--store", tmp_path, "--out", tmp_path / "out")
    assert status == 0
    assert printed.startswith("train and test share 1 subject: a.")


@pytest.mark.slow
def test_leaks_are_an_error_only_where_asked(tmp_path: Path) -> None:
    imported(tmp_path, "made-0123456789ab")
    made_toy(tmp_path)
    where = ("--store", tmp_path, "--out", tmp_path / "out", "--strict")
    assert run("made", *where)[0] == 1
    assert (tmp_path / "out" / "card.html").is_file()
    assert run("toy", *where)[0] == 0


def test_one_of_several_is_named_in_full(tmp_path: Path) -> None:
    imported(tmp_path, "made-0123456789ab", "made-ba9876543210")
    message = r"'made' must be one population, but .* made-0123456789ab, made-ba9876543210\. Give"
    with pytest.raises(ValueError, match=message):
        run("made", "--store", tmp_path)


def test_what_is_not_in_the_store_is_answered_with_the_command_that_makes_it(
    tmp_path: Path,
) -> None:
    there = made_toy(tmp_path, train=2)
    expected = f"posebridge data make toy --set train=5 --store {tmp_path}"
    with pytest.raises(ValueError, match=re.escape(expected)) as raised:
        run("toy", "--set", "train=5", "--store", tmp_path)
    assert f"There are toy-{there.fingerprint()}: give one of these names." in str(raised.value)


def test_an_unknown_name_is_answered_with_what_there_is(tmp_path: Path) -> None:
    there = made_toy(tmp_path)
    message = rf"must be one of adult.* but got 'adlut'.* holds toy-{there.fingerprint()}\."
    with pytest.raises(ValueError, match=message):
        run("adlut", "--store", tmp_path)
    with pytest.raises(ValueError, match=r"holds no population\."):
        run("adlut", "--store", tmp_path / "empty")


def test_a_wrong_knob_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'train'"):
        run("toy", "--set", "trian=5", "--store", tmp_path)


def test_a_population_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    toy = Toy()
    toy.make_shard(Store(str(tmp_path)).path(population_path(toy)), "train", 0)
    with pytest.raises(ValueError, match="must have a manifest"):
        run("toy", "--store", tmp_path)
