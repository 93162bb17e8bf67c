"""A blanket over a lap: it lies on the thighs and hangs before the shins."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.cots import bedding_pattern
from posebridge.synthesis.drapery import Sheet, draped
from posebridge.synthesis.meshes import Material, Mesh, grid
from posebridge.synthesis.noise import fractal_noise
from posebridge.synthesis.people import Figure
from posebridge.synthesis.seats import Seat, skin_of
from posebridge.synthesis.tailoring import FEET, FOREARMS, HANDS, SHINS, THIGHS
from posebridge.synthesis.wardrobe import dye

Points = Float[np.ndarray, "point 3"]

_CELL_M = 0.015
_CLEAR_M = 0.018  # cloth stays this far from skin, trousers included
_STEEPEST = 1.6  # of the cloth's fall beside a thigh
_NEAR_LAP_M = 0.07  # hands this far over the thighs lie below the blanket
_LOWEST_HEM_M = 0.03  # over the soles
_SHOE_M = 0.03  # of a shoe before the toes
_NOWHERE = -9.0


def lap_blanket(figure: Figure, seat: Seat, rng: np.random.Generator, *, tucked: bool) -> Mesh:
    """A blanket from the belly over the knees, down to anywhere between the knees and the insteps.

    Args:
        figure: somebody who sits facing -y.
        seat: their measures.
        rng: of the blanket.
        tucked: the sides stay between the side guards.
    """
    legs = _covered(figure, seat)
    half = float(np.abs(legs[:, 0]).max()) + 0.05
    back_y = float(figure.keypoints[11:13, 1].mean()) - 0.02
    hem_z = max(foot.z for foot in seat.feet) + float(rng.uniform(_LOWEST_HEM_M, 0.26))
    top = _lying(legs, half, (seat.knee_y - 0.035, back_y), seat.z - 0.03)
    heights, depths = _hanging(legs, half, (hem_z, top[0]))
    seed = int(rng.integers(1 << 16))
    color, pattern = dye(rng, 0.04, 0.8), bedding_pattern(rng)
    cloth = _joined(top, (heights, depths), half, (seat.knee_y - 0.035, back_y))
    folded = _folded(cloth, top.shape[0], seed)
    cloth = replace(cloth, vertices=folded.astype(np.float32))
    keep = np.ones(len(folded))
    if tucked:
        beside = seat.half_width - 0.008 - np.abs(folded[:, 0])
        keep = np.where(folded[:, 1] > seat.back_y - 0.38, beside, keep)
    return replace(
        cloth,
        colors=np.tile(np.asarray(color, np.float32), (len(folded), 1)),
        material=Material.CLOTH,
        bump=0.2,
        bump_scale=0.03,
        pattern=pattern,
        keep=keep.astype(np.float32),
    )


def _covered(figure: Figure, seat: Seat) -> Points:
    """Skin that the blanket lies on: the legs, and hands that rest on them."""
    hands = skin_of(figure, *HANDS, *FOREARMS)
    resting = (hands[:, 2] < seat.thigh_z + _NEAR_LAP_M) & (hands[:, 2] > seat.z)
    resting &= np.abs(hands[:, 0]) < seat.half_width - 0.03
    shoes = skin_of(figure, *FEET) - np.array([0.0, _SHOE_M, 0.0], np.float32)
    return np.concatenate([skin_of(figure, *THIGHS, *SHINS, *FEET), shoes, hands[resting]])


def _bins(values: Float[np.ndarray, " point"], low: float, count: int) -> np.ndarray:
    return np.asarray(np.clip(np.rint((values - low) / _CELL_M).astype(int), 0, count - 1))


def _lying(legs: Points, half: float, span: tuple[float, float], lowest: float) -> Sheet:
    """Height of the cloth over the thighs: rows from the front (knees) to the back (belly)."""
    columns = round(2 * half / _CELL_M) + 1
    rows = round((span[1] - span[0]) / _CELL_M) + 1
    inside = (legs[:, 1] > span[0] - _CELL_M) & (legs[:, 1] < span[1] + _CELL_M)
    over = legs[inside]
    height = np.full((rows, columns), _NOWHERE, np.float32)
    cells = (_bins(over[:, 1], span[0], rows), _bins(over[:, 0], -half, columns))
    np.maximum.at(height, cells, over[:, 2])
    return np.asarray(
        np.maximum(draped(height, clear_m=_CLEAR_M, fall_m=_STEEPEST * _CELL_M), lowest)
    )


def _hanging(
    legs: Points, half: float, ends: tuple[float, Float[np.ndarray, " column"]]
) -> tuple[Sheet, Sheet]:
    """Heights and depths (y) of the cloth before the shins: rows from the knees to the hem."""
    hem_z, upper = ends
    columns, rows = len(upper), max(round((float(upper.max()) - hem_z) / _CELL_M), 2)
    top_z = float(upper.max())
    shins = legs[(legs[:, 2] < top_z + _CELL_M) & (legs[:, 2] > hem_z - 0.02)]
    reach = np.full((rows, columns), _NOWHERE, np.float32)
    cells = (_bins(top_z - shins[:, 2], 0.0, rows), _bins(shins[:, 0], -half, columns))
    np.maximum.at(reach, cells, -shins[:, 1])
    reach = draped(reach, clear_m=_CLEAR_M, fall_m=2 * _STEEPEST * _CELL_M)
    reach = np.maximum.accumulate(reach, axis=0)  # cloth does not swing back below a bulge
    share = np.linspace(0, 1, rows)[:, None]
    return np.asarray((1 - share) * upper + share * hem_z), np.asarray(-reach)


def _joined(
    top: Sheet, hanging: tuple[Sheet, Sheet], half: float, span: tuple[float, float]
) -> Mesh:
    """One sheet of both: rows from the belly over the knees to the hem."""
    heights, depths = hanging
    rows, columns = top.shape
    x = np.linspace(-half, half, columns)
    y = np.linspace(span[1], span[0], rows)
    lying = np.stack(np.broadcast_arrays(x[None], y[:, None], top[::-1]), axis=-1)
    depths = np.minimum(depths, span[0])
    front = np.stack(np.broadcast_arrays(x[None], depths, heights), axis=-1)
    sheet = np.concatenate([lying, front])
    step = np.linalg.norm(np.diff(sheet, axis=0), axis=-1).mean(axis=1)
    along = np.r_[0.0, np.cumsum(step)]
    plane = grid(np.zeros(sheet.shape[:2]), x_m=(-half, half), y_m=(0.0, 1.0), color=(1, 1, 1))
    rest = np.stack(np.broadcast_arrays(x[None], -along[:, None], 0.0), axis=-1)
    return replace(
        plane, vertices=sheet.reshape(-1, 3), rest=rest.reshape(-1, 3).astype(np.float32)
    )


def _folded(cloth: Mesh, lying_rows: int, seed: int) -> Points:
    """Wrinkles on the lap, and folds that run down before the shins and deepen towards the hem."""
    x, along = cloth.rest[:, 0], -cloth.rest[:, 1]
    columns = len(np.unique(np.round(x, 6)))
    fall = np.clip(along - along[lying_rows * columns - 1], 0, None)
    run = np.stack([x, 0.25 * along, np.zeros_like(x)], axis=1)
    ridges = 0.5 + fractal_noise(run, scale=0.11, octaves=2, seed=seed)
    wrinkles = 0.5 + fractal_noise(cloth.rest, scale=0.16, octaves=3, seed=seed + 1)
    out = np.clip(0.14 * fall, 0, 0.035) * np.clip(ridges, 0, 1)
    up = 0.012 * np.clip(wrinkles, 0, 1) * (fall == 0)
    return np.asarray(cloth.vertices + np.stack([np.zeros_like(x), -out, up], axis=1))
