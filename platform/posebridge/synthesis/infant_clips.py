"""An infant on its back as a clinic films it: all around it stays, only its joints move."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angle_vectors import from_vector, limit_vectors, to_vector
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.general_movements import ABSENT, CHARACTERS, bounded, draw_waves
from posebridge.synthesis.infant_contact import Contact, calm, contact_of, free_room
from posebridge.synthesis.infant_joints import infant_limits, months_of
from posebridge.synthesis.infant_scenes import (
    Infant,
    InfantKnobs,
    Setting,
    draw_infant,
    draw_setting,
    on_mattress,
)
from posebridge.synthesis.people import Figure
from posebridge.synthesis.pose_samples import clip_angles
from posebridge.synthesis.scenes import Scene, Streams, vector
from posebridge.synthesis.self_contact import capsules

_FURTHER = 1.2
_REACH = 2.5  # deviations of a channel beyond which it need not go


@dataclass(frozen=True, eq=False)
class Clip:
    """A filmed infant.

    Attributes:
        resting: the infant at rest.
        setting: what is around it, the same in every frame.
        angles_deg: of every frame.
        shift: of the posed body onto the mattress.
    """

    resting: Infant
    setting: Setting
    angles_deg: Float[np.ndarray, "frame channel"]
    shift: Float[np.ndarray, "3"]

    def scene(self, frame: int) -> Scene:
        """What the camera sees at a frame."""
        figure, root = self.resting.figure, self.resting.pose.root
        posed = figure.body.pose(figure.shaped, from_vector(self.angles_deg[frame]), root)
        vertices, heads = posed.vertices + self.shift, posed.bone_heads + self.shift
        moved = Figure(figure.body, figure.shaped, vertices, heads)
        return self.setting.with_infant(replace(self.resting, figure=moved))


def infant_clip(
    streams: Streams, knobs: InfantKnobs, character: str, times_s: Float[np.ndarray, " frame"]
) -> Clip:
    """Film an infant.

    Args:
        streams: random numbers by factor. Another character moves the same infant.
        knobs: what surrounds it.
        character: of `CLIP_CHARACTERS`.
        times_s: of the frames.
    """
    infant = _at_rest(draw_infant(streams, knobs))
    setting = draw_setting(streams, knobs, infant)
    setting = replace(
        setting,
        camera=_further(setting.camera),
        sensor=replace(setting.sensor, motion_px=0.0),  # on a tripod
    )
    rest = to_vector(infant.pose.angles)
    angles = np.tile(rest, (len(times_s), 1))
    shift = _shift(infant)
    if character != ABSENT:
        angles += _movement(streams, infant, character, times_s)
    return Clip(infant, setting, angles, shift)


def _further(camera: Camera) -> Camera:
    """Back from the infant, so that its hands and feet stay in the picture."""
    eye, target = np.asarray(camera.eye), np.asarray(camera.target)
    return replace(camera, eye=vector(target + _FURTHER * (eye - target)))


def _at_rest(infant: Infant) -> Infant:
    """The infant within the reach of its joints."""
    limits = infant_limits(months_of(infant.age))
    pose = replace(infant.pose, angles=clip_angles(infant.pose.angles, limits))
    return replace(
        infant, pose=pose, figure=on_mattress(infant.figure.body, infant.figure.shaped, pose)
    )


def _shift(infant: Infant) -> Float[np.ndarray, "3"]:
    figure, pose = infant.figure, infant.pose
    heads = figure.body.pose_bones(figure.shaped, pose.angles, pose.root)
    return np.asarray(figure.bone_heads[0] - heads[0])


def _movement(
    streams: Streams, infant: Infant, character: str, times_s: Float[np.ndarray, " frame"]
) -> Float[np.ndarray, "frame channel"]:
    """Offsets from the resting pose within the reach of all joints."""
    waves = draw_waves(streams(f"movement {character}"), CHARACTERS[character])
    rest = to_vector(infant.pose.angles)
    lowest, highest = limit_vectors(infant_limits(months_of(infant.age)))
    contact = _contact(infant)
    far = _REACH * waves.amplitudes_deg
    below, above = np.minimum(far, rest - lowest), np.minimum(far, highest - rest)
    below, above = free_room(rest, contact, below, above)
    offsets = calm(
        rest, lambda times: bounded(waves.at(times), below, above), contact, times_s[-1]
    )
    return offsets(times_s)


def _contact(infant: Infant) -> Contact:
    figure, pose = infant.figure, infant.pose
    volume = capsules(figure.body, figure.shaped)
    who = (figure.body, figure.shaped, pose.root)
    return contact_of(to_vector(pose.angles), volume, -float(_shift(infant)[2]), infant=who)
