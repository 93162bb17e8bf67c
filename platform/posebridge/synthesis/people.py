"""People to look at: a posed body with skin, face, hair and clothes, as meshes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from posebridge.synthesis.batching import vertex_normals
from posebridge.synthesis.body import Body, Shaped
from posebridge.synthesis.hair import Hair, hair_meshes, scalp
from posebridge.synthesis.meshes import Color, Material, Mesh
from posebridge.synthesis.noise import fractal_noise
from posebridge.synthesis.tailoring import FEET, HANDS, measure
from posebridge.synthesis.vectors import with_corner
from posebridge.synthesis.wardrobe import Garment

Vertices = Float[np.ndarray, "vertex 3"]

_TONES = np.array(  # linear albedo, from the lightest to the darkest skin
    [
        [0.86, 0.62, 0.52],
        [0.78, 0.53, 0.41],
        [0.62, 0.40, 0.28],
        [0.42, 0.26, 0.17],
        [0.24, 0.145, 0.10],
    ]
)
_HIDDEN_M = 0.006  # skin this deep below the seam of a garment is not drawn
_ADULT_HEIGHT_M = 1.7
_FOLDS = 1.3  # folds stand off the skin by up to this much of a cloth's thickness


@dataclass(frozen=True)
class Looks:
    """What a person looks like beside the shape of the body.

    Attributes:
        skin_tone: 0 the lightest to 1 the darkest.
        ruddiness: strength of the red patches; infants have more.
        hair: on the head.
        iris: linear albedo.
        eyes_closed: draws lids instead of eyes.
        stubble: strength of a shaven beard, 0 for none.
        seed: chooses the patches of the skin.
    """

    skin_tone: float
    ruddiness: float
    hair: Hair
    iris: Color
    eyes_closed: bool
    stubble: float
    seed: int


@dataclass(frozen=True, eq=False)
class Figure:
    """A posed body at its place in the world.

    Attributes:
        body: the body model.
        shaped: the person at rest.
        vertices: posed and placed, metres.
        bone_heads: posed and placed, metres.
    """

    body: Body
    shaped: Shaped
    vertices: Vertices
    bone_heads: Float[np.ndarray, "bone 3"]

    @property
    def keypoints(self) -> Float[np.ndarray, "17 3"]:
        """COCO keypoints in the world, metres."""
        return self.body.coco_keypoints(self.vertices)

    @property
    def skin(self) -> Vertices:
        """Vertices of the body's surface without its helper meshes."""
        return np.asarray(self.vertices[self.body.group_vertices["body"]])

    @property
    def stature_m(self) -> float:
        """Height from the soles to the crown at rest."""
        return float(np.ptp(self.shaped.vertices[self.body.group_vertices["body"], 2]))


@dataclass(frozen=True, eq=False)
class Dressed:
    """A person ready to be drawn.

    Attributes:
        meshes: skin, eyes, hair and clothes.
        radii_m: how deep below the visible surface, cloth included, each keypoint may lie.
    """

    meshes: tuple[Mesh, ...]
    radii_m: Float[np.ndarray, "17"]


def dress(figure: Figure, looks: Looks, outfit: Sequence[Garment], *, instance: int) -> Dressed:
    """The meshes of a dressed person.

    Args:
        figure: the posed body.
        looks: skin, hair and eyes.
        outfit: garments, innermost first.
        instance: marks every pixel of the person.
    """
    body, shaped = figure.body, figure.shaped
    bones = dict(zip(body.bone_names, shaped.bone_heads, strict=True))
    measures = measure(shaped.vertices, body.vertex_parts, bones)
    fields = [garment.cut.field(measures) for garment in outfit]
    meshes = [_skin(figure, looks, fields, instance), _eyes(figure, looks, instance)]
    meshes += hair_meshes(body, shaped, figure.vertices, looks.hair, instance)
    meshes += _clothes(figure, outfit, fields, instance)
    cloth = sum(
        garment.thickness * (field[body.depth_probes] > 0).mean(axis=1)
        for garment, field in zip(outfit, fields, strict=True)
    )
    extra = _FOLDS * figure.stature_m * np.asarray(cloth, np.float32)
    return Dressed(tuple(meshes), body.visibility_radii(shaped) + extra)


def skin_mesh(figure: Figure, looks: Looks, *, instance: int) -> Mesh:
    """The bare body alone, without hair or eyes; for hands that reach into a scene."""
    return _skin(figure, looks, [], instance)


def skin_color(tone: float) -> Float[np.ndarray, "3"]:
    """Linear albedo of a skin tone in [0, 1]."""
    place = np.linspace(0.0, 1.0, len(_TONES))
    return np.array([np.interp(tone, place, channel) for channel in _TONES.T])


@lru_cache(maxsize=16)
def group_faces(
    body: Body, group: str
) -> tuple[Int[np.ndarray, " member"], Int[np.ndarray, "face 3"]]:
    """Vertices of a group, and its triangles as indices into them."""
    members = body.group_vertices[group]
    return members, np.searchsorted(members, body.faces[group]).astype(np.int32)


def _skin(
    figure: Figure, looks: Looks, fields: Sequence[Float[np.ndarray, " vertex"]], instance: int
) -> Mesh:
    members, faces = group_faces(figure.body, "body")
    keep = None
    if fields:
        keep = _HIDDEN_M * figure.stature_m / _ADULT_HEIGHT_M - np.max(fields, axis=0)[members]
        faces = with_corner(keep >= 0, faces)
    return Mesh(
        vertices=figure.vertices[members],
        faces=faces,
        colors=_skin_colors(figure, looks),
        parts=figure.body.vertex_parts[members],
        rest=figure.shaped.vertices[members],
        instance=instance,
        material=Material.SKIN,
        bump=0.03,
        bump_scale=0.012 * figure.stature_m,
        keep=keep,
    )


def _skin_colors(figure: Figure, looks: Looks) -> Float[np.ndarray, "member 3"]:
    """Albedo of the body's surface: tone, patches, lips, nails, brows, scalp, stubble."""
    body, members = figure.body, figure.body.group_vertices["body"]
    rest, parts = figure.shaped.vertices[members], body.vertex_parts[members]
    scale = figure.stature_m / _ADULT_HEIGHT_M
    color = np.tile(skin_color(looks.skin_tone), (len(rest), 1))
    patches = fractal_noise(rest, scale=0.2 * scale, octaves=2, seed=looks.seed)
    color *= 1 + 0.16 * patches[:, None]
    red = np.clip(0.5 + 1.2 * patches, 0, 1) * looks.ruddiness
    red = np.clip(red + 0.5 * np.isin(parts, HANDS + FEET), 0, 1.2)
    color = _mix(color, color * [1.06, 0.90, 0.88], red)
    color = _mix(color, color * [0.88, 0.58, 0.58], body.masks["lips"][members])
    nails = 0.5 * body.masks["fingernails"][members]
    color = _mix(color, np.minimum(color * 1.2, 1), nails)
    hair = np.asarray(looks.hair.color)
    shadow = scalp(body, figure.shaped, looks.hair)[members]
    color = _mix(color, hair, shadow)
    brows, jaw = _face_hair(figure, rest, parts)
    color = _mix(color, hair, brows * looks.hair.brows)
    return _mix(color, hair, jaw * looks.stubble).astype(np.float32)


def _face_hair(
    figure: Figure, rest: Vertices, parts: Int[np.ndarray, " member"]
) -> tuple[Float[np.ndarray, " member"], Float[np.ndarray, " member"]]:
    """Coverage of the brows and of a beard, from distances to the eyes."""
    heads = figure.shaped.bone_heads
    left, right = heads[figure.body.bone("eye.L")], heads[figure.body.bone("eye.R")]
    span = abs(left[0] - right[0])
    x, y, z = ((rest - (left + right) / 2) / span).T
    head = (parts == 0) & (y < 0.2)
    brows = np.exp(-(((np.abs(x) - 0.5) / 0.33) ** 4) - ((z - 0.34) / 0.08) ** 2) * head
    jaw = np.clip((-0.75 - z + 0.35 * np.abs(x)) / 0.25, 0, 1) * (parts == 0) * (z > -2.2)
    lips = figure.body.masks["lips"][figure.body.group_vertices["body"]]
    return brows, jaw * np.clip((1.0 - y) / 0.3, 0, 1) * (1 - lips)


def _mix(
    color: Float[np.ndarray, "member 3"],
    other: Float[np.ndarray, "*row 3"],
    share: Float[np.ndarray, " member"],
) -> Float[np.ndarray, "member 3"]:
    weight = share[:, None]
    return np.asarray(color * (1 - weight) + other * weight)


def _eyes(figure: Figure, looks: Looks, instance: int) -> Mesh:
    members, faces = group_faces(figure.body, "eyes")
    rest = figure.shaped.vertices[members]
    color = np.tile(np.array([0.85, 0.83, 0.81]), (len(members), 1))
    for side in (rest[:, 0] > 0, rest[:, 0] <= 0):
        away = rest[side] - rest[side].mean(axis=0)
        forward = -away[:, 1] / np.linalg.norm(away, axis=1)
        ring = np.where(forward[:, None] > 0.955, 0.02, np.asarray(looks.iris))
        color[side] = np.where(forward[:, None] > 0.86, ring, color[side])
    if looks.eyes_closed:
        color = np.tile(0.93 * skin_color(looks.skin_tone), (len(members), 1))
    return Mesh(
        vertices=figure.vertices[members],
        faces=faces,
        colors=color.astype(np.float32),
        parts=figure.body.vertex_parts[members],
        rest=rest,
        instance=instance,
        material=Material.SKIN if looks.eyes_closed else Material.EYE,
    )


def _clothes(
    figure: Figure,
    outfit: Sequence[Garment],
    fields: Sequence[Float[np.ndarray, " vertex"]],
    instance: int,
) -> list[Mesh]:
    """Every garment, pushed out beyond those below it and cut where those above hide it."""
    members, all_faces = group_faces(figure.body, "tights")
    rest, height = figure.shaped.vertices[members], figure.stature_m
    posed = np.ascontiguousarray(figure.vertices[members])
    normals = vertex_normals(posed, all_faces)
    fold = 1 + 0.5 * fractal_noise(rest, scale=0.12 * height, octaves=2, seed=instance)
    hidden = _HIDDEN_M * height / _ADULT_HEIGHT_M
    offset = np.zeros(len(members))
    meshes = []
    for i, garment in enumerate(outfit):
        field = fields[i][members]
        edge = np.clip(field / (0.012 * height) + 0.5, 0, 1)
        offset = offset + garment.thickness * height * fold * edge
        above = [hidden - other[members] for other in fields[i + 1 :]]
        keep = np.min([field, *above], axis=0)
        faces = with_corner(keep >= 0, all_faces)
        if not len(faces):
            continue
        used, compact = np.unique(faces, return_inverse=True)
        meshes.append(
            Mesh(
                vertices=(posed + normals * offset[:, None])[used],
                faces=compact.reshape(-1, 3).astype(np.int32),
                colors=np.tile(np.asarray(garment.color, np.float32), (len(used), 1)),
                parts=figure.body.vertex_parts[members[used]],
                rest=rest[used],
                instance=instance,
                material=Material.CLOTH,
                bump=garment.relief,
                bump_scale=0.03 * height,
                pattern=garment.pattern,
                keep=keep[used],
            )
        )
    return meshes
