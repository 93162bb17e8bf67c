"""Cameras on infants: above, aslant from the feet as clinics film, or before those who sit.

Jahn et al. compare the two that movement assessment uses, and find that networks do better on
top-down pictures than on diagonal ones [0].

Sources:
    [0] Jahn et al., Comparison of marker-less 2D image-based methods for infant pose estimation,
        Scientific Reports 2025, https://arxiv.org/abs/2410.04980
"""

from dataclasses import dataclass

import numpy as np

from posebridge.synthesis.camera import Camera, Vector
from posebridge.synthesis.people import Figure
from posebridge.synthesis.scenes import HEIGHT_PX, WIDTH_PX, rolled_up, vector
from posebridge.synthesis.vectors import bounds

VIEWS = ("any", "top-down", "diagonal")
"""Where from: roughly above (for those who sit or stand, from the side), exactly above, or from
beyond the feet at about 45 degrees."""

_STEADY_RAD = 0.02


def check_view(view: str) -> None:
    """Refuse a name that is no view.

    Raises:
        ValueError: naming those that are.
    """
    if view not in VIEWS:
        raise ValueError(f"view must be one of {', '.join(VIEWS)}, but got {view!r}.")


@dataclass(frozen=True)
class Slant:
    """Directions of a camera.

    Attributes:
        tilt_deg: least and most, from straight above.
        azimuth_deg: from where on the ground, x towards y; infants face -90, feet or front.
        up: of the world, up in the picture before it is turned.
    """

    tilt_deg: tuple[float, float]
    azimuth_deg: tuple[float, float]
    up: Vector = (0.0, 0.0, 1.0)


DIAGONAL = Slant((36.0, 54.0), (-112.0, -68.0))
ABOVE = Slant((0.0, 3.0), (0.0, 360.0), up=(0.0, 1.0, 0.0))
BEFORE = Slant((35.0, 82.0), (-150.0, -30.0))


def overhead(
    rng: np.random.Generator, figure: Figure, *, spread_rad: float, rotation_deg: float
) -> tuple[Camera, float]:
    """A camera above one who lies, tilted by about `spread_rad`.

    Its distance does not depend on the turn: turning changes nothing else.

    Returns:
        The camera, and by how much it is turned, degrees.
    """
    turn, tilt, azimuth = rng.uniform(-1, 1), abs(rng.normal(0, 1)), rng.uniform(0, 2 * np.pi)
    fill, fov_deg = rng.uniform(0.85, 1.12), rng.uniform(38, 48)
    tilt_rad = min(tilt * spread_rad, 0.7)
    flat = float(np.linalg.norm(figure.skin[:, :2], axis=1).max())
    focal = HEIGHT_PX / 2 / np.tan(np.deg2rad(fov_deg) / 2)
    distance = focal * flat / (WIDTH_PX / 2 * fill) + 0.08
    target: Vector = (0.0, 0.0, 0.05)
    away = [np.sin(tilt_rad) * np.cos(azimuth), np.sin(tilt_rad) * np.sin(azimuth)]
    eye = vector(distance * np.array([*away, np.cos(tilt_rad)]) + target)
    turned_deg = float(turn * rotation_deg)
    up = rolled_up(eye, target, (0.0, 1.0, 0.0), turned_deg)
    return Camera(eye, target, up, float(fov_deg), HEIGHT_PX, WIDTH_PX), turned_deg


def aslant(
    rng: np.random.Generator, figure: Figure, slant: Slant, *, rotation_deg: float
) -> tuple[Camera, float]:
    """A camera that looks at the middle of a figure from somewhere in `slant`.

    Returns:
        The camera, and by how much it is turned, degrees.
    """
    turn, fill, fov_deg = rng.uniform(-1, 1), rng.uniform(0.85, 1.12), rng.uniform(38, 48)
    tilt = np.deg2rad(rng.uniform(*slant.tilt_deg))
    azimuth = np.deg2rad(rng.uniform(*slant.azimuth_deg))
    flat = np.sin(tilt) * np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    away = flat + [0.0, 0.0, np.cos(tilt)]
    low, high = bounds(figure.skin)
    target = vector((low + high) / 2.0)
    seen = figure.skin - np.asarray(target)
    towards = seen @ away
    across = float(np.linalg.norm(seen - towards[:, None] * away, axis=1).max())
    focal = HEIGHT_PX / 2 / np.tan(np.deg2rad(fov_deg) / 2)
    distance = focal * across / (WIDTH_PX / 2 * fill) + 0.5 * float(towards.max())
    eye = vector(distance * away + np.asarray(target))
    turned_deg = float(turn * rotation_deg)
    up = rolled_up(eye, target, slant.up, turned_deg)
    return Camera(eye, target, up, float(fov_deg), HEIGHT_PX, WIDTH_PX), turned_deg


def infant_camera(
    rng: np.random.Generator,
    figure: Figure,
    view: str,
    *,
    is_upright: bool,
    spread_rad: float,
    rotation_deg: float,
) -> tuple[Camera, float]:
    """The camera of a view.

    Args:
        rng: source of all randomness.
        figure: the infant on its bed.
        view: one of `VIEWS`.
        is_upright: whether it sits or stands.
        spread_rad: deviation of the tilt of a camera that is roughly above.
        rotation_deg: the picture is turned by up to this much to either side.

    Returns:
        The camera, and by how much it is turned, degrees.
    """
    if view == "diagonal":
        return aslant(rng, figure, DIAGONAL, rotation_deg=rotation_deg)
    if is_upright:
        slant = ABOVE if view == "top-down" else BEFORE
        return aslant(rng, figure, slant, rotation_deg=rotation_deg)
    steady = _STEADY_RAD if view == "top-down" else spread_rad
    return overhead(rng, figure, spread_rad=steady, rotation_deg=rotation_deg)
