"""Cuts that go over others: a garment that is open in front, and the sole of a shoe."""

from dataclasses import dataclass

import numpy as np

from posebridge.synthesis.tailoring import FEET, OUTSIDE_M, Cut, FloatArray, Measures, Top


@dataclass(frozen=True)
class OpenTop(Cut):
    """A cardigan or a jacket: a shirt without a strip in front.

    Attributes:
        top: sleeves, hem and collar.
        gap: half the width of the strip at the hem, as a share of the torso; at the collar it is
            a third of that.
    """

    top: Top
    gap: float

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the cloth at each vertex, metres; negative outside."""
        x, y = measures.points[:, 0], measures.points[:, 1]
        narrowing = 1 - np.clip(measures.height, 0, 1) * 2 / 3
        strip = np.abs(x) - self.gap * measures.torso_m * narrowing
        ahead = y < measures.hip[1]
        opened = np.where(ahead, strip, 1.0)
        return np.minimum(self.top.field(measures), opened).astype(np.float32)


@dataclass(frozen=True)
class Sole(Cut):
    """The lowest `height_m` of the feet of a person who stands."""

    height_m: float

    def field(self, measures: Measures) -> FloatArray:
        """Distance inside the sole at each vertex, metres; negative outside."""
        z = measures.points[:, 2]
        inside = self.height_m - (z - z.min())
        return np.where(measures.on(FEET), inside, OUTSIDE_M).astype(np.float32)
