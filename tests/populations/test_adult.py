from functools import cache

import cv2
import numpy as np

from posebridge.populations.adult import Adult
from posebridge.populations.crops import decode_image
from posebridge.populations.people import Sample
from posebridge.skeletons import COCO17


@cache
def _sample(index: int) -> Sample:
    return Adult().render("train", index)


def _map(encoded: bytes | None) -> np.ndarray:
    assert encoded is not None
    return np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED))


def test_the_embedded_sizes_are_those_of_the_design() -> None:
    assert Adult().splits() == {"train": 1500, "validation": 300, "test": 300}
    assert Adult.skeleton is COCO17
    assert Adult().label == "adult"


def test_the_same_index_gives_the_same_bytes() -> None:
    again = Adult(train=2, validation=0).render("train", 0)
    assert vars(again.image) == vars(_sample(0).image)
    np.testing.assert_array_equal(again.people[0].keypoints, _sample(0).people[0].keypoints)


def test_splits_indices_and_seeds_show_different_people() -> None:
    images = {
        _sample(0).image.encoded,
        _sample(1).image.encoded,
        Adult().render("test", 0).image.encoded,
        Adult(seed=1).render("train", 0).image.encoded,
    }
    assert len(images) == 4


def test_labels_lie_in_the_image_and_in_the_box() -> None:
    for index in range(4):
        person = _sample(index).people[0]
        labelled = person.keypoints[person.visibility > 0]
        left, top, width, height = person.box
        assert (labelled >= [max(left, 0), max(top, 0)]).all()
        assert (labelled <= [min(left + width, 192), min(top + height, 256)]).all()
        assert (person.keypoints[person.visibility == 0] == 0).all()
        assert person.visibility.max() == 2


def test_three_dimensional_keypoints_project_onto_the_labels() -> None:
    person = _sample(0).people[0]
    assert person.intrinsics is not None
    assert person.keypoints_3d_mm is not None
    fx, fy, cx, cy = person.intrinsics
    x, y, z = person.keypoints_3d_mm.T
    projected = np.stack([fx * x / z + cx, fy * y / z + cy], axis=1)
    labelled = person.visibility > 0
    np.testing.assert_allclose(projected[labelled], person.keypoints[labelled], atol=0.02)


def test_depth_agrees_with_the_keypoints_that_are_seen() -> None:
    """A seen keypoint lies behind the skin by less than the width of a trunk."""
    for index in range(4):
        sample = _sample(index)
        person = sample.people[0]
        depth, instance = _map(sample.image.depth_png), _map(sample.image.instance_png)
        assert depth.dtype == np.uint16
        assert person.keypoints_3d_mm is not None
        for point, visible, place in zip(
            person.keypoints, person.visibility, person.keypoints_3d_mm, strict=True
        ):
            if visible == 2:
                column, row = np.floor(point).astype(int)
                assert instance[row, column] == 1
                assert -40 < place[2] - depth[row, column] < 250


def test_maps_agree_with_each_other() -> None:
    image, person = _sample(1).image, _sample(1).people[0]
    instance, parts = _map(image.instance_png), _map(image.parts_png)
    normals = _map(image.normals_png)[..., ::-1] / 127.5 - 1
    shown = instance == 1
    assert person.area == shown.sum()
    assert (parts[~shown] == 255).all()
    assert parts[shown].max() < 14
    np.testing.assert_allclose(np.linalg.norm(normals[shown], axis=1), 1.0, atol=0.02)
    assert (normals[shown][:, 2] < 0).mean() > 0.98  # towards the camera, which looks along +z


def test_attributes_say_who_and_how() -> None:
    attributes = _sample(0).people[0].attributes
    names = {"age", "posture", "skin_tone", "light", "rotation_deg", "occlusion"}
    assert set(attributes) == names
    assert attributes["skin_tone"] in "12345"
    assert abs(float(attributes["rotation_deg"])) <= 30.0


def test_the_picture_is_sharp_enough_to_show_its_person() -> None:
    sample = _sample(2)
    pixels = decode_image(sample.image.encoded)
    assert pixels.shape == (256, 192, 3)
    assert pixels.std() > 15
