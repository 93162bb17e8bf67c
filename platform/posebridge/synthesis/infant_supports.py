"""What holds infants who sit or stand, and what is behind them: a cushion, a rail, a wall."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angles import rotation_z
from posebridge.synthesis.camera import Camera
from posebridge.synthesis.cots import bedding_pattern
from posebridge.synthesis.meshes import Material, Mesh, Pattern, box, tube
from posebridge.synthesis.parts import PARTS
from posebridge.synthesis.people import Figure
from posebridge.synthesis.scenes import vector
from posebridge.synthesis.wardrobe import dye

_ARC_DEG = 105.0  # to either side of the back; the legs lie in the opening
_GAP_M = 0.004


def supports(rng: np.random.Generator, figure: Figure, kind: str) -> list[Mesh]:
    """What a sitting or standing infant is held by; nothing for others and now and then.

    Args:
        rng: source of all randomness.
        figure: on the mattress, z = 0, facing -y more or less.
        kind: name of its family of poses.
    """
    if kind == "standing":
        return _rail(rng, figure)
    if kind == "sitting" and rng.random() < 0.75:
        return [_cushion(rng, figure)]
    return []


def backdrop(rng: np.random.Generator, camera: Camera, half_m: float) -> Mesh:
    """A wall behind the bed, across the view.

    Args:
        rng: source of all randomness.
        camera: that looks at it.
        half_m: half of the bed's width.
    """
    ahead = np.subtract(camera.target, camera.eye)
    azimuth_deg = float(np.rad2deg(np.arctan2(ahead[1], ahead[0])))
    turn = rotation_z(azimuth_deg)
    middle = turn @ np.array([half_m, 0.0, 0.9])
    wall = box(vector(middle), (0.1, 9.0, 3.0), color=dye(rng, 0.2, 0.85), rotation=turn)
    return replace(wall, pattern=Pattern(grain=0.03, grain_m=0.01, seed=int(rng.integers(999))))


def _cushion(rng: np.random.Generator, figure: Figure) -> Mesh:
    """A thick horseshoe around the back."""
    thick = float(rng.uniform(0.05, 0.07))
    pelvis = figure.bone_heads[figure.body.bone("root"), :2].astype(np.float64)
    torso = _part(figure, "torso")
    low = torso[torso[:, 2] < 2 * thick, :2] - pelvis
    behind = low[low[:, 1] > 0]
    radius = float(np.linalg.norm(behind, axis=1).max()) + thick + _GAP_M
    angle = np.deg2rad(np.linspace(-_ARC_DEG, _ARC_DEG, 40))
    height = np.full_like(angle, 0.95 * thick)
    around = np.stack([radius * np.sin(angle), radius * np.cos(angle), height], axis=1)
    cushion = tube(around + [*pelvis, 0.0], thick, color=dye(rng, 0.1, 0.9), sides=20)
    pattern = replace(bedding_pattern(rng), direction=(0.0, 0.0, 1.0))
    return replace(cushion, material=Material.CLOTH, bump=0.2, bump_scale=0.03, pattern=pattern)


def _rail(rng: np.random.Generator, figure: Figure) -> list[Mesh]:
    """The side of a cot before the infant, as high as its lower hand; legs show between bars."""
    hands = [_part(figure, f"{side}_hand") for side in ("left", "right")]
    feet = np.concatenate([_part(figure, f"{side}_foot") for side in ("left", "right")])
    thick, bar = float(rng.uniform(0.014, 0.022)), float(rng.uniform(0.005, 0.009))
    reach = max(float(np.median(hand[:, 1])) for hand in hands)
    y = min(reach, float(feet[:, 1].min()) - thick - _GAP_M)
    z = min(float(np.percentile(hand[:, 2], 10)) for hand in hands) - thick
    middle, half = float(figure.skin[:, 0].mean()), float(rng.uniform(0.4, 0.7))
    gap, color = float(rng.uniform(0.07, 0.1)), dye(rng, 0.1, 0.9)
    rail = tube(
        np.array([[x, y, z] for x in (middle - half, middle, middle + half)]), thick, color=color
    )
    bars = [
        tube(np.array([[x, y, 0.0], [x, y, z]]), bar, color=color)
        for x in np.arange(middle - half + gap / 2, middle + half, gap)
    ]
    return [replace(mesh, material=Material.GLOSSY) for mesh in (rail, *bars)]


def _part(figure: Figure, name: str) -> Float[np.ndarray, "vertex 3"]:
    skin = figure.body.group_vertices["body"]
    return np.asarray(figure.vertices[skin[figure.body.vertex_parts[skin] == PARTS.index(name)]])
