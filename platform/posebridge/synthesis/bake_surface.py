"""Measurements of a mesh that the bake stores: texture coordinates, masks and depth probes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

_MASK_BLUR_PX = 2.0
_NUM_FACE_KEYPOINTS = 5
_RING_DEG = np.linspace(-90, 90, 9)


@dataclass(frozen=True)
class Surface:
    """Triangles of the kept vertex groups, indexing the full mesh."""

    faces: Int[np.ndarray, "face 3"]
    face_uv: Int[np.ndarray, "face 3"]  # index into `uv`, a corner each
    face_groups: UInt8[np.ndarray, " face"]  # index into the names of the kept groups
    uv: Float[np.ndarray, "corner 2"]


def vertex_uv(
    surface: Surface, num_vertices: int
) -> tuple[Float[np.ndarray, "vertex 2"], Int[np.ndarray, "pair 2"]]:
    """One texture coordinate a vertex (the first of a seam's), and all (vertex, uv) pairs."""
    corners = np.stack([surface.faces.ravel(), surface.face_uv.ravel()], axis=1)
    pairs = np.unique(corners, axis=0)
    vertices, first = np.unique(pairs[:, 0], return_index=True)
    uv = np.zeros((num_vertices, 2), np.float32)
    uv[vertices] = surface.uv[pairs[first, 1]]
    return uv, pairs


def sample_mask(
    texture: UInt8[np.ndarray, "height width"],
    surface: Surface,
    num_vertices: int,
) -> UInt8[np.ndarray, " vertex"]:
    """A texture's value at each vertex, slightly blurred, the mean over a seam's two sides."""
    blurred = gaussian_filter(texture.astype(np.float64), _MASK_BLUR_PX)
    height, width = blurred.shape
    _, pairs = vertex_uv(surface, num_vertices)
    u, v = surface.uv[pairs[:, 1]].T
    rows = np.clip(((1 - v) * height).astype(int), 0, height - 1)
    columns = np.clip((u * width).astype(int), 0, width - 1)
    total = np.bincount(pairs[:, 0], blurred[rows, columns], num_vertices)
    count = np.bincount(pairs[:, 0], minlength=num_vertices)
    return np.round(total / np.maximum(count, 1)).astype(np.uint8)


def depth_probes(
    vertices: Float[np.ndarray, "vertex 3"],
    skin: Int[np.ndarray, "face 3"],
    keypoints: Float[np.ndarray, "17 3"],
) -> Int[np.ndarray, "17 probe"]:
    """Vertices of the skin around each COCO keypoint.

    A limb's keypoint looks in nine directions across the limb, on the half that faces away from
    the body's middle. Nose, eyes and ears lie at the surface: their nine nearest vertices.

    Raises:
        ValueError: if a limb's keypoint lies outside the skin.
    """
    corners = np.unique(skin)
    rows: list[NDArray[np.int64]] = []
    for i, start in enumerate(keypoints):
        if i < _NUM_FACE_KEYPOINTS:
            distance = np.linalg.norm(vertices[corners] - start, axis=1)
            rows.append(corners[np.argsort(distance, kind="stable")[: len(_RING_DEG)]])
        else:
            rays = _probe_rays(i, keypoints)
            rows.append(np.array([_first_hit(start, ray, vertices, skin) for ray in rays]))
    return np.array(rows, np.int32)


def _probe_rays(index: int, keypoints: Float[np.ndarray, "17 3"]) -> list[Float[np.ndarray, " 3"]]:
    outward = np.array([1.0 if index % 2 else -1.0, 0.0, 0.0])  # COCO's left ones are odd
    is_first, is_last = index in (5, 6, 11, 12), index in (9, 10, 15, 16)
    axis = keypoints[index if is_last else index + 2] - keypoints[index if is_first else index - 2]
    axis = axis / np.linalg.norm(axis)
    across = outward - axis * (outward @ axis)
    across = across / np.linalg.norm(across)
    third = np.cross(axis, across)
    angles = np.deg2rad(_RING_DEG)
    return [np.cos(angle) * across + np.sin(angle) * third for angle in angles]


def _first_hit(
    start: Float[np.ndarray, " 3"],
    ray: Float[np.ndarray, " 3"],
    vertices: Float[np.ndarray, "vertex 3"],
    faces: Int[np.ndarray, "face 3"],
) -> int:
    """The corner nearest to where a ray first leaves the mesh (Moeller and Trumbore, 1997)."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    edge_b, edge_c, offset = b - a, c - a, start - a
    cross = np.cross(ray, edge_c)
    determinant = (edge_b * cross).sum(1)
    safe = np.where(np.abs(determinant) < 1e-15, np.nan, determinant)
    u = (offset * cross).sum(1) / safe
    other = np.cross(offset, edge_b)
    v = (other @ ray) / safe
    distance = (edge_c * other).sum(1) / safe
    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)
    if not hit.any():
        raise ValueError(f"A ray must leave the skin, but none is hit from {start}. Check it.")
    face = int(np.where(hit, distance, np.inf).argmin())
    corner = int(np.argmax([1 - u[face] - v[face], u[face], v[face]]))
    return int(faces[face, corner])
