"""From a scene to a sample: the picture, encoded, and everything true about the people in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from posebridge.populations.people import ImageRow, Person, Sample
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.render import Frame, render, visibility
from posebridge.synthesis.scenes import Scene, Subject
from posebridge.synthesis.vectors import bounds

JPEG_QUALITY = 95
# Half the time of what OpenCV chooses by itself, and as small.
_FAST = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)


@dataclass(frozen=True, eq=False)
class Seen:
    """One person as the picture shows them.

    Attributes:
        positions: keypoints, px of the image, NaN behind the camera.
        visibility: 0 outside the image, 1 hidden, 2 seen.
        area_px: pixels that show the person.
    """

    positions: Float[np.ndarray, "keypoint 2"]
    visibility: UInt8[np.ndarray, " keypoint"]
    area_px: int


@dataclass(frozen=True, eq=False)
class Photograph:
    """A rendered scene before it is encoded.

    Attributes:
        scene: what was rendered.
        frame: the clean picture and its maps.
        people: of the scene, in its order.
    """

    scene: Scene
    frame: Frame
    people: tuple[Seen, ...]


def photograph(scene: Scene, *, supersample: int) -> Photograph:
    """Render a scene and look up what is seen of each person."""
    frame = render(
        scene.meshes, scene.camera, scene.lights, ambient=scene.ambient, supersample=supersample
    )
    people = tuple(_seen(frame, scene.camera, subject) for subject in scene.people)
    return Photograph(scene, frame, people)


def sample(
    photo: Photograph,
    sensor_noise: np.random.Generator,
    *,
    image_id: str,
    subjects: tuple[str, ...],
) -> Sample:
    """Encode a photograph and its truth.

    Args:
        photo: from `photograph`.
        sensor_noise: random numbers of the sensor's grain.
        image_id: name of the image.
        subjects: who the people are, in the order of the scene; also their ids.
    """
    scene, frame = photo.scene, photo.frame
    pixels = scene.sensor.apply(frame.image, sensor_noise)
    camera = scene.camera
    row = ImageRow(
        image_id=image_id,
        height=camera.height,
        width=camera.width,
        encoded=_jpeg(pixels),
        depth_png=_png(frame.depth_mm),
        normals_png=_png(_normal_colors(frame.normals)[..., ::-1]),
        parts_png=_png(frame.parts - np.uint8(1)),  # 0, for none, becomes 255
        instance_png=_png(frame.instance),
    )
    people = [
        _person(scene.camera, subject, seen, (who, image_id))
        for subject, seen, who in zip(scene.people, photo.people, subjects, strict=True)
    ]
    return Sample(row, tuple(people))


def _seen(frame: Frame, camera: Camera, subject: Subject) -> Seen:
    positions, _, visible = visibility(
        frame,
        camera,
        subject.keypoints,
        radii_m=subject.radii_m,
        instance=subject.instance,
    )
    return Seen(positions, visible, int((frame.instance == subject.instance).sum()))


def _person(camera: Camera, subject: Subject, seen: Seen, names: tuple[str, str]) -> Person:
    labelled = seen.visibility > 0
    keypoints = np.where(labelled[:, None], seen.positions, 0.0).astype(np.float32)
    hidden = float((seen.visibility < 2).mean())
    focal = camera.focal_px
    attributes: Mapping[str, str] = {**subject.attributes, "occlusion": f"{hidden:.2f}"}
    return Person(
        person_id=names[0],
        image_id=names[1],
        box=_amodal_box(camera, subject, keypoints[labelled]),
        keypoints=keypoints,
        visibility=seen.visibility,
        area=float(seen.area_px),
        subject=names[0],
        attributes=attributes,
        keypoints_3d_mm=(1000 * camera.to_camera(subject.keypoints)).astype(np.float32),
        intrinsics=(focal, focal, camera.width / 2, camera.height / 2),
    )


def _amodal_box(
    camera: Camera, subject: Subject, keypoints: Float32[np.ndarray, "labelled 2"]
) -> Float32[np.ndarray, "4"]:
    """Left, top, width, height of the whole body, hidden parts too, clipped to the image."""
    outline, _ = camera.project(subject.skin)
    points = np.concatenate([outline[np.isfinite(outline[:, 0])], keypoints])
    points = np.clip(points, 0.0, [camera.width, camera.height])
    low, high = bounds(points)
    return np.concatenate([low, high - low]).astype(np.float32)


def _normal_colors(
    normals: Float32[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    return np.rint(127.5 * (normals + 1.0)).astype(np.uint8)


def _jpeg(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    encoded = cv2.imencode(".jpg", pixels[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1]
    return bytes(encoded)


def _png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels, _FAST)[1])
