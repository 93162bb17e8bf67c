"""What a chair must know of the person who sits in it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.people import Figure
from posebridge.synthesis.tailoring import FEET, FOREARMS, HANDS, SHINS, THIGHS, TORSO
from posebridge.synthesis.vectors import bounds

Points = Float[np.ndarray, "point 3"]

_SINK_M = 0.012  # of the body into the seat
_TABLE_M = 0.3  # of a table over a seat, at most
_CLOTH_M = 0.02  # of clothes between the body and the back


@dataclass(frozen=True)
class Foot:
    """Where a footplate goes: middle of the sole, and half its length along y, metres."""

    x: float
    y: float
    z: float
    half_length: float


@dataclass(frozen=True)
class Seat:
    """A seated body that faces -y, measured for its chair; metres.

    Attributes:
        z: height of the seat.
        front_y: front edge of the seat, behind the knees.
        back_y: the back at the height of the pelvis.
        recline: how far the back leans backwards, metres per metre.
        half_width: from the middle to the side of the seat.
        thigh_z: highest point of the thighs.
        knee_y: foremost point of the knees.
        elbow_z: height of the lower elbow's skin.
        feet: left and right.
    """

    z: float
    front_y: float
    back_y: float
    recline: float
    half_width: float
    thigh_z: float
    knee_y: float
    elbow_z: float
    feet: tuple[Foot, Foot]


def skin_of(figure: Figure, *parts: int) -> Points:
    """Vertices of the skin of some body parts."""
    members = figure.body.group_vertices["body"]
    return np.asarray(figure.vertices[members[np.isin(figure.body.vertex_parts[members], parts)]])


def measure_seat(figure: Figure) -> Seat:
    """Measure a seated body that faces -y."""
    thighs, trunk = skin_of(figure, *THIGHS), skin_of(figure, TORSO)
    knees, hips = figure.keypoints[13:15], figure.keypoints[11:13]
    knee_y, hip_y = float(knees[:, 1].mean()), float(hips[:, 1].mean())
    borne = thighs[thighs[:, 1] > knee_y + 0.4 * (hip_y - knee_y)]
    borne = np.concatenate([borne, trunk[trunk[:, 2] < hips[:, 2].min()]])
    z = float(np.percentile(borne[:, 2], 1)) + _SINK_M
    back_y, high_y = _rear(trunk, z, (-0.02, 0.22)), _rear(trunk, z, (0.34, 0.5))
    beside = np.concatenate([thighs, trunk])
    beside = beside[(beside[:, 1] > knee_y + 0.3 * (hip_y - knee_y)) & (beside[:, 2] < z + 0.25)]
    front = np.concatenate([thighs, skin_of(figure, *SHINS)])
    return Seat(
        z=z,
        front_y=knee_y + 0.09,
        back_y=back_y + _CLOTH_M,
        recline=float(np.clip((high_y - back_y) / 0.28, 0.0, 0.45)),
        half_width=float(np.clip(np.abs(beside[:, 0]).max() + 0.025, 0.2, 0.33)),
        thigh_z=float(thighs[:, 2].max()),
        knee_y=float(front[front[:, 2] > z - 0.1][:, 1].min()),
        elbow_z=float(figure.keypoints[7:9, 2].min()) - 0.05,
        feet=(_foot(figure, FEET[0]), _foot(figure, FEET[1])),
    )


def free_height(
    figure: Figure, seat: Seat, *, half_width: float, from_y: float, to_y: float
) -> float | None:
    """Highest level board that fits over the thighs and under the arms before a seated body.

    Args:
        figure: the body.
        seat: its measures.
        half_width: of the board.
        from_y: its far edge.
        to_y: its near edge.

    Returns:
        Height of the upper side, or None if the arms leave no room.
    """
    arms = skin_of(figure, *FOREARMS, *HANDS)
    over = (np.abs(arms[:, 0]) < half_width) & (arms[:, 1] > from_y) & (arms[:, 1] < to_y)
    if not over.any():
        return None
    height = min(float(arms[over][:, 2].min()) - 0.012, seat.z + _TABLE_M)
    return height if height > seat.thigh_z + 0.05 else None


def _rear(trunk: Points, seat_z: float, band: tuple[float, float]) -> float:
    """Hindmost y of the trunk between two heights over the seat."""
    inside = (trunk[:, 2] > seat_z + band[0]) & (trunk[:, 2] < seat_z + band[1])
    return float(trunk[inside if inside.any() else slice(None)][:, 1].max())


def _foot(figure: Figure, part: int) -> Foot:
    points = skin_of(figure, part)
    low, high = bounds(points)
    middle = (low + high) / 2
    return Foot(float(middle[0]), float(middle[1]), float(low[2]), float(high[1] - low[1]) / 2)
