"""Hair: a painted scalp, a cap of short hair, or long hair on the body's helper mesh."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.batching import vertex_normals
from posebridge.synthesis.body import Body, Shaped
from posebridge.synthesis.meshes import Color, Material, Mesh, Pattern
from posebridge.synthesis.noise import fractal_noise
from posebridge.synthesis.vectors import with_corner

Vertices = Float[np.ndarray, "vertex 3"]


@dataclass(frozen=True)
class Hair:
    """Hair of a head.

    Attributes:
        color: linear albedo.
        density: how much of the skin below it is hidden: 0 bald, 1 dense.
        brows: strength of the eyebrows, in [0, 1].
        thickness: of the cap of short hair, in distances between the eyes; 0 for painted only.
        length: how far below the eyes long hair reaches, in distances between the eyes; 0 for
            short hair.
    """

    color: Color
    density: float
    brows: float
    thickness: float = 0.0
    length: float = 0.0


def scalp(body: Body, shaped: Shaped, hair: Hair) -> Float[np.ndarray, " vertex"]:
    """How much hair hides the skin at each vertex, in [0, 1]."""
    return np.asarray(np.clip(4 * _hairline(body, shaped), 0, 1) * hair.density)


def hair_meshes(
    body: Body, shaped: Shaped, posed: Vertices, hair: Hair, instance: int
) -> list[Mesh]:
    """Meshes of hair that stands off the head; none for painted hair.

    Args:
        body: the body model.
        shaped: the person at rest.
        posed: placed vertices of the whole model.
        hair: what to build.
        instance: marks every pixel of it.
    """
    meshes = []
    if hair.thickness > 0:
        meshes.append(_cap(body, shaped, posed, hair, instance))
    if hair.length > 0:
        meshes.append(_long(body, shaped, posed, hair, instance))
    return meshes


def _eyes(body: Body, shaped: Shaped) -> tuple[Float[np.ndarray, "3"], float]:
    """Middle between the eyes and the distance between them, metres."""
    left = shaped.bone_heads[body.bone("eye.L")]
    right = shaped.bone_heads[body.bone("eye.R")]
    return (left + right) / 2, float(abs(left[0] - right[0]))


def _hairline(body: Body, shaped: Shaped) -> Float[np.ndarray, " vertex"]:
    """Distance inside the hairy skin, in distances between the eyes; negative on the face."""
    center, span = _eyes(body, shaped)
    inside = np.full(len(shaped.vertices), -1.0)
    head = np.flatnonzero(body.vertex_parts == 0)
    _, y, z = ((shaped.vertices[head] - center) / span).T
    front = z - 0.35 - np.maximum(0.0, 0.55 - 0.6 * (y - 0.6))
    line = front + 0.9 * np.clip(y - 1.2, 0.0, 1.5)
    line += 0.25 * fractal_noise(shaped.vertices[head], scale=0.5 * span, octaves=2)
    ears = 1.0 * (body.masks["ears"][head] > 0.3)
    inside[head] = np.minimum(line, z + 1.2) - 4 * ears
    return inside


def _cap(body: Body, shaped: Shaped, posed: Vertices, hair: Hair, instance: int) -> Mesh:
    """Short hair: the hairy skin again, pushed out; it thins out towards the hairline."""
    _, span = _eyes(body, shaped)
    line = _hairline(body, shaped)
    faces = body.faces["body"]
    faces = with_corner(line > 0, faces)
    used, compact = np.unique(faces, return_inverse=True)
    compact = compact.reshape(-1, 3).astype(np.int32)
    surface = np.ascontiguousarray(posed[used])
    tuft = 1 + 0.6 * fractal_noise(shaped.vertices[used], scale=0.6 * span, octaves=2, seed=3)
    rise = np.clip(line[used] / 0.6, 0, 1) ** 0.5 * hair.thickness * span * tuft
    return _mesh(
        body,
        shaped,
        used,
        compact,
        surface + vertex_normals(surface, compact) * rise[:, None],
        (hair, instance, line[used] * span),
    )


def _long(body: Body, shaped: Shaped, posed: Vertices, hair: Hair, instance: int) -> Mesh:
    """Long hair: the helper mesh down to the length asked for."""
    center, span = _eyes(body, shaped)
    used, faces = body.group_vertices["hair"], body.faces["hair"]
    compact = np.searchsorted(used, faces).astype(np.int32)
    rest = shaped.vertices[used]
    wave = 0.4 * fractal_noise(rest, scale=span, octaves=2, seed=5)
    x, y, z = ((rest - center) / span).T
    face = np.max([np.abs(x) - 1.15, y - 0.9, z - 1.7], axis=0)  # left open, as a face is
    behind = np.where(z < -1.5, y - 0.4, 1.0)  # below the chin it falls down the back
    keep = np.min([z + hair.length + wave, face, behind], axis=0) * span
    return _mesh(body, shaped, used, compact, posed[used], (hair, instance, keep))


def _mesh(
    body: Body,
    shaped: Shaped,
    used: np.ndarray,
    faces: np.ndarray,
    vertices: Vertices,
    look: tuple[Hair, int, Float[np.ndarray, " used"]],
) -> Mesh:
    hair, instance, keep = look
    rest = shaped.vertices[used] * np.array([1.0, 1.0, 0.25])  # strands run down
    _, span = _eyes(body, shaped)
    return Mesh(
        vertices=vertices.astype(np.float32),
        faces=faces,
        colors=np.tile(np.asarray(hair.color, np.float32), (len(used), 1)),
        parts=np.zeros(len(used), np.uint8),
        rest=rest.astype(np.float32),
        instance=instance,
        material=Material.HAIR,
        bump=0.5,
        bump_scale=0.2 * span,
        pattern=Pattern(grain=0.5, grain_m=0.06 * span),
        keep=keep.astype(np.float32),
    )
