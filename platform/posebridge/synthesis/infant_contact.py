"""Keeps moving infants out of the sheet and out of themselves, without jumps.

Each joint gets the room it has by itself before something touches. Where joints together still go
too far, all of them move less for about a second, before and after too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angle_vectors import NUM_CHANNELS, Vector, from_vector
from posebridge.synthesis.angles import Matrix
from posebridge.synthesis.body import Body, Shaped
from posebridge.synthesis.self_contact import DEEP, Capsules

_SINK_M = 0.004  # deeper into the sheet than at rest
_SHARES = (1.0, 0.75, 0.5, 0.25)  # of a joint's reach that are tried
_JOINT_USE = 0.6  # of the room before a contact, since joints add up
_LEAST_DEG = 0.5
_GAINS = (1.0, 0.7, 0.45, 0.25, 0.1)
_STEP_S = 0.08  # between two looks; of time, so that the frame rate changes no motion

Offsets = Callable[[Float[np.ndarray, " time"]], Float[np.ndarray, "time channel"]]


@dataclass(frozen=True, eq=False)
class Contact:
    """What a lying infant may not touch.

    Attributes:
        body: the body model.
        shaped: the infant.
        root: its rotation.
        volume: its limbs.
        lowest_m: how low each of them may reach, in the frame of `root`.
        deepest: overlap of two limbs that is still flesh, as of `Capsules.overlap`.
    """

    body: Body
    shaped: Shaped
    root: Matrix
    volume: Capsules
    lowest_m: Float[np.ndarray, " capsule"]
    deepest: float

    def allows(self, vector: Vector) -> bool:
        """Whether a pose stays above the sheet and outside itself."""
        heads = self.body.pose_bones(self.shaped, from_vector(vector), self.root)
        return bool((_bottoms(self.volume, heads) >= self.lowest_m).all()) and (
            self.volume.overlap(heads) < self.deepest
        )


def contact_of(
    rest: Vector, volume: Capsules, sheet_m: float, *, infant: tuple[Body, Shaped, Matrix]
) -> Contact:
    """What an infant may not touch beyond what it touches at rest.

    Args:
        rest: the resting pose.
        volume: of the infant.
        sheet_m: height of the mattress in the frame of its root.
        infant: the body model, its shape and its root.
    """
    body, shaped, root = infant
    heads = body.pose_bones(shaped, from_vector(rest), root)
    lowest = np.minimum(_bottoms(volume, heads), sheet_m) - _SINK_M
    deepest = max(DEEP, volume.overlap(heads) + 1e-6)
    return Contact(body, shaped, root, volume, lowest, deepest)


def free_room(
    rest: Vector, contact: Contact, below: Vector, above: Vector
) -> tuple[Vector, Vector]:
    """How far each channel can go from the resting pose by itself.

    Args:
        rest: the resting pose.
        contact: what it may not touch.
        below: how far it should go towards lower angles, degrees.
        above: likewise towards higher ones.

    Returns:
        As much of `below` and `above` as there is room for; never nothing.
    """
    rooms = []
    for sign, wanted in ((-1.0, below), (1.0, above)):
        reach = np.maximum(wanted, 1e-6)
        for channel in range(NUM_CHANNELS):
            reach[channel] = _reach(rest, contact, channel, sign * reach[channel])
        rooms.append(np.minimum(np.maximum(reach, _LEAST_DEG), np.maximum(wanted, 1e-6)))
    return rooms[0], rooms[1]


def calm(rest: Vector, offsets: Offsets, contact: Contact, seconds: float) -> Offsets:
    """The same offsets, made smaller where they would touch.

    Args:
        rest: the resting pose.
        offsets: of all channels at any time.
        contact: what the infant may not touch.
        seconds: until when it is asked for. What comes before any time does not depend on it.
    """
    count = int(np.ceil(seconds)) + 2
    gains = np.array([_gain(rest, offsets, contact, second) for second in range(count)])

    def calmed(times_s: Float[np.ndarray, " time"]) -> Float[np.ndarray, "time channel"]:
        place = np.clip(times_s - 0.5, 0, count - 1)
        first = np.minimum(place.astype(int), count - 2)
        share = place - first
        smooth = share * share * (3 - 2 * share)
        gain = gains[first] + smooth * (gains[first + 1] - gains[first])
        return np.asarray(gain[:, None] * offsets(times_s))

    return calmed


def _gain(rest: Vector, offsets: Offsets, contact: Contact, second: int) -> float:
    """The largest factor at which a second, and half of each beside it, touches nothing."""
    moved = offsets(np.arange(second - 0.5, second + 1.5, _STEP_S))
    for gain in _GAINS:
        if all(contact.allows(rest + gain * offset) for offset in moved):
            return gain
    return 0.0


def _reach(rest: Vector, contact: Contact, channel: int, furthest: float) -> float:
    for share in _SHARES:
        there = rest.copy()
        there[channel] += share * furthest
        if contact.allows(there):
            return abs(furthest) * (1.0 if share == 1.0 else share * _JOINT_USE)
    return 0.0


def _bottoms(
    volume: Capsules, heads: Float[np.ndarray, "bone 3"]
) -> Float[np.ndarray, " capsule"]:
    ends = np.minimum(volume.starts @ heads[:, 2], volume.ends @ heads[:, 2])
    return np.asarray(ends - volume.radii)
