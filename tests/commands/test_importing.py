import json
import os
import sys
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from commands.asking_data import ask_data
from populations.importers.writing import (
    coco_json,
    person,
    picture,
    standing,
    triples,
    write_coco,
    write_folder,
    write_json,
    write_mini_rgbd,
)
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Failure
from posebridge.engine.importing.there import imported_populations
from posebridge.engine.work import open_in
from posebridge.populations.manifest import OpenPopulation
from posebridge.skeletons import COCO17


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "coco")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def bring(store: Path, *words: str | Path) -> tuple[int, str]:
    return ask_data("import", *words, "--debug", "--store", store)


def only(store: Path, name: str = "coco") -> OpenPopulation:
    there = Store(str(store))
    (found,) = [one for one in imported_populations(there) if one.name == name]
    return open_in(there, found)


def test_import_prints_the_line_to_paste(store: Path, coco: Path) -> None:
    status, printed = bring(store, "coco", coco)
    assert status == 0
    (population,) = imported_populations(Store(str(store)))
    assert f"PEOPLE = {population.declaration}" in printed
    assert "coco is imported: train 4, test 3 people with coco17's keypoints." in printed
    assert "Left out: nobody." in printed
    assert "listed 2 of 2 splits" in printed
    assert "imported 7 of 7 people" in printed
    assert "warning" not in printed


def test_import_again_reads_nothing(store: Path, coco: Path) -> None:
    first = bring(store, "coco", coco)[1]
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    status, printed = bring(store, "coco", coco)
    assert status == 0
    assert "importing" not in printed
    assert first.endswith(printed)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_parts_and_names_can_be_chosen(store: Path, coco: Path) -> None:
    bring(store, "coco", coco, "--name", "val", "--split", "test=val2017")
    assert dict(only(store, "val").manifest.splits).keys() == {"test"}
    bring(store, "coco", coco, "--name", "all", "--split", "train=train2017,val2017")
    assert only(store, "all").manifest.splits["train"].people == 7


def test_knobs_of_an_importer_can_be_set(store: Path, coco: Path) -> None:
    boxes = [{"image_id": 1001, "category_id": 1, "bbox": [9.0, 5.0, 40.0, 85.0], "score": 0.5}]
    write_json(coco / "boxes.json", boxes)
    words = ("--set", "detections=boxes.json", "--split", "test=val2017")
    assert bring(store, "coco", coco, *words)[0] == 0
    people = only(store).read_people("test", 0).to_pylist()
    assert people[0]["box"] == [9.0, 5.0, 40.0, 85.0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("cocoa", "."),
            r"must be one of coco, crowdpose, folder, .*but got 'cocoa'\. For any other",
        ),
        (("coco", ".", "--set", "detector=x"), r"no field 'detector', did you mean 'detections'"),
        (("coco", ".", "--set", "detections"), r"--set takes knob=value, but got 'detections'"),
        (
            ("coco", ".", "--split", "val=val2017"),
            r"one of train, validation, test, but got 'val=",
        ),
        (("coco", ".", "--split", "test=val"), r"coco has no part 'val', did you mean 'val2017'"),
        (("coco", ".", "--name", "My COCO"), r"name must be small letters, .*but got 'My COCO'"),
        (("coco", "nowhere"), r"must lie in a folder with files, but .*nowhere has none"),
    ],
)
def test_what_cannot_be_asked_is_answered(
    store: Path, coco: Path, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(coco)
    with pytest.raises(ValueError, match=message):
        bring(store, *words)


def test_exchanged_sides_are_warned_of(store: Path, tmp_path: Path) -> None:
    wrong = triples(standing()[list(COCO17.flip_order)])
    people = [person(i, i, keypoints=wrong) for i in range(25)]
    folder = write_folder(tmp_path / "mine", [picture(i) for i in range(25)], people)
    status, printed = bring(store, "folder", folder, "--name", "mine")
    assert status == 0
    assert "warning: left and right seem exchanged: 25 of 25 people" in printed


def test_what_is_left_out_is_said(store: Path, coco: Path) -> None:
    (coco / "train2017" / "000000000002.jpg").unlink()
    assert "Left out: missing image 1." in bring(store, "coco", coco)[1]
    assert "missing image 1" in ask_data("list", "--store", store)[1]


def test_list_shows_what_can_be_imported_and_what_was(store: Path, coco: Path) -> None:
    assert "mini-rgbd" in ask_data("list", "--store", store)[1]
    bring(store, "coco", coco)
    printed = ask_data("list", "--store", store)[1]
    assert only(store).manifest.fingerprint in printed
    assert "train 4, test 3" in printed
    assert "train=train2017" in printed


def test_show_draws_an_imported_population_by_its_name(store: Path, coco: Path) -> None:
    bring(store, "coco", coco)
    out = store / "contact.png"
    assert ask_data("show", "coco", "--store", store, "--people", "2", "--out", out)[0] == 0
    assert out.is_file()


def test_show_draws_keypoints_of_another_skeleton(store: Path, tmp_path: Path) -> None:
    bring(store, "mini-rgbd", write_mini_rgbd(tmp_path / "mini"))
    out = store / "contact.png"
    assert ask_data("show", "mini-rgbd", "--store", store, "--out", out)[0] == 0


def test_an_export_is_read_by_coco_s_own_tools(store: Path, coco: Path, tmp_path: Path) -> None:
    bring(store, "coco", coco)
    out = tmp_path / "out" / "x.json"
    status, printed = ask_data(
        "export", "coco", "--store", store, "--out", out, "--images", out.parent / "images"
    )
    assert status == 0
    assert "x.json: 3 people in 2 images of coco test" in printed.replace("\n", "")
    read = COCO(str(out))
    assert len(read.getImgIds()) == 2
    (one, *_) = read.loadAnns(read.getAnnIds())
    assert one["keypoints"] == triples(standing())
    assert one["area"] == 1700.5
    file = read.loadImgs(1)[0]["file_name"]
    original = (coco / "val2017" / "000000001001.jpg").read_bytes()
    assert (out.parent / "images" / file).read_bytes() == original
    assert [path.name for path in out.parent.glob(".*")] == []


@pytest.mark.parametrize("kind", ["coco", "mini-rgbd"])
def test_an_export_comes_back_as_it_was(store: Path, tmp_path: Path, kind: str) -> None:
    write = write_coco if kind == "coco" else write_mini_rgbd
    bring(store, kind, write(tmp_path / "data"))
    there = tmp_path / "again"
    for split in ("train", "test"):
        words = ("--out", there / f"{split}.json", "--images", there / split)
        ask_data("export", kind, "--store", store, "--split", split, *words)
    bring(store, "folder", there, "--name", "again")
    first, again = only(store, kind), only(store, "again")
    assert again.skeleton == first.skeleton
    for split in ("train", "test"):
        assert again.read_people(split, 0).to_pylist() == first.read_people(split, 0).to_pylist()
        images = [one.read_images(split, 0, ["image_id", "encoded"]) for one in (first, again)]
        assert images[0].to_pylist() == images[1].to_pylist()


def test_keypoints_of_their_own_names_come_back_too(store: Path, tmp_path: Path) -> None:
    about = {
        "id": 1,
        "name": "person",
        "keypoints": ["Head", "LHand", "RHand"],
        "skeleton": [[1, 2]],
    }
    hands = person(1, 1, keypoints=[30.0, 5.0, 2, 40.0, 30.0, 2, 20.0, 30.0, 1])
    folder = write_folder(tmp_path / "mine", [picture(1)], [hands], categories=[about])
    bring(store, "folder", folder, "--name", "mine")
    there = tmp_path / "again"
    ask_data("export", "mine", "--store", store, "--out", there / "test.json", "--images", there)
    bring(store, "folder", there, "--name", "again")
    assert only(store, "again").skeleton == only(store, "mine").skeleton


def test_an_export_of_a_split_that_is_not_there_leaves_nothing(store: Path, coco: Path) -> None:
    bring(store, "coco", coco)
    out = store / "x.json"
    with pytest.raises(
        ValueError, match=r"'coco' has the splits train, test, but got 'validation'"
    ):
        ask_data("export", "coco", "--store", store, "--split", "validation", "--out", out)
    assert not list(store.glob("*x.json*"))


def test_a_failure_leaves_what_is_done(
    store: Path, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "posebridge.commands.importing.execute_here", lambda tasks, *_: [Failure(tasks[0], "no")]
    )
    status, printed = bring(store, "coco", coco)
    assert status == 1
    assert "What is done is kept: mend the cause and run the same command again." in printed


@pytest.mark.slow
def test_import_runs_on_ray(store: Path, coco: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    status, printed = ask_data("import", "coco", coco, "--store", store)
    assert status == 0
    alone = store.with_name("alone")
    assert bring(alone, "coco", coco)[0] == 0
    assert only(store).manifest.fingerprint == only(alone).manifest.fingerprint
    assert "imported 7 of 7 people" in printed


@pytest.mark.slow
def test_import_says_on_ray_what_is_wrong(
    store: Path, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    write_json(coco / "annotations" / "person_keypoints_val2017.json", coco_json([picture(1)], []))
    status, printed = ask_data("import", "coco", coco, "--store", store)
    assert status == 1
    assert "Split 'test' (val2017) must have people with 17 keypoints" in printed.replace("\n", "")
    assert "What is done is kept" in printed


def test_a_picture_that_was_annotated_turned_is_left_out(store: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", [picture(i) for i in (1, 2)], [person(1, 1)])
    content = json.loads((folder / "babies.json").read_text())
    content["images"][0] |= {"height": 64, "width": 96}
    content["annotations"].append(person(2, 2))
    (folder / "babies.json").unlink()
    write_json(folder / "test.json", content)
    printed = bring(store, "folder", folder, "--name", "mine")[1]
    assert "mine is imported: test 1 people" in printed
    assert "Left out: image of another size than annotated 1." in printed
