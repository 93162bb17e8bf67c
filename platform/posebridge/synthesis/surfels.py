"""The piece of surface under each pixel, interpolated from the corners of its triangle."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from posebridge.synthesis.batching import Batch
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.compiled import compiled
from posebridge.synthesis.meshes import NO_PART
from posebridge.synthesis.rasterizer import Fragments


class Surfels(NamedTuple):
    """The surface under each pixel; zeros where there is none.

    Attributes:
        owner: row of the mesh in the table of surfaces; -1 for nothing.
        positions: world, metres.
        normals: unit, world, towards the camera.
        rest: coordinates that stick to the surface.
        albedo: linear.
        pixel_m: width of a pixel at this depth, metres.
        footprint: width of a pixel on the slanted surface, metres.
    """

    owner: Int[np.ndarray, "height width"]
    positions: Float[np.ndarray, "height width 3"]
    normals: Float[np.ndarray, "height width 3"]
    rest: Float[np.ndarray, "height width 3"]
    albedo: Float[np.ndarray, "height width 3"]
    pixel_m: Float[np.ndarray, "height width"]
    footprint: Float[np.ndarray, "height width"]


def interpolate(fragments: Fragments, batch: Batch, camera: Camera) -> Surfels:
    """The surface that each pixel of `camera` sees."""
    height, width = fragments.face.shape
    vectors = [np.zeros((height, width, 3), np.float32) for _ in range(4)]
    scalars = [np.zeros((height, width), np.float32) for _ in range(2)]
    surfels = Surfels(np.full((height, width), -1, np.int32), *vectors, *scalars)
    world_from_camera = np.ascontiguousarray(camera.camera_from_world.T)
    eye = np.asarray(camera.eye, dtype=np.float64)
    _interpolate(fragments, batch, (world_from_camera, eye, camera.focal_px), surfels)
    return surfels


def labels(
    fragments: Fragments, batch: Batch
) -> tuple[UInt8[np.ndarray, "height width"], UInt8[np.ndarray, "height width"]]:
    """Body part (1 + part, 0 for none; people only) and instance (0 for scenery) of each pixel."""
    return _labels(fragments, batch)


@compiled
def _interpolate(
    fragments: Fragments,
    batch: Batch,
    view: tuple[np.ndarray, np.ndarray, float],
    out: Surfels,
) -> None:
    """Fill `out`, whose arrays it owns; `view` is (world_from_camera, eye, focal_px)."""
    rotation, eye, focal = view
    height, width = fragments.face.shape
    for i in range(height):
        for j in range(width):
            f = fragments.face[i, j]
            if f < 0:
                continue
            out.owner[i, j] = batch.owner[f]
            _blend(fragments, batch, (i, j, f), out)
            depth = fragments.depth[i, j]
            x = (j + 0.5 - 0.5 * width) / focal
            y = (i + 0.5 - 0.5 * height) / focal
            n, along, length = out.normals[i, j], 0.0, 0.0
            for k in range(3):
                ray = rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2]
                out.positions[i, j, k] = eye[k] + depth * ray
                along += n[k] * ray
                length += n[k] * n[k]
            flip = (-1.0 if along > 0.0 else 1.0) / max(np.sqrt(length), 1e-12)
            for k in range(3):
                n[k] *= flip
            cosine = abs(along * flip) / np.sqrt(x * x + y * y + 1.0)
            out.pixel_m[i, j] = depth / focal
            out.footprint[i, j] = depth / focal / max(cosine, 0.25)


@compiled
def _blend(
    fragments: Fragments, batch: Batch, where: tuple[int, int, int], out: Surfels
) -> None:
    """Mix what the corners of one triangle carry."""
    i, j, f = where
    a, b, c = batch.faces[f, 0], batch.faces[f, 1], batch.faces[f, 2]
    wa, wb = fragments.weights[i, j, 0], fragments.weights[i, j, 1]
    wc = 1.0 - wa - wb
    for k in range(3):
        n = batch.normals
        out.normals[i, j, k] = wa * n[a, k] + wb * n[b, k] + wc * n[c, k]
        r = batch.rest
        out.rest[i, j, k] = wa * r[a, k] + wb * r[b, k] + wc * r[c, k]
        q = batch.colors
        out.albedo[i, j, k] = wa * q[a, k] + wb * q[b, k] + wc * q[c, k]


@compiled
def _labels(fragments: Fragments, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    height, width = fragments.face.shape
    parts = np.zeros((height, width), np.uint8)
    instances = np.zeros((height, width), np.uint8)
    for i in range(height):
        for j in range(width):
            f = fragments.face[i, j]
            if f < 0:
                continue
            instance = batch.surfaces[batch.owner[f]].instance
            wa, wb = fragments.weights[i, j, 0], fragments.weights[i, j, 1]
            wc = 1.0 - wa - wb
            corner = 0 if wa >= wb and wa >= wc else (1 if wb >= wc else 2)
            part = batch.parts[batch.faces[f, corner]]
            instances[i, j] = instance
            if instance > 0 and part != NO_PART:
                parts[i, j] = part + 1
    return parts, instances
