"""Whole scenes: an adult in a room, an infant on a bed.

Every factor of a scene draws from its own stream of random numbers, asked for by name, so that a
knob changes its own factor alone: the same streams with and without occluders show the same infant
in the same pose, clothes and light.

World: metres, z up. Adults stand at the origin and face -y, where the camera is. Infants lie
around the origin with their head towards +y, and the camera looks down on them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import rotation_about
from posebridge.synthesis.camera import Camera, Vector
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.sensor import Sensor
from posebridge.synthesis.shading import Ambient, Light

Streams = Callable[[str], np.random.Generator]
"""Gives the random numbers of a factor by its name; a fresh generator at every call."""

HEIGHT_PX, WIDTH_PX = 256, 192


@dataclass(frozen=True, eq=False)
class Subject:
    """One person of a scene, and what is true about them.

    Attributes:
        instance: marks their pixels.
        skin: vertices of the body's surface, world, metres.
        keypoints: COCO-17, world, metres.
        radii_m: how deep below the visible surface each keypoint may lie.
        attributes: age band, posture, skin tone, … as text.
    """

    instance: int
    skin: Float[np.ndarray, "vertex 3"]
    keypoints: Float[np.ndarray, "17 3"]
    radii_m: Float[np.ndarray, "17"]
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a picture is made of.

    Attributes:
        meshes: everything there is.
        people: those with ground truth.
        camera: whose picture it is.
        lights: lights far away.
        ambient: light from all around.
        sensor: the camera's flaws.
    """

    meshes: tuple[Mesh, ...]
    people: tuple[Subject, ...]
    camera: Camera
    lights: tuple[Light, ...]
    ambient: Ambient
    sensor: Sensor


def skin_band(tone: float) -> str:
    """Skin tone in [0, 1] as one of five bands, `1` the lightest to `5` the darkest."""
    return str(min(int(5 * tone), 4) + 1)


def rolled_up(eye: Vector, target: Vector, up: Vector, roll_deg: float) -> Vector:
    """The up direction of a camera that is turned about its line of sight.

    Args:
        eye: position of the camera.
        target: what it looks at.
        up: up direction before the turn.
        roll_deg: positive turns the picture's content clockwise.
    """
    forward = np.subtract(target, eye)
    forward /= np.linalg.norm(forward)
    level = np.asarray(up) - forward * (forward @ np.asarray(up))
    return vector(rotation_about(forward, -roll_deg) @ (level / np.linalg.norm(level)))


def vector(values: Float[np.ndarray, "3"]) -> Vector:
    """Three numbers as a plain tuple."""
    x, y, z = values
    return (float(x), float(y), float(z))
