"""A skeleton from the names of keypoints that somebody else has given."""

import re
from collections.abc import Sequence

from posebridge import skeletons
from posebridge.identity import digest
from posebridge.populations.importers.source import SourceError
from posebridge.skeletons import Skeleton

_KNOWN = (
    skeletons.COCO17,
    skeletons.CROWDPOSE14,
    skeletons.SMIL25,
    skeletons.BODY16,
    skeletons.INFANT21,
    skeletons.SAPIENS308,
)
_LEFT, _RIGHT = "left_", "right_"


def skeleton_named(names: Sequence[str], limbs: Sequence[tuple[int, int]] = ()) -> Skeleton:
    """The known skeleton with these keypoints in this order, else one of its own.

    Args:
        names: of the keypoints. "Left-Wrist", "leftWrist", "wrist_left", "L_Wrist" all mean
            left_wrist, the person's own left.
        limbs: pairs of indices.

    Raises:
        SourceError: if names repeat, or one side has a keypoint that the other lacks.

    Example:
        >>> skeleton_named(["Nose", "leftEye", "rightEye"]).flip_pairs
        ((1, 2),)
    """
    found = tuple(plain(name) for name in names)
    for known in _KNOWN:
        if known.keypoints == found:
            return known
    sided = [name for name in found if name.startswith((_LEFT, _RIGHT))]
    alone = [name for name in sided if _other(name) not in found]
    if not sided or alone or len(set(found)) < len(found):
        raise SourceError(
            "Keypoints must have names of their own, some of them left_… and each of these with "
            "its right_…, or a mirror image could not be labelled, but got "
            f"{', '.join(names)} (without the other side: {', '.join(alone) or 'none'}). Name "
            "them so in the json's categories."
        )
    pairs = tuple(
        (min(i, j), max(i, j))
        for i, name in enumerate(found)
        if name.startswith(_LEFT)
        for j in [found.index(_other(name))]
    )
    return Skeleton(f"{len(found)}-{digest(list(found))[:6]}", found, pairs, tuple(limbs))


def plain(name: str) -> str:
    """A name of a keypoint as our skeletons write it.

    Example:
        >>> [plain(name) for name in ("LShoulder", "wrist-left", "R Hip", "headTop", "lip")]
        ['left_shoulder', 'left_wrist', 'right_hip', 'head_top', 'lip']
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s._-]+", "_", name.strip())
    parts = [{"l": "left", "r": "right"}.get(part, part) for part in words.lower().split("_")]
    side = [part for part in parts if part in ("left", "right")]
    return "_".join([*side, *(part for part in parts if part not in side)])


def _other(name: str) -> str:
    one, other = (_LEFT, _RIGHT) if name.startswith(_LEFT) else (_RIGHT, _LEFT)
    return other + name.removeprefix(one)
