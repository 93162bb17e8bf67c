"""Names, mirror pairs and OKS sigmas of Goliath's 308 keypoints, on which Sapiens was trained.

They are those of `pose/configs/_base_/datasets/goliath.py` in
https://github.com/facebookresearch/sapiens, written as the rules behind them: body and feet, two
hands, landmarks of the skeleton, and a dense face.
"""

from collections.abc import Iterator

FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
_CLOCK = ("3", "midpoint_1", "12", "midpoint_4", "9", "midpoint_3", "6", "midpoint_2")
_EAR = (
    "top_end_of_inferior_crus top_end_of_superior_crus start_of_antihelix end_of_antihelix "
    "midpoint_1_of_antihelix midpoint_1_of_inferior_crus midpoint_2_of_antihelix "
    "midpoint_3_of_antihelix point_1_of_inner_helix point_{}_of_inner_helix "
    "point_3_of_inner_helix point_4_of_inner_helix point_5_of_inner_helix point_6_of_inner_helix "
    "point_7_of_inner_helix highest_point_of_antitragus bottom_point_of_tragus "
    "protruding_point_of_tragus top_point_of_tragus start_point_of_crus_of_helix "
    "deepest_point_of_concha tip_of_ear_lobe midpoint_between_22_15 "
    "bottom_connecting_point_of_ear_lobe top_connecting_point_of_helix point_{}_of_inner_helix"
)


def _hand(side: str) -> Iterator[str]:
    """Five fingers from the tip to the knuckle, then the wrist."""
    for finger in FINGERS:
        yield from (f"{side}_{finger}{part}" for part in ("4", "3", "2", "_third_joint"))
    yield f"{side}_wrist"


def _eyelids(side: str, lid: str) -> Iterator[str]:
    """Lash, lid and crease line of an eye; the left eye's midpoints count the other way round."""
    along = (2, 1, 6, 5, 4, 3) if side == "l" else (1, 2, 3, 4, 5, 6)
    across = (6, 2, 5, 0, 4, 1, 3) if side == "l" else (3, 1, 4, 0, 5, 2, 6)
    for end in ("inner_end", "outer_end", "centerpoint"):
        yield f"{side}_{end}_of_{lid}_lash_line"
    yield from (f"{side}_midpoint_{number}_of_{lid}_lash_line" for number in along)
    yield f"{side}_outer_end_of_{lid}_eyelid_line"
    for line in ("eyelid", "crease")[: 1 + (lid == "upper")]:
        for number in across:
            place = f"midpoint_{number}" if number else "centerpoint"
            yield f"{side}_{place}_of_{lid}_{line}_line"


def _nose_and_mouth() -> Iterator[str]:
    yield from ("tip_of_nose", "bottom_center_of_nose")
    yield from ("r_outer_corner_of_nose", "l_outer_corner_of_nose")
    for side in "rl":
        yield from (f"{part}_corner_of_{side}_nostril" for part in ("inner", "outer", "upper"))
    for edge, top in (("outer", "cupid_bow"), ("inner", "upper_inner_lip")):
        yield from (f"{side}_{edge}_corner_of_mouth" for side in "rl")
        yield from (f"center_of_{top}", f"center_of_lower_{edge}_lip")
        for numbers in ((1, 2), (3, 4, 5, 6)):
            for lip in ("upper", "lower"):
                yield from (f"midpoint_{number}_of_{lip}_{edge}_lip" for number in numbers)


def _face() -> Iterator[str]:
    yield from ("center_of_glabella", "center_of_nose_root", "tip_of_nose_bridge")
    yield from (f"midpoint_{number}_of_nose_bridge" for number in (1, 2, 3))
    yield from ("center_of_labiomental_groove", "tip_of_chin")
    brow = (
        "upper_startpoint lower_startpoint end upper_midpoint_1 lower_midpoint_1 "
        "upper_midpoint_2 upper_midpoint_3 lower_midpoint_2 lower_midpoint_3"
    )
    for side in "rl":
        yield from (f"{place}_of_{side}_eyebrow" for place in brow.split())
    for lid in ("upper", "lower"):
        for side in "lr":
            yield from _eyelids(side, lid)
    yield from _nose_and_mouth()
    yield from (f"l_{place}" for place in _EAR.format(2, 8).split())
    yield from (f"r_{place}" for place in _EAR.format(8, 2).split())
    for ring in ("iris", "pupil"):
        for side in "lr":
            yield f"{side}_center_of_{ring}"
            yield from (f"{side}_border_of_{ring}_{hour}" for hour in _CLOCK)


def _face_pairs() -> Iterator[tuple[int, int]]:
    """Mirror pairs of the face: features change places, midpoints count from the other end."""
    offsets = range(26)
    yield from (
        (78 + i, 87 + j) for i, j in zip(offsets, (0, 1, 2, 3, 4, 6, 5, 8, 7), strict=False)
    )
    yield from ((96 + i, 120 + i) for i in range(24))
    yield from ((144 + i, 161 + i) for i in range(17))
    yield from ((180, 181), (182, 185), (183, 186), (184, 187))
    for corner in (188, 204):
        yield from ((corner + i, corner + j) for i, j in ((0, 1), (4, 5), (6, 7), (8, 11)))
        yield from ((corner + i, corner + j) for i, j in ((9, 10), (12, 15), (13, 14)))
    yield from ((220 + i, 246 + i) for i in offsets)
    for ring in (272, 290):
        clock = zip(offsets, (0, 5, 4, 3, 2, 1, 8, 7, 6), strict=False)
        yield from ((ring + i, ring + 9 + j) for i, j in clock)


_BODY = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_hip right_hip left_knee right_knee left_ankle right_ankle left_big_toe "
    "left_small_toe left_heel right_big_toe right_small_toe right_heel"
)
_LANDMARKS = (
    "left_olecranon right_olecranon left_cubital_fossa right_cubital_fossa left_acromion "
    "right_acromion neck"
)
KEYPOINTS = (*_BODY.split(), *_hand("right"), *_hand("left"), *_LANDMARKS.split(), *_face())
FACE_PAIRS = tuple(_face_pairs())

_BODY_SIGMAS = (
    (0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.107, 0.107)
    + (0.087, 0.087, 0.089, 0.089, 0.068, 0.066, 0.066, 0.092, 0.094, 0.094)
)  # fmt: skip
_HAND_SIGMAS = (
    (0.047, 0.037, 0.035, 0.022, 0.035, 0.024, 0.025, 0.026, 0.026, 0.022, 0.024)
    + (0.018, 0.032, 0.021, 0.021, 0.017, 0.031, 0.022, 0.019, 0.02, 0.062)
)  # fmt: skip
_LANDMARK_SIGMAS = (0.072,) * 4 + (0.079,) * 3
SIGMAS = _BODY_SIGMAS + _HAND_SIGMAS * 2 + _LANDMARK_SIGMAS + (0.01,) * 238
