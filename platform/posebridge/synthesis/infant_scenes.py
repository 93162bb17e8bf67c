"""Infants on a bed, seen from above: on a plain sheet, or at home among toys and blankets."""

from dataclasses import dataclass

import numpy as np

from posebridge.synthesis import cots, occluders
from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.camera import Camera, Vector
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.meshes import Mesh, Pattern
from posebridge.synthesis.people import Figure, Looks, dress
from posebridge.synthesis.poses import infant_pose
from posebridge.synthesis.scenes import (
    HEIGHT_PX,
    WIDTH_PX,
    Scene,
    Streams,
    Subject,
    rolled_up,
    skin_band,
    vector,
)
from posebridge.synthesis.sensor import Sensor
from posebridge.synthesis.shading import Ambient, Light
from posebridge.synthesis.wardrobe import as_color, dye, infant_outfit, plain_infant_outfit

HAIR_COLORS = ((0.05, 0.035, 0.03), (0.14, 0.08, 0.05), (0.35, 0.22, 0.11), (0.02, 0.02, 0.02))
IRIS_COLORS = ((0.22, 0.14, 0.09), (0.12, 0.07, 0.04), (0.2, 0.3, 0.4), (0.25, 0.3, 0.18))


@dataclass(frozen=True)
class InfantKnobs:
    """What surrounds an infant. Each knob changes its own factor and nothing else.

    Attributes:
        rotation_deg: the picture is turned by up to this much to either side; 180 is any turn.
        clutter: printed clothes and sheets, toys beside the infant, free light and a tilted
            camera, instead of a plain outfit on a plain sheet in even light.
        occluders: a blanket, toys on the infant, leads and a caregiver's hand, each now and then.
        flaws: noise, blur, compression and casts of the camera.
    """

    rotation_deg: float
    clutter: bool
    occluders: bool
    flaws: bool


def infant_scene(streams: Streams, knobs: InfantKnobs, *, attempt: int = 0) -> Scene:
    """An infant on its back.

    Args:
        streams: random numbers by factor.
        knobs: what surrounds it.
        attempt: another draw of the occluders alone, for when they hid too much.
    """
    figure, looks, posture, age = _infant(streams, knobs)
    outfit_of = infant_outfit if knobs.clutter else plain_infant_outfit
    outfit = outfit_of(streams("clothes"), figure.stature_m)
    body = cots.relief(figure.skin, 1.5 * figure.stature_m)
    heights, meshes = _bed(streams("background"), body, knobs)
    if knobs.clutter:
        meshes += _toys_beside(streams("toys"), body, heights)
    if knobs.occluders:
        meshes += _occluders(streams(f"occluders {attempt}"), body, heights, figure)
    camera, rotation_deg = _camera(streams("camera"), figure, knobs)
    lights, ambient = _lights(streams("light"), knobs)
    dressed = dress(figure, looks, outfit, instance=1)
    subject = Subject(
        instance=1,
        skin=figure.skin,
        keypoints=figure.keypoints,
        radii_m=dressed.radii_m,
        attributes={
            "age": "newborn" if age < -0.17 else "infant",
            "posture": posture,
            "skin_tone": skin_band(looks.skin_tone),
            "light": "dim" if lights[0].color[1] < 0.7 else "bright",
            "rotation_deg": f"{rotation_deg:.1f}",
        },
    )
    return Scene(
        meshes=(*meshes, *dressed.meshes),
        people=(subject,),
        camera=camera,
        lights=lights,
        ambient=ambient,
        sensor=_sensor(streams("sensor")) if knobs.flaws else Sensor(),
    )


def _infant(streams: Streams, knobs: InfantKnobs) -> tuple[Figure, Looks, str, float]:
    """The infant itself: the same for every value of the knobs but `clutter`'s roll."""
    rng = streams("body")
    body = Body.load()
    person = Phenotype(
        age=float(rng.uniform(-0.33, -0.05)),
        gender=float(rng.random()),
        muscle=float(rng.uniform(0.3, 0.6)),
        weight=float(rng.uniform(0.4, 0.85)),
        height=float(rng.uniform(0.44, 0.58)),
        african=float(rng.random()) + 0.01,
        asian=float(rng.random()),
        caucasian=float(rng.random()),
    )
    looks = _looks(streams("skin"))
    pose = infant_pose(streams("pose"))
    shaped = body.shape(person)
    posed = body.pose(shaped, pose.angles, pose.root)
    skin = posed.vertices[body.group_vertices["body"]]
    low, high = skin.min(axis=0), skin.max(axis=0)
    middle = (low + high) / 2
    shift = -np.array([middle[0], middle[1], np.percentile(skin[:, 2], 3)], np.float32)
    figure = Figure(body, shaped, posed.vertices + shift, posed.bone_heads + shift)
    return figure, looks, pose.kind, person.age


def _looks(rng: np.random.Generator) -> Looks:
    hair = Hair(
        color=HAIR_COLORS[int(rng.integers(len(HAIR_COLORS)))],
        density=float(rng.uniform(0.1, 0.8)),
        brows=float(rng.uniform(0.15, 0.4)),
        thickness=float(rng.choice([0.0, 0.0, 0.06, 0.12])),
    )
    return Looks(
        skin_tone=float(rng.random()),
        ruddiness=0.8,
        hair=hair,
        iris=IRIS_COLORS[int(rng.integers(len(IRIS_COLORS)))],
        eyes_closed=bool(rng.random() < 0.3),
        stubble=0.0,
        seed=int(rng.integers(1 << 16)),
    )


def _bed(
    rng: np.random.Generator, body: cots.Relief, knobs: InfantKnobs
) -> tuple[cots.Heights, list[Mesh]]:
    seed = int(rng.integers(1 << 16))
    if not knobs.clutter:
        heights = cots.sheet(body, wrinkle_m=0.003, seed=seed)
        color = as_color(rng.uniform(0.5, 0.9) + rng.uniform(-0.12, 0.12, 3))
        pattern = Pattern(grain=0.05, grain_m=0.004, seed=seed)
    else:
        heights = cots.sheet(body, wrinkle_m=float(rng.uniform(0.006, 0.016)), seed=seed)
        color = dye(rng, 0.08, 0.9)
        pattern = cots.bedding_pattern(rng)
    return heights, cots.bed(heights, body.half_m, color, pattern)


def _toys_beside(rng: np.random.Generator, body: cots.Relief, heights: cots.Heights) -> list[Mesh]:
    """Toys around the infant, none where the body is."""
    taken = cots.footprint(body, margin_m=0.09)
    meshes: list[Mesh] = []
    for _ in range(int(rng.integers(1, 5))):
        radius, angle = body.half_m * rng.uniform(0.2, 0.55), rng.uniform(0, 2 * np.pi)
        x, y = float(radius * np.cos(angle)), float(radius * np.sin(angle))
        made = occluders.toy(rng, (x, y, body.height_at(heights, x, y)))
        if body.height_at(taken, x, y) == 0:
            meshes += made
    return meshes


def _occluders(
    rng: np.random.Generator, body: cots.Relief, heights: cots.Heights, figure: Figure
) -> list[Mesh]:
    """Things that hide the infant: each draws its numbers whether it is there or not."""
    meshes: list[Mesh] = []
    top = np.maximum(np.where(np.isfinite(body.top), body.top, heights), heights)
    points = figure.keypoints
    if rng.random() < 0.35:
        edge = _blanket_edge(rng, points)
        meshes.append(cots.blanket(body, heights, rng, edge=edge))
    for _ in range(int(rng.integers(0, 3))):
        on = points[int(rng.integers(5, 17)), :2] + rng.normal(0, 0.04, 2)
        place = (float(on[0]), float(on[1]), body.height_at(top, float(on[0]), float(on[1])))
        meshes += occluders.toy(rng, place)
    for _ in range(int(rng.choice([0, 0, 1, 3]))):
        start = points[5:13].mean(axis=0) + rng.normal(0, [0.04, 0.04, 0.0])
        start[2] = body.height_at(top, float(start[0]), float(start[1]))
        azimuth = rng.uniform(0, 2 * np.pi)
        end = np.array([0.6 * np.cos(azimuth), 0.6 * np.sin(azimuth), 0.02])
        meshes.append(occluders.lead(rng, start, end))
    if rng.random() < 0.3:
        azimuth_deg = float(rng.uniform(0, 360))
        reach = float(rng.uniform(0.02, 0.2))
        x = reach * float(np.cos(np.deg2rad(azimuth_deg)))
        y = reach * float(np.sin(np.deg2rad(azimuth_deg)))
        at = (x, y, body.height_at(top, x, y) + 0.05)
        meshes += occluders.caregiver_hand(rng, at, azimuth_deg)
    return meshes


def _blanket_edge(rng: np.random.Generator, points: np.ndarray) -> cots.Edge:
    """A line across the infant, from the belly to the knees; the feet are below it."""
    shoulders, hips = points[5:7, :2].mean(axis=0), points[11:13, :2].mean(axis=0)
    down = (hips - shoulders) / np.linalg.norm(hips - shoulders)
    turn = rotation_z(float(rng.normal(0, 17)))[:2, :2]
    direction = turn @ down
    torso_m = float(np.linalg.norm(hips - shoulders))
    offset = float(hips @ direction) + torso_m * float(rng.uniform(-0.1, 0.9))
    return cots.Edge((float(direction[0]), float(direction[1])), offset)


def _camera(rng: np.random.Generator, figure: Figure, knobs: InfantKnobs) -> tuple[Camera, float]:
    """A camera above. Its distance does not depend on the turn: turning changes nothing else."""
    turn, tilt, azimuth = rng.uniform(-1, 1), abs(rng.normal(0, 1)), rng.uniform(0, 2 * np.pi)
    fill, fov_deg = rng.uniform(0.85, 1.12), rng.uniform(38, 48)
    tilt_rad = min(tilt * (0.26 if knobs.clutter else 0.08), 0.7)
    flat = float(np.linalg.norm(figure.skin[:, :2], axis=1).max())
    focal = HEIGHT_PX / 2 / np.tan(np.deg2rad(fov_deg) / 2)
    distance = focal * flat / (WIDTH_PX / 2 * fill) + 0.08
    target: Vector = (0.0, 0.0, 0.05)
    away = [np.sin(tilt_rad) * np.cos(azimuth), np.sin(tilt_rad) * np.sin(azimuth)]
    eye = vector(distance * np.array([*away, np.cos(tilt_rad)]) + target)
    rotation_deg = float(turn * knobs.rotation_deg)
    up = rolled_up(eye, target, (0.0, 1.0, 0.0), rotation_deg)
    return Camera(eye, target, up, float(fov_deg), HEIGHT_PX, WIDTH_PX), rotation_deg


def _lights(rng: np.random.Generator, knobs: InfantKnobs) -> tuple[tuple[Light, ...], Ambient]:
    if not knobs.clutter:
        grey = 0.5
        even = Ambient(sky=(grey, grey, grey), ground=(0.3, 0.3, 0.3), background=(0.4, 0.4, 0.4))
        return (Light((0.3, -0.2, 1.0), (0.5, 0.5, 0.5), softness_deg=12.0),), even
    warmth = rng.uniform(-0.22, 0.22)
    strength = rng.uniform(0.45, 1.1)
    key = Light(
        direction=(float(rng.uniform(-1.3, 1.3)), float(rng.uniform(-1.3, 1.3)), 1.0),
        color=vector(strength * np.array([1 + warmth, 1.0, 1 - warmth])),
        softness_deg=float(rng.uniform(1, 12)),
    )
    fill = Light(
        direction=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), 0.7),
        color=(0.25, 0.25, 0.29),
        softness_deg=10.0,
        casts_shadow=False,
    )
    lights = (key, fill) if rng.random() < 0.5 else (key,)
    sky = np.array([0.26, 0.26, 0.29]) * rng.uniform(0.6, 1.5)
    return lights, Ambient(sky=vector(sky), ground=vector(0.6 * sky))


def _sensor(rng: np.random.Generator) -> Sensor:
    balance = 1 + rng.normal(0, 0.07, 3)
    return Sensor(
        noise=float(rng.uniform(0.008, 0.04)),
        blur_px=float(rng.uniform(0, 0.8)),
        motion_px=float(max(0.0, rng.normal(0.7, 1.3))),
        motion_angle_rad=float(rng.uniform(0, np.pi)),
        jpeg_quality=int(rng.integers(40, 91)),
        gain=float(rng.uniform(0.5, 1.25)),
        white_balance=vector(balance),
        vignette=float(rng.uniform(0, 0.5)),
    )
