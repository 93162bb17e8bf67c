"""A wheelchair built around a seated body: driven by hand or by a motor, with its fittings.

Everything stands in the frame of the person who sits in it: facing -y, floor at z = 0, metres.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import rotation_x
from posebridge.synthesis.meshes import Color, Material, Mesh, Vector, box, tube
from posebridge.synthesis.seats import Foot, Seat
from posebridge.synthesis.wardrobe import as_color, dye

_TUBE_M = 0.012
_RUBBER = (0.02, 0.02, 0.02)
_STEEL = (0.45, 0.45, 0.47)
_ARM_M = 0.32  # length of an armrest
_SPOKES = 14
_SIDES = (-1.0, 1.0)


@dataclass(frozen=True)
class ChairStyle:
    """How a wheelchair is made.

    Attributes:
        powered: driven by a motor, with small wheels and a box below the seat.
        back_m: height of the back over the seat.
        has_armrests: pads at both sides.
        has_headrest: over a high back.
        has_push_handles: for a companion.
        frame: colour of the tubes.
        upholstery: colour of seat and back.
    """

    powered: bool
    back_m: float
    has_armrests: bool
    has_headrest: bool
    has_push_handles: bool
    frame: Color
    upholstery: Color


def draw_style(rng: np.random.Generator) -> ChairStyle:
    """Any of the usual kinds: transit, active, powered."""
    powered = bool(rng.random() < 0.3)
    active = bool(not powered and rng.random() < 0.3)
    back = rng.uniform(0.25, 0.36) if active else rng.uniform(0.4, 0.58)
    dark = rng.uniform(0.01, 0.08, 3)
    return ChairStyle(
        powered=powered,
        back_m=float(back),
        has_armrests=not active,
        has_headrest=bool(powered and rng.random() < 0.6),
        has_push_handles=bool(not active or rng.random() < 0.4),
        frame=as_color(dark) if rng.random() < 0.5 else dye(rng, 0.1, 0.7),
        upholstery=as_color(rng.uniform(0.01, 0.06) + rng.uniform(0, 0.03, 3))
        if rng.random() < 0.7
        else dye(rng, 0.03, 0.4),
    )


def wheelchair(seat: Seat, style: ChairStyle) -> list[Mesh]:
    """Seat, back, wheels, footplates and armrests."""
    meshes = [*_upholstery(seat, style), *_frame(seat, style)]
    meshes += _power_base(seat, style) if style.powered else _hand_wheels(seat, style)
    meshes += [mesh for foot in seat.feet for mesh in _footplate(seat, foot, style)]
    if style.has_armrests:
        meshes += [mesh for side in _SIDES for mesh in _armrest(seat, style, side)]
    return meshes


def armrest_z(seat: Seat) -> float:
    """Height of the armrests' upper side: just under the elbows, within what chairs have."""
    return float(np.clip(seat.elbow_z, seat.z + 0.17, seat.z + 0.27))


def side_guards(seat: Seat, color: Color) -> list[Mesh]:
    """Plates beside the thighs that keep clothes from the wheels."""
    low, high = seat.z - 0.06, armrest_z(seat) - 0.03
    front = seat.back_y - _ARM_M - 0.04
    size = (0.008, seat.back_y - front, high - low)
    y, z = (seat.back_y + front) / 2, (low + high) / 2
    return [box((side * seat.half_width, y, z), size, color=color) for side in _SIDES]


def board(seat: Seat, height: float, *, half_width: float, color: Color) -> Mesh:
    """A tray over the armrests, its upper side at `height`."""
    back, front = seat.back_y - 0.26, seat.knee_y + 0.02
    size = (2 * half_width, back - front, 0.018)
    return box((0.0, (back + front) / 2, height - 0.009), size, color=color)


def _upholstery(seat: Seat, style: ChairStyle) -> list[Mesh]:
    width, depth = 2 * seat.half_width - 0.02, seat.back_y - seat.front_y
    middle_y = (seat.back_y + seat.front_y) / 2
    cushion = box((0.0, middle_y, seat.z - 0.03), (width, depth, 0.06), color=style.upholstery)
    lean = rotation_x(-float(np.rad2deg(np.arctan(seat.recline))))
    pads = [cushion, _leaning(seat, lean, (width, 0.03, style.back_m), 0.04, style.upholstery)]
    if style.has_headrest:
        gap = style.back_m + 0.12
        pads.append(_leaning(seat, lean, (0.24, 0.05, 0.14), gap, style.upholstery))
    return [replace(pad, material=Material.CLOTH, bump=0.1, bump_scale=0.02) for pad in pads]


def _leaning(
    seat: Seat, lean: Float[np.ndarray, "3 3"], size: Vector, above: float, color: Color
) -> Mesh:
    """A pad of the back that begins `above` the seat."""
    center = lean @ np.array([0.0, size[1] / 2, above + size[2] / 2])
    at = (0.0, seat.back_y + float(center[1]), seat.z + float(center[2]))
    return box(at, size, color=color, rotation=lean)


def _frame(seat: Seat, style: ChairStyle) -> list[Mesh]:
    back_z = seat.z + style.back_m + 0.03
    top_y = seat.back_y + 0.035 + seat.recline * (style.back_m + 0.03)
    low_z = 0.3 if not style.powered else seat.z - 0.08
    meshes: list[Mesh] = []
    for side in _SIDES:
        x = side * (seat.half_width - 0.005)
        upright = [(x, seat.back_y + 0.035, low_z), (x, seat.back_y + 0.035, seat.z)]
        upright.append((x, top_y, back_z))
        if style.has_push_handles:
            upright.append((x, top_y + 0.13, back_z + 0.005))
        meshes.append(_bar(style.frame, *upright))
        rail = [(x, seat.back_y + 0.03, seat.z - 0.065), (x, seat.front_y, seat.z - 0.065)]
        meshes.append(_bar(style.frame, *rail))
        if not style.powered:
            below = [(x, seat.back_y, 0.3), (x, seat.front_y + 0.1, 0.26)]
            meshes.append(_bar(style.frame, *below, (x, seat.front_y, seat.z - 0.065)))
    return meshes


def _hand_wheels(seat: Seat, style: ChairStyle) -> list[Mesh]:
    """Two large wheels with spokes and push rims, and two casters."""
    meshes: list[Mesh] = []
    y, radius = seat.back_y - 0.02, 0.3
    for side in _SIDES:
        hub = np.array([side * (seat.half_width + 0.045), y, radius])
        meshes.append(_ring(hub, radius - 0.015, 0.015, _RUBBER))
        meshes.append(_ring(hub + [side * 0.04, 0, 0], radius - 0.05, 0.009, _STEEL))
        meshes.append(_moved(_spokes(0.95 * radius), hub))
        axle = [hub - [side * 0.06, 0, 0], hub + [side * 0.012, 0, 0]]
        meshes.append(_bar(style.frame, *axle, radius=0.025))
        caster = np.array([side * (seat.half_width - 0.02), seat.front_y + 0.13, 0.085])
        meshes.append(_ring(caster, 0.07, 0.015, _RUBBER))
        fork = caster + np.array([[0, 0, 0], [0, -0.02, 0.09], [0, -0.03, 0.18]])
        meshes.append(_bar(style.frame, *fork))
    return meshes


def _power_base(seat: Seat, style: ChairStyle) -> list[Mesh]:
    """A box with the motor, six small wheels, and a joystick."""
    depth = seat.back_y - seat.front_y + 0.06
    middle = (seat.back_y + seat.front_y) / 2 + 0.06
    top = seat.z - 0.1
    size = (1.5 * seat.half_width, depth, top - 0.12)
    meshes = [box((0.0, middle, (top + 0.12) / 2), size, color=style.frame)]
    meshes.append(_bar(_RUBBER, (0, middle, top - 0.02), (0, middle, seat.z - 0.05), radius=0.06))
    for side in _SIDES:
        x = side * (seat.half_width - 0.01)
        for shift, radius in ((0.0, 0.16), (-0.28, 0.085), (0.28, 0.085)):
            at = np.array([x, middle + shift, radius])
            tyre = [at - [0.025, 0, 0], at + [0.025, 0, 0]]
            meshes.append(_bar(_RUBBER, *tyre, radius=radius, sides=20))
            rim = [at - [0.028, 0, 0], at + [0.028, 0, 0]]
            meshes.append(_bar(_STEEL, *rim, radius=0.55 * radius, sides=14))
    stick = np.array([-seat.half_width, seat.back_y - _ARM_M - 0.02, armrest_z(seat)])
    stick[0] -= 0.02
    meshes.append(box(_place(stick), (0.07, 0.09, 0.05), color=_RUBBER))
    meshes.append(_bar(_RUBBER, stick, stick + [0, -0.01, 0.07], radius=0.008))
    return meshes


def _footplate(seat: Seat, foot: Foot, style: ChairStyle) -> list[Mesh]:
    """A plate below a foot, hung from the front corner of the seat."""
    z = foot.z - 0.025
    plate = box((foot.x, foot.y, z), (0.15, 2 * foot.half_length - 0.05, 0.015), color=_RUBBER)
    corner = (np.sign(foot.x) * (seat.half_width - 0.02), seat.front_y, seat.z - 0.065)
    beside = foot.x + np.sign(foot.x) * 0.085
    heel_y = foot.y + foot.half_length - 0.06
    knee = (beside, min(seat.front_y - 0.06, heel_y + 0.05), seat.z - 0.1)
    return [plate, _bar(style.frame, corner, knee, (beside, heel_y, z))]


def _armrest(seat: Seat, style: ChairStyle, side: float) -> list[Mesh]:
    x, z = side * (seat.half_width + 0.005), armrest_z(seat)
    front = seat.back_y - _ARM_M
    pad = box((x, seat.back_y - _ARM_M / 2, z - 0.015), (0.055, _ARM_M, 0.03), color=_RUBBER)
    post = _bar(style.frame, (x, front + 0.03, z - 0.03), (x, front + 0.03, seat.z - 0.065))
    rear = _bar(style.frame, (x, front + 0.03, z - 0.035), (x, seat.back_y + 0.03, z - 0.035))
    return [pad, post, rear]


def _bar(color: Color, *path: object, radius: float = _TUBE_M, sides: int = 7) -> Mesh:
    points = np.array([np.asarray(point, dtype=np.float64) for point in path])
    return replace(tube(points, radius, color=color, sides=sides), material=Material.GLOSSY)


def _ring(hub: Float[np.ndarray, "3"], radius: float, thick: float, color: Color) -> Mesh:
    """A ring around an axle along x."""
    return _moved(_ring_about_origin(radius, thick, color), hub)


@lru_cache(maxsize=16)
def _ring_about_origin(radius: float, thick: float, color: Color) -> Mesh:
    angle = np.arange(36) * (2 * np.pi / 36)
    ring = tube(radius * _around(angle), thick, color=color, sides=7, closed=True)
    return replace(ring, material=Material.GLOSSY)


@lru_cache(maxsize=2)
def _spokes(radius: float) -> Mesh:
    """All spokes of a wheel about the origin in one mesh."""
    one = _bar(_STEEL, (0, 0, 0), (0, 0, radius), radius=0.0025, sides=4)
    turns = [rotation_x(360 / _SPOKES * i) for i in range(_SPOKES)]
    starts = len(one.vertices) * np.arange(_SPOKES)[:, None, None]
    return replace(
        one,
        vertices=np.concatenate([one.vertices @ turn.T for turn in turns]).astype(np.float32),
        faces=(one.faces + starts).reshape(-1, 3).astype(np.int32),
        colors=np.tile(one.colors, (_SPOKES, 1)),
        parts=np.tile(one.parts, _SPOKES),
        rest=np.tile(one.rest, (_SPOKES, 1)),
    )


def _moved(mesh: Mesh, shift: Float[np.ndarray, "3"]) -> Mesh:
    return replace(mesh, vertices=(mesh.vertices + shift).astype(np.float32))


def _around(angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 3"]:
    return np.stack([0 * angle, np.cos(angle), np.sin(angle)], axis=1)


def _place(point: Float[np.ndarray, "3"]) -> Vector:
    x, y, z = point
    return (float(x), float(y), float(z))
