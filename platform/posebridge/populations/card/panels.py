"""The drawings of a card, each on a figure or a part of one.

The person's left is blue and the right orange, as in contact sheets.
"""

import math
from collections.abc import Iterable
from typing import Any

import cv2
import matplotlib as mpl
import matplotlib.axes
import matplotlib.colors
import numpy as np
from jaxtyping import Float64
from matplotlib.figure import FigureBase
from matplotlib.patches import Rectangle

from posebridge.populations.card.attributes import Category, Quantity
from posebridge.populations.card.bends import SECTORS
from posebridge.populations.card.facts import Facts
from posebridge.populations.card.places import CELLS, MARGIN, Density
from posebridge.populations.card.quantities import Histogram, Summary

LEFT, RIGHT, MIDDLE = "#0072b2", "#d55e00", "#777777"
INK, RULE = "#1b1f24", "#c8ccd2"
SIDES = {"left": LEFT, "right": RIGHT, "": MIDDLE}
SEEN_COLOR, HIDDEN_COLOR, ABSENT_COLOR = "#2a9d64", "#e05a6d", "#e3e5e8"
STYLE: dict[Any, Any] = {
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.titlepad": 3.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": MIDDLE,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "card",
}
MANY_KEYPOINTS = 32
"""More keypoints than this are drawn together, by parts of the body."""
SHOWN_VALUES = 8
FEWEST_ROWS = 5
"""A bar is as thick as if there were so many."""
BLUR_CELLS = 0.8
OPAQUE = 0.95
"""Of the most frequent cell."""


def draw_places(figure: FigureBase, told: Facts) -> None:
    """Where the keypoints of each part of the body lie in the box."""
    names = list(dict.fromkeys(density.part for density in told.densities))
    margin = MARGIN / CELLS
    for axis, part in zip(_row(figure, len(names)), names, strict=True):
        maps = [density for density in told.densities if density.part == part]
        axis.imshow(
            density_colors(maps),
            extent=(-margin, 1 + margin, 1 + margin, -margin),
            interpolation="bilinear",
        )
        axis.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=MIDDLE, linewidth=0.7))
        axis.set(xticks=[], yticks=[], title=part)
        axis.spines[:].set_visible(False)


def density_colors(maps: Iterable[Density]) -> Float64[np.ndarray, "row column 4"]:
    """Maps in one, each in the colour of its side, mixed where they meet, RGBA.

    They are a little blurred, and how opaque a cell is goes with the square root of its count, so
    that rare places show too.
    """
    color, weight, clear = np.zeros((1, 1, 3)), np.zeros((1, 1, 1)), np.ones((1, 1, 1))
    for density in maps:
        counts = cv2.GaussianBlur(np.array(density.counts, np.float64), (0, 0), BLUR_CELLS)
        counts = np.asarray(counts)[..., None]
        alpha = OPAQUE * np.sqrt(counts / max(float(counts.max()), 1e-9))
        color = color + alpha * np.array(matplotlib.colors.to_rgb(SIDES[density.side]))
        weight, clear = weight + alpha, clear * (1 - alpha)
    return np.concatenate([np.clip(color / np.maximum(weight, 1e-9), 0, 1), 1 - clear], axis=-1)


def draw_directions(figure: FigureBase, told: Facts) -> None:
    """Which way limbs point: a rose each, its sectors' areas as the counts."""
    limbs = list(dict.fromkeys(direction.limb for direction in told.directions))
    centers = np.arange(SECTORS) * 2 * np.pi / SECTORS
    for axis, limb in zip(_row(figure, len(limbs), projection="polar"), limbs, strict=True):
        roses = [direction for direction in told.directions if direction.limb == limb]
        for rose in roses:
            shares = np.sqrt(np.array(rose.counts) / max(rose.people, 1))
            axis.bar(
                centers,
                shares,
                width=2 * np.pi / SECTORS,
                color=SIDES[rose.side],
                alpha=0.55,
                linewidth=0,
            )
        spreads = [rose.spread for rose in roses if not math.isnan(rose.spread)]
        told_spread = f"\nspread {np.mean(spreads):.2f}" if spreads else "\nnobody"
        axis.set(xticks=centers[:: SECTORS // 4], yticks=[], title=f"{limb}{told_spread}")
        axis.set_xticklabels([])
        axis.grid(color=RULE, linewidth=0.5)
        axis.spines[:].set(color=RULE, linewidth=0.6)


def draw_bends(figure: FigureBase, told: Facts) -> None:
    """How far joints are bent in the image."""
    joints = list(dict.fromkeys(bend.joint for bend in told.bends))
    for axis, joint in zip(_row(figure, len(joints)), joints, strict=True):
        for bend in (bend for bend in told.bends if bend.joint == joint):
            _steps(axis, bend.histogram, SIDES[bend.side], bend.summary)
        axis.set(xticks=[0, 90, 180], yticks=[], title=joint, xlim=(0, 180))
        axis.set_xticklabels(["0", "90°", "180"])
        axis.spines["left"].set_visible(False)


def draw_sizes(figure: FigureBase, told: Facts) -> None:
    """How large people are, and how much of them is hidden."""
    sizes, occlusion = told.sizes, told.occlusion
    side, area, hidden = _row(figure, 3)
    _bars(side, sizes.side_histogram, LEFT)
    side.set_xscale("log", base=2)
    side.set(title="longer side of the box, px", xlim=(8, 4096))
    side.set_xticks([16, 64, 256, 1024], ["16", "64", "256", "1024"])
    _bars(area, sizes.area_histogram, LEFT)
    area.set_xscale("log")
    area.set(title="share of the image", xlim=(2**-10, 1))
    area.set_xticks([0.001, 0.01, 0.1, 1], ["0.1 %", "1 %", "10 %", "100 %"])
    _bars(hidden, occlusion.hidden_histogram, HIDDEN_COLOR)
    edges = occlusion.hidden_histogram.edges
    hidden.set(title="hidden keypoints of a person", xlim=(0, edges[-1]))
    # A bar stands above the number that it counts.
    ticks = np.arange(0, edges[-1], max(1, edges[-1] // 6))
    hidden.set_xticks(ticks + (edges[1] - edges[0]) / 2, [f"{tick:.0f}" for tick in ticks])
    for axis in (side, area):
        axis.minorticks_off()


def draw_visibility(figure: FigureBase, told: Facts) -> None:
    """How often each keypoint is seen, hidden and not labelled."""
    rows = visibility_rows(told)
    axis = figure.subplots()
    ends = np.zeros(len(rows))
    counts = np.array([row for row in rows.values()], np.float64)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    colors = (SEEN_COLOR, HIDDEN_COLOR, ABSENT_COLOR)
    for column, color, label in zip(
        shares.T, colors, ("seen", "hidden", "not labelled"), strict=True
    ):
        axis.barh(list(rows), column, left=ends, color=color, height=0.72, label=label)
        ends += column
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xticks=[0, 0.5, 1])
    axis.set_xticklabels(["0 %", "50 %", "100 %"])
    axis.spines[:].set_visible(False)
    axis.tick_params(left=False)
    axis.legend(
        loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, frameon=False, handlelength=0.9
    )


def visibility_rows(told: Facts) -> dict[str, tuple[int, int, int]]:
    """Seen, hidden and not labelled, of each keypoint, or of each part where these are many."""
    each = [(v.seen, v.hidden, v.not_labelled) for v in told.visibility]
    if len(each) <= MANY_KEYPOINTS:
        names = [v.keypoint.replace("_", " ") for v in told.visibility]
        return dict(zip(names, each, strict=True))
    parts: dict[str, tuple[int, int, int]] = {}
    for place, (seen, hidden, absent) in zip(told.places, each, strict=True):
        before = parts.get(place.part, (0, 0, 0))
        parts[place.part] = (before[0] + seen, before[1] + hidden, before[2] + absent)
    return parts


def draw_attributes(figure: FigureBase, told: Facts, *, columns: int = 3) -> None:
    """Who has which value of every attribute."""
    count = len(told.attributes)
    rows = max(1, math.ceil(count / columns))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.set_visible(False)
    for axis, attribute in zip(axes, told.attributes, strict=False):
        axis.set_title(_attribute_title(attribute), loc="left", weight="bold")
        if isinstance(attribute, Quantity):
            _bars(axis, attribute.histogram, MIDDLE)
        else:
            _values(axis, attribute)


def _attribute_title(attribute: Category | Quantity) -> str:
    name = attribute.name.replace("_", " ")
    if isinstance(attribute, Quantity):
        return name
    count = len(attribute.values) + attribute.other_values
    return f"{name} ({SHOWN_VALUES} of {count})" if count > SHOWN_VALUES else name


def _values(axis: mpl.axes.Axes, category: Category) -> None:
    shares = np.array(category.totals) / category.people
    names = list(category.values[:SHOWN_VALUES])
    bars = axis.barh(range(len(names)), shares[: len(names)], color=LEFT, height=0.7)
    axis.bar_label(bars, [f"{100 * share:.0f} %" for share in shares[: len(names)]], padding=2)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlim=(0, 1.25 * shares.max()), xticks=[])
    axis.set_ylim(max(len(names), FEWEST_ROWS) - 0.5, -0.5)
    axis.spines[:].set_visible(False)
    axis.tick_params(left=False)


def _row(figure: FigureBase, count: int, projection: str | None = None) -> list[mpl.axes.Axes]:
    """Axes side by side; none for none."""
    if not count:
        return []
    axes = figure.subplots(1, count, squeeze=False, subplot_kw={"projection": projection})
    return list(axes[0])


def _bars(axis: mpl.axes.Axes, counted: Histogram, color: str) -> None:
    axis.stairs(counted.counts, counted.edges, fill=True, color=color, alpha=0.8)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)


def _steps(axis: mpl.axes.Axes, counted: Histogram, color: str, about: Summary) -> None:
    axis.stairs(counted.counts, counted.edges, fill=True, color=color, alpha=0.25, linewidth=0)
    axis.stairs(counted.counts, counted.edges, color=color, linewidth=1.2)
    if about.count:
        axis.axvline(about.median, color=color, linewidth=0.8, linestyle=":")
