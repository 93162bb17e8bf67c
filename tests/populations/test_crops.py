import dataclasses

import cv2
import numpy as np
import pytest

from populations.toy import png, toy_person
from posebridge.populations.crops import (
    CropSize,
    UndecodableImageError,
    apply_affine,
    compose,
    crop_from_image,
    decode_image,
    invert,
    look,
    person_view,
)
from posebridge.populations.people import Person
from posebridge.populations.views import UPRIGHT, ViewPolicy
from posebridge.skeletons import COCO17


def _image(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def _person_at(x: float, y: float, box: tuple[float, float, float, float]) -> Person:
    person = toy_person("someone", "image", np.random.default_rng(0))
    keypoints = person.keypoints.copy()
    keypoints[:] = x, y
    return dataclasses.replace(
        person,
        box=np.array(box, np.float32),
        keypoints=keypoints,
        visibility=np.full(17, 2, np.uint8),
    )


def test_the_crop_of_a_box_that_is_the_image_is_the_image_bit_for_bit() -> None:
    image = _image()
    matrix = crop_from_image((0, 0, 64, 48), 48, 64, padding=1.0)
    assert np.array_equal(look(image, matrix, 48, 64), image)


def test_a_shifted_crop_at_scale_one_cuts_pixels_out_and_is_grey_outside() -> None:
    image = _image()
    cut = look(image, crop_from_image((50, 40, 20, 20), 20, 20, padding=1.0), 20, 20)
    assert np.array_equal(cut[:8, :14], image[40:, 50:])
    assert (cut[8:] == 127).all()
    assert (cut[:, 14:] == 127).all()


def test_halving_averages_blocks_of_four_pixels() -> None:
    """In corner coordinates the centre of an output pixel falls between four input pixels."""
    image = _image()
    half = look(image, np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]), 24, 32)
    mean = image.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - mean).max() <= 0.5


def test_a_mirrored_look_is_the_image_read_backwards() -> None:
    image = _image()
    mirror = np.array([[-1.0, 0.0, 64.0], [0.0, 1.0, 0.0]])
    assert np.array_equal(look(image, mirror, 48, 64), image[:, ::-1])


def test_the_box_grows_to_the_aspect_of_the_crop_then_by_the_padding() -> None:
    """Box 20 × 40, crop 96 × 96: side 40, padded 50, so 96 / 50 = 1.92, centre to centre."""
    matrix = crop_from_image((30, 10, 20, 40), 96, 96)
    assert matrix[0, 0] == pytest.approx(1.92)
    assert matrix[1, 1] == pytest.approx(1.92)
    assert matrix @ [40, 30, 1] == pytest.approx([48, 48])
    wide = crop_from_image((0, 0, 100, 10), 256, 192, padding=1.0)
    assert wide @ [0, 5, 1] == pytest.approx([0, 128])


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (0, 0, 10, -1), (0, 0, float("nan"), 4)])
def test_a_box_without_area_has_no_crop(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="positive width and height, but got"):
        crop_from_image(box, 96, 96)


def test_a_crop_without_size_is_refused() -> None:
    with pytest.raises(ValueError, match="positive size and padding, but got height=0"):
        crop_from_image((0, 0, 5, 5), 0, 96)


@pytest.mark.parametrize(
    "policy",
    [
        UPRIGHT,
        ViewPolicy(rotation_deg=180.0),
        ViewPolicy(scale=(0.7, 1.3)),
        ViewPolicy(shear_deg=15.0),
        ViewPolicy(shift=0.1),
        ViewPolicy(flip=1.0),
        ViewPolicy(
            rotation_deg=180.0,
            scale=(0.7, 1.3),
            shift=0.1,
            shear_deg=15.0,
            flip=0.5,
            brightness=0.2,
        ),
    ],
)
def test_keypoints_follow_the_pixels(policy: ViewPolicy) -> None:
    rng = np.random.default_rng(7)
    for _ in range(10):
        centre = rng.uniform((70, 60), (130, 140))
        image = np.zeros((200, 200, 3), np.uint8)
        # A dot with a centre between pixels: sub-pixel drawing, corner to centre convention.
        at = tuple(int(v) for v in np.rint((centre - 0.5) * 16))
        cv2.circle(image, at, 4 * 16, (255, 255, 255), -1, cv2.LINE_AA, shift=4)
        person = _person_at(float(centre[0]), float(centre[1]), (50, 40, 100, 120))
        view = person_view(
            image, person, policy=policy, rng=rng, size=CropSize(96, 80), skeleton=COCO17
        )
        weight = (view.image[..., 0] > 150).astype(float)
        rows, columns = np.indices(weight.shape) + 0.5
        found = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
        assert view.visible.all()
        assert np.abs(view.keypoints - found).max() < 0.5


def test_canonical_from_view_leads_back_to_the_upright_crop() -> None:
    policy = ViewPolicy(rotation_deg=180.0, scale=(0.7, 1.3), shift=0.1, shear_deg=15.0, flip=1.0)
    image, size = _image(), CropSize(96, 80)
    person = toy_person("someone", "image", np.random.default_rng(2))
    rng = np.random.default_rng(3)
    upright = person_view(image, person, policy=UPRIGHT, rng=rng, size=size, skeleton=COCO17)
    view = person_view(image, person, policy=policy, rng=rng, size=size, skeleton=COCO17)
    assert np.linalg.det(view.canonical_from_view[:, :2]) < 0
    back = apply_affine(view.canonical_from_view, view.keypoints)
    assert np.allclose(back[list(COCO17.flip_order)], upright.keypoints, atol=1e-3)


def test_a_mirrored_view_swaps_left_and_right() -> None:
    image = _image()
    person = toy_person("someone", "image", np.random.default_rng(2))
    visibility = person.visibility.copy()
    left, right = COCO17.index("left_wrist"), COCO17.index("right_wrist")
    visibility[left] = 0
    person = dataclasses.replace(person, visibility=visibility)
    rng, size = np.random.default_rng(3), CropSize(80, 80, padding=1.6)
    upright = person_view(image, person, policy=UPRIGHT, rng=rng, size=size, skeleton=COCO17)
    mirrored = person_view(
        image, person, policy=ViewPolicy(flip=1.0), rng=rng, size=size, skeleton=COCO17
    )
    assert mirrored.visible[left]
    assert not mirrored.visible[right]
    assert mirrored.keypoints[left] == pytest.approx(
        [80 - upright.keypoints[right, 0], upright.keypoints[right, 1]]
    )
    # Weights between pixels may round to the other side.
    difference = mirrored.image.astype(int) - upright.image[:, ::-1]
    assert np.abs(difference).max() <= 1


def test_flipping_twice_is_the_identity() -> None:
    mirror = ViewPolicy(flip=1.0).sample(np.random.default_rng(0), 96, 80).view_from_crop
    assert np.array_equal(compose(mirror, mirror), [[1, 0, 0], [0, 1, 0]])
    order = np.array(COCO17.flip_order)
    assert np.array_equal(order[order], np.arange(17))


def test_a_keypoint_that_leaves_the_view_is_not_visible() -> None:
    image = _image(200, 200)
    person = _person_at(10, 10, (100, 100, 40, 40))
    view = person_view(
        image,
        person,
        policy=UPRIGHT,
        rng=np.random.default_rng(0),
        size=CropSize(64, 64),
        skeleton=COCO17,
    )
    assert not view.visible.any()


def test_a_view_changes_neither_the_image_nor_the_person() -> None:
    image = _image()
    person = toy_person("someone", "image", np.random.default_rng(2))
    before = image.copy(), person.keypoints.copy(), person.box.copy()
    policy = ViewPolicy(rotation_deg=90.0, flip=1.0, noise=0.1, brightness=0.5)
    person_view(
        image,
        person,
        policy=policy,
        rng=np.random.default_rng(0),
        size=CropSize(64, 64),
        skeleton=COCO17,
    )
    for was, now in zip(before, (image, person.keypoints, person.box), strict=True):
        assert np.array_equal(was, now)


def test_an_inverse_undoes_an_affine_map() -> None:
    matrix = np.array([[0.3, -1.2, 5.0], [0.9, 0.4, -7.0]])
    assert np.allclose(compose(invert(matrix), matrix), [[1, 0, 0], [0, 1, 0]])


def test_a_png_decodes_to_the_rgb_it_was() -> None:
    image = _image()
    assert np.array_equal(decode_image(png(image)), image)


def test_a_grey_image_decodes_to_three_equal_channels() -> None:
    encoded = cv2.imencode(".png", np.arange(12, dtype=np.uint8).reshape(3, 4))[1].tobytes()
    assert decode_image(encoded).shape == (3, 4, 3)


def test_bytes_that_are_no_whole_image_say_so() -> None:
    jpeg = cv2.imencode(".jpg", _image())[1].tobytes()
    for broken in (b"", b"not an image", jpeg[: len(jpeg) // 2], jpeg[:20]):
        with pytest.raises(
            UndecodableImageError, match=f"complete JPEG or PNG, but got {len(broken)}"
        ):
            decode_image(broken)
