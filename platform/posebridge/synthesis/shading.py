"""Light on surfaces: what colour each pixel has, from its surface, the lights and the ambient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32

from posebridge.synthesis.batching import Batch
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.compiled import compiled
from posebridge.synthesis.meshes import Color, Material, Vector
from posebridge.synthesis.noise import paint
from posebridge.synthesis.shadows import ambient_share, lit_share
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
"""Wrap of light past the terminator, strength and exponent of highlights, redness below the skin."""

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
) -> Float32[np.ndarray, "height width 3"]:
    """Linear radiance of each pixel, before exposure.

    Args:
        surfels: what the pixels see.
        batch: the whole scene, for shadows.
        camera: whose pixels they are.
        lights: each adds to the others.
        ambient: light from all around.
        ambient_light: share of it that reaches each pixel.
    """
    albedo, normals = paint(surfels, batch.surfaces)
    seen = surfels.owner >= 0
    sky, ground = np.asarray(ambient.sky), np.asarray(ambient.ground)
    radiance = _ambient_radiance(albedo, normals, ambient_light, sky, ground)
    for light in lights if seen.any() else ():
        direction = np.asarray(light.direction) / np.linalg.norm(light.direction)
        share = np.ones(surfels.owner.shape, np.float32)
        if light.casts_shadow:
            share = lit_share(
                batch, surfels, direction=direction, softness_deg=light.softness_deg
            )
        beam = Beam(direction, np.asarray(light.color, dtype=np.float64), share)
        painted = Painted(albedo, normals, batch.surfaces["material"].copy())
        radiance += _direct_radiance(surfels, painted, beam, np.asarray(camera.eye, np.float64))
    return np.where(seen[..., None], radiance, np.asarray(ambient.background, np.float32))


def develop(
    radiance: Float32[np.ndarray, "height width 3"], *, exposure: float, shrink: int
) -> Float32[np.ndarray, "small_height small_width 3"]:
    """An sRGB picture in [0, 1] of linear radiance.

    Bright light rolls off above 0.7 instead of clipping; pixels are averaged in linear light.

    Args:
        radiance: linear.
        exposure: factor on it.
        shrink: every block of shrink × shrink pixels becomes one.
    """
    exposed = radiance * np.float32(exposure)
    over = np.maximum(exposed - SHOULDER, 0.0)
    rolled = SHOULDER + (1.0 - SHOULDER) * (1.0 - np.exp(-over / (1.0 - SHOULDER)))
    linear = np.where(exposed > SHOULDER, rolled, np.maximum(exposed, 0.0)).astype(np.float32)
    if shrink > 1:
        height, width = linear.shape[0] // shrink, linear.shape[1] // shrink
        linear = cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA)
    return srgb_from_linear(linear)


def srgb_from_linear(linear: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Encode linear light in [0, 1] by the sRGB curve (IEC 61966-2-1)."""
    curved = 1.055 * np.power(np.maximum(linear, 0.0031308), 1.0 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved).astype(np.float32)


def linear_from_srgb(srgb: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Decode the sRGB curve to linear light, both in [0, 1]."""
    curved = np.power((np.maximum(srgb, 0.04045) + 0.055) / 1.055, 2.4)
    return np.where(srgb <= 0.04045, srgb / 12.92, curved).astype(np.float32)


class Painted(NamedTuple):
    """Albedo and relief of each pixel, and the material of each mesh."""

    albedo: Float[np.ndarray, "height width 3"]
    normals: Float[np.ndarray, "height width 3"]
    materials: np.ndarray


class Beam(NamedTuple):
    """One light as it arrives: unit direction towards it, colour, and the share each pixel gets."""

    direction: Float[np.ndarray, " 3"]
    color: Float[np.ndarray, " 3"]
    share: Float[np.ndarray, "height width"]


@compiled
def _ambient_radiance(
    albedo: np.ndarray, normals: np.ndarray, share: np.ndarray, sky: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    radiance = np.empty(albedo.shape, np.float32)
    for i in range(albedo.shape[0]):
        for j in range(albedo.shape[1]):
            up = 0.5 + 0.5 * normals[i, j, 2]
            for k in range(3):
                light = ground[k] + up * (sky[k] - ground[k])
                radiance[i, j, k] = albedo[i, j, k] * light * share[i, j]
    return radiance


@compiled
def _highlight(normal: np.ndarray, point: np.ndarray, eye: np.ndarray, beam: Beam) -> float:
    """Cosine between the normal and the direction halfway between the light and the eye."""
    x, y, z = eye[0] - point[0], eye[1] - point[1], eye[2] - point[2]
    distance = np.sqrt(x * x + y * y + z * z)
    x, y, z = (
        x / distance + beam.direction[0],
        y / distance + beam.direction[1],
        z / distance + beam.direction[2],
    )
    length = max(np.sqrt(x * x + y * y + z * z), 1e-9)
    return max((normal[0] * x + normal[1] * y + normal[2] * z) / length, 0.0)


@compiled
def _direct_radiance(
    surfels: Surfels, painted: Painted, beam: Beam, eye: np.ndarray
) -> np.ndarray:
    height, width = surfels.owner.shape
    radiance = np.zeros((height, width, 3), np.float32)
    d = beam.direction
    for i in range(height):
        for j in range(width):
            if surfels.owner[i, j] < 0:
                continue
            response = RESPONSES[painted.materials[surfels.owner[i, j]]]
            wrap, shine, exponent, redness = response[0], response[1], response[2], response[3]
            n, g = painted.normals[i, j], surfels.normals[i, j]
            facing = n[0] * d[0] + n[1] * d[1] + n[2] * d[2]
            turned = g[0] * d[0] + g[1] * d[1] + g[2] * d[2]
            # Past the terminator a surface is in its own shadow, which would cut the wrap off.
            own = min(max((turned + wrap) / (wrap + 0.15), 0.0), 1.0)
            share = 1.0 - own * (1.0 - beam.share[i, j])
            diffuse = share * max((facing + wrap) / (1.0 + wrap), 0.0)
            glint = 0.0
            if facing > 0.0 and beam.share[i, j] > 0.0:
                cosine = _highlight(n, surfels.positions[i, j], eye, beam)
                glint = beam.share[i, j] * shine * cosine**exponent
            blush = redness * max(1.0 - abs(2.0 * facing - 0.3), 0.0)
            for k in range(3):
                tint = 1.0 + blush * BLUSH[k]
                light = painted.albedo[i, j, k] * diffuse * tint + glint
                radiance[i, j, k] = beam.color[k] * light
    return radiance
