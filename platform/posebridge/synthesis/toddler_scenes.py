"""Toddlers at home, among toys, from the height of a seat or of a standing adult."""

from collections.abc import Mapping

import numpy as np

from posebridge.synthesis import occluders
from posebridge.synthesis.adult_scenes import HAIR_COLORS, IRIS_COLORS
from posebridge.synthesis.body import Phenotype
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.characters import body_traits
from posebridge.synthesis.figures import standing_figure
from posebridge.synthesis.framing import View, framed
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.people import Figure, Looks, dress
from posebridge.synthesis.playwear import playwear
from posebridge.synthesis.rooms import room, room_light
from posebridge.synthesis.scenes import Scene, Streams, Subject, skin_band
from posebridge.synthesis.sensor import mild_sensor
from posebridge.synthesis.toddler_poses import toddler_pose

AGES = (0.035, 0.15)
"""Of `Phenotype.age`: statures of about 72 to 102 cm, from one to three and a half years."""

_SOLES_M = 0.006
_DEPTHS = np.ones(17, np.float32)
_DEPTHS[11:13] = 1.35  # belly and diaper stand out before the hips more than the skin at rest does
_TOY_SIZE = 2.0  # an infant's toys are small for somebody who walks


def toddler_scene(streams: Streams, *, roll_deg: float) -> Scene:
    """One toddler in a room.

    Args:
        streams: random numbers by factor.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """
    person, looks = _phenotype(streams("body")), _looks(streams("skin"))
    pose = toddler_pose(streams("pose"))
    figure = standing_figure(person, pose, lift_m=_SOLES_M)
    camera, rotation_deg = _camera(streams("camera"), figure, roll_deg)
    lights, ambient = room_light(streams("light"))
    outfit = playwear(streams("clothes"), figure.stature_m)
    dressed = dress(figure, looks, outfit, instance=1)
    subject = Subject(
        instance=1,
        skin=figure.skin,
        keypoints=figure.keypoints,
        radii_m=dressed.radii_m * _DEPTHS,
        attributes={
            **_traits(person, looks, figure),
            "posture": pose.kind,
            "light": "dim" if lights[0].color[1] < 0.7 else "bright",
            "rotation_deg": f"{rotation_deg:.1f}",
        },
    )
    return Scene(
        meshes=(*room(streams("background")), *_toys(streams("toys"), figure), *dressed.meshes),
        people=(subject,),
        camera=camera,
        lights=lights,
        ambient=ambient,
        sensor=mild_sensor(streams("sensor")),
    )


def _phenotype(rng: np.random.Generator) -> Phenotype:
    return Phenotype(
        age=float(rng.uniform(*AGES)),
        gender=float(rng.random()),
        muscle=float(rng.uniform(0.35, 0.6)),
        weight=float(rng.uniform(0.3, 0.75)),
        height=float(rng.uniform(0.45, 0.55)),
        african=float(rng.random()) + 0.01,
        asian=float(rng.random()),
        caucasian=float(rng.random()),
    )


def _looks(rng: np.random.Generator) -> Looks:
    thickness, length = rng.uniform(0.06, 0.22), rng.uniform(1.5, 3.5)
    is_sparse, is_long = rng.random() < 0.25, rng.random() < 0.35
    hair = Hair(
        color=HAIR_COLORS[int(rng.integers(len(HAIR_COLORS)))],
        density=float(rng.uniform(0.3, 0.7) if is_sparse else 0.95),
        brows=float(rng.uniform(0.3, 0.6)),
        thickness=0.04 if is_sparse else float(thickness),
        length=float(length) if is_long and not is_sparse else 0.0,
    )
    return Looks(
        skin_tone=float(rng.random()),
        ruddiness=0.55,
        hair=hair,
        iris=IRIS_COLORS[int(rng.integers(len(IRIS_COLORS)))],
        eyes_closed=False,
        stubble=0.0,
        seed=int(rng.integers(1 << 16)),
    )


def _traits(person: Phenotype, looks: Looks, figure: Figure) -> Mapping[str, str]:
    return {
        "age": "toddler",
        "skin_tone": skin_band(looks.skin_tone),
        **body_traits(person, figure),
    }


def _toys(rng: np.random.Generator, figure: Figure) -> list[Mesh]:
    """Toys on the floor around, none where the body is."""
    meshes: list[Mesh] = []
    for _ in range(int(rng.integers(2, 7))):
        x, y = float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.55, 1.2))
        made = occluders.toy(rng, (x, y, 0.0))
        apart = np.linalg.norm(figure.skin[:, :2] - [x, y], axis=1).min()
        if apart > 0.16:
            meshes += occluders.enlarged(made, (x, y, 0.0), _TOY_SIZE)
    return meshes


def _camera(rng: np.random.Generator, figure: Figure, roll_deg: float) -> tuple[Camera, float]:
    """From level to well above, as parents hold a telephone."""
    azimuth_deg = float(rng.uniform(-20, 20))
    elevation_deg = float(rng.choice([rng.uniform(-3, 20), rng.uniform(15, 50)]))
    rotation_deg = float(np.clip(rng.normal(0, 0.45 * roll_deg), -roll_deg, roll_deg))
    fov_deg, fill = float(rng.uniform(30, 46)), float(rng.uniform(0.68, 0.95))
    view = View(azimuth_deg, elevation_deg, rotation_deg, fov_deg, fill)
    return framed(figure.skin, view), rotation_deg
