"""Infants on a bed: on a plain sheet, or at home among toys and blankets."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis import cots, occluders
from posebridge.synthesis.body import Body, Phenotype, Shaped
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.hair import Hair
from posebridge.synthesis.infant_joints import months_of
from posebridge.synthesis.infant_occluders import Place, hiding_things
from posebridge.synthesis.infant_poses import FAMILIES, LYING_AGES, SUPINE, posture_of
from posebridge.synthesis.infant_rest import pose_at_rest
from posebridge.synthesis.infant_supports import backdrop, supports
from posebridge.synthesis.infant_views import infant_camera
from posebridge.synthesis.meshes import Mesh, Pattern
from posebridge.synthesis.people import Figure, Looks, dress
from posebridge.synthesis.pose_samples import PoseSample
from posebridge.synthesis.poses import infant_pose
from posebridge.synthesis.scenes import Scene, Streams, Subject, skin_band, vector
from posebridge.synthesis.sensor import Sensor
from posebridge.synthesis.shading import Ambient, Light
from posebridge.synthesis.sleeping_bags import SleepingBag, sleeping_bag
from posebridge.synthesis.vectors import bounds
from posebridge.synthesis.wardrobe import (
    Garment,
    as_color,
    dye,
    infant_outfit,
    plain_infant_outfit,
)

HAIR_COLORS = ((0.05, 0.035, 0.03), (0.14, 0.08, 0.05), (0.35, 0.22, 0.11), (0.02, 0.02, 0.02))
IRIS_COLORS = ((0.22, 0.14, 0.09), (0.12, 0.07, 0.04), (0.2, 0.3, 0.4), (0.25, 0.3, 0.18))


@dataclass(frozen=True)
class InfantKnobs:
    """What surrounds an infant. Each knob changes its own factor and nothing else.

    Attributes:
        rotation_deg: the picture is turned by up to this much to either side; 180 is any turn.
        clothes: a printed shirt, bodysuit or romper, socks, instead of a diaper or a plain one.
        clutter: printed sheets, toys beside the infant, free light and a tilted camera, instead of
            a plain sheet in even light.
        occluders: a blanket, toys on the infant, leads and a caregiver's hand, each now and then.
        flaws: noise, blur, compression and casts of the camera.
        poses: of `INFANT_POSES`, each as often as the others.
        view: of `VIEWS`.
        toys: beside the infant, where there is clutter.
        bags: a sleeping bag around those who lie with their legs down.
    """

    rotation_deg: float
    clothes: bool
    clutter: bool
    occluders: bool
    flaws: bool
    poses: tuple[str, ...] = (SUPINE,)
    view: str = "any"
    toys: bool = True
    bags: bool = False


@dataclass(frozen=True, eq=False)
class Infant:
    """Who lies, sits or stands there.

    Attributes:
        figure: posed, on the mattress at z = 0.
        pose: its angles and root.
        looks: skin, hair and eyes.
        outfit: clothes, innermost first.
        age: as in `Phenotype`.
        bag: that it sleeps in.
    """

    figure: Figure
    pose: PoseSample
    looks: Looks
    outfit: tuple[Garment, ...]
    age: float
    bag: SleepingBag | None = None

    @property
    def surface(self) -> Float[np.ndarray, "point 3"]:
        """What a blanket lies on: the skin, and the sleeping bag."""
        return np.concatenate([self.figure.skin, *([self.bag.surface] if self.bag else [])])

    @property
    def is_upright(self) -> bool:
        """Whether its trunk stands."""
        return self.pose.kind in FAMILIES and FAMILIES[self.pose.kind].is_upright

    @property
    def attributes(self) -> dict[str, str]:
        """What is true of it in every picture."""
        posture = posture_of(self.pose.root, self.pose.kind)
        finer = {} if self.pose.kind == posture else {"pose": self.pose.kind}
        return {
            "age": "newborn" if self.age < -0.17 else "infant",
            "posture": posture,
            **finer,
            **({} if self.bag is None else {"wear": "sleeping bag"}),
            "skin_tone": skin_band(self.looks.skin_tone),
        }


@dataclass(frozen=True, eq=False)
class Setting:
    """What is around an infant.

    Attributes:
        meshes: the bed and all that is on it.
        camera: whose picture it is.
        lights: lights far away.
        ambient: light from all around.
        sensor: the camera's flaws.
        attributes: what is true of every picture in it.
    """

    meshes: tuple[Mesh, ...]
    camera: Camera
    lights: tuple[Light, ...]
    ambient: Ambient
    sensor: Sensor
    attributes: Mapping[str, str]

    def with_infant(self, infant: Infant) -> Scene:
        """The scene, once the infant is in it."""
        figure = infant.figure
        outfit = (*infant.outfit, *([infant.bag.vest] if infant.bag else []))
        dressed = dress(figure, infant.looks, outfit, instance=1)
        worn = dressed.meshes
        subject = Subject(
            instance=1,
            skin=figure.skin,
            keypoints=figure.keypoints,
            radii_m=dressed.radii_m,
            attributes={**infant.attributes, **self.attributes},
        )
        return Scene(
            meshes=(*self.meshes, *(infant.bag.put_on(worn) if infant.bag else worn)),
            people=(subject,),
            camera=self.camera,
            lights=self.lights,
            ambient=self.ambient,
            sensor=self.sensor,
        )


def infant_scene(streams: Streams, knobs: InfantKnobs, *, attempt: int = 0) -> Scene:
    """An infant on a bed.

    Args:
        streams: random numbers by factor.
        knobs: what surrounds it.
        attempt: another draw of the occluders alone, for when they hid too much.
    """
    infant = draw_infant(streams, knobs)
    return draw_setting(streams, knobs, infant, attempt=attempt).with_infant(infant)


def draw_setting(
    streams: Streams, knobs: InfantKnobs, infant: Infant, *, attempt: int = 0
) -> Setting:
    """What is around an infant; arguments as of `infant_scene`."""
    figure = infant.figure
    body = cots.relief(infant.surface, 1.5 * figure.stature_m)
    heights, meshes = _bed(streams("background"), body, knobs)
    meshes += supports(streams("supports"), figure, infant.pose.kind)
    if knobs.clutter and knobs.toys:
        meshes += _toys_beside(streams("toys"), body, heights)
    if knobs.occluders:
        meshes += hiding_things(streams(f"occluders {attempt}"), Place(figure, body, heights))
    camera, rotation_deg = infant_camera(
        streams("camera"),
        figure,
        knobs.view,
        is_upright=infant.is_upright,
        spread_rad=0.26 if knobs.clutter else 0.08,
        rotation_deg=knobs.rotation_deg,
    )
    if infant.is_upright:
        meshes.append(backdrop(streams("backdrop"), camera, body.half_m))
    lights, ambient = _lights(streams("light"), knobs)
    return Setting(
        meshes=tuple(meshes),
        camera=camera,
        lights=lights,
        ambient=ambient,
        sensor=_sensor(streams("sensor")) if knobs.flaws else Sensor(),
        attributes={
            "light": "dim" if lights[0].color[1] < 0.7 else "bright",
            "rotation_deg": f"{rotation_deg:.1f}",
        },
    )


def draw_infant(streams: Streams, knobs: InfantKnobs) -> Infant:
    """The infant itself: the same for every value of the knobs but `clothes`, `poses`, `bags`."""
    rng = streams("body")
    body = Body.load()
    kind = knobs.poses[int(streams("posture").integers(len(knobs.poses)))]
    low, high = FAMILIES[kind].ages if kind in FAMILIES else LYING_AGES
    person = Phenotype(
        age=float(rng.uniform(low, high)),
        gender=float(rng.random()),
        muscle=float(rng.uniform(0.3, 0.6)),
        weight=float(rng.uniform(0.4, 0.85)),
        height=float(rng.uniform(0.44, 0.58)),
        african=float(rng.random()) + 0.01,
        asian=float(rng.random()),
        caucasian=float(rng.random()),
    )
    looks = _looks(streams("skin"))
    shaped = body.shape(person)
    rng = streams("pose")
    if kind == SUPINE:
        pose = infant_pose(rng)
    else:
        pose = pose_at_rest(kind, rng, body, shaped, months=months_of(person.age))
    figure = on_mattress(body, shaped, pose)
    outfit_of = infant_outfit if knobs.clothes else plain_infant_outfit
    outfit = outfit_of(streams("clothes"), figure.stature_m)
    bag = sleeping_bag(figure, streams("bag")) if knobs.bags else None
    return Infant(figure, pose, looks, outfit, person.age, bag)


def on_mattress(body: Body, shaped: Shaped, pose: PoseSample) -> Figure:
    """A posed body in the middle of the bed; a little of it sinks below the mattress, z = 0."""
    posed = body.pose(shaped, pose.angles, pose.root)
    skin = posed.vertices[body.group_vertices["body"]]
    low, high = bounds(skin)
    middle = (low + high) / 2
    shift = -np.array([middle[0], middle[1], np.percentile(skin[:, 2], 3)], np.float32)
    return Figure(body, shaped, posed.vertices + shift, posed.bone_heads + shift)


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
