"""Bodies put in their place, alone or with what they sit in or lean on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.people import Figure
from posebridge.synthesis.pose_samples import PoseSample
from posebridge.synthesis.vectors import bounds

Matrix = Float[np.ndarray, "3 3"]
Vector = Float[np.ndarray, "3"]


def standing_figure(person: Phenotype, pose: PoseSample, *, lift_m: float = 0.0) -> Figure:
    """A posed body over the origin whose lowest point is `lift_m` above the floor z = 0."""
    body = Body.load()
    shaped = body.shape(person)
    posed = body.pose(shaped, pose.angles, pose.root)
    skin = posed.vertices[body.group_vertices["body"]]
    low, high = bounds(skin)
    shift = np.array(
        [-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, lift_m - low[2]], np.float32
    )
    return Figure(body, shaped, posed.vertices + shift, posed.bone_heads + shift)


def moved_figure(figure: Figure, rotation: Matrix, shift: Vector) -> Figure:
    """The same body, turned about the origin and then shifted."""
    return replace(
        figure,
        vertices=moved_points(figure.vertices, rotation, shift),
        bone_heads=moved_points(figure.bone_heads, rotation, shift),
    )


def moved_meshes(meshes: Sequence[Mesh], rotation: Matrix, shift: Vector) -> list[Mesh]:
    """The same surfaces, turned about the origin and then shifted; patterns move along."""
    return [
        replace(mesh, vertices=moved_points(mesh.vertices, rotation, shift)) for mesh in meshes
    ]


def moved_points(
    points: Float[np.ndarray, "point 3"], rotation: Matrix, shift: Vector
) -> Float[np.ndarray, "point 3"]:
    """Points turned about the origin and then shifted, single precision."""
    return np.asarray(points @ rotation.T + shift, np.float32)
