"""A picture of a scene, with the exact depth, normals, body parts and people behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8, UInt16

from posebridge.synthesis.batching import Batch, concatenate
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.rasterizer import Fragments, perspective_points, rasterize
from posebridge.synthesis.shading import Ambient, Light, develop, shade
from posebridge.synthesis.shadows import ambient_share
from posebridge.synthesis.surfels import Surfels, gather, labels

MAX_DEPTH_MM = 65535


@dataclass(frozen=True, eq=False)
class Frame:
    """One rendered picture and its ground truth, all sampled at the centres of the pixels.

    Attributes:
        image: sRGB in [0, 1].
        depth_mm: distance along z of the camera (not along the ray), millimetres; 0 for nothing.
        normals: unit, camera frame (x right, y down, z forward); zeros for nothing.
        parts: 1 + body part; 0 for scenery, for people without part and for nothing.
        instance: 1 to 254 for people; 0 for scenery and nothing.
    """

    image: Float32[np.ndarray, "height width 3"]
    depth_mm: UInt16[np.ndarray, "height width"]
    normals: Float32[np.ndarray, "height width 3"]
    parts: UInt8[np.ndarray, "height width"]
    instance: UInt8[np.ndarray, "height width"]


def render(
    meshes: Sequence[Mesh],
    camera: Camera,
    lights: Sequence[Light],
    *,
    ambient: Ambient,
    supersample: int = 1,
    exposure: float = 1.0,
) -> Frame:
    """Draw a scene.

    The same arguments give the same bits on one machine; the last bits of the picture may differ
    between machines.

    Args:
        meshes: everything there is; what lies outside the view still casts shadows.
        camera: whose picture it is.
        lights: lights far away.
        ambient: light from all around, and the background.
        supersample: borders are averaged over supersample² samples a pixel; the inside of a
            surface needs none, and ground truth is that of the centre of the pixel.
        exposure: factor on the linear brightness.

    Raises:
        ValueError: if there is no mesh, or fewer than one sample a pixel.
    """
    if supersample < 1:
        raise ValueError(f"supersample must be at least 1, but got {supersample}.")
    batch = concatenate(meshes)
    fragments = _look(batch, camera)
    surfels = gather(fragments, batch, camera)
    ambient_light = ambient_share(
        surfels, height=camera.height, width=camera.width, radius_m=ambient.reach_m
    )
    fine = surfels
    if supersample > 1:
        fine = gather(_look(batch, camera.supersampled(supersample)), batch, camera)
    radiance = shade(
        fine, batch, camera, lights=lights, ambient=ambient, ambient_light=ambient_light
    )
    parts, instance = labels(fragments, batch)
    depth_mm = np.where(fragments.face >= 0, np.rint(fragments.depth * 1000.0), 0.0)
    return Frame(
        image=develop(radiance, fine, camera, background=ambient.background, exposure=exposure),
        depth_mm=np.minimum(depth_mm, MAX_DEPTH_MM).astype(np.uint16),
        normals=_normal_map(surfels, camera),
        parts=parts,
        instance=instance,
    )


def _look(batch: Batch, camera: Camera) -> Fragments:
    points = perspective_points(batch.vertices, camera)
    return rasterize(points, batch.keep, batch.faces, height=camera.height, width=camera.width)


def _normal_map(surfels: Surfels, camera: Camera) -> Float32[np.ndarray, "height width 3"]:
    """Normals in the camera frame at their pixels."""
    normals = np.zeros((camera.height * camera.width, 3), np.float32)
    normals[surfels.pixel] = surfels.normals @ camera.camera_from_world.T.astype(np.float32)
    return normals.reshape(camera.height, camera.width, 3)


def visibility(
    frame: Frame,
    camera: Camera,
    keypoints_m: Float[np.ndarray, "keypoint 3"],
    *,
    radii_m: Float[np.ndarray, " keypoint"],
    instance: int,
) -> tuple[
    Float[np.ndarray, "keypoint 2"], Float[np.ndarray, " keypoint"], UInt8[np.ndarray, " keypoint"]
]:
    """Where keypoints lie in a picture, and whether they are seen.

    A keypoint lies inside its body. It is seen if its pixel shows its own person, less than its
    radius before it.

    Args:
        frame: the picture.
        camera: that made it.
        keypoints_m: world, metres.
        radii_m: how deep below the skin each keypoint may lie, metres.
        instance: the person they belong to.

    Returns:
        Positions in pixels (NaN behind the camera); depth along z of the camera in metres; and
        visibility: 2 seen, 1 hidden, 0 outside the picture.
    """
    positions, depth = camera.project(keypoints_m)
    inside = np.isfinite(positions).all(axis=1) & (positions >= 0.0).all(axis=1)
    inside &= (positions < [camera.width, camera.height]).all(axis=1)
    column, row = np.floor(np.where(inside[:, None], positions, 0.0)).astype(int).T
    below_skin = depth - frame.depth_mm[row, column] / 1000.0
    seen = (frame.instance[row, column] == instance) & (below_skin < radii_m)
    return positions, depth, np.where(inside, 1 + seen, 0).astype(np.uint8)
