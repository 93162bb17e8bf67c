"""A parametric human body of every age, in numpy: shape, pose, keypoints, parts, radii.

The arrays come from `data/body.npz`, baked by `posebridge.synthesis.bake` (origin and licences:
`data/NOTICE.md`). World frame of every function here: metres, z up, the person faces -y in the
rest pose, and the person's left is +x. The rest origin lies between the hips.

`vertex`, `bone`, `shape` in array annotations are the counts of `Body.load()`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int, UInt8

from posebridge.synthesis.angles import PoseAngles, SideAngles, local_rotations
from posebridge.synthesis.parts import PARTS, part_of_bone
from posebridge.synthesis.phenotype import Phenotype, anchor_weights

__all__ = ["PARTS", "Body", "Phenotype", "PoseAngles", "Posed", "Shaped", "SideAngles"]

NUM_COCO = 17  # the first rows of the keypoint regressor; six points of the feet follow

# The bone whose head stands for each SMIL keypoint. SMIL is not available to verify positions.
_SMIL_BONES = (
    "root",
    "upperleg01.L",
    "upperleg01.R",
    "spine04",
    "lowerleg01.L",
    "lowerleg01.R",
    "spine03",
    "foot.L",
    "foot.R",
    "spine02",
    "toes.L",
    "toes.R",
    "neck01",
    "clavicle.L",
    "clavicle.R",
    "head",
    "upperarm01.L",
    "upperarm01.R",
    "lowerarm01.L",
    "lowerarm01.R",
    "wrist.L",
    "wrist.R",
    "finger3-1.L",
    "finger3-1.R",
)


@dataclass(frozen=True)
class Shaped:
    """One person in the rest pose (arms half raised): vertices and bone heads, metres."""

    vertices: Float[np.ndarray, "vertex 3"]
    bone_heads: Float[np.ndarray, "bone 3"]


@dataclass(frozen=True)
class Posed:
    """One person in a pose: vertices and bone heads, metres, in the frame of `root`."""

    vertices: Float[np.ndarray, "vertex 3"]
    bone_heads: Float[np.ndarray, "bone 3"]


@dataclass(frozen=True, eq=False)
class Body:
    """The baked body model. Load it with `Body.load()`; never change its arrays.

    Attributes:
        template: mean vertices, metres.
        blendshapes: shape directions, flat, float32 (`shape`, 3 · `vertex`).
        bone_heads: bone heads of the template, metres.
        bone_blendshapes: how the shape directions move the bone heads, flat.
        skin_weights: linear blend skinning weights, at most eight a row, rows sum to 1.
        bone_names: names of the bones, in the order of every `bone` axis.
        bone_parents: index of each bone's parent, -1 for the root; parents come first.
        phenotype_mask: which phenotype anchors each blendshape of the full model multiplies.
        phenotype_projection: from the full model's coefficients to the baked directions.
        faces: triangles of each vertex group: body, tights, skirt, hair, eyes.
        group_vertices: vertex indices of each group, ascending.
        uv: texture coordinates, one a vertex, v upwards.
        masks: share of lips, fingernails, ears, face at each vertex, [0, 1].
        vertex_parts: index into `PARTS` of each vertex, by its largest skinning weight.
        keypoint_names: 17 COCO keypoints, then toes and heels.
        keypoint_weights: regressor of these keypoints from the vertices, rows sum to 1.
        head_top: index of the vertex on the crown (CrowdPose's head top).
        depth_probes: for each COCO keypoint, skin vertices around it (see `visibility_radii`).
        metadata: origin, licences and measured bake errors.
    """

    template: Float[np.ndarray, "vertex 3"]
    blendshapes: Float[np.ndarray, "shape flat"]
    bone_heads: Float[np.ndarray, "bone 3"]
    bone_blendshapes: Float[np.ndarray, "shape bones3"]
    skin_weights: scipy.sparse.csr_array
    bone_names: tuple[str, ...]
    bone_parents: tuple[int, ...]
    phenotype_mask: UInt8[np.ndarray, "full anchor"]
    phenotype_projection: Float[np.ndarray, "full shape"]
    faces: Mapping[str, Int[np.ndarray, "face 3"]]
    group_vertices: Mapping[str, Int[np.ndarray, " member"]]
    uv: Float[np.ndarray, "vertex 2"]
    masks: Mapping[str, Float[np.ndarray, " vertex"]]
    vertex_parts: UInt8[np.ndarray, " vertex"]
    keypoint_names: tuple[str, ...]
    keypoint_weights: scipy.sparse.csr_array
    head_top: int
    depth_probes: Int[np.ndarray, "17 probe"]
    metadata: Mapping[str, Any]

    @staticmethod
    def load() -> Body:
        """The body shipped with the package, read once a process."""
        return _load()

    def bone(self, name: str) -> int:
        """Index of a bone by its name, such as `lowerarm01.L`."""
        return self.bone_names.index(name)

    def shape(self, phenotype: Phenotype) -> Shaped:
        """Rest vertices and bone heads of a person with this phenotype."""
        anchors = anchor_weights(phenotype)
        mask = self.phenotype_mask
        full = np.where(mask > 0, anchors[None], 1.0).prod(axis=1)
        coefficients = (full @ self.phenotype_projection).astype(np.float32)
        vertices = self.template + (coefficients @ self.blendshapes).reshape(-1, 3)
        heads = self.bone_heads + (coefficients @ self.bone_blendshapes).reshape(-1, 3)
        return Shaped(vertices, heads)

    def pose(self, shaped: Shaped, angles: PoseAngles, root: Float[np.ndarray, "3 3"]) -> Posed:
        """Bend the skeleton, then skin the vertices linearly.

        Args:
            shaped: the person at rest.
            angles: anatomical angles, see `PoseAngles`.
            root: rotation of the whole person about the pelvis, applied last.

        Returns:
            The posed person; the pelvis stays where `shaped` has it.
        """
        rotations, heads = self._bend(shaped, angles, root)
        return Posed(self._skin(shaped, rotations, heads), heads.astype(np.float32))

    def pose_bones(
        self, shaped: Shaped, angles: PoseAngles, root: Float[np.ndarray, "3 3"]
    ) -> Float[np.ndarray, "bone 3"]:
        """Bone heads alone, as `pose` has them, at a third of its cost."""
        return self._bend(shaped, angles, root)[1].astype(np.float32)

    def _bend(
        self, shaped: Shaped, angles: PoseAngles, root: Float[np.ndarray, "3 3"]
    ) -> tuple[Float[np.ndarray, "bone 3 3"], Float[np.ndarray, "bone 3"]]:
        """Forward kinematics: rotation of each bone from its rest, and where its head goes."""
        heads = shaped.bone_heads.astype(np.float64)
        local = local_rotations(self.bone_names, heads, angles)
        rotations = np.empty((len(heads), 3, 3))
        posed = np.empty_like(heads)
        for i, parent in enumerate(self.bone_parents):
            if parent < 0:
                rotations[i], posed[i] = root, heads[i]
            else:
                rotations[i] = rotations[parent] @ local[i]
                posed[i] = posed[parent] + rotations[parent] @ (heads[i] - heads[parent])
        return rotations, posed

    def _skin(
        self,
        shaped: Shaped,
        rotations: Float[np.ndarray, "bone 3 3"],
        posed_heads: Float[np.ndarray, "bone 3"],
    ) -> Float[np.ndarray, "vertex 3"]:
        shift = posed_heads - np.einsum("bij,bj->bi", rotations, shaped.bone_heads)
        transforms = np.concatenate([rotations, shift[:, :, None]], axis=2)
        blended = self.skin_weights @ transforms.reshape(-1, 12).astype(np.float32)
        blended = blended.reshape(-1, 3, 4)
        x, y, z = (shaped.vertices[:, None, axis] for axis in range(3))
        rotated = blended[..., 0] * x + blended[..., 1] * y + blended[..., 2] * z
        return np.asarray(rotated + blended[..., 3], np.float32)

    def keypoints(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "23 3"]:
        """All regressed keypoints, in the order of `keypoint_names`."""
        return np.asarray(self.keypoint_weights @ vertices, np.float32)

    def coco_keypoints(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "17 3"]:
        """COCO keypoints in COCO's order, regressed from posed vertices.

        They differ from the bone heads (13 mm at a newborn's shoulder): a population with COCO
        labels uses these, one with SMIL labels uses `smil_keypoints`, and nobody mixes them.
        """
        return self.keypoints(vertices)[:NUM_COCO]

    def smil_keypoints(self, posed: Posed) -> Float[np.ndarray, "25 3"]:
        """The 25 keypoints of SMIL / MINI-RGBD by bone heads; the last one is the nose.

        The mean head of the five first toe bones stands for the toes, the middle finger's first
        bone for the fingers.
        """
        heads = [
            posed.bone_heads[self._toes(name[-1])].mean(axis=0)
            if name.startswith("toes")
            else posed.bone_heads[self.bone(name)]
            for name in _SMIL_BONES
        ]
        nose = self.keypoints(posed.vertices)[self.keypoint_names.index("nose")]
        return np.stack([*heads, nose]).astype(np.float32)

    def _toes(self, side: str) -> list[int]:
        return [self.bone(f"toe{i}-1.{side}") for i in range(1, 6)]

    def crowdpose_keypoints(self, posed: Posed) -> Float[np.ndarray, "14 3"]:
        """CrowdPose's order: COCO's twelve limb keypoints, then head top and neck."""
        limbs = self.coco_keypoints(posed.vertices)[5:]
        neck = posed.bone_heads[self.bone("neck01")]
        return np.concatenate([limbs, posed.vertices[[self.head_top]], neck[None]])

    def visibility_radii(self, shaped: Shaped) -> Float[np.ndarray, " 17"]:
        """How deep each COCO keypoint may lie behind the visible surface, metres.

        A keypoint lies inside the body, so it is visible when its camera depth exceeds the depth
        of the surface before it by less than this radius. Measured at rest: the largest distance
        from the keypoint to the skin around it, plus 10 % and 2 cm of an adult's height of
        1.7 m for garments.
        """
        keypoints = self.coco_keypoints(shaped.vertices)
        probes = shaped.vertices[self.depth_probes]
        depth = np.linalg.norm(probes - keypoints[:, None], axis=2).max(axis=1)
        height = np.ptp(shaped.vertices[self.group_vertices["body"], 2])
        return np.asarray(1.1 * depth + 0.02 * height / 1.7, np.float32)


@lru_cache(maxsize=1)
def _load() -> Body:
    path = files("posebridge.synthesis") / "data" / "body.npz"
    with path.open("rb") as stream, np.load(stream) as archive:
        stored = {name: archive[name] for name in archive.files}
    num_vertices, names = len(stored["template"]), tuple(map(str, stored["bone_names"]))
    rows = np.repeat(np.arange(num_vertices), stored["skin_bones"].shape[1])
    weights = (stored["skin_weights"].ravel(), (rows, stored["skin_bones"].ravel().astype(int)))
    keypoints = (stored["keypoint_values"], (stored["keypoint_rows"], stored["keypoint_columns"]))
    keypoint_names = tuple(map(str, stored["keypoint_names"]))
    groups = tuple(map(str, stored["group_names"]))
    faces = {
        group: stored["faces"][stored["face_groups"] == i].astype(np.int32)
        for i, group in enumerate(groups)
    }
    strongest = stored["skin_bones"][np.arange(num_vertices), stored["skin_weights"].argmax(1)]
    num_shapes = len(stored["blendshapes"])
    blendshapes = stored["blendshapes"] * stored["blendshape_step_m"].astype(np.float32)
    return Body(
        template=stored["template"],
        blendshapes=blendshapes.reshape(num_shapes, -1),
        bone_heads=stored["bone_heads"],
        bone_blendshapes=stored["bone_blendshapes"].reshape(num_shapes, -1),
        skin_weights=scipy.sparse.csr_array(weights, shape=(num_vertices, len(names))),
        bone_names=names,
        bone_parents=tuple(map(int, stored["bone_parents"])),
        phenotype_mask=stored["phenotype_mask"],
        phenotype_projection=stored["phenotype_projection"],
        faces=faces,
        group_vertices={group: np.unique(triangles) for group, triangles in faces.items()},
        uv=stored["uv"],
        masks={
            str(name): mask.astype(np.float32) / 255
            for name, mask in zip(stored["mask_names"], stored["masks"], strict=True)
        },
        vertex_parts=np.array([part_of_bone(name) for name in names], np.uint8)[strongest],
        keypoint_names=keypoint_names,
        keypoint_weights=scipy.sparse.csr_array(
            keypoints, shape=(len(keypoint_names), num_vertices)
        ),
        head_top=int(stored["head_top"]),
        depth_probes=stored["depth_probes"].astype(np.int32),
        metadata=json.loads(str(stored["metadata"])),
    )
