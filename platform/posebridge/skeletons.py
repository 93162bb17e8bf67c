"""Ordered keypoint sets, with their flips, limbs and OKS sigmas, and the maps between them.

The same name means the same place on the body in every set, up to the convention of its
annotators: `smil25` marks the heads of a model's bones, `coco17` what an annotator sees, and the
two differ by a few per cent of the body's length.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from posebridge import sapiens308

_HEAD = frozenset(
    ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head", "head_top", "chin")
)
_PAIRED_GROUPS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True)
class Skeleton:
    """An ordered keypoint set.

    Attributes:
        name: as `skeleton(name)` finds it.
        keypoints: unique names; `left` and `right` are the subject's.
        flip_pairs: indices that change places in a mirror image. All others lie on the midline.
        limbs: pairs of indices, for lengths, angles and drawings.
        sigmas: OKS constants, one a keypoint, or empty where none were published.

    Raises:
        ValueError: if names repeat, an index is out of range or used by two flips, or a sigma is
            missing.
    """

    name: str
    keypoints: tuple[str, ...]
    flip_pairs: tuple[tuple[int, int], ...]
    limbs: tuple[tuple[int, int], ...]
    sigmas: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if len(set(self.keypoints)) != len(self.keypoints):
            twice = sorted({name for name in self.keypoints if self.keypoints.count(name) > 1})
            raise ValueError(f"keypoints of {self.name} must be unique, but {twice} repeat.")
        flipped = [index for pair in self.flip_pairs for index in pair]
        if len(set(flipped)) != len(flipped):
            raise ValueError(f"flip_pairs of {self.name} must be disjoint: {self.flip_pairs}.")
        for pair in self.flip_pairs + self.limbs:
            if pair[0] == pair[1] or not all(0 <= index < self.num_keypoints for index in pair):
                raise ValueError(
                    f"pairs of {self.name} must be two different indices in "
                    f"[0, {self.num_keypoints}), but got {pair}."
                )
        if self.sigmas and (len(self.sigmas) != self.num_keypoints or min(self.sigmas) <= 0):
            raise ValueError(
                f"sigmas of {self.name} must be {self.num_keypoints} positive numbers or none, "
                f"but got {self.sigmas}."
            )

    @property
    def num_keypoints(self) -> int:
        """How many keypoints there are."""
        return len(self.keypoints)

    @property
    def flip_order(self) -> tuple[int, ...]:
        """The permutation that puts the keypoints of a mirror image in order; its own inverse."""
        order = list(range(self.num_keypoints))
        for one, other in self.flip_pairs:
            order[one], order[other] = other, one
        return tuple(order)

    @property
    def groups(self) -> Mapping[str, tuple[int, ...]]:
        """Indices of head, shoulder, elbow, wrist, hip, knee and ankle, as papers report them."""
        groups = {"head": tuple(i for i, name in enumerate(self.keypoints) if name in _HEAD)}
        for group in _PAIRED_GROUPS:
            sides = (f"left_{group}", f"right_{group}")
            groups[group] = tuple(i for i, name in enumerate(self.keypoints) if name in sides)
        return MappingProxyType(groups)

    def index(self, name: str) -> int:
        """Position of a keypoint.

        Raises:
            ValueError: if the skeleton has no such keypoint.

        Example:
            >>> COCO17.index("left_wrist")
            9
        """
        if name not in self.keypoints:
            raise ValueError(f"{self.name} has no keypoint {name!r}; it has {self.keypoints}.")
        return self.keypoints.index(name)

    def side(self, *keypoints: int) -> Literal["left", "right"] | None:
        """The one side that keypoints, such as the ends of a limb, belong to; None for no or both.

        Example:
            >>> COCO17.side(0, 1), COCO17.side(5, 6)
            ('left', None)
        """
        names = [self.keypoints[index] for index in keypoints]
        left = any(name.startswith("left_") for name in names)
        right = any(name.startswith("right_") for name in names)
        if left == right:
            return None
        return "left" if left else "right"


def _pairs_by_side(keypoints: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Pairs of `left_` and `right_` names, in the order of the set."""
    pairs = {
        tuple(sorted((index, keypoints.index(name.replace("left_", "right_", 1)))))
        for index, name in enumerate(keypoints)
        if name.startswith("left_")
    }
    return tuple(sorted((one, other) for one, other in pairs))


def _named_limbs(keypoints: tuple[str, ...], limbs: str) -> tuple[tuple[int, int], ...]:
    """Index pairs of limbs written as `nose-left_eye`; `*_knee-*_hip` stands for both sides."""

    def sides() -> Iterator[str]:
        for limb in limbs.split():
            yield from (limb.replace("*", side) for side in ("left", "right")[: 1 + ("*" in limb)])

    ends = (limb.split("-") for limb in sides())
    return tuple((keypoints.index(one), keypoints.index(other)) for one, other in ends)


def _skeleton(name: str, keypoints: str, limbs: str, sigmas: tuple[float, ...] = ()) -> Skeleton:
    names = tuple(keypoints.split())
    return Skeleton(name, names, _pairs_by_side(names), _named_limbs(names, limbs), sigmas)


_ARMS_AND_LEGS = "*_ankle-*_knee *_knee-*_hip *_shoulder-*_elbow *_elbow-*_wrist "

# https://cocodataset.org/#keypoints-eval
COCO17 = _skeleton(
    "coco17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle",
    _ARMS_AND_LEGS + "left_hip-right_hip *_shoulder-*_hip left_shoulder-right_shoulder "
    "left_eye-right_eye nose-*_eye *_eye-*_ear *_ear-*_shoulder",
    (0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072)
    + (0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)

# https://github.com/Jeff-sjtu/CrowdPose
CROWDPOSE14 = _skeleton(
    "crowdpose14",
    "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip "
    "right_hip left_knee right_knee left_ankle right_ankle head_top neck",
    _ARMS_AND_LEGS + "left_hip-right_hip *_shoulder-*_hip *_shoulder-neck head_top-neck",
    (0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107)
    + (0.087, 0.087, 0.089, 0.089, 0.079, 0.079),
)

# MINI-RGBD's joints 0 to 24 (SMPL's 24 and the nose vertex). Its own names: leftThigh is the hip,
# leftCalf the knee, leftFoot the ankle, leftUpperArm the shoulder, leftForeArm the elbow, leftHand
# the wrist, and leftShoulder the collar.
SMIL25 = _skeleton(
    "smil25",
    "pelvis left_hip right_hip spine left_knee right_knee spine1 left_ankle right_ankle spine2 "
    "left_toes right_toes neck left_collar right_collar head left_shoulder right_shoulder "
    "left_elbow right_elbow left_wrist right_wrist left_fingers right_fingers nose",
    _ARMS_AND_LEGS
    + "pelvis-*_hip pelvis-spine spine-spine1 spine1-spine2 spine2-neck neck-head head-nose "
    "*_ankle-*_toes spine2-*_collar *_collar-*_shoulder *_wrist-*_fingers",
)

# MPII's order, as RegDA, UniFrame and SHIFT use it. `head` is the top of the head in LSP and
# Human3.6M but SMPL's head joint, at the base of the skull, in SURREAL and MINI-RGBD.
BODY16 = _skeleton(
    "body16",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax neck head "
    "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist",
    _ARMS_AND_LEGS + "*_hip-pelvis pelvis-thorax thorax-neck neck-head *_shoulder-thorax",
)

# AggPose's infant set: R1 to R9, L1 to L9, M1 to M3 in the drawing of its project page. A comment
# in its code calls R1 the left eye; the drawing, which names all 21, says right.
# https://github.com/PediaMedAI/AggPose
INFANT21 = _skeleton(
    "infant21",
    "right_eye right_shoulder right_elbow right_wrist right_middle_finger right_hip right_knee "
    "right_ankle right_toe left_eye left_shoulder left_elbow left_wrist left_middle_finger "
    "left_hip left_knee left_ankle left_toe chin chest navel",
    _ARMS_AND_LEGS + "*_eye-chin chin-chest chest-*_shoulder *_wrist-*_middle_finger chest-navel "
    "navel-*_hip *_ankle-*_toe",
    (0.05,) * 21,
)

# MediaPipe's pose landmarks 0 to 32; mouth_left is the person's own left, as everywhere there.
# https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker
BLAZEPOSE33 = _skeleton(
    "blazepose33",
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer "
    "left_ear right_ear left_mouth right_mouth left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index left_thumb "
    "right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle left_heel "
    "right_heel left_toe right_toe",
    _ARMS_AND_LEGS + "left_hip-right_hip *_shoulder-*_hip left_shoulder-right_shoulder "
    "nose-*_eye_inner *_eye_inner-*_eye *_eye-*_eye_outer *_eye_outer-*_ear "
    "left_mouth-right_mouth *_wrist-*_pinky *_wrist-*_index *_wrist-*_thumb *_pinky-*_index "
    "*_ankle-*_heel *_heel-*_toe *_ankle-*_toe",
)

_FINGER_LIMBS = " ".join(
    f"*_wrist-*_{finger}_third_joint *_{finger}_third_joint-*_{finger}2 "
    f"*_{finger}2-*_{finger}3 *_{finger}3-*_{finger}4"
    for finger in sapiens308.FINGERS
)
SAPIENS308 = Skeleton(
    "sapiens308",
    sapiens308.KEYPOINTS,
    tuple(sorted((*_pairs_by_side(sapiens308.KEYPOINTS), *sapiens308.FACE_PAIRS))),
    _named_limbs(
        sapiens308.KEYPOINTS,
        _ARMS_AND_LEGS + "left_hip-right_hip *_shoulder-*_hip left_shoulder-right_shoulder "
        "left_eye-right_eye nose-*_eye *_eye-*_ear *_ear-*_shoulder *_ankle-*_big_toe "
        "*_ankle-*_small_toe *_ankle-*_heel " + _FINGER_LIMBS,
    ),
    sapiens308.SIGMAS,
)

_SKELETONS = {
    s.name: s for s in (COCO17, CROWDPOSE14, SMIL25, BODY16, INFANT21, BLAZEPOSE33, SAPIENS308)
}


def skeleton(name: str) -> Skeleton:
    """The skeleton of that name.

    Raises:
        ValueError: if there is none; the message lists the known ones.

    Example:
        >>> skeleton("crowdpose14").num_keypoints
        14
    """
    if name not in _SKELETONS:
        raise ValueError(f"skeleton must be one of {sorted(_SKELETONS)}, but got {name!r}.")
    return _SKELETONS[name]


def is_known(found: Skeleton) -> bool:
    """Whether `skeleton` finds it by its name."""
    return _SKELETONS.get(found.name) == found


# What a set lacks may be another set's keypoint, or lie in the middle of several.
_DERIVED: Mapping[str, tuple[str, ...]] = {
    "neck": ("left_shoulder", "right_shoulder"),
    "thorax": ("left_shoulder", "right_shoulder"),
    "chest": ("left_shoulder", "right_shoulder"),
    "pelvis": ("left_hip", "right_hip"),
    "head": ("head_top",),
    "chin": ("tip_of_chin",),
    "left_toes": ("left_big_toe", "left_small_toe"),
    "right_toes": ("right_big_toe", "right_small_toe"),
    "left_toe": ("left_big_toe",),
    "right_toe": ("right_big_toe",),
    "left_middle_finger": ("left_middle_finger4",),
    "right_middle_finger": ("right_middle_finger4",),
}


@dataclass(frozen=True)
class KeypointMap:
    """A way from one skeleton to another.

    Attributes:
        source: the skeleton it takes.
        target: the skeleton it gives.
        parts: for each target keypoint the source indices whose mean it is; empty where the
            source has nothing.
    """

    source: Skeleton
    target: Skeleton
    parts: tuple[tuple[int, ...], ...]

    def __call__(
        self, keypoints: npt.NDArray[Any], visible: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Keypoints of the target skeleton, in the frame and unit they came in.

        Args:
            keypoints: [..., keypoint of the source, dimension], any frame.
            visible: [..., keypoint of the source], boolean, or COCO's visibility 0, 1, 2.

        Returns:
            `keypoints` [..., keypoint of the target, dimension], NaN where the source has nothing,
            and `visible`: the least of the parts, and false (0) where there is none.

        Raises:
            ValueError: if the number of keypoints is not that of the source.
        """
        given = self.source.num_keypoints
        if keypoints.shape[-2] != given or visible.shape != keypoints.shape[:-1]:
            raise ValueError(
                f"keypoints must be [..., {given}, dimension] and visible [..., {given}] for "
                f"{self.source.name}, but got {keypoints.shape} and {visible.shape}."
            )
        size = len(self.parts)
        dtype = np.result_type(keypoints.dtype, np.float32)
        mapped = np.full((*keypoints.shape[:-2], size, keypoints.shape[-1]), np.nan, dtype)
        mapped_visible = np.zeros((*visible.shape[:-1], size), visible.dtype)
        for index, parts in enumerate(self.parts):
            if parts:
                mapped[..., index, :] = keypoints[..., parts, :].mean(-2)
                mapped_visible[..., index] = visible[..., parts].min(-1)
        return mapped, mapped_visible


def _parts(name: str, source: Skeleton) -> tuple[int, ...]:
    """Source indices whose mean is the keypoint `name`; empty where the source cannot give it."""
    for names in ((name,), _DERIVED.get(name, (name,))):
        if all(part in source.keypoints for part in names):
            return tuple(source.index(part) for part in names)
    return ()


def keypoint_map(
    source: Skeleton, target: Skeleton, *, allow_missing: bool = False
) -> KeypointMap:
    """The map between two skeletons: by name, else derived, as the neck from the shoulders.

    Args:
        source: the skeleton at hand.
        target: the skeleton wanted.
        allow_missing: leave what the source cannot give unlabelled instead of refusing.

    Returns:
        A map to be called on arrays.

    Raises:
        ValueError: if a keypoint is missing; the message names each, and what would do instead.

    Example:
        >>> shoulders = keypoint_map(COCO17, CROWDPOSE14, allow_missing=True).parts[-1]
        >>> [COCO17.keypoints[index] for index in shoulders]
        ['left_shoulder', 'right_shoulder']
    """
    parts = tuple(_parts(name, source) for name in target.keypoints)
    missing = [name for name, found in zip(target.keypoints, parts, strict=True) if not found]
    if missing and not allow_missing:
        wanted = ", ".join(
            f"{name} (or {' and '.join(_DERIVED[name])})" if name in _DERIVED else name
            for name in missing
        )
        raise ValueError(
            f"every keypoint of {target.name} must come from {source.name}, which lacks {wanted}. "
            "Pass allow_missing=True to leave these unlabelled, or choose a skeleton without them."
        )
    return KeypointMap(source, target, parts)
