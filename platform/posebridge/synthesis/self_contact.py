"""Finds poses in which limbs pass through each other or through the trunk.

The body is replaced by capsules between bone heads, as thick as the skin around them; a body's
soft parts do touch, so only deep overlaps count.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from posebridge.synthesis.body import PARTS, Body, Shaped

DEEP = 0.3  # overlap, as a share of the two radii, above which flesh would pass through flesh

# Name: bones whose mean head starts it, bones whose mean head ends it, part that surrounds it.
_LIMBS = {
    "upper_arm": (("upperarm01",), ("lowerarm01",)),
    "forearm": (("lowerarm01",), ("wrist",)),
    "hand": (("wrist",), ("finger3-2",)),
    "thigh": (("upperleg01",), ("lowerleg01",)),
    "shin": (("lowerleg01",), ("foot",)),
    "foot": (("foot",), ("toe3-1",)),
}
_SIDES = {"left": ".L", "right": ".R"}


@dataclass(frozen=True, eq=False)
class Capsules:
    """Capsules of one body shape.

    Attributes:
        starts: weights of the bone heads that give each capsule's start; rows sum to 1.
        ends: as `starts`, for its end.
        radii: metres.
        pairs: which capsules must not overlap, as indices.
    """

    starts: Float[np.ndarray, "capsule bone"]
    ends: Float[np.ndarray, "capsule bone"]
    radii: Float[np.ndarray, " capsule"]
    pairs: Int[np.ndarray, "pair 2"]

    def overlap(self, bone_heads: Float[np.ndarray, "bone 3"]) -> float:
        """The deepest overlap of a pair, as a share of its two radii; below 0 if none touch."""
        first, second = self.pairs.T
        starts, ends = self.starts @ bone_heads, self.ends @ bone_heads
        gap = segment_distances(starts[first], ends[first], starts[second], ends[second])
        return float((1 - gap / (self.radii[first] + self.radii[second])).max())


def capsules(body: Body, shaped: Shaped) -> Capsules:
    """Measures the capsules of a body at rest: the median distance of the skin around each."""
    spans = _spans()
    names = list(spans)
    starts, ends = (
        np.array([_mean_of(body, spans[name][end]) for name in names]) for end in (0, 1)
    )
    a, b = starts @ shaped.bone_heads, ends @ shaped.bone_heads
    skin = body.group_vertices["body"]
    radii = np.empty(len(names))
    for i, name in enumerate(names):
        part = "torso" if "torso" in name else name
        around = skin[body.vertex_parts[skin] == PARTS.index(part)]
        points = shaped.vertices[around]
        if part == "torso":
            points = points[points[:, 0] > 0] if "left" in name else points[points[:, 0] < 0]
        same = np.broadcast_to
        gap = segment_distances(points, points, same(a[i], points.shape), same(b[i], points.shape))
        radii[i] = np.median(gap)
    pairs = [(names.index(one), names.index(other)) for one, other in _pairs()]
    return Capsules(starts, ends, radii, np.array(pairs))


def segment_distances(
    start_a: Float[np.ndarray, "pair 3"],
    end_a: Float[np.ndarray, "pair 3"],
    start_b: Float[np.ndarray, "pair 3"],
    end_b: Float[np.ndarray, "pair 3"],
) -> Float[np.ndarray, " pair"]:
    """Smallest distance between two segments (Ericson, Real-Time Collision Detection, 5.1.9).

    Example:
        >>> point = np.zeros((1, 3))
        >>> segment_distances(point, point + [0, 0, 2], point + [3, 0, 1], point + [4, 0, 1])
        array([3.])
    """
    a, b, offset = end_a - start_a, end_b - start_b, start_a - start_b
    aa, bb, ab = (a * a).sum(1), (b * b).sum(1), (a * b).sum(1)
    ao, bo = (a * offset).sum(1), (b * offset).sum(1)
    tiny = 1e-12
    along_a = np.clip((ab * bo - ao * bb) / np.maximum(aa * bb - ab * ab, tiny), 0, 1)
    along_b = np.clip((ab * along_a + bo) / np.maximum(bb, tiny), 0, 1)
    along_a = np.clip((ab * along_b - ao) / np.maximum(aa, tiny), 0, 1)
    apart = offset + a * along_a[:, None] - b * along_b[:, None]
    return np.asarray(np.linalg.norm(apart, axis=1))


def _spans() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    spans: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "head": (("head",), ("eye.L", "eye.R"))
    }
    for side, suffix in _SIDES.items():
        for name, (start, end) in _LIMBS.items():
            spans[f"{side}_{name}"] = ((start[0] + suffix,), (end[0] + suffix,))
        spans[f"{side}_torso"] = (("upperleg01" + suffix,), ("neck01", "upperarm01" + suffix))
    return spans


def _mean_of(body: Body, bones: tuple[str, ...]) -> Float[np.ndarray, " bone"]:
    weights = np.zeros(len(body.bone_names))
    weights[[body.bone(name) for name in bones]] = 1 / len(bones)
    return weights


def _pairs() -> list[tuple[str, str]]:
    """Lower arms and lower legs against all they could pass through, neighbours left out."""
    trunk = ("left_torso", "right_torso", "head")
    pairs: list[tuple[str, str]] = []
    for side, other in (("left", "right"), ("right", "left")):
        legs = [f"{s}_{leg}" for s in _SIDES for leg in ("thigh", "shin", "foot")]
        pairs += product((f"{side}_forearm", f"{side}_hand"), (*trunk, *legs))
        pairs += product((f"{side}_shin", f"{side}_foot"), trunk)
        pairs += product((f"{side}_forearm", f"{side}_hand"), (f"{other}_upper_arm",))
        pairs += product((f"{side}_shin", f"{side}_foot"), (f"{other}_thigh",))
    pairs += product(("left_forearm", "left_hand"), ("right_forearm", "right_hand"))
    pairs += product(("left_shin", "left_foot"), ("right_shin", "right_foot"))
    return pairs
