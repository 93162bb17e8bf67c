import argparse
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from engine.watching import Witness
from posebridge.commands import predict
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import execute_here
from posebridge.engine.run import Plan
from posebridge.experiment import load_experiment, module_name

OWN = Path(__file__).parents[1] / "integration" / "own_experiment.py"
PHOTO = Path(__file__).parents[1] / "golden" / "movenet" / "astronaut.png"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("a.png", "b.png"):
        folder.mkdir(exist_ok=True)
        shutil.copy(PHOTO, folder / name)
    return folder


def run(tmp_path: Path, *words: str | Path) -> tuple[int, str]:
    """Exit status and what was printed; results go to `out`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default=str(tmp_path / "store"))
    predict.add_predict(parser)
    asked = ["--system", "movenet-lightning", "--out", tmp_path / "out", *words]
    printed = io.StringIO()
    status = predict.predict(
        parser.parse_args([str(word) for word in asked]), Console(file=printed, width=200)
    )
    return status, printed.getvalue()


def written(tmp_path: Path, name: str) -> Any:
    return json.loads((tmp_path / "out" / name).read_text())


def boxes(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    images = [{"id": 10, "file_name": "a.png"}, {"id": 11, "file_name": "b.png"}]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"images": images, "annotations": rows}))
    return path


def test_whole_images_become_results_a_listing_and_pictures(tmp_path: Path, photos: Path) -> None:
    status, printed = run(tmp_path, photos)
    assert status == 0
    assert f"2 people in 2 images: {tmp_path / 'out' / 'keypoints.json'}" in printed
    people = written(tmp_path, "keypoints.json")
    assert [one["image_id"] for one in people] == [1, 2]
    assert {len(one["keypoints"]) for one in people} == {51}
    assert people[0]["bbox"] == [0, 0, 192, 192]
    listed = written(tmp_path, "images.json")
    assert listed["images"][1] == {
        "id": 2,
        "file_name": str(photos / "b.png"),
        "height": 192,
        "width": 192,
    }
    for name in ("a.png", "b.png"):
        drawn = cv2.imread(str(tmp_path / "out" / "overlays" / name))
        assert drawn is not None
        assert drawn.shape == (384, 384, 3)


def test_boxes_give_a_result_each_under_the_ids_of_their_file(
    tmp_path: Path, photos: Path
) -> None:
    rows = [
        {"image_id": 11, "bbox": [20, 10, 120, 180], "score": 0.5},
        {"image_id": 11, "bbox": [0, 0, 100, 100]},
        {"image_id": 11, "bbox": [0, 0, 0, 100]},
    ]
    status, printed = run(tmp_path, photos, "--boxes", boxes(tmp_path, *rows), "--no-overlays")
    assert status == 0
    people = written(tmp_path, "keypoints.json")
    assert [(one["image_id"], one["bbox"]) for one in people] == [
        (11, [20, 10, 120, 180]),
        (11, [0, 0, 100, 100]),
    ]
    assert not (tmp_path / "out" / "overlays").exists()
    assert f"left out: image without a usable box 1: {photos / 'a.png'}" in printed
    assert "left out: box without area 1\n" in printed


def test_of_poses_that_are_nearly_the_same_the_surest_is_kept(
    tmp_path: Path, photos: Path
) -> None:
    """Two boxes of one person, and one of the background, where nobody is."""
    rows = [
        {"image_id": 11, "bbox": [20, 10, 120, 180], "score": 0.5},
        {"image_id": 11, "bbox": [21, 11, 120, 180], "score": 0.9},
        {"image_id": 11, "bbox": [150, 0, 40, 40], "score": 0.8},
    ]
    asked = (photos, "--boxes", boxes(tmp_path, *rows), "--no-overlays")
    run(tmp_path, *asked)
    plain = written(tmp_path, "keypoints.json")
    assert len(plain) == 3
    run(tmp_path, *asked, "--single-poses")
    kept = written(tmp_path, "keypoints.json")
    assert [one["bbox"][0] for one in kept] == [21, 150]
    assert kept[0]["keypoints"] == plain[1]["keypoints"]
    sure = [score for score in kept[0]["keypoint_scores"] if score > 0.2]
    assert kept[0]["score"] == pytest.approx(0.9 * sum(sure) / len(sure), abs=1e-5)


def test_single_poses_need_boxes(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(ValueError, match=r"needs a detector's boxes, but .* give them by --boxes"):
        run(tmp_path, photos, "--single-poses")


def test_the_mirror_image_is_asked_where_it_is_wanted(tmp_path: Path, photos: Path) -> None:
    found = []
    for words in ((), ("--flip-test", "plain"), ("--flip-test", "shifted")):
        run(tmp_path, photos / "a.png", "--no-overlays", *words)
        found.append(np.array(written(tmp_path, "keypoints.json")[0]["keypoints"]).reshape(17, 3))
    alone, plain, shifted = found
    # The face, which the photograph shows well, is found at nearly the same place by each.
    for one, other in ((plain, alone), (shifted, plain), (shifted, alone)):
        assert 0 < np.abs(one - other)[:5, :2].mean() < 2


def test_images_of_the_same_name_get_pictures_of_their_own(tmp_path: Path, photos: Path) -> None:
    shutil.copytree(photos, tmp_path / "more")
    run(tmp_path, photos, tmp_path / "more")
    names = {path.name for path in (tmp_path / "out" / "overlays").iterdir()}
    assert names == {"a.png", "b.png", "a-2.png", "b-2.png"}


def test_bad_images_are_passed_over_and_counted(tmp_path: Path, photos: Path) -> None:
    (photos / "a.png").write_bytes(b"no image")
    status, printed = run(tmp_path, photos, "none.jpg")
    assert status == 0
    assert len(written(tmp_path, "keypoints.json")) == 1
    assert f"left out: undecodable image 1: {photos / 'a.png'}" in printed
    assert "left out: missing image 1: none.jpg" in printed


def test_many_bad_images_are_named_by_the_first(tmp_path: Path) -> None:
    status, printed = run(tmp_path, *(f"{number}.png" for number in range(5)))
    assert status == 1
    assert "left out: missing image 5: 0.png, 1.png, 2.png, …" in printed
    assert "nothing could be predicted" in printed
    assert not (tmp_path / "out").exists()


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there must be images to predict, but .* holds none"):
        run(tmp_path, tmp_path)


def test_a_file_that_is_no_coco_file_is_refused(tmp_path: Path, photos: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"wrong\.json must be a COCO file .* but has a list"):
        run(tmp_path, photos, "--boxes", wrong)


def test_an_unknown_system_is_answered_with_those_there_are(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(ValueError, match=r"movenet-lightning, movenet-thunder.*'abc' begins none"):
        run(tmp_path, photos, "--system", "abc")


def test_a_stage_of_ones_own_classes_needs_the_file_that_defines_them(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(load_experiment(OWN), Store(str(tmp_path / "store")), streamed=False)
    warm = plan.experiment.systems[0].stage.chain()[0]
    execute_here([*plan.populations(), *plan.training(warm, "here")], plan.store, Witness())
    # As in another process.
    monkeypatch.delitem(sys.modules, module_name(OWN))
    with pytest.raises(ValueError, match=r"file that defines it \(--experiment own_experiment.py"):
        run(tmp_path, photos, "--system", warm.key())
    status, printed = run(tmp_path, photos, "--system", warm.key(), "--experiment", OWN)
    assert status == 0
    assert "Reach of Specked on specks" in printed
