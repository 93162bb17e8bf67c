"""The pieces of surface that make up a picture, interpolated from the corners of triangles."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from posebridge.synthesis.batching import Batch
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.compiled import compiled, inlined
from posebridge.synthesis.meshes import NO_PART
from posebridge.synthesis.rasterizer import Fragments

DEPTH_GAP = 0.02
"""Samples of one mesh in one pixel whose depths differ by a larger share are kept apart."""


class Surfels(NamedTuple):
    """Pieces of surface; a pixel at the border of two surfaces has one of each.

    Attributes:
        pixel: which pixel each adds to, row by row.
        weight: share of the pixel that each covers.
        owner: row of its mesh in the table of surfaces.
        positions: world, metres.
        normals: unit, world, towards the camera.
        rest: coordinates that stick to the surface.
        albedo: linear.
        pixel_m: width of a pixel at this depth, metres.
        footprint: width of a pixel on the slanted surface, metres.
    """

    pixel: Int[np.ndarray, " surfel"]
    weight: Float[np.ndarray, " surfel"]
    owner: Int[np.ndarray, " surfel"]
    positions: Float[np.ndarray, "surfel 3"]
    normals: Float[np.ndarray, "surfel 3"]
    rest: Float[np.ndarray, "surfel 3"]
    albedo: Float[np.ndarray, "surfel 3"]
    pixel_m: Float[np.ndarray, " surfel"]
    footprint: Float[np.ndarray, " surfel"]


def gather(fragments: Fragments, batch: Batch, camera: Camera) -> Surfels:
    """The surfaces in each pixel of `camera`.

    Args:
        fragments: of the same view, each pixel of the camera cut into as many samples as the
            ratio of the sizes says. Samples of one surface in one pixel become one surfel, so that
            shading, the dear part, is done about once per pixel.
        batch: what was drawn.
        camera: whose pixels are filled.
    """
    factor = fragments.face.shape[0] // camera.height
    surfel, count = _group(fragments, batch.owner, factor)
    vectors = [np.zeros((count, 3), np.float32) for _ in range(4)]
    scalars = [np.zeros(count, np.float32) for _ in range(2)]
    pixel, owner = np.zeros(count, np.int32), np.zeros(count, np.int32)
    surfels = Surfels(pixel, np.zeros(count, np.float32), owner, *vectors, *scalars)
    world_from_camera = np.ascontiguousarray(camera.camera_from_world.T)
    eye = np.asarray(camera.eye, dtype=np.float64)
    view = (world_from_camera, eye, camera.focal_px * factor)
    _accumulate(fragments, batch, (surfel, factor), view, surfels)
    _finish(surfels, (world_from_camera, eye, camera.focal_px), factor * factor)
    return surfels


def labels(
    fragments: Fragments, batch: Batch
) -> tuple[UInt8[np.ndarray, "height width"], UInt8[np.ndarray, "height width"]]:
    """Body part (1 + part, 0 for none; people only) and instance (0 for scenery) of each pixel."""
    return _labels(fragments, batch)


@compiled
def _group(fragments: Fragments, owner: np.ndarray, factor: int) -> tuple[np.ndarray, int]:
    """Index of the surfel of each sample, -1 for none, and the number of surfels."""
    height, width = fragments.face.shape
    surfel = np.full((height, width), -1, np.int32)
    count = 0
    for i in range(height):
        top = i - i % factor
        for j in range(width):
            if fragments.face[i, j] < 0:
                continue
            mine, depth = owner[fragments.face[i, j]], fragments.depth[i, j]
            left = j - j % factor
            for earlier in range((i - top) * factor + j - left):
                y, x = top + earlier // factor, left + earlier % factor
                if surfel[y, x] < 0 or owner[fragments.face[y, x]] != mine:
                    continue
                if abs(fragments.depth[y, x] - depth) <= DEPTH_GAP * depth:
                    surfel[i, j] = surfel[y, x]
                    break
            if surfel[i, j] < 0:
                surfel[i, j] = count
                count += 1
    return surfel, count


@compiled
def _accumulate(
    fragments: Fragments,
    batch: Batch,
    grouping: tuple[np.ndarray, int],
    view: tuple[np.ndarray, np.ndarray, float],
    out: Surfels,
) -> None:
    """Sum samples into `out`, which it owns; `view` is world_from_camera, eye, focal length."""
    surfel, factor = grouping
    rotation, eye, focal = view
    height, width = fragments.face.shape
    for i in range(height):
        for j in range(width):
            s, f = surfel[i, j], fragments.face[i, j]
            if s < 0:
                continue
            out.pixel[s] = (i // factor) * (width // factor) + j // factor
            out.owner[s] = batch.owner[f]
            out.weight[s] += 1.0 / (factor * factor)
            shares = (fragments.weights[0, i, j], fragments.weights[1, i, j])
            _blend(batch, f, shares, (out.normals[s], out.rest[s], out.albedo[s]))
            depth = fragments.depth[i, j]
            x = depth * (j + 0.5 - 0.5 * width) / focal
            y = depth * (i + 0.5 - 0.5 * height) / focal
            for k in range(3):
                offset = rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2] * depth
                out.positions[s, k] += eye[k] + offset


@inlined
def _blend(
    batch: Batch,
    f: int,
    shares: tuple[float, float],
    out: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Add what the corners of one triangle carry, mixed, to (normal, rest, albedo)."""
    a, b, c = batch.faces[f, 0], batch.faces[f, 1], batch.faces[f, 2]
    wa, wb = shares
    wc = np.float32(1.0) - wa - wb
    for k in range(3):
        n, r, q = batch.normals, batch.rest, batch.colors
        out[0][k] += wa * n[a, k] + wb * n[b, k] + wc * n[c, k]
        out[1][k] += wa * r[a, k] + wb * r[b, k] + wc * r[c, k]
        out[2][k] += wa * q[a, k] + wb * q[b, k] + wc * q[c, k]


@compiled
def _finish(out: Surfels, view: tuple[np.ndarray, np.ndarray, float], samples: int) -> None:
    """Turn sums into means, and normals into unit normals towards the eye."""
    rotation, eye, focal_px = view
    for s in range(out.pixel.size):
        share = 1.0 / (out.weight[s] * samples)
        n, p = out.normals[s], out.positions[s]
        depth, along, length, distance = 0.0, 0.0, 0.0, 0.0
        for k in range(3):
            p[k] *= share
            out.rest[s, k] *= share
            out.albedo[s, k] *= share
            ray = p[k] - eye[k]
            depth += ray * rotation[k, 2]
            along += ray * n[k]
            length += n[k] * n[k]
            distance += ray * ray
        scale = (-1.0 if along > 0.0 else 1.0) / max(np.sqrt(length), 1e-12)
        for k in range(3):
            n[k] *= scale
        cosine = abs(along * scale) / np.sqrt(distance)
        out.pixel_m[s] = depth / focal_px
        out.footprint[s] = depth / focal_px / max(cosine, 0.25)


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
            wa, wb = fragments.weights[0, i, j], fragments.weights[1, i, j]
            wc = 1.0 - wa - wb
            corner = 0 if wa >= wb and wa >= wc else (1 if wb >= wc else 2)
            part = batch.parts[batch.faces[f, corner]]
            instances[i, j] = instance
            if instance > 0 and part != NO_PART:
                parts[i, j] = part + 1
    return parts, instances
