"""A pinhole camera: where a point of the world lands in the image."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.vectors import cross

Vector = tuple[float, float, float]

NEAR_M = 0.02
"""Nothing closer than this is drawn or projected, metres."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion; the principal point is the centre of the image.

    The world is in metres with z up. The camera frame has x right, y down and z forward.

    Attributes:
        eye: position of the camera, world.
        target: the point seen at the centre of the image, world.
        up: a direction of the world that points up in the image.
        vertical_fov_deg: full opening angle from the top edge to the bottom edge.
        height: rows of the image, pixels.
        width: columns of the image, pixels.
    """

    eye: Vector
    target: Vector
    up: Vector
    vertical_fov_deg: float
    height: int
    width: int

    def __post_init__(self) -> None:
        """Refuse a view that has no up direction or no angle."""
        forward = np.subtract(self.target, self.eye)
        if np.linalg.norm(cross(forward, self.up)) < 1e-9:
            raise ValueError(
                "The camera must look across its up direction, but got "
                f"{self.eye=}, {self.target=}, {self.up=}. Choose another up."
            )
        if not 0.0 < self.vertical_fov_deg < 180.0:
            raise ValueError(
                f"vertical_fov_deg must lie in (0, 180), but got {self.vertical_fov_deg}."
            )

    @cached_property
    def camera_from_world(self) -> Float[np.ndarray, "3 3"]:
        """Rotation whose rows are the right, down and forward directions of the camera."""
        forward = np.subtract(self.target, self.eye).astype(np.float64)
        forward /= np.linalg.norm(forward)
        right = cross(forward, self.up)
        right /= np.linalg.norm(right)
        return np.stack([right, cross(forward, right), forward])

    @property
    def focal_px(self) -> float:
        """Focal length in pixels, the same for x and y."""
        return float(0.5 * self.height / np.tan(0.5 * np.deg2rad(self.vertical_fov_deg)))

    @property
    def intrinsics(self) -> Float[np.ndarray, "3 3"]:
        """Matrix from the camera frame to pixels, (0, 0) being the corner of the first pixel."""
        focal = self.focal_px
        return np.array(
            [[focal, 0.0, 0.5 * self.width], [0.0, focal, 0.5 * self.height], [0.0, 0.0, 1.0]]
        )

    def to_camera(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Points of the world in the camera frame, metres."""
        centered = points.astype(np.float64) - np.asarray(self.eye, dtype=np.float64)
        return np.asarray(centered @ self.camera_from_world.T)

    def project(
        self, points: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 2"], Float[np.ndarray, " point"]]:
        """Project points of the world into the image.

        Returns:
            Positions in pixels, where pixel i has its centre at i + 0.5, NaN for points nearer
            than `NEAR_M` or behind the camera; and the depth along z of the camera, metres.
        """
        local = self.to_camera(points)
        depth = local[:, 2]
        in_front = np.where(depth > NEAR_M, depth, np.nan)[:, None]
        center = np.array([0.5 * self.width, 0.5 * self.height])
        return self.focal_px * local[:, :2] / in_front + center, depth

    def supersampled(self, factor: int) -> "Camera":
        """The same view with every pixel cut into factor × factor pixels."""
        return replace(self, height=self.height * factor, width=self.width * factor)
