"""What a camera adds to a picture: white balance, blur, noise and compression."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from posebridge.synthesis.shading import linear_from_srgb, srgb_from_linear


@dataclass(frozen=True)
class Sensor:
    """A camera's flaws; the defaults add none but the rounding to 8 bits.

    Attributes:
        noise: standard deviation at full brightness, linear; it falls with the square root of the
            brightness to a quarter of this in the dark.
        blur_px: standard deviation of the defocus.
        motion_px: length of the motion blur.
        motion_angle_rad: its direction, from x towards y.
        jpeg_quality: 1 to 100; None for no compression.
        gain: factor on the linear brightness.
        white_balance: factors on linear red, green and blue.
        vignette: share of the light lost in the corners.
    """

    noise: float = 0.0
    blur_px: float = 0.0
    motion_px: float = 0.0
    motion_angle_rad: float = 0.0
    jpeg_quality: int | None = None
    gain: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a quality that JPEG does not have."""
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError(
                f"jpeg_quality must be in 1..100, but got {self.jpeg_quality}. "
                "Use None for no compression."
            )

    def apply(
        self, image: Float32[np.ndarray, "height width 3"], rng: np.random.Generator
    ) -> UInt8[np.ndarray, "height width 3"]:
        """Take the picture.

        Args:
            image: sRGB in [0, 1].
            rng: of the noise; the same state gives the same bytes.

        Returns:
            RGB, 8 bits a channel.
        """
        light = linear_from_srgb(image) * np.asarray(self.white_balance, np.float32)
        light = self._blurred(light * (np.float32(self.gain) * self._falloff(light)))
        if self.noise > 0.0:
            level = np.clip(light, 0.0, 1.0)
            deviation = self.noise * np.sqrt(level + 0.25**2)
            light = light + deviation * _grain(light.shape, rng)
        encoded = srgb_from_linear(np.clip(light, 0.0, 1.0))
        pixels = np.rint(255.0 * encoded).astype(np.uint8)
        return pixels if self.jpeg_quality is None else _compressed(pixels, self.jpeg_quality)

    def _falloff(
        self, light: Float32[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "height width 1"]:
        """Factor on each pixel: 1 in the centre, 1 - vignette in the corners."""
        y = np.linspace(-1.0, 1.0, light.shape[0], dtype=np.float32)[:, None, None]
        x = np.linspace(-1.0, 1.0, light.shape[1], dtype=np.float32)[None, :, None]
        return np.float32(1.0) - np.float32(0.5 * self.vignette) * (x * x + y * y)

    def _blurred(
        self, light: Float32[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "height width 3"]:
        if self.motion_px > 0.0:
            streak = _streak(self.motion_px, self.motion_angle_rad)
            light = cv2.filter2D(light, -1, streak).astype(np.float32)
        if self.blur_px > 0.0:
            light = cv2.GaussianBlur(light, (0, 0), self.blur_px).astype(np.float32)
        return light


def mild_sensor(rng: np.random.Generator) -> Sensor:
    """A decent camera by daylight: a little noise, light compression, any exposure."""
    return Sensor(
        noise=float(rng.uniform(0.005, 0.02)),
        jpeg_quality=int(rng.integers(80, 98)),
        gain=float(rng.uniform(0.7, 1.2)),
    )


def _streak(length_px: float, angle_rad: float) -> Float32[np.ndarray, "size size"]:
    """A line of this length through the centre of a kernel, spread over its pixels bilinearly."""
    half = int(np.ceil(0.5 * length_px)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    steps = 0.5 * length_px * np.linspace(-1.0, 1.0, 16 * half + 1)
    x, y = half + steps * np.cos(angle_rad), half + steps * np.sin(angle_rad)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (1.0 - np.abs(x - column - dx)) * (1.0 - np.abs(y - row - dy))
            np.add.at(kernel, (row + dy, column + dx), weight)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _grain(
    shape: tuple[int, ...], rng: np.random.Generator
) -> Float32[np.ndarray, "height width 3"]:
    """Noise of unit deviation, partly shared between neighbours as after demosaicing."""
    white = rng.standard_normal(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), 0.8)
    mixed = 0.7 * white + 0.9 * smooth
    return mixed / np.float32(0.9512)  # the deviation of the mixture


def _compressed(
    pixels: UInt8[np.ndarray, "height width 3"], quality: int
) -> UInt8[np.ndarray, "height width 3"]:
    """Through JPEG and back."""
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[..., ::-1])
