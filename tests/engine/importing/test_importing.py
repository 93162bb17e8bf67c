import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.importing.asking import asked, bring
from engine.watching import Witness
from populations.importers.writing import (
    coco_json,
    person,
    picture,
    standing,
    triples,
    write_coco,
    write_folder,
    write_human36m,
    write_image,
    write_json,
    write_lsp,
    write_mini_rgbd,
    write_surreal,
    write_syrip,
)
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import execute_here
from posebridge.engine.importing import work
from posebridge.engine.importing.outcome import forget_damaged, outcome
from posebridge.engine.importing.places import work_path
from posebridge.engine.importing.tasks import index_tasks, shard_tasks
from posebridge.engine.importing.there import imported_populations, require_imported
from posebridge.engine.work import open_in
from posebridge.populations.checks import MISSING_IMAGE, WRONG_KEYPOINT_COUNT
from posebridge.populations.files import move
from posebridge.populations.importers import index
from posebridge.populations.importers.base import Importer
from posebridge.populations.importers.coco import CocoKeypoints
from posebridge.populations.importers.folder import FolderOfImages
from posebridge.populations.importers.human36m import Human36M
from posebridge.populations.importers.lsp import LeedsSports
from posebridge.populations.importers.mini_rgbd import MiniRgbd
from posebridge.populations.importers.source import Source, SourceError
from posebridge.populations.importers.surreal import Surreal
from posebridge.populations.importers.syrip import Syrip
from posebridge.populations.manifest import ManifestError
from posebridge.skeletons import COCO17


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "coco")


def test_a_data_set_becomes_a_population(store: Store, coco: Path) -> None:
    done = bring(store, asked(coco))
    assert done.population.splits() == {"train": 4, "test": 3}
    opened = open_in(store, done.population)
    opened.verify()
    assert opened.manifest.licence == CocoKeypoints.licence
    assert opened.manifest.splits["train"].images == 3
    assert opened.manifest.knobs["splits"] == {"train": ["train2017"], "test": ["val2017"]}
    table, rejected = opened.read_shard("test", 0)
    assert not rejected
    assert table["encoded"][0].as_py() == (coco / "val2017/000000001001.jpg").read_bytes()


@pytest.mark.parametrize(
    ("importer", "write", "sizes"),
    [
        (MiniRgbd(), write_mini_rgbd, {"train": 2, "test": 2}),
        (Syrip(), write_syrip, {"train": 3, "test": 2}),
        (Surreal(), write_surreal, {"train": 2, "test": 2}),
        (LeedsSports(), write_lsp, {"train": 2, "test": 1}),
        (Human36M(), write_human36m, {"train": 2, "test": 2}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_data_set_passes_every_check(
    store: Store, tmp_path: Path, importer: Importer, write: Any, sizes: dict[str, int]
) -> None:
    done = bring(store, asked(write(tmp_path / "data"), importer))
    assert done.population.splits() == sizes
    assert done.warning == ""
    left_out = dict(done.manifest.rejected)
    # The test writes three of LSP's images.
    assert left_out.pop(MISSING_IMAGE, 0) == (1997 if importer.name == "lsp" else 0)
    assert left_out == {}
    open_in(store, done.population).verify()


def test_nothing_but_markers_is_left_of_the_work(store: Store, coco: Path) -> None:
    request = asked(coco)
    bring(store, request)
    folder = Path(store.path(work_path(request)))
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {
        "done.json",
        *("index/train.json", "index/test.json"),
        *("made/train-00000.json", "made/test-00000.json"),
    }


def test_the_content_decides_the_address_and_nothing_else(
    store: Store, coco: Path, tmp_path: Path
) -> None:
    elsewhere = Path(shutil.copytree(coco, tmp_path / "elsewhere"))
    first, again = bring(store, asked(coco)), bring(store, asked(elsewhere))
    assert asked(coco).key() != asked(elsewhere).key()
    assert first.population == again.population
    assert len(store.children("populations")) == 1


@pytest.mark.parametrize("change", ["pixels", "label", "split"])
def test_any_other_content_has_another_address(store: Store, coco: Path, change: str) -> None:
    first = bring(store, asked(coco))
    changes: dict[str, Any] = {}
    if change == "pixels":
        write_image(coco / "val2017" / "000000001001.jpg", seed=77)
    elif change == "label":
        file = coco / "annotations" / "person_keypoints_val2017.json"
        file.write_text(file.read_text().replace("1700.5", "1700.25", 1))
    else:
        changes = {"splits": (("train", ("val2017",)), ("test", ("train2017",)))}
    other = bring(store, asked(coco, **changes))
    assert other.population.content != first.population.content
    assert len(imported_populations(store)) == 2


def test_shards_are_cut_by_images_and_by_bytes(
    store: Store, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SHARD_IMAGES", 2)
    done = bring(store, asked(coco, name="two"))
    assert len(done.manifest.splits["train"].shards) == 2
    monkeypatch.setattr(index, "SHARD_BYTES", 1)
    done = bring(store, asked(coco, name="one"))
    assert len(done.manifest.splits["train"].shards) == 3
    assert done.population.train == 4


def test_a_killed_import_goes_on(
    store: Store, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped before its last shard, and again while its files move."""
    monkeypatch.setattr(index, "SHARD_IMAGES", 1)
    undisturbed = bring(Store(f"{store.uri}-other"), asked(coco)).population
    request = asked(coco)
    execute_here(index_tasks(store, request), store, Witness())
    *shards, finish = shard_tasks(store, request)
    execute_here(shards[:-1], store, Witness())
    assert outcome(store, request) is None
    forget_damaged(store, request)
    moved: list[str] = []

    def stop_after_two(source: str, target: str) -> None:
        if len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(target)
        move(source, target)

    with monkeypatch.context() as stopped:
        stopped.setattr(work, "move", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            execute_here([*shards, finish], store, Witness())
    forget_damaged(store, request)
    before = {path: Path(path).stat().st_mtime_ns for path in moved}
    assert bring(store, request).population == undisturbed
    assert {path: Path(path).stat().st_mtime_ns for path in moved} == before


def test_a_shard_that_is_gone_is_made_again(store: Store, coco: Path) -> None:
    request = asked(coco)
    execute_here(index_tasks(store, request), store, Witness())
    shards = shard_tasks(store, request)[:-1]
    execute_here(shards, store, Witness())
    Path(store.path(work_path(request), "train", "images-00000.parquet")).unlink()
    forget_damaged(store, request)
    assert bring(store, request).population.train == 4


def test_a_population_that_was_damaged_is_imported_again(store: Store, coco: Path) -> None:
    request = asked(coco)
    population = bring(store, request).population
    folder = Path(store.path("populations", f"coco-{population.content}"))
    (folder / "test" / "people-00000.parquet").write_bytes(b"x")
    assert outcome(store, request) is None
    forget_damaged(store, request)
    assert bring(store, request).population == population


def test_a_task_that_comes_too_late_does_nothing(store: Store, coco: Path) -> None:
    """Another driver may still hold tasks of an import that was finished meanwhile."""
    request = asked(coco)
    execute_here(index_tasks(store, request), store, Witness())
    late = [*index_tasks(store, request), *shard_tasks(store, request)]
    done = bring(store, request)
    for task in late:
        task.function(*task.arguments)
    assert outcome(store, request) == done


def test_a_changed_file_is_another_request(coco: Path) -> None:
    before = asked(coco).key()
    assert asked(coco).key() == before
    (coco / "train2017" / "new.jpg").touch()
    assert asked(coco).key() != before


def test_people_without_their_image_are_counted(store: Store, coco: Path) -> None:
    (coco / "train2017" / "000000000001.jpg").unlink()
    done = bring(store, asked(coco))
    assert done.population.train == 2
    assert done.manifest.rejected == {MISSING_IMAGE: 2}


def test_a_data_set_without_its_images_is_refused(store: Store, coco: Path) -> None:
    shutil.rmtree(coco / "train2017")
    with pytest.raises(
        SourceError,
        match=r"images must lie below .*, but none of 3 is there, such as train2017/000000000001\."
        r"jpg\. It must lie there as: annotations/person_keypoints",
    ):
        bring(store, asked(coco))


def write_train(coco: Path, *annotations: dict[str, Any]) -> None:
    path = coco / "annotations" / "person_keypoints_train2017.json"
    write_json(path, coco_json([picture(1), picture(2)], annotations))


def test_wrong_people_are_counted_by_reason(store: Store, coco: Path) -> None:
    outside = standing()
    outside[0] = (500, 5)
    write_train(
        coco,
        person(1, 1),
        person(2, 1, bbox=[100.0, 5.0, 10.0, 10.0]),
        person(3, 1, keypoints=triples(outside)),
        person(4, 1, keypoints=triples(standing())[:42]),
        person(5, 1, bbox=[1.0, 1.0, 0.0, 5.0]),
        person(1, 2),
    )
    assert bring(store, asked(coco)).manifest.rejected == {
        "box outside the image": 1,
        "labelled keypoint outside the image": 1,
        "wrong number of keypoints": 1,
        "box without area": 1,
        "duplicate person id": 1,
    }


def test_a_split_with_nobody_listed_is_refused(store: Store, coco: Path) -> None:
    write_train(coco, person(1, 1, iscrowd=1))
    with pytest.raises(
        SourceError,
        match=r"Split 'train' \(train2017\) must have people with 17 keypoints \(coco17\), but "
        r"nobody can be used; left out: annotation of a crowd 1\. Give --split other parts",
    ):
        bring(store, asked(coco))


def test_a_split_of_other_keypoints_is_refused(store: Store, coco: Path) -> None:
    write_train(coco, person(1, 1, keypoints=triples(standing())[:42]))
    with pytest.raises(
        SourceError, match=rf"nobody can be used; left out: .*{WRONG_KEYPOINT_COUNT} 1"
    ):
        bring(store, asked(coco))


def test_a_subject_in_two_splits_is_refused(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("train", "test"):
        images = [picture(i, file_name=f"{name}{i}.jpg", subject="anna") for i in range(2)]
        write_folder(folder, images, [person(i, i) for i in range(2)])
        (folder / "babies.json").rename(folder / f"{name}.json")
    with pytest.raises(ManifestError, match=r"disjoint by subject, but .* share 1: anna\. Assign"):
        bring(store, asked(folder, FolderOfImages()))


def test_exchanged_sides_are_warned_of(store: Store, tmp_path: Path) -> None:
    wrong = triples(standing()[list(COCO17.flip_order)])
    images = [picture(i) for i in range(40)]
    people = [person(i, i, keypoints=wrong) for i in range(40)]
    done = bring(store, asked(write_folder(tmp_path / "mine", images, people), FolderOfImages()))
    assert "left and right seem exchanged: 40 of 40 people" in done.warning
    assert done.population.train == 24


def test_keypoints_of_their_own_names_are_kept(store: Store, tmp_path: Path) -> None:
    names = ["head", "left_hand", "right_hand"]
    about = {"id": 1, "name": "person", "keypoints": names, "skeleton": [[1, 2]]}
    people = [person(1, 1, keypoints=[30.0, 5.0, 2, 40.0, 30.0, 2, 20.0, 30.0, 1])]
    folder = write_folder(tmp_path / "mine", [picture(1)], people, categories=[about])
    opened = open_in(store, bring(store, asked(folder, FolderOfImages())).population)
    assert opened.skeleton.keypoints == tuple(names)
    assert opened.skeleton.flip_pairs == ((1, 2),)
    assert opened.read_people("test", 0)["visibility"][0].as_py() == [2, 2, 1]


def test_what_is_declared_must_be_there(store: Store, coco: Path) -> None:
    population = bring(store, asked(coco)).population
    require_imported(store, population)
    other = Store(f"{store.uri}-empty")
    with pytest.raises(
        ValueError,
        match=r"'coco' must be in the store .*, but is not: import it first \(posebridge data "
        r"import KIND FOLDER --name coco --store .*-empty\)\.",
    ):
        require_imported(other, population)


def test_what_is_declared_must_be_what_was_imported(store: Store, coco: Path) -> None:
    population = bring(store, asked(coco)).population
    with pytest.raises(
        ValueError, match=r"declared as it was imported, .*Paste this line: Imported"
    ):
        require_imported(store, replace(population, train=3))
    with pytest.raises(
        ValueError,
        match=rf"other people are there under that name\..*paste .*{population.content}",
    ):
        require_imported(store, replace(population, content="0" * 12))


def test_a_broken_json_of_one_split_says_so(store: Store, coco: Path) -> None:
    path = coco / "annotations" / "person_keypoints_val2017.json"
    path.write_text(path.read_text()[:-30])
    with pytest.raises(SourceError, match=r"person_keypoints_val2017\.json in .* complete json"):
        bring(store, asked(coco))


def test_the_state_of_a_folder_knows_every_file(coco: Path) -> None:
    state = Source(str(coco)).state()
    file = coco / "train2017" / "000000000001.jpg"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"x")
    assert len(content) == file.stat().st_size
    assert Source(str(coco)).state() != state
