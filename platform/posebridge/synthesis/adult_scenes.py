"""Adults in a room, in wide poses, seen from the front, the side or behind."""

import numpy as np

from posebridge.synthesis.body import Body, Phenotype
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.framing import View, framed
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.meshes import Mesh, box
from posebridge.synthesis.people import Figure, Looks, dress
from posebridge.synthesis.poses import adult_pose
from posebridge.synthesis.rooms import room, room_light
from posebridge.synthesis.scenes import Scene, Streams, Subject, skin_band
from posebridge.synthesis.sensor import mild_sensor
from posebridge.synthesis.vectors import bounds
from posebridge.synthesis.wardrobe import adult_outfit, as_color

HAIR_COLORS = (
    (0.012, 0.01, 0.01),
    (0.03, 0.02, 0.015),
    (0.08, 0.045, 0.025),
    (0.2, 0.12, 0.06),
    (0.35, 0.24, 0.12),
    (0.16, 0.06, 0.025),
)
_GREY = (0.45, 0.45, 0.46)
IRIS_COLORS = ((0.2, 0.12, 0.07), (0.1, 0.06, 0.035), (0.18, 0.28, 0.38), (0.22, 0.28, 0.16))


def adult_scene(streams: Streams, *, roll_deg: float) -> Scene:
    """One adult in a room.

    Args:
        streams: random numbers by factor.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """
    figure, looks, posture, person = _adult(streams)
    outfit = adult_outfit(streams("clothes"), figure.stature_m)
    background = streams("background")
    seat = stool(background, figure) if posture == "sit_on_chair" else []
    camera, rotation_deg = _camera(streams("camera"), figure, roll_deg)
    lights, ambient = room_light(streams("light"))
    dressed = dress(figure, looks, outfit, instance=1)
    subject = Subject(
        instance=1,
        skin=figure.skin,
        keypoints=figure.keypoints,
        radii_m=dressed.radii_m,
        attributes={
            "age": "old" if person.age > 0.85 else "adult",
            "posture": posture,
            "skin_tone": skin_band(looks.skin_tone),
            "light": "dim" if lights[0].color[1] < 0.7 else "bright",
            "rotation_deg": f"{rotation_deg:.1f}",
        },
    )
    return Scene(
        meshes=(*room(background), *seat, *dressed.meshes),
        people=(subject,),
        camera=camera,
        lights=lights,
        ambient=ambient,
        sensor=mild_sensor(streams("sensor")),
    )


def _adult(streams: Streams) -> tuple[Figure, Looks, str, Phenotype]:
    rng = streams("body")
    body = Body.load()
    person = Phenotype(
        age=float(rng.uniform(0.58, 1.0)),
        gender=float(rng.random()),
        muscle=float(rng.uniform(0.3, 0.8)),
        weight=float(rng.uniform(0.25, 0.85)),
        height=float(rng.uniform(0.42, 0.58)),
        proportions=float(rng.uniform(0.3, 0.9)),
        african=float(rng.random()) + 0.01,
        asian=float(rng.random()),
        caucasian=float(rng.random()),
    )
    pose = adult_pose(streams("pose"))
    shaped = body.shape(person)
    posed = body.pose(shaped, pose.angles, pose.root)
    skin = posed.vertices[body.group_vertices["body"]]
    low, high = bounds(skin)
    middle = (low + high) / 2
    lift = 0.45 - low[2] if pose.kind == "jump" else -low[2]
    shift = np.array([-middle[0], -middle[1], lift], np.float32)
    figure = Figure(body, shaped, posed.vertices + shift, posed.bone_heads + shift)
    return figure, _looks(streams("skin"), person), pose.kind, person


def _looks(rng: np.random.Generator, person: Phenotype) -> Looks:
    color = HAIR_COLORS[int(rng.integers(len(HAIR_COLORS)))]
    grey = float(np.clip((person.age - 0.75) / 0.2, 0, 1)) * float(rng.uniform(0.3, 1))
    mixed = as_color((1 - grey) * np.asarray(color) + grey * np.asarray(_GREY))
    style, male = rng.random(), person.gender > 0.5
    bald = style < (0.15 if male else 0.02)
    long = style > (0.9 if male else 0.35)
    hair = Hair(
        color=mixed,
        density=float(rng.uniform(0.05, 0.4)) if bald else 0.95,
        brows=float(rng.uniform(0.5, 0.9)),
        thickness=0.0 if bald else float(rng.uniform(0.08, 0.32)),
        length=float(rng.uniform(2.0, 7.0)) if long else 0.0,
    )
    return Looks(
        skin_tone=float(rng.random()),
        ruddiness=0.35,
        hair=hair,
        iris=IRIS_COLORS[int(rng.integers(len(IRIS_COLORS)))],
        eyes_closed=False,
        stubble=float(rng.uniform(0.1, 0.8)) if male and rng.random() < 0.5 else 0.0,
        seed=int(rng.integers(1 << 16)),
    )


def stool(rng: np.random.Generator, figure: Figure) -> list[Mesh]:
    """A stool below the hips."""
    hips = figure.keypoints[11:13].mean(axis=0)
    top = float(hips[2]) - 0.06 * figure.stature_m
    if top < 0.1:  # sits on the floor
        return []
    center = (float(hips[0]), float(hips[1]), top / 2)
    width = float(rng.uniform(0.3, 0.45))
    return [box(center, (width, width, top), color=as_color(rng.uniform(0.05, 0.7, 3)))]


def _camera(rng: np.random.Generator, figure: Figure, roll_deg: float) -> tuple[Camera, float]:
    """A camera in front that holds the whole body, exactly as large as `fill` asks for."""
    azimuth_deg, elevation_deg = float(rng.uniform(-20, 20)), float(rng.uniform(-4, 18))
    rotation_deg = float(np.clip(rng.normal(0, 0.45 * roll_deg), -roll_deg, roll_deg))
    fov_deg, fill = rng.uniform(30, 44), rng.uniform(0.72, 0.97)
    view = View(azimuth_deg, elevation_deg, rotation_deg, float(fov_deg), float(fill))
    return framed(figure.skin, view), rotation_deg
