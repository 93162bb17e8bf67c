from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from populations.toy import Toy
from posebridge.engine.artifacts import Store
from posebridge.engine.coco import ListedImage, Listing, PersonBox
from posebridge.engine.finished import finished_stages
from posebridge.engine.predict import LeftOut, Picture, Request, predict, requests
from posebridge.engine.predictors import Predictor, find_predictor, shipped
from posebridge.engine.train import deployed
from posebridge.engine.work import finish_population, make_shard, stage_path, train_stage
from posebridge.estimators.movenet import Lightning, Thunder
from posebridge.methods.supervised import Supervised
from posebridge.stages import Budget, Feed, Stage

PHOTO = Path(__file__).parents[1] / "golden" / "movenet" / "astronaut.png"
LEFT_EYE = 1

PUBLISHED = Stage("published", Supervised(), Lightning(), (), None, Budget(steps=0))
TOY = Toy(train=4, test=0)
TRAINED = Stage(
    "control",
    Supervised(learning_rate=1e-3),
    Lightning(),
    (Feed(TOY, "train", 2),),
    None,
    Budget(steps=1, threads=1),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """With two finished stages, one of them trained for a step."""
    uri = str(tmp_path_factory.mktemp("store"))
    make_shard(uri, TOY, "train", 0)
    finish_population(uri, TOY)
    for stage in (PUBLISHED, TRAINED):
        train_stage(uri, stage, False)
    return Store(uri)


@pytest.fixture(scope="module")
def lightning(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return find_predictor(Store(str(tmp_path_factory.mktemp("empty"))), "movenet-lightning")


def whole(path: Path, image_id: int = 1) -> Request:
    return Request(path, image_id, None)


def people_of(predictor: Predictor, request: Request) -> np.ndarray:
    """Keypoints [person, keypoint, 2] of one image."""
    (picture,) = predict(predictor, [request])
    assert isinstance(picture, Picture)
    return np.stack([guess.keypoints for guess in picture.people])


def test_shipped_estimators_have_the_name_they_were_published_under() -> None:
    assert shipped() == {"movenet-lightning": Lightning(), "movenet-thunder": Thunder()}


def test_a_shipped_estimator_finds_a_person_in_a_photograph(lightning: Predictor) -> None:
    (keypoints,) = people_of(lightning, whole(PHOTO))
    np.testing.assert_allclose(keypoints[LEFT_EYE], (90, 39), atol=6)


def test_a_whole_image_is_seen_exactly_as_it_is(lightning: Predictor) -> None:
    """The photograph has the size of the estimator's input: no crop, no margin."""
    pixels = cv2.cvtColor(cv2.imread(str(PHOTO)), cv2.COLOR_BGR2RGB)  # type: ignore[arg-type]
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    expected = lightning.method.predict(lightning.nets, images).keypoints[0]
    (keypoints,) = people_of(lightning, whole(PHOTO))
    np.testing.assert_allclose(keypoints, expected, atol=1e-3)


def test_keypoints_are_in_pixels_of_the_image_whatever_the_box(
    lightning: Predictor, tmp_path: Path
) -> None:
    """The photograph twice as large and pasted beside nothing: twice the place, plus the shift."""
    photo = cv2.imread(str(PHOTO))
    assert photo is not None
    canvas = np.full((500, 700, 3), 127, np.uint8)
    canvas[60:444, 200:584] = cv2.resize(photo, (384, 384), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(tmp_path / "wide.png"), canvas)
    # Grown by its padding of 1.25 the box is the photograph again.
    box = PersonBox((200 + 0.1 * 384, 60 + 0.1 * 384, 0.8 * 384, 0.8 * 384))
    (small,) = people_of(lightning, whole(PHOTO))
    (large,) = people_of(lightning, Request(tmp_path / "wide.png", 1, (box,)))
    np.testing.assert_allclose(large, 2 * small + (200, 60), atol=1.5)


def test_people_of_many_images_keep_their_order(lightning: Predictor, tmp_path: Path) -> None:
    """More images than are read at once, more people than are predicted at once."""
    boxes = tuple(PersonBox((4.0 * i, 10.0, 100.0, 120.0)) for i in range(4))
    asked = [Request(PHOTO, i, boxes[: 1 + i % 4]) for i in range(18)]
    pictures = list(predict(lightning, asked))
    alone = people_of(lightning, asked[3])
    for request, picture in zip(asked, pictures, strict=True):
        assert isinstance(picture, Picture)
        assert picture.request is request
        for row, guess in enumerate(picture.people):
            assert guess.box == boxes[row]
            np.testing.assert_allclose(guess.keypoints, alone[row], atol=1e-2)


def test_a_stage_is_found_by_the_beginning_of_its_key(store: Store) -> None:
    for stage in (PUBLISHED, TRAINED):
        found = find_predictor(store, stage.key()[:6])
        assert found.title.startswith(stage.key())


def test_a_restored_stage_predicts_what_it_learnt(store: Store, lightning: Predictor) -> None:
    weights = store.read(f"{stage_path(TRAINED)}/weights.safetensors")
    nets, _ = deployed(TRAINED, weights)
    trained = Predictor("by hand", TRAINED.method, nets, torch.device("cpu"))
    found = people_of(find_predictor(store, TRAINED.key()), whole(PHOTO))
    np.testing.assert_allclose(found, people_of(trained, whole(PHOTO)), atol=1e-3)
    assert np.abs(found - people_of(lightning, whole(PHOTO))).max() > 1e-2


def test_an_unknown_key_is_answered_with_what_there_is(store: Store) -> None:
    message = (
        r"a shipped estimator \(movenet-lightning, movenet-thunder\) .* 'nobody' begins none"
        r"(?s:.*)"
        rf"{TRAINED.key()}  control: Supervised of Lightning on toy, 1 steps, seed 0"
    )
    with pytest.raises(ValueError, match=message):
        find_predictor(store, "nobody")


def test_an_ambiguous_key_is_answered_with_its_candidates(store: Store) -> None:
    with pytest.raises(ValueError, match=r"'' begins 2 of them(?s:.*)published weights"):
        find_predictor(store, "")


def test_an_empty_store_has_no_finished_stage(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(no stage is finished\)"):
        find_predictor(Store(str(tmp_path)), "abc")


def test_an_unfinished_stage_is_not_listed(store: Store) -> None:
    store.write("stages/0000/manifest.json", b"{}")
    assert {one.key for one in finished_stages(store)} == {PUBLISHED.key(), TRAINED.key()}


def changed_copy(store: Store, folder: Path, **changes: object) -> Store:
    """A store with the trained stage, other fields in its manifest."""
    copy = Store(str(folder))
    path = stage_path(TRAINED)
    manifest = store.read_json(f"{path}/manifest.json")
    manifest["stage"] |= changes
    copy.write_json(f"{path}/manifest.json", manifest)
    copy.write(f"{path}/done", b"")
    return copy


def test_a_stage_of_another_version_is_refused(store: Store, tmp_path: Path) -> None:
    method = store.read_json(f"{stage_path(TRAINED)}/manifest.json")["stage"]["method"]
    copy = changed_copy(store, tmp_path, method=method | {"version": 99})
    with pytest.raises(ValueError, match=r"this was made by version 99: make it again"):
        find_predictor(copy, TRAINED.key())


def test_a_stage_of_an_unknown_class_is_refused(store: Store, tmp_path: Path) -> None:
    copy = changed_copy(store, tmp_path, architecture={"class": "posebridge.gone:Gone"})
    with pytest.raises(ValueError, match=r"posebridge\.gone:Gone must be a class that is inst"):
        find_predictor(copy, TRAINED.key())


def test_damaged_weights_are_refused(store: Store, tmp_path: Path) -> None:
    copy = changed_copy(store, tmp_path)
    weights = f"{stage_path(TRAINED)}/weights.safetensors"
    with pytest.raises(ValueError, match=r"but got FileNotFoundError\. Delete that folder"):
        find_predictor(copy, TRAINED.key())
    copy.write(weights, store.read(weights)[:1000])
    with pytest.raises(ValueError, match=r"but got SafetensorError\. Delete that folder"):
        find_predictor(copy, TRAINED.key())


def test_what_cannot_be_read_is_left_out_with_its_reason(
    lightning: Predictor, tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(PHOTO.read_bytes()[:2000])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.jpg").touch()
    names = ("none.jpg", "cut.png", "text.jpg", "empty.jpg")
    found = list(predict(lightning, [whole(tmp_path / name) for name in names] + [whole(PHOTO)]))
    left_out = {Path(one.name).name: one.reason for one in found if isinstance(one, LeftOut)}
    assert left_out.pop("none.jpg") == "missing image"
    assert set(left_out.values()) == {"undecodable image"}
    assert isinstance(found[-1], Picture)


def test_boxes_outside_their_image_are_left_out(lightning: Predictor) -> None:
    inside, outside = PersonBox((10, 10, 50, 50)), PersonBox((500, 10, 50, 50))
    left_out, picture = predict(lightning, [Request(PHOTO, 1, (inside, outside))])
    assert isinstance(left_out, LeftOut)
    assert left_out.reason == "box outside the image"
    assert isinstance(picture, Picture)
    assert [guess.box for guess in picture.people] == [inside]
    (nothing,) = predict(lightning, [Request(PHOTO, 1, (outside,))])
    assert isinstance(nothing, LeftOut)


def test_a_folder_stands_for_its_images_and_each_counts_once(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    asked, left_out = requests([tmp_path / "b.PNG", tmp_path], None)
    assert [(one.image_id, one.path.name, one.boxes) for one in asked] == [
        (1, "b.PNG", None),
        (2, "a.jpg", None),
    ]
    assert left_out == []


def test_images_take_the_ids_and_boxes_of_their_listing() -> None:
    box = PersonBox((0, 0, 1, 1))
    listing = Listing(
        Path("boxes.json"),
        (ListedImage(41, "a.png", (box,)), ListedImage(42, "b.png", ())),
        {},
    )
    asked, left_out = requests([Path(name) for name in ("x/a.png", "b.png", "c.png")], listing)
    assert [(one.image_id, one.boxes) for one in asked] == [(41, (box,))]
    assert [(one.name, one.reason) for one in left_out] == [
        ("b.png", "image without a usable box"),
        ("c.png", "image not in the file of boxes"),
    ]
    with pytest.raises(ValueError, match=r"'a\.png' in boxes\.json must mean one image, but fits"):
        requests([Path("x/a.png"), Path("y/a.png")], listing)
