"""Light on surfaces: what colour each pixel has, from its surface, the lights and the ambient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from posebridge.synthesis.batching import Batch
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.compiled import compiled, inlined
from posebridge.synthesis.meshes import Color, Material, Vector
from posebridge.synthesis.painting import paint
from posebridge.synthesis.shadows import MAX_MAP_SIZE, lit_share, shadow_map
from posebridge.synthesis.surfels import Surfels


@dataclass(frozen=True)
class Light:
    """A light far away.

    Attributes:
        direction: towards the light, world; any length.
        color: linear brightness; 1 lights a white wall that faces it to white.
        softness_deg: its angular radius; 0.3 is the sun, 10 a window.
        casts_shadow: whether surfaces keep it out.
    """

    direction: Vector
    color: Color = (1.0, 1.0, 1.0)
    softness_deg: float = 3.0
    casts_shadow: bool = True

    def __post_init__(self) -> None:
        """Refuse a light from nowhere."""
        if not np.linalg.norm(self.direction) > 0.0:
            raise ValueError(f"A light needs a direction, but got {self.direction}.")


@dataclass(frozen=True)
class Ambient:
    """Light from all around, and what is seen where there is no surface.

    Attributes:
        sky: linear brightness from above (world z).
        ground: linear brightness from below.
        background: linear colour of pixels without surface.
        reach_m: how far surfaces keep ambient light from each other.
    """

    sky: Color = (0.35, 0.36, 0.4)
    ground: Color = (0.16, 0.15, 0.14)
    background: Color = (0.5, 0.5, 0.5)
    reach_m: float = 0.15


_RESPONSES: dict[Material, tuple[float, float, float, float]] = {
    Material.SKIN: (0.35, 0.06, 18.0, 1.0),
    Material.CLOTH: (0.15, 0.015, 6.0, 0.0),
    Material.SCENERY: (0.05, 0.03, 12.0, 0.0),
    Material.EYE: (0.1, 0.6, 200.0, 0.0),
    Material.HAIR: (0.2, 0.08, 14.0, 0.0),
    Material.GLOSSY: (0.05, 0.35, 60.0, 0.0),
}
"""Wrap of light past the terminator, strength and exponent of highlights, red below the skin."""

RESPONSES = np.array([_RESPONSES[material] for material in Material])

BLUSH = np.array([0.22, 0.02, -0.04])
"""How light that has passed below the skin differs from white, per channel."""

SHOULDER = 0.7
"""Linear brightness above which the picture rolls off."""


def shade(
    surfels: Surfels,
    batch: Batch,
    camera: Camera,
    *,
    lights: Sequence[Light],
    ambient: Ambient,
    ambient_light: Float32[np.ndarray, "height width"],
) -> Float32[np.ndarray, "surfel 3"]:
    """Linear radiance of each surfel, before exposure.

    Args:
        surfels: what is seen.
        batch: the whole scene, for shadows.
        camera: that sees it.
        lights: each adds to the others.
        ambient: light from all around.
        ambient_light: share of it that reaches each pixel.
    """
    albedo, normals = paint(surfels, batch.surfaces)
    materials = batch.surfaces["material"][surfels.owner]
    painted = Painted(albedo, normals, np.ascontiguousarray(materials))
    sky, ground = np.asarray(ambient.sky), np.asarray(ambient.ground)
    share = ambient_light.ravel()[surfels.pixel]
    radiance = _ambient_radiance(painted, share, sky, ground)
    eye = np.asarray(camera.eye, dtype=np.float64)
    for light in lights if len(surfels.pixel) else ():
        radiance += _direct_radiance(surfels, painted, _beam(light, batch, surfels, camera), eye)
    return radiance


def _beam(light: Light, batch: Batch, surfels: Surfels, camera: Camera) -> "Beam":
    """A light as it arrives."""
    direction = np.asarray(light.direction) / np.linalg.norm(light.direction)
    color = np.asarray(light.color, dtype=np.float64)
    if not light.casts_shadow:
        return Beam(direction, color, np.ones(len(surfels.pixel), np.float32))
    size = min(2 * max(camera.height, camera.width), MAX_MAP_SIZE)
    occluders = shadow_map(batch, surfels.positions, direction=direction, size=size)
    share = lit_share(surfels, occluders, width=camera.width, softness_deg=light.softness_deg)
    return Beam(direction, color, share)


def develop(
    radiance: Float32[np.ndarray, "surfel 3"],
    surfels: Surfels,
    camera: Camera,
    *,
    background: Color,
    exposure: float,
) -> Float32[np.ndarray, "height width 3"]:
    """An sRGB picture in [0, 1] of linear radiance.

    Bright light rolls off above `SHOULDER` instead of clipping; surfels of one pixel are mixed
    after that, in linear light.

    Args:
        radiance: linear.
        surfels: which pixel each adds to.
        camera: gives the size of the picture.
        background: linear colour of what no surfel covers.
        exposure: factor on the radiance.
    """
    image = np.zeros((camera.height * camera.width, 3), np.float32)
    behind = _rolled_off(exposure * np.asarray([background], dtype=np.float32))[0]
    _mix(_rolled_off(np.float32(exposure) * radiance), surfels, behind, image)
    return srgb_from_linear(image).reshape(camera.height, camera.width, 3)


def _rolled_off(light: Float32[np.ndarray, "color 3"]) -> Float32[np.ndarray, "color 3"]:
    """Light in [0, inf) brought below 1; unchanged below `SHOULDER`, smooth there."""
    room = 1.0 - SHOULDER
    rolled = 1.0 - room * np.exp(-np.maximum(light - SHOULDER, 0.0) / room)
    return np.where(light > SHOULDER, rolled, light).astype(np.float32)


@compiled
def _mix(light: np.ndarray, surfels: Surfels, behind: np.ndarray, image: np.ndarray) -> None:
    """Add up the surfels of each pixel of `image`, which it owns and which holds zeros."""
    covered = np.zeros(image.shape[0], np.float32)
    for s in range(surfels.pixel.size):
        covered[surfels.pixel[s]] += surfels.weight[s]
        for k in range(3):
            image[surfels.pixel[s], k] += surfels.weight[s] * light[s, k]
    for i in range(image.shape[0]):
        for k in range(3):
            image[i, k] += (1.0 - min(covered[i], 1.0)) * behind[k]


def srgb_from_linear(linear: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Encode linear light in [0, 1] by the sRGB curve (IEC 61966-2-1)."""
    curved = 1.055 * np.power(np.maximum(linear, 0.0031308), 1.0 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved).astype(np.float32)


def linear_from_srgb(srgb: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Decode the sRGB curve to linear light, both in [0, 1]."""
    curved = np.power((np.maximum(srgb, 0.04045) + 0.055) / 1.055, 2.4)
    return np.where(srgb <= 0.04045, srgb / 12.92, curved).astype(np.float32)


class Painted(NamedTuple):
    """Albedo, normal with relief, and material of each surfel."""

    albedo: Float[np.ndarray, "surfel 3"]
    normals: Float[np.ndarray, "surfel 3"]
    materials: Int[np.ndarray, " surfel"]


class Beam(NamedTuple):
    """A light as it arrives: unit direction towards it, colour, and the share of each surfel."""

    direction: Float[np.ndarray, " 3"]
    color: Float[np.ndarray, " 3"]
    share: Float[np.ndarray, " surfel"]


@compiled
def _ambient_radiance(
    painted: Painted, share: np.ndarray, sky: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    """Radiance [surfel, 3] under light that changes evenly from the ground to the sky."""
    radiance = np.empty(painted.albedo.shape, np.float32)
    for s in range(len(radiance)):
        up = 0.5 + 0.5 * painted.normals[s, 2]
        for k in range(3):
            light = ground[k] + up * (sky[k] - ground[k])
            radiance[s, k] = painted.albedo[s, k] * light * share[s]
    return radiance


@inlined
def _halfway(normal: np.ndarray, point: np.ndarray, eye: np.ndarray, beam: Beam) -> float:
    """Cosine between the normal and the direction halfway between the light and the eye."""
    x, y, z = eye[0] - point[0], eye[1] - point[1], eye[2] - point[2]
    distance = np.sqrt(x * x + y * y + z * z)
    x = x / distance + beam.direction[0]
    y = y / distance + beam.direction[1]
    z = z / distance + beam.direction[2]
    length = max(np.sqrt(x * x + y * y + z * z), 1e-9)
    return float(max((normal[0] * x + normal[1] * y + normal[2] * z) / length, 0.0))


@compiled
def _direct_radiance(
    surfels: Surfels, painted: Painted, beam: Beam, eye: np.ndarray
) -> np.ndarray:
    """Radiance [surfel, 3] under one light."""
    radiance = np.zeros(painted.albedo.shape, np.float32)
    d = beam.direction
    for s in range(len(radiance)):
        response = RESPONSES[painted.materials[s]]
        wrap, shine, exponent, redness = response[0], response[1], response[2], response[3]
        n, g = painted.normals[s], surfels.normals[s]
        facing = n[0] * d[0] + n[1] * d[1] + n[2] * d[2]
        turned = g[0] * d[0] + g[1] * d[1] + g[2] * d[2]
        # Past the terminator a surface lies in its own shadow, which would cut the wrap off.
        own = min(max((turned + wrap) / (wrap + 0.15), 0.0), 1.0)
        share = 1.0 - own * (1.0 - beam.share[s])
        diffuse = share * max((facing + wrap) / (1.0 + wrap), 0.0)
        glint = 0.0
        if facing > 0.0 and beam.share[s] > 0.0:
            cosine = _halfway(n, surfels.positions[s], eye, beam)
            glint = beam.share[s] * shine * cosine**exponent
        blush = redness * max(1.0 - abs(2.0 * facing - 0.3), 0.0)
        for k in range(3):
            light = painted.albedo[s, k] * diffuse * (1.0 + blush * BLUSH[k]) + glint
            radiance[s, k] = beam.color[k] * light
    return radiance
