"""Views: random geometry and colour of one look at a crop.

A `ViewPolicy` says how far a view may stray from the upright crop, a `ViewSample` is one draw.
Every draw consumes the same random numbers whatever the policy is, so that changing one range
leaves the others' draws alone.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

# The largest shear for which shearing both axes at once is still invertible is just under this.
_SHEAR_LIMIT_DEG = 45.0
_GREY = 127.5
# Weights of red, green and blue in luma, ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114])


def _normal_quantiles() -> Float64[np.ndarray, "256"]:
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf((level + 0.5) / 256.0) for level in range(256)])
    return np.asarray(quantiles / quantiles.std())


# Noise in 256 equally likely steps costs a tenth of drawing real normal numbers, and pixels have
# no more levels.
_QUANTILES = _normal_quantiles()


def _check_range(name: str, value: float, limit: float) -> None:
    if not 0.0 <= value <= limit or math.isinf(value):
        upper = "be finite" if math.isinf(limit) else f"not exceed {limit:g}"
        raise ValueError(
            f"{name} must not be negative and must {upper}, but got {name}={value}. "
            "Give the half-width of the range; 0 turns it off."
        )


@dataclass(frozen=True)
class ViewSample:
    """One draw of a view.

    Attributes:
        view_from_crop: affine matrix, crop pixels to view pixels; includes the mirror when
            `flipped`.
        flipped: whether the view is mirrored left to right.
        brightness: factor on the pixel values.
        contrast: factor on the distance from mid-grey.
        saturation: factor on the distance from the pixel's own grey.
        noise: standard deviation of Gaussian noise, as a share of the full range.
        blur_px: standard deviation of the Gaussian blur, px.
        noise_seed: seeds the noise.
    """

    view_from_crop: Float64[np.ndarray, "2 3"]
    flipped: bool
    brightness: float
    contrast: float
    saturation: float
    noise: float
    blur_px: float
    noise_seed: int


@dataclass(frozen=True)
class ViewPolicy:
    """The ranges that views are drawn from, all uniform; the default is the upright crop itself.

    The geometry is about the centre of the crop: shear, then scale, then rotation, then shift,
    then the mirror.

    Attributes:
        rotation_deg: rotation in ±this, clockwise as seen on screen.
        scale: lowest and highest magnification, the same for both axes.
        shift: shift in ±this share of the side, for each axis.
        shear_deg: shear in ±this, for each axis.
        flip: probability of a left-right mirror.
        brightness: factor on pixel values in 1 ± this.
        contrast: factor on the distance from mid-grey in 1 ± this.
        saturation: factor on the distance from the pixel's own grey in 1 ± this.
        noise: standard deviation of Gaussian noise in [0, this], as a share of the full range.
        blur_px: standard deviation of Gaussian blur in [0, this], px of the view.
    """

    rotation_deg: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    shear_deg: float = 0.0
    flip: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    noise: float = 0.0
    blur_px: float = 0.0

    def __post_init__(self) -> None:
        """Refuse ranges that cannot be drawn from.

        Raises:
            ValueError: if a range is negative, not finite or above its limit, or a scale is not
                positive and ordered.
        """
        _check_range("rotation_deg", self.rotation_deg, 180.0)
        _check_range("shift", self.shift, math.inf)
        _check_range("flip", self.flip, 1.0)
        for name in ("brightness", "contrast", "saturation", "noise"):
            _check_range(name, getattr(self, name), 1.0)
        _check_range("blur_px", self.blur_px, math.inf)
        _check_range("shear_deg", self.shear_deg, math.nextafter(_SHEAR_LIMIT_DEG, 0.0))
        low, high = self.scale
        if not 0.0 < low <= high < math.inf:
            raise ValueError(
                f"scale must be (low, high) with 0 < low <= high, but got scale={self.scale}. "
                "Use (1.0, 1.0) for no scaling."
            )

    def sample(self, rng: np.random.Generator, height: int, width: int) -> ViewSample:
        """Draw one view of a crop.

        Args:
            rng: consumed by the same amount whatever the policy.
            height: of the crop and the view, px.
            width: of the crop and the view, px.

        Returns:
            The draw; with the default policy its matrix is exactly the identity.
        """
        draws = rng.random(12)
        noise_seed = int(rng.integers(2**63))
        signed = (2.0 * draws - 1.0).tolist()
        low, high = self.scale
        linear = _linear_part(
            math.radians(signed[0] * self.rotation_deg),
            low + (high - low) * float(draws[1]),
            (math.radians(signed[2] * self.shear_deg), math.radians(signed[3] * self.shear_deg)),
        )
        flipped = bool(draws[6] < self.flip)
        shift = np.array([signed[4] * self.shift * width, signed[5] * self.shift * height])
        return ViewSample(
            view_from_crop=_about_centre(linear, shift, width, height, flipped=flipped),
            flipped=flipped,
            brightness=1.0 + signed[7] * self.brightness,
            contrast=1.0 + signed[8] * self.contrast,
            saturation=1.0 + signed[9] * self.saturation,
            noise=float(draws[10]) * self.noise,
            blur_px=float(draws[11]) * self.blur_px,
            noise_seed=noise_seed,
        )


UPRIGHT = ViewPolicy()


def apply_colour(
    image: UInt8[np.ndarray, "height width 3"], sample: ViewSample
) -> UInt8[np.ndarray, "height width 3"]:
    """The image with the colours, blur and noise of a view.

    Saturation, contrast, brightness, blur and noise, in this order, rounded and clipped to 0…255
    after each of the three kinds of step.

    Args:
        image: RGB, not changed.
        sample: what to apply.

    Returns:
        A new image, or `image` itself where there is nothing to do.
    """
    result = image
    if sample.saturation != 1.0:
        matrix = sample.saturation * np.eye(3) + (1.0 - sample.saturation) * np.tile(_LUMA, (3, 1))
        result = _as_rgb(cv2.transform(result, matrix))
    if sample.contrast != 1.0 or sample.brightness != 1.0:
        curve = ((np.arange(256) - _GREY) * sample.contrast + _GREY) * sample.brightness
        table = np.clip(np.rint(curve), 0, 255).astype(np.uint8)
        result = _as_rgb(cv2.LUT(result, table))
    if sample.blur_px > 0.0:
        result = _as_rgb(cv2.GaussianBlur(result, (0, 0), sample.blur_px))
    if sample.noise > 0.0:
        levels = np.rint(255.0 * sample.noise * _QUANTILES).astype(np.int16)
        bits = np.frombuffer(np.random.default_rng(sample.noise_seed).bytes(result.size), np.uint8)
        noise = cv2.LUT(bits.reshape(result.shape), levels)
        result = _as_rgb(cv2.add(result, noise, dtype=cv2.CV_8U))
    return result


def _linear_part(
    rotation_rad: float, scale: float, shear_rad: tuple[float, float]
) -> Float64[np.ndarray, "2 2"]:
    cosine, sine = math.cos(rotation_rad), math.sin(rotation_rad)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    shear = np.array([[1.0, math.tan(shear_rad[0])], [math.tan(shear_rad[1]), 1.0]])
    return np.asarray(scale * (rotation @ shear))


def _about_centre(
    linear: Float64[np.ndarray, "2 2"],
    shift_px: Float64[np.ndarray, "2"],
    width: int,
    height: int,
    *,
    flipped: bool,
) -> Float64[np.ndarray, "2 3"]:
    centre = np.array([width / 2.0, height / 2.0])
    matrix = np.column_stack([linear, centre + shift_px - linear @ centre])
    if flipped:
        # x → W − x
        matrix[0] = -matrix[0]
        matrix[0, 2] += width
    return matrix


def _as_rgb(array: object) -> UInt8[np.ndarray, "height width 3"]:
    # OpenCV's stubs give its arrays any type of element.
    return np.asarray(array, dtype=np.uint8)
