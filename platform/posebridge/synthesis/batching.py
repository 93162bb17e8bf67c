"""Meshes of a scene put into one set of arrays, which the kernels of the renderer read."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float, Int, UInt8

from posebridge.synthesis.compiled import compiled
from posebridge.synthesis.meshes import Mesh


class Batch(NamedTuple):
    """All meshes of a scene; `owner` is the row of `surfaces` that each face belongs to."""

    vertices: Float[np.ndarray, "vertex 3"]
    normals: Float[np.ndarray, "vertex 3"]
    colors: Float[np.ndarray, "vertex 3"]
    rest: Float[np.ndarray, "vertex 3"]
    keep: Float[np.ndarray, " vertex"]
    parts: UInt8[np.ndarray, " vertex"]
    faces: Int[np.ndarray, "face 3"]
    owner: Int[np.ndarray, " face"]
    surfaces: np.ndarray


SURFACE = np.dtype(
    [
        ("instance", np.uint8),
        ("material", np.int64),
        ("bump", np.float64),
        ("bump_scale", np.float64),
        ("kind", np.int64),
        ("color", np.float64, (3,)),
        ("period", np.float64),
        ("direction", np.float64, (3,)),
        ("across", np.float64, (3,)),
        ("coverage", np.float64),
        ("grain", np.float64),
        ("grain_scale", np.float64),
        ("seed", np.int64),
    ],
    align=True,
)
"""One row per mesh: everything about its look that is not per vertex."""


class Surface(Protocol):
    """A row of `SURFACE`, for the type checker."""

    instance: int
    material: int
    bump: float
    bump_scale: float
    kind: int
    color: np.ndarray
    period: float
    direction: np.ndarray
    across: np.ndarray
    coverage: float
    grain: float
    grain_scale: float
    seed: int


def concatenate(meshes: Sequence[Mesh]) -> Batch:
    """Put meshes into one batch and give their vertices smooth normals."""
    if not meshes:
        raise ValueError("A scene must have at least one mesh, but got none.")
    counts = [len(mesh.vertices) for mesh in meshes]
    starts = np.cumsum([0, *counts[:-1]])
    vertices = _stacked([mesh.vertices for mesh in meshes])
    shifted = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
    faces = np.ascontiguousarray(np.concatenate(shifted), dtype=np.int32)
    keep = [np.ones(len(m.vertices)) if m.keep is None else m.keep for m in meshes]
    return Batch(
        vertices=vertices,
        normals=vertex_normals(vertices, faces),
        colors=_stacked([mesh.colors for mesh in meshes]),
        rest=_stacked([mesh.rest for mesh in meshes]),
        keep=_stacked(keep),
        parts=np.concatenate([mesh.parts for mesh in meshes]).astype(np.uint8),
        faces=faces,
        owner=np.repeat(np.arange(len(meshes), dtype=np.int32), [len(m.faces) for m in meshes]),
        surfaces=np.array([_surface(mesh) for mesh in meshes], dtype=SURFACE),
    )


def _stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(arrays), dtype=np.float32)


def _surface(mesh: Mesh) -> tuple[object, ...]:
    pattern = mesh.pattern
    return (
        mesh.instance,
        int(mesh.material),
        mesh.bump,
        mesh.bump_scale,
        int(pattern.kind),
        pattern.color,
        pattern.period_m,
        pattern.direction,
        pattern.across,
        pattern.coverage,
        pattern.grain,
        pattern.grain_m,
        pattern.seed,
    )


@compiled
def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals [vertex, 3] of shared vertices, faces weighted by their area."""
    normals = np.zeros(vertices.shape, np.float32)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z
    for i in range(len(normals)):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            normals[i, 0] = x / length
            normals[i, 1] = y / length
            normals[i, 2] = z / length
    return normals
