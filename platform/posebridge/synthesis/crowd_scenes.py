"""Several adults in one picture, who overlap by a given measure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from posebridge.synthesis.adult_poses import exercise, reach, stand, walk
from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.characters import (
    ADULT_AGES,
    ELDER_AGES,
    Character,
    draw_character,
    dressed_character,
    traits,
)
from posebridge.synthesis.crowd_layouts import draw_layout
from posebridge.synthesis.figures import moved_figure, moved_points, standing_figure
from posebridge.synthesis.framing import View
from posebridge.synthesis.people import Dressed, Figure
from posebridge.synthesis.pose_samples import PoseSample, mirrored
from posebridge.synthesis.poses import without_deep_contact
from posebridge.synthesis.rooms import room, room_light
from posebridge.synthesis.scenes import HEIGHT_PX, Scene, Streams, Subject
from posebridge.synthesis.sensor import mild_sensor

CROWD_WIDTH_PX = 352
AGES = (ADULT_AGES[0], ELDER_AGES[1])

_SOLES_M = 0.011  # of shoes below the skin
_FAMILIES = (stand, stand, stand, walk, walk, walk, reach, exercise)
_POSED_AGE = 2 / 3  # of the body on which contact is tried


@dataclass(frozen=True)
class CrowdKnobs:
    """What a crowd is like.

    Attributes:
        people: fewest and most.
        index: lowest and highest crowd index to aim at.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    people: tuple[int, int]
    index: tuple[float, float]
    roll_deg: float


@dataclass(frozen=True, eq=False)
class _Member:
    character: Character
    figure: Figure
    posture: str
    streams: Streams


def crowd_scene(streams: Streams, knobs: CrowdKnobs, *, attempt: int = 0) -> Scene:
    """Several adults in a room.

    Args:
        streams: random numbers by factor.
        knobs: how many, and how much they overlap.
        attempt: another arrangement of the same people.
    """
    rng = streams("crowd")
    fewest, most = knobs.people
    members = [
        _member(_numbered(streams, who)) for who in range(int(rng.integers(fewest, most + 1)))
    ]
    view, rotation_deg = _view(streams("camera"), knobs.roll_deg)
    rng = streams(f"layout {attempt}")
    wanted = float(rng.uniform(*knobs.index))
    layout = draw_layout(rng, [member.figure for member in members], view, wanted=wanted)
    lights, ambient = room_light(streams("light"))
    told = {
        "light": "dim" if lights[0].color[1] < 0.7 else "bright",
        "rotation_deg": f"{rotation_deg:.1f}",
    }
    meshes, people = room(streams("background")), []
    back_m = max(float(layout.spots[:, 1].max()) - 0.9, 0.0)
    meshes = [
        replace(mesh, vertices=moved_points(mesh.vertices, np.eye(3), np.array([0.0, back_m, 0])))
        for mesh in meshes
    ]
    for who, (member, spot) in enumerate(zip(members, layout.spots, strict=True)):
        shift = np.array([spot[0], spot[1], 0.0])
        figure = moved_figure(member.figure, np.eye(3), shift)
        dressed = dressed_character(member.character, figure, member.streams, instance=who + 1)
        meshes += dressed.meshes
        people.append(_subject(member, figure, dressed, who + 1))
    return Scene(
        meshes=tuple(meshes),
        people=tuple(replace(who, attributes={**who.attributes, **told}) for who in people),
        camera=layout.camera,
        lights=lights,
        ambient=ambient,
        sensor=mild_sensor(streams("sensor")),
    )


def _numbered(streams: Streams, who: int) -> Streams:
    """The streams of one member of the crowd."""
    return lambda name: streams(f"{name} {who}")


def _member(streams: Streams) -> _Member:
    character = draw_character(streams, ages=AGES)
    pose = _pose(streams("pose"))
    figure = standing_figure(character.person, pose, lift_m=_SOLES_M)
    return _Member(character, figure, pose.kind, streams)


def _pose(rng: np.random.Generator) -> PoseSample:
    """On their feet; most face the camera, some turn their side or back to it."""
    family: Callable[[np.random.Generator], PoseSample] = _FAMILIES[rng.integers(len(_FAMILIES))]
    sample = without_deep_contact(family, rng, age=_POSED_AGE)
    if rng.random() < 0.5:
        sample = mirrored(sample)
    away = rng.random() < 0.12
    yaw_deg = rng.uniform(-180, 180) if away else np.clip(rng.normal(0, 35), -90, 90)
    return replace(sample, root=rotation_z(float(yaw_deg)) @ sample.root)


def _subject(member: _Member, figure: Figure, dressed: Dressed, instance: int) -> Subject:
    return Subject(
        instance=instance,
        skin=figure.skin,
        keypoints=figure.keypoints,
        radii_m=dressed.radii_m,
        attributes={**traits(member.character, figure), "posture": member.posture},
    )


def _view(rng: np.random.Generator, roll_deg: float) -> tuple[View, float]:
    """From eye height or a little above, across the width of the picture."""
    rotation_deg = float(np.clip(rng.normal(0, 0.45 * roll_deg), -roll_deg, roll_deg))
    view = View(
        azimuth_deg=float(rng.uniform(-15, 15)),
        elevation_deg=float(rng.uniform(-2, 14)),
        roll_deg=rotation_deg,
        fov_deg=float(rng.uniform(28, 42)),
        fill=float(rng.uniform(0.86, 1.02)),
        height_px=HEIGHT_PX,
        width_px=CROWD_WIDTH_PX,
    )
    return view, rotation_deg
