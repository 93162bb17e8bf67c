"""Cloth that lies on something and falls off beside it, no steeper than cloth does."""

import cv2
import numpy as np
from jaxtyping import Float

Sheet = Float[np.ndarray, "row column"]

_REACH = 24  # cells beside a ridge that it holds the cloth up over


def draped(surface: Sheet, *, clear_m: float, fall_m: float) -> Sheet:
    """Height of a cloth over a surface.

    Args:
        surface: height of what it lies on, metres; far below where there is nothing.
        clear_m: cloth stays this far from it.
        fall_m: from one cell to the next at most.
    """
    cover = cv2.dilate(surface, np.ones((3, 3), np.uint8)) + np.float32(clear_m)
    cloth, fall = cover, np.float32(fall_m)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    for _ in range(_REACH):
        cloth = np.maximum(cloth, cv2.dilate(cloth, cross) - fall)
    for sigma in (2.0, 1.0):
        cloth = np.maximum(cv2.GaussianBlur(cloth, (0, 0), sigma), cover)
    return np.asarray(cloth)
