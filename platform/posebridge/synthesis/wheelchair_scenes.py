"""People in wheelchairs, in rooms, from the front, the side and behind; often partly covered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from posebridge.synthesis import wheelchairs
from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.characters import (
    ADULT_AGES,
    ELDER_AGES,
    draw_character,
    dressed_character,
    traits,
)
from posebridge.synthesis.figures import moved_figure, moved_meshes, standing_figure
from posebridge.synthesis.framing import View, framed
from posebridge.synthesis.lap_blankets import lap_blanket
from posebridge.synthesis.meshes import Mesh, box
from posebridge.synthesis.people import Figure
from posebridge.synthesis.rooms import room, room_light
from posebridge.synthesis.scenes import Scene, Streams, Subject
from posebridge.synthesis.seated_poses import wheelchair_pose
from posebridge.synthesis.seats import Seat, free_height, measure_seat
from posebridge.synthesis.sensor import mild_sensor
from posebridge.synthesis.wardrobe import as_color, dye

AGES = (ADULT_AGES[0], ELDER_AGES[1])
_SOLES_M = 0.11  # height of the feet over the floor
_STILL = np.zeros(3)
_FRONTAL = 1.6  # above 1, more people show their front than their back


@dataclass(frozen=True)
class WheelchairKnobs:
    """What stands between somebody in a wheelchair and the viewer.

    Each share is a probability and changes its own factor alone.

    Attributes:
        yaw_deg: directions the person is seen from, (lowest, highest) turn to either side: 0 is
            from the front, 180 from behind.
        blanket: share of people with a blanket over the lap.
        guards: share of chairs with plates beside the thighs.
        tray: share of people with a tray over the armrests, where the arms leave room.
        desk: share of people at a desk, where the arms leave room.
        roll_deg: the camera is turned by up to this much to either side, mostly by less.
    """

    yaw_deg: tuple[float, float]
    blanket: float
    guards: float
    tray: float
    desk: float
    roll_deg: float


def wheelchair_scene(streams: Streams, knobs: WheelchairKnobs) -> Scene:
    """Somebody in a wheelchair in a room.

    Args:
        streams: random numbers by factor.
        knobs: what covers them, and from where they are seen.
    """
    character = draw_character(streams, ages=AGES)
    pose = wheelchair_pose(streams("pose"))
    seated = standing_figure(character.person, pose, lift_m=_SOLES_M)
    seat = measure_seat(seated)
    chair, fittings = _chair(streams, seated, seat, knobs)
    yaw_deg = _yaw(streams("yaw"), knobs.yaw_deg)
    turn = rotation_z(yaw_deg)
    figure = moved_figure(seated, turn, _STILL)
    chair = moved_meshes(chair, turn, _STILL)
    camera, rotation_deg = _camera(streams("camera"), figure, knobs.roll_deg)
    lights, ambient = room_light(streams("light"))
    dressed = dressed_character(character, figure, streams, instance=1)
    subject = Subject(
        instance=1,
        skin=figure.skin,
        keypoints=figure.keypoints,
        radii_m=dressed.radii_m,
        attributes={
            **traits(character, figure),
            **fittings,
            "posture": pose.kind,
            "view": view_name(yaw_deg),
            "light": "dim" if lights[0].color[1] < 0.7 else "bright",
            "rotation_deg": f"{rotation_deg:.1f}",
        },
    )
    return Scene(
        meshes=(*room(streams("background")), *chair, *dressed.meshes),
        people=(subject,),
        camera=camera,
        lights=lights,
        ambient=ambient,
        sensor=mild_sensor(streams("sensor")),
    )


def view_name(yaw_deg: float) -> str:
    """Side of the person that a turn shows: front, side or rear."""
    turn = abs(yaw_deg)
    return "front" if turn < 45 else "side" if turn < 125 else "rear"


def _chair(
    streams: Streams, figure: Figure, seat: Seat, knobs: WheelchairKnobs
) -> tuple[list[Mesh], Mapping[str, str]]:
    """The chair with its fittings, and which of them there are."""
    style = wheelchairs.draw_style(streams("chair"))
    meshes = wheelchairs.wheelchair(seat, style)
    rng = streams("guards")
    has_guards, guard_color = rng.random() < knobs.guards, as_color(rng.uniform(0.01, 0.3, 3))
    if has_guards:
        meshes += wheelchairs.side_guards(seat, guard_color)
    over = _table(streams("table"), figure, seat, knobs)
    meshes += over[1]
    rng = streams("blanket")
    has_blanket = rng.random() < knobs.blanket and not _rests_high(seat)
    if has_blanket:
        meshes.append(lap_blanket(figure, seat, rng, tucked=has_guards or style.has_armrests))
    fittings = {
        "chair": "powered" if style.powered else "manual",
        "blanket": "yes" if has_blanket else "no",
        "guards": "yes" if has_guards else "no",
        "before": over[0],
    }
    return meshes, fittings


def _rests_high(seat: Seat) -> bool:
    """Whether a leg is stretched out, so that no blanket would stay before it."""
    return max(foot.z for foot in seat.feet) > seat.z - 0.24


def _table(
    rng: np.random.Generator, figure: Figure, seat: Seat, knobs: WheelchairKnobs
) -> tuple[str, list[Mesh]]:
    """A desk or a tray before the person, if wanted and if the arms leave room for it."""
    wants, tray_color = rng.random(2), as_color(rng.uniform(0.15, 0.6) * np.array([1, 0.9, 0.75]))
    desk = _Desk.draw(rng)
    near = seat.back_y - 0.36
    if wants[0] < knobs.desk:
        height = free_height(figure, seat, half_width=0.5, from_y=near - 0.7, to_y=near)
        if height is not None:
            return "desk", desk.meshes(height, near)
    if wants[1] < knobs.tray:
        half = seat.half_width + 0.03
        height = free_height(
            figure, seat, half_width=half, from_y=seat.knee_y, to_y=seat.back_y - 0.24
        )
        if height is not None:
            return "tray", [wheelchairs.board(seat, height, half_width=half, color=tray_color)]
    return "nothing", []


@dataclass(frozen=True)
class _Desk:
    width_m: float
    depth_m: float
    has_panel: bool
    color: tuple[float, float, float]

    @staticmethod
    def draw(rng: np.random.Generator) -> "_Desk":
        return _Desk(
            width_m=float(rng.uniform(1.0, 1.5)),
            depth_m=float(rng.uniform(0.5, 0.75)),
            has_panel=bool(rng.random() < 0.5),
            color=dye(rng, 0.05, 0.6),
        )

    def meshes(self, height: float, near_y: float) -> list[Mesh]:
        """Top, legs and perhaps a panel at the far side; the near edge is at `near_y`."""
        y = near_y - self.depth_m / 2
        top = box((0.0, y, height - 0.015), (self.width_m, self.depth_m, 0.03), color=self.color)
        meshes, half = [top], self.width_m / 2 - 0.04
        for x in (-half, half):
            for end in (near_y - 0.05, near_y - self.depth_m + 0.05):
                size = (0.045, 0.045, height - 0.03)
                meshes.append(box((x, end, (height - 0.03) / 2), size, color=self.color))
        if self.has_panel:
            at = (0.0, near_y - self.depth_m + 0.06, height * 0.6)
            meshes.append(box(at, (2 * half, 0.02, height * 0.72), color=self.color))
        return [replace(mesh, bump=0.02, bump_scale=0.3) for mesh in meshes]


def _yaw(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A turn to either side, more often a small one than a large one."""
    low, high = bounds
    share = rng.random() ** _FRONTAL
    return float(rng.choice([-1.0, 1.0]) * (low + share * (high - low)))


def _camera(rng: np.random.Generator, figure: Figure, roll_deg: float) -> tuple[Camera, float]:
    """At the height of somebody who sits or stands, the body filling most of the picture."""
    azimuth_deg, elevation_deg = float(rng.uniform(-15, 15)), float(rng.uniform(-4, 24))
    rotation_deg = float(np.clip(rng.normal(0, 0.45 * roll_deg), -roll_deg, roll_deg))
    fov_deg, fill = float(rng.uniform(30, 44)), float(rng.uniform(0.66, 0.92))
    view = View(azimuth_deg, elevation_deg, rotation_deg, fov_deg, fill)
    return framed(figure.skin, view), rotation_deg
