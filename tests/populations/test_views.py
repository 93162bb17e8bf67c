import dataclasses
from typing import Any

import numpy as np
import pytest

from posebridge.populations.views import UPRIGHT, ViewPolicy, apply_colour

WILD = ViewPolicy(
    rotation_deg=180.0,
    scale=(0.6, 1.4),
    shift=0.2,
    shear_deg=20.0,
    flip=0.5,
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    noise=0.1,
    blur_px=1.5,
)


def test_the_default_policy_is_exactly_the_crop_itself() -> None:
    sample = UPRIGHT.sample(np.random.default_rng(0), 96, 72)
    assert np.array_equal(sample.view_from_crop, [[1, 0, 0], [0, 1, 0]])
    image = np.full((4, 4, 3), 77, np.uint8)
    assert apply_colour(image, sample) is image


def test_the_centre_of_the_crop_stays_in_place_without_a_shift() -> None:
    policy = dataclasses.replace(WILD, shift=0.0)
    for seed in range(20):
        matrix = policy.sample(np.random.default_rng(seed), 96, 72).view_from_crop
        assert np.allclose(matrix @ [36, 48, 1], [36, 48])


def test_a_quarter_turn_is_clockwise_on_the_screen() -> None:
    """At exactly 90° clockwise, what is right of the centre comes below it: (+1, 0) → (0, +1)."""
    policy = ViewPolicy(rotation_deg=90.0)

    class Highest(np.random.Generator):
        def random(self, *_: object, **__: object) -> np.ndarray:  # type: ignore[override]
            return np.ones(12)

    matrix = policy.sample(Highest(np.random.PCG64(0)), 100, 100).view_from_crop
    assert np.allclose(matrix @ [51, 50, 1], [50, 51])


def test_a_mirror_maps_x_to_width_minus_x() -> None:
    sample = ViewPolicy(flip=1.0).sample(np.random.default_rng(0), 96, 72)
    assert sample.flipped
    assert np.array_equal(sample.view_from_crop @ [10, 5, 1], [62, 5])


def test_draws_stay_within_their_ranges() -> None:
    rng = np.random.default_rng(1)
    policy = dataclasses.replace(WILD, flip=0.0, shear_deg=0.0)
    for _ in range(300):
        sample = policy.sample(rng, 100, 100)
        scale = np.sqrt(np.linalg.det(sample.view_from_crop[:, :2]))
        shift = sample.view_from_crop @ [50, 50, 1] - 50
        assert 0.6 <= scale <= 1.4
        assert np.abs(shift).max() <= 20
        for factor in (sample.brightness, sample.contrast, sample.saturation):
            assert 0.6 <= factor <= 1.4
        assert 0 <= sample.noise <= 0.1
        assert 0 <= sample.blur_px <= 1.5


def test_changing_one_range_leaves_the_other_draws_alone() -> None:
    narrow = dataclasses.replace(WILD, rotation_deg=0.0, flip=0.0)
    rngs = [np.random.default_rng(3), np.random.default_rng(3)]
    first = [WILD.sample(rngs[0], 64, 64) for _ in range(5)][-1]
    second = [narrow.sample(rngs[1], 64, 64) for _ in range(5)][-1]
    for name in ("brightness", "contrast", "saturation", "noise", "blur_px", "noise_seed"):
        assert getattr(first, name) == getattr(second, name)


def test_the_same_generator_gives_the_same_view() -> None:
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    samples = [WILD.sample(np.random.default_rng(4), 32, 32) for _ in range(2)]
    assert np.array_equal(samples[0].view_from_crop, samples[1].view_from_crop)
    assert np.array_equal(apply_colour(image, samples[0]), apply_colour(image, samples[1]))


def _coloured(image: np.ndarray, **changes: Any) -> np.ndarray:  # noqa: ANN401 - any field
    sample = UPRIGHT.sample(np.random.default_rng(0), *image.shape[:2])
    return apply_colour(image, dataclasses.replace(sample, **changes))


def test_colours_follow_their_formulas() -> None:
    """By hand on (200, 100, 50), grey = 0.299·200 + 0.587·100 + 0.114·50 = 124.2.

    Brightness 0.5 halves: (100, 50, 25). Saturation 0: grey.
    Contrast 0.5: 127.5 + 0.5·(v − 127.5) = (163.75, 113.75, 88.75).
    """
    image = np.tile(np.array([200, 100, 50], np.uint8), (4, 4, 1))
    assert _coloured(image, brightness=0.5)[0, 0].tolist() == [100, 50, 25]
    assert _coloured(image, contrast=0.5)[0, 0].tolist() == [164, 114, 89]
    assert _coloured(image, saturation=0.0)[0, 0].tolist() == [124, 124, 124]
    assert _coloured(image, brightness=1.9)[0, 0].tolist() == [255, 190, 95]


def test_noise_has_the_strength_it_says_and_no_bias() -> None:
    image = np.full((200, 200, 3), 128, np.uint8)
    noise = _coloured(image, noise=0.05).astype(float) - 128
    assert abs(noise.mean()) < 0.1
    assert noise.std() == pytest.approx(0.05 * 255, rel=0.02)


def test_blur_spreads_a_line_by_its_deviation() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[:, 20] = 255
    blurred = _coloured(image, blur_px=2.0)[..., 0].astype(float)
    xs = np.arange(41) - 20
    assert np.sqrt((blurred.sum(axis=0) * xs**2).sum() / blurred.sum()) == pytest.approx(
        2, abs=0.1
    )


def test_the_image_that_is_coloured_is_not_changed() -> None:
    image = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    before = image.copy()
    _coloured(image, brightness=0.7, contrast=1.2, saturation=0.5, noise=0.1, blur_px=1.0)
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rotation_deg", -1.0, r"rotation_deg must not be negative .* got rotation_deg=-1.0"),
        ("rotation_deg", 200.0, r"must not exceed 180"),
        ("shift", -0.1, r"shift must not be negative and must be finite"),
        ("shift", float("inf"), r"must be finite"),
        ("noise", float("nan"), r"noise must not be negative"),
        ("flip", 1.5, r"flip .* must not exceed 1"),
        ("brightness", 1.2, r"brightness .* must not exceed 1"),
        ("shear_deg", 45.0, r"shear_deg .* must not exceed 45"),
        ("blur_px", -2.0, r"blur_px must not be negative"),
        ("scale", (0.0, 1.0), r"0 < low <= high, but got scale=\(0.0, 1.0\)"),
        ("scale", (1.2, 0.8), r"0 < low <= high"),
    ],
)
def test_ranges_that_cannot_be_drawn_from_are_refused(
    field: str, value: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ViewPolicy(**{field: value})  # type: ignore[arg-type]
