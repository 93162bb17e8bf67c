"""Small data sets in the true formats of the big ones."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io

from posebridge.populations.importers.human36m import FROM_HUMAN36M
from posebridge.populations.importers.lsp import FROM_LSP
from posebridge.populations.importers.mini_rgbd import INTRINSICS
from posebridge.populations.importers.space import project
from posebridge.skeletons import BODY16, COCO17, SMIL25, Skeleton

WIDTH, HEIGHT = 64, 96
BOX = [10.0, 5.0, 40.0, 85.0]
# Somebody who stands and faces the camera: the own left is on the right of the picture.
_FACING = {
    "nose": (30, 12),
    "eye": (3, 10),
    "ear": (6, 11),
    "shoulder": (10, 25),
    "elbow": (14, 38),
    "wrist": (15, 50),
    "hip": (7, 50),
    "knee": (8, 68),
    "ankle": (8, 86),
    "collar": (5, 24),
    "toes": (9, 89),
    "fingers": (15, 54),
    "head_top": (30, 6),
    "head": (30, 12),
    "neck": (30, 20),
    "thorax": (30, 25),
    "pelvis": (30, 50),
    "spine": (30, 44),
    "spine1": (30, 38),
    "spine2": (30, 30),
}


def standing(skeleton: Skeleton = COCO17) -> np.ndarray:
    """Keypoints of somebody who faces the camera, [keypoint, 2]."""
    points = []
    for name in skeleton.keypoints:
        side, _, part = name.partition("_")
        if side in ("left", "right"):
            off, y = _FACING[part]
            points.append((30 + off if side == "left" else 30 - off, y))
        else:
            points.append(_FACING[name])
    return np.array(points, float)


def triples(keypoints: np.ndarray, visibility: int = 2) -> list[float]:
    """Keypoints as COCO lists them."""
    return [float(v) for x, y in keypoints for v in (x, y, visibility)]


def write_image(path: Path, *, size: tuple[int, int] = (HEIGHT, WIDTH), seed: int = 0) -> bytes:
    """An image of noise; its bytes."""
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    encoded: bytes = cv2.imencode(path.suffix, pixels)[1].tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded)
    return encoded


def person(number: int, image: int, **changes: Any) -> dict[str, Any]:
    """An annotation of a person."""
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": BOX,
        "area": 1700.5,
        "num_keypoints": 17,
        "keypoints": triples(standing()),
        "segmentation": [[1.0, 2.0, 3.0, 4.0]],
    } | changes


def picture(number: int, **changes: Any) -> dict[str, Any]:
    """An image of a COCO json."""
    name = f"{number:012d}.jpg"
    about = {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH, "license": 1}
    return about | changes


def category(skeleton: Skeleton = COCO17) -> dict[str, Any]:
    """The category of people of a COCO json."""
    return {"id": 1, "name": "person", "keypoints": list(skeleton.keypoints), "skeleton": [[1, 2]]}


def write_json(path: Path, value: Any) -> None:
    """A json file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def coco_json(
    images: Sequence[dict[str, Any]], people: Sequence[dict[str, Any]], **changes: Any
) -> dict[str, Any]:
    """A COCO json, its lists in COCO's order."""
    content = {"info": {}, "licenses": [], "images": list(images), "annotations": list(people)}
    return content | {"categories": [category()]} | changes


def write_coco(folder: Path, *, train: int = 3, test: int = 2) -> Path:
    """COCO's layout; the first image of a half holds two people."""
    for first, part, count in ((1, "train2017", train), (1001, "val2017", test)):
        images = [picture(first + i) for i in range(count)]
        people = [person(10 * image["id"], image["id"]) for image in images]
        people.append(person(10 * first + 1, first, bbox=[5.0, 5.0, 30.0, 80.0]))
        for image in images:
            write_image(folder / part / image["file_name"], seed=image["id"])
        path = folder / "annotations" / f"person_keypoints_{part}.json"
        write_json(path, coco_json(images, people))
    return folder


def write_folder(
    folder: Path, images: Sequence[dict[str, Any]], people: Any, **changes: Any
) -> Path:
    """My infants: images/, and a single json that names no split."""
    for image in images:
        write_image(folder / "images" / image["file_name"], seed=image["id"])
    write_json(folder / "babies.json", coco_json(images, people, **changes))
    return folder


def write_mini_rgbd(
    folder: Path, sequences: Sequence[str] = ("01", "11"), *, unit: float = 1.0
) -> Path:
    """Two frames a sequence; `unit` is how many of the file's are a metre."""
    flat = standing(SMIL25) * 4 + (100, 40)
    depth = np.full(len(flat), 0.9)
    # The nose and the toes are nearer to the camera.
    for name in ("nose", "left_toes", "right_toes"):
        depth[SMIL25.index(name)] = 0.8
    fx, fy, cx, cy = INTRINSICS
    rays = np.column_stack([(flat - (cx, cy)) / (fx, fy), np.ones(len(flat))])
    space = rays * depth[:, None]
    assert np.allclose(project(space, INTRINSICS), flat)
    ids = np.arange(25)
    for sequence in sequences:
        for frame in ("00000", "00001"):
            base = folder / sequence
            write_image(base / "rgb" / f"syn_{frame}.png", size=(480, 640))
            _write_png(
                base / "depth" / f"syn_{frame}_depth.png", np.full((480, 640), 900, np.uint16)
            )
            mask = np.zeros((480, 640), np.uint8)
            mask[50:400, 120:330] = 255
            _write_png(base / "fg_mask" / f"mask_{frame}.png", mask)
            rows = np.column_stack([flat, depth * 1000, ids])
            _write_txt(base / "joints_2Ddep" / f"syn_joints_2Ddep_{frame}.txt", rows)
            rows = np.column_stack([space * unit, ids])
            _write_txt(base / "joints_3D" / f"syn_joints_3D_{frame}.txt", rows)
    return folder


def write_syrip(folder: Path) -> Path:
    """Two real and one rendered infants to train on, two to report, of whom one is in Test100."""
    parts = (
        ("200R_1000S", "train", ["train00001.jpg", "train00002.jpg", "train10001.jpg"]),
        ("validate500", "validate", ["test0.jpg", "test1.jpg"]),
        ("Test100", "validate", ["test1.jpg"]),
    )
    for part, kind, names in parts:
        images, people = [], []
        for name in names:
            number = int("".join(filter(str.isdigit, name)))
            rendered = name.startswith("train1")
            about = picture(number, file_name=name, is_synthetic=rendered)
            images.append(about if rendered else about | {"posture": "Supine"})
            people.append(person(number, number))
            write_image(folder / "images" / f"{kind}_infant" / name, seed=number)
        path = folder / "annotations" / part / f"person_keypoints_{kind}_infant.json"
        write_json(path, coco_json(images, people))
    return folder


def write_lsp(folder: Path) -> Path:
    """Images 1, 2 and 1001; the joints are MATLAB's 3 × 14 × 2000."""
    order = [FROM_LSP.index(joint) for joint in range(14)]
    flat = standing(BODY16)[order]
    joints = np.zeros((3, 14, 2000))
    joints[:2] = flat.T[:, :, None]
    joints[2, 0] = 1  # the right ankle is hidden
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / "joints.mat", {"joints": joints})
    for number in (1, 2, 1001):
        write_image(folder / "images" / f"im{number:04d}.jpg", seed=number)
    return folder


def write_surreal(folder: Path) -> Path:
    """A run of the training half and one of the test half, two crops each."""
    smpl = [SMIL25.keypoints[joint] for joint in range(24)]
    # SURREAL's images are mirrored against its model: SMPL's left is on the left of a picture.
    flat = standing(SMIL25)[:24]
    flat[:, 0] = 60 - flat[:, 0]
    camera = [[500.0, 0.0, 32.0], [0.0, 500.0, 48.0], [0.0, 0.0, 1.0]]
    space = np.column_stack([(flat - (32, 48)) / 500.0 * 5.0, np.full(len(smpl), 5.0)])
    for half in ("train", "test"):
        rows = []
        for number in range(2):
            name = f"{half}_{number:05d}.jpg"
            rows.append(
                {
                    "name": name,
                    "keypoint2d": flat.tolist(),
                    "keypoint3d": space.tolist(),
                    "intrinsic_matrix": camera,
                }
            )
            write_image(folder / half / "run0" / name, seed=number)
        write_json(folder / half / "run0.json", rows)
    return folder


def write_human36m(folder: Path) -> Path:
    """Subjects 1 and 9 before two cameras, six images each, of which every fifth is taken."""
    body = standing(BODY16)
    joints = np.zeros((17, 3))
    for ours, theirs in enumerate(FROM_HUMAN36M):
        if ours != BODY16.index("thorax"):
            joints[theirs] = [*(body[ours] - (32, 48)) * 20.0, 0.0]
    for subject in (1, 9):
        images: list[dict[str, Any]] = []
        poses = {}
        for frame in range(3):
            poses[str(frame)] = joints.tolist()
            for view in (1, 2):
                name = f"s_{subject:02d}_act_02_subact_01_ca_{view:02d}_{frame:06d}.jpg"
                number = len(images)
                images.append(
                    picture(
                        number,
                        file_name=f"s_{subject:02d}/{name}",
                        subject=subject,
                        action_name="Directions",
                        action_idx=2,
                        subaction_idx=1,
                        cam_idx=view,
                        frame_idx=frame,
                    )
                )
                write_image(folder / "images" / f"s_{subject:02d}" / name, seed=number)
        camera = {"R": np.eye(3).tolist(), "t": [0, 0, 5000], "f": [250, 250], "c": [32, 48]}
        start = folder / "annotations"
        stem = f"Human36M_subject{subject}"
        write_json(start / f"{stem}_data.json", {"images": images, "annotations": []})
        write_json(start / f"{stem}_camera.json", {"1": camera, "2": camera})
        write_json(start / f"{stem}_joint_3d.json", {"2": {"1": poses}})
    return folder


def _write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def _write_txt(path: Path, rows: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{a:.6f} {b:.6f} {c:.6f} {int(d)}\n" for a, b, c, d in rows))
