import numpy as np
import pytest
from numpy.typing import NDArray

from posebridge.synthesis.sensor import Sensor


def _picture(height: int = 40, width: int = 60) -> NDArray[np.float32]:
    coarse = np.random.default_rng(0).uniform(0.2, 0.8, (height // 10, width // 10, 3))
    return np.kron(coarse, np.ones((10, 10, 1))).astype(np.float32)


def _grey(level: float = 0.5) -> NDArray[np.float32]:
    return np.full((64, 64, 3), level, np.float32)


def _taken(sensor: Sensor, image: NDArray[np.float32], seed: int = 0) -> NDArray[np.float64]:
    return sensor.apply(image, np.random.default_rng(seed)).astype(np.float64)


def test_a_sensor_without_flaws_only_rounds() -> None:
    assert np.abs(_taken(Sensor(), _picture()) - 255 * _picture()).max() <= 0.51


def test_the_best_jpeg_is_nearly_the_picture() -> None:
    """Of a grey picture; JPEG halves the resolution of colours at any quality."""
    grey = np.repeat(_picture()[..., :1], 3, axis=2)
    assert np.abs(_taken(Sensor(jpeg_quality=100), grey) - 255 * grey).mean() < 1.0


def test_the_same_state_gives_the_same_bytes() -> None:
    sensor = Sensor(noise=0.05, blur_px=0.7, motion_px=3.0, jpeg_quality=60, vignette=0.3)
    np.testing.assert_array_equal(_taken(sensor, _picture()), _taken(sensor, _picture()))
    assert (_taken(sensor, _picture()) != _taken(sensor, _picture(), seed=1)).any()


def test_the_picture_is_left_alone() -> None:
    image = _picture()
    _taken(Sensor(noise=0.1, gain=0.5, blur_px=1.0), image)
    np.testing.assert_array_equal(image, _picture())


def test_gain_acts_on_linear_light() -> None:
    """An sRGB value of 0.5 is linear 0.214; half of that encodes to 0.3608."""
    assert _taken(Sensor(gain=0.5), _grey()).mean() == pytest.approx(255 * 0.3608, abs=0.6)


def test_white_balance_tints() -> None:
    red, green, blue = _taken(Sensor(white_balance=(1.3, 1.0, 0.7)), _grey()).mean(axis=(0, 1))
    assert red > green > blue


def test_the_vignette_darkens_the_corners_by_its_share_and_not_the_centre() -> None:
    """Linear 0.214 less 40 % encodes to 0.3936."""
    picture = _taken(Sensor(vignette=0.4), np.full((65, 65, 3), 0.5, np.float32))
    assert picture[32, 32, 0] == pytest.approx(127.5, abs=0.6)
    assert picture[0, 0, 0] == pytest.approx(255 * 0.3936, abs=0.6)


def test_noise_has_its_deviation_in_linear_light_and_is_shared_by_neighbours() -> None:
    """At linear 0.214 the deviation is 0.02 · sqrt(0.214 + 1/16) = 0.01052; slope of sRGB 1.13."""
    noise = (_taken(Sensor(noise=0.02), np.full((200, 200, 3), 0.5, np.float32)) - 127.5) / 255
    slope = 1.055 / 2.4 * 0.214 ** (1 / 2.4 - 1)
    assert noise.std() == pytest.approx(0.01052 * slope, rel=0.05)
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.2


def test_motion_blurs_along_its_direction_only() -> None:
    image = np.zeros((31, 31, 3), np.float32)
    image[15, 15] = 1.0
    lit = _taken(Sensor(motion_px=8.0, motion_angle_rad=0.0), image)[..., 0] > 40
    assert np.argwhere(lit)[:, 0].tolist() == [15] * int(lit.sum())
    assert 7 <= lit.sum() <= 9


def test_blur_keeps_the_light() -> None:
    image = np.zeros((31, 31, 3), np.float32)
    image[10:20, 10:20] = 0.8
    blurred = _taken(Sensor(blur_px=1.5), image) / 255
    assert (blurred**2.2).sum() == pytest.approx((image.astype(np.float64) ** 2.2).sum(), rel=0.05)
    assert blurred.max() <= 0.81


def test_a_quality_that_jpeg_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"jpeg_quality must be in 1\.\.100, but got 0"):
        Sensor(jpeg_quality=0)
