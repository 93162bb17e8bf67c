"""Cameras that hold a whole body, exactly as large in the picture as asked for."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.camera import Camera
from posebridge.synthesis.scenes import HEIGHT_PX, WIDTH_PX, rolled_up, vector
from posebridge.synthesis.vectors import bounds


@dataclass(frozen=True)
class View:
    """From where somebody who faces -y is seen, and how large.

    Attributes:
        azimuth_deg: 0 from the front (-y), positive from +x.
        elevation_deg: of the camera over the body.
        roll_deg: the camera is turned by this much; positive turns the picture clockwise.
        fov_deg: full opening angle from the top edge to the bottom edge.
        fill: share of the picture's width or height that the body takes, whichever is reached
            first.
        height_px: of the picture.
        width_px: of the picture.
    """

    azimuth_deg: float
    elevation_deg: float
    roll_deg: float
    fov_deg: float
    fill: float
    height_px: int = HEIGHT_PX
    width_px: int = WIDTH_PX


def framed(points: Float[np.ndarray, "point 3"], view: View) -> Camera:
    """The camera that centres the points and keeps them all within the share `view.fill`.

    Args:
        points: of the body, world, metres.
        view: direction, size and turn.
    """
    azimuth, elevation = np.deg2rad(view.azimuth_deg), np.deg2rad(view.elevation_deg)
    away = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.cos(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    low, high = bounds(points)
    middle = (low + high) / 2
    up = rolled_up(vector(middle + away), vector(middle), (0.0, 0.0, 1.0), view.roll_deg)
    size = (view.height_px, view.width_px)
    probe = Camera(vector(middle + away), vector(middle), up, view.fov_deg, *size)
    right, down, forward = probe.camera_from_world
    x, y, z = ((points - middle) @ probe.camera_from_world.T).T
    shift = right * (x.min() + x.max()) / 2 + down * (y.min() + y.max()) / 2
    x, y = x - (x.min() + x.max()) / 2, y - (y.min() + y.max()) / 2
    across = probe.focal_px * np.abs(x) / (view.width_px / 2 * view.fill) - z
    along = probe.focal_px * np.abs(y) / (view.height_px / 2 * view.fill) - z
    distance = max(float(across.max()), float(along.max()))
    target = middle + shift
    eye = target - distance * forward
    return Camera(vector(eye), vector(target), up, view.fov_deg, *size)
