"""The fourteen body parts that part maps know, and the bones that move them."""

PARTS = (
    "head",
    "torso",
    "left_upper_arm",
    "right_upper_arm",
    "left_forearm",
    "right_forearm",
    "left_hand",
    "right_hand",
    "left_thigh",
    "right_thigh",
    "left_shin",
    "right_shin",
    "left_foot",
    "right_foot",
)

_PART_OF_BONE = {
    "upperarm": "upper_arm",
    "lowerarm": "forearm",
    "wrist": "hand",
    "finger": "hand",
    "metacarpal": "hand",
    "upperleg": "thigh",
    "lowerleg": "shin",
    "foot": "foot",
    "toe": "foot",
}


def part_of_bone(bone: str) -> int:
    """Index of the part a bone moves."""
    if bone.startswith(("neck02", "neck03", "head", "eye")):
        return PARTS.index("head")
    side = "left" if bone.endswith(".L") else "right"
    for prefix, part in _PART_OF_BONE.items():
        if bone.startswith(prefix):
            return PARTS.index(f"{side}_{part}")
    return PARTS.index("torso")
