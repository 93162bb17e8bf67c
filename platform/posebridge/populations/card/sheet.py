"""The card as one picture: a page of A4."""

import dataclasses
import io
import textwrap
from collections.abc import Callable, Sequence
from functools import partial

import matplotlib as mpl
import matplotlib.figure
from matplotlib.figure import FigureBase, SubFigure

from posebridge.populations.card.facts import Facts
from posebridge.populations.card.findings import Finding, findings
from posebridge.populations.card.headlines import headlines
from posebridge.populations.card.panels import (
    HIDDEN_COLOR,
    INK,
    MIDDLE,
    SEEN_COLOR,
    STYLE,
    draw_attributes,
    draw_bends,
    draw_directions,
    draw_places,
    draw_sizes,
    draw_visibility,
)
from posebridge.populations.card.samples import Tile

A4_INCHES = (8.27, 11.69)
DPI = 200
TILES_IN_ROW = 10
WIDE_COLUMNS = 3
"""Of attributes; where they would fill more rows than columns, they are in one column more."""
MOST_ATTRIBUTES = 16
LINES = 8
"""Of findings; the page has them all."""
_WIDTH = 150
"""Letters in a line of findings."""
_LINE_INCHES = 0.125
_HEIGHTS = (2.4, 1.45, 1.4, 1.15, 3.3)
"""Of people, places, directions, sizes, and of who is seen, inches; what is left is shared out."""


def card_picture(told: Facts, tiles: Sequence[Tile]) -> bytes:
    """Draw a card.

    Args:
        told: of the population.
        tiles: people of it; of many, some from the first to the last are shown.

    Returns:
        A PNG file.
    """
    with mpl.rc_context(STYLE | {"font.size": 6.5, "axes.titlesize": 6.5}):
        figure = matplotlib.figure.Figure(A4_INCHES, dpi=DPI)
        figure.set_layout_engine("constrained", w_pad=0.04, h_pad=0.03)
        lines = finding_lines(findings(told))
        heights = (0.95, 0.08 + _LINE_INCHES * len(lines), *_HEIGHTS)
        rows = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        _head(rows[0], told)
        for number, (text, color) in enumerate(lines):
            rows[1].text(0.012, 0.97 - number / len(lines), text, va="top", color=color)
        _people(rows[2], _spread(tiles, 2 * TILES_IN_ROW))
        _titled(rows[3], "Where keypoints lie in the box", told, draw_places)
        pointing, bending = rows[4].subfigures(1, 2, width_ratios=(5, 4))
        _titled(pointing, "Which way limbs point", told, draw_directions)
        _titled(bending, "How far joints are bent, as seen", told, draw_bends)
        _titled(rows[5], "How large people are, and how much of them is hidden", told, draw_sizes)
        seen, who = rows[6].subfigures(1, 2, width_ratios=(3, 5))
        _titled(seen, "Which keypoints are seen", told, draw_visibility)
        _who(who, told)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _who(part: SubFigure, told: Facts) -> None:
    count = len(told.attributes)
    shown = dataclasses.replace(told, attributes=told.attributes[:MOST_ATTRIBUTES])
    some = f" ({MOST_ATTRIBUTES} of {count} attributes)" if count > MOST_ATTRIBUTES else ""
    columns = WIDE_COLUMNS if count <= WIDE_COLUMNS**2 else WIDE_COLUMNS + 1
    _titled(part, f"Who they are{some}", shown, partial(draw_attributes, columns=columns))


def _titled(
    part: SubFigure, title: str, told: Facts, draw: Callable[[FigureBase, Facts], None]
) -> None:
    part.suptitle(title, x=0.01, ha="left", fontsize=8, weight="bold")
    draw(part, told)


def _head(part: SubFigure, told: Facts) -> None:
    part.text(0.012, 0.95, told.name, fontsize=20, weight="bold", va="top")
    splits = ", ".join(f"{split.split} {split.people:,}" for split in told.splits)
    about = f"{told.skeleton} · {told.licence} · {told.fingerprint} · content {told.content_hash}"
    part.text(0.988, 0.93, about, ha="right", va="top", color=MIDDLE)
    part.text(0.988, 0.76, splits, ha="right", va="top", color=MIDDLE)
    told_first = headlines(told)
    for number, line in enumerate(told_first):
        x = 0.012 + number * 0.985 / len(told_first)
        part.text(x, 0.42, line.label, va="center", color=MIDDLE)
        part.text(x, 0.24, line.value, va="center", fontsize=12, weight="bold")
        part.text(x, 0.06, line.note, va="center", fontsize=5.5, color=MIDDLE)


def finding_lines(found: Sequence[Finding]) -> list[tuple[str, str]]:
    """Findings in lines that fit, each with its colour; the first is about leaks."""
    lines = [
        (text, HIDDEN_COLOR if finding.is_leak else INK)
        for finding in found
        for text in textwrap.wrap(
            finding.text, _WIDTH, initial_indent="• ", subsequent_indent="   "
        )
    ]
    if not any(finding.is_leak for finding in found):
        lines.insert(0, ("• No leak between splits was found.", SEEN_COLOR))
    if len(lines) > LINES:
        lines[LINES - 1 :] = [("… the rest stands in card.html", MIDDLE)]
    return lines


def _spread(tiles: Sequence[Tile], count: int) -> list[Tile]:
    if len(tiles) <= count:
        return list(tiles)
    return [tiles[index * (len(tiles) - 1) // (count - 1)] for index in range(count)]


def _people(part: SubFigure, tiles: Sequence[Tile]) -> None:
    if not tiles:
        part.text(0.5, 0.5, "nobody's image decodes", ha="center", color=MIDDLE)
        return
    axes = part.subplots(2, TILES_IN_ROW).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, tile in zip(axes, tiles, strict=False):
        axis.imshow(tile.pixels[..., ::-1], interpolation="antialiased")
        axis.set_title(tile.caption, fontsize=5.5, color=MIDDLE, pad=1.5)
