"""One grown person in a room, adult or old: the same room, light and camera at either age."""

from collections.abc import Mapping

import numpy as np

from posebridge.synthesis.adult_scenes import stool
from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.characters import (
    ADULT_AGES,
    ELDER_AGES,
    Character,
    draw_character,
    dressed_character,
    traits,
)
from posebridge.synthesis.elder_poses import elder_pose
from posebridge.synthesis.figures import moved_figure, moved_meshes, standing_figure
from posebridge.synthesis.framing import View, framed
from posebridge.synthesis.meshes import Mesh
from posebridge.synthesis.people import Figure
from posebridge.synthesis.poses import adult_pose
from posebridge.synthesis.rooms import room, room_light
from posebridge.synthesis.scenes import Scene, Streams, Subject
from posebridge.synthesis.sensor import mild_sensor
from posebridge.synthesis.walking_aids import walking_aid

_STILL = np.zeros(3)
_SOLES_M = 0.011  # of shoes below the skin
_JUMP_M = 0.45
_AIDS = {"": "none", "L": "cane", "R": "cane", "LR": "frame"}


def adult_room_scene(streams: Streams, *, roll_deg: float) -> Scene:
    """An adult who is not old, in the poses of the population `adult`.

    Args:
        streams: random numbers by factor.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """
    character = draw_character(streams, ages=ADULT_AGES)
    pose = adult_pose(streams("pose"))
    lift_m = _JUMP_M if pose.kind == "jump" else _SOLES_M
    figure = standing_figure(character.person, pose, lift_m=lift_m)
    return _scene(streams, character, figure, ({"posture": pose.kind}, []), roll_deg)


def elder_room_scene(streams: Streams, *, roll_deg: float) -> Scene:
    """An old person, mostly stooped, now and then with a cane or a walking frame.

    Args:
        streams: random numbers by factor.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """
    character = draw_character(streams, ages=ELDER_AGES)
    pose = elder_pose(streams("pose"))
    ahead = standing_figure(character.person, pose.sample, lift_m=_SOLES_M)
    turn = rotation_z(pose.yaw_deg)
    figure = moved_figure(ahead, turn, _STILL)
    aid = moved_meshes(walking_aid(streams("aid"), ahead, pose.hands), turn, _STILL)
    attributes = {"posture": pose.sample.kind, "aid": _AIDS[pose.hands]}
    return _scene(streams, character, figure, (attributes, aid), roll_deg)


def _scene(
    streams: Streams,
    character: Character,
    figure: Figure,
    told: tuple[Mapping[str, str], list[Mesh]],
    roll_deg: float,
) -> Scene:
    """A posed character in a room; `told` are the attributes and the props of the pose."""
    attributes, props = told
    background = streams("background")
    seat = stool(background, figure) if attributes["posture"] == "sit_on_chair" else []
    camera, rotation_deg = _camera(streams("camera"), figure, roll_deg)
    lights, ambient = room_light(streams("light"))
    dressed = dressed_character(character, figure, streams, instance=1)
    subject = Subject(
        instance=1,
        skin=figure.skin,
        keypoints=figure.keypoints,
        radii_m=dressed.radii_m,
        attributes={
            **traits(character, figure),
            **attributes,
            "light": "dim" if lights[0].color[1] < 0.7 else "bright",
            "rotation_deg": f"{rotation_deg:.1f}",
        },
    )
    return Scene(
        meshes=(*room(background), *seat, *props, *dressed.meshes),
        people=(subject,),
        camera=camera,
        lights=lights,
        ambient=ambient,
        sensor=mild_sensor(streams("sensor")),
    )


def _camera(rng: np.random.Generator, figure: Figure, roll_deg: float) -> tuple[Camera, float]:
    """In front, the whole body in the picture, whatever it leans on at most partly."""
    azimuth_deg, elevation_deg = float(rng.uniform(-20, 20)), float(rng.uniform(-4, 18))
    rotation_deg = float(np.clip(rng.normal(0, 0.45 * roll_deg), -roll_deg, roll_deg))
    fov_deg, fill = float(rng.uniform(30, 44)), float(rng.uniform(0.72, 0.95))
    view = View(azimuth_deg, elevation_deg, rotation_deg, fov_deg, fill)
    return framed(figure.skin, view), rotation_deg
