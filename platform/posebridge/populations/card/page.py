"""The card as one page of HTML that needs nothing else: no script, no other file, no network."""

import base64
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import jinja2
import matplotlib as mpl
import matplotlib.figure
from markupsafe import Markup
from matplotlib.figure import FigureBase

from posebridge.populations.card.attributes import Category
from posebridge.populations.card.duplicates import Twins
from posebridge.populations.card.facts import Facts
from posebridge.populations.card.findings import findings
from posebridge.populations.card.headlines import UNKNOWN, headlines, percent
from posebridge.populations.card.panels import (
    INK,
    LEFT,
    MIDDLE,
    RIGHT,
    RULE,
    STYLE,
    draw_attributes,
    draw_bends,
    draw_directions,
    draw_places,
    draw_sizes,
    draw_visibility,
)
from posebridge.populations.card.samples import Tile, jpeg

TEMPLATE = "page.html"
_DPI = 200
_WIDTH_INCHES = 10.4
_ROW_INCHES = 1.9
"""Of a row of attributes."""
_COLUMNS = 3
Draw = Callable[[FigureBase, Facts], None]
# What a page in the dark shows in other colours.
_VARIABLES = {
    INK: "var(--ink)",
    LEFT: "var(--left)",
    RIGHT: "var(--right)",
    MIDDLE: "var(--middle)",
    RULE: "var(--rule)",
}


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a card shows of the images.

    Attributes:
        people: some of them, with their keypoints.
        twins: pairs of images that look alike, each with its two tiles.
    """

    people: Sequence[Tile]
    twins: Sequence[tuple[Twins, tuple[Tile, Tile]]] = field(default_factory=tuple)


def card_page(told: Facts, pictures: Pictures) -> str:
    """Write a card as HTML.

    Args:
        told: of the population.
        pictures: of its images.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("posebridge.populations.card", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(percent=percent, source=_source, number=_number)
    return environment.get_template(TEMPLATE).render(
        told=told,
        findings=findings(told),
        headlines=headlines(told),
        pictures=pictures,
        panels=_panels(told),
        categories=[a for a in told.attributes if isinstance(a, Category)],
        quantities=[a for a in told.attributes if not isinstance(a, Category)],
    )


def drawing(draw: Draw, told: Facts, height_inches: float) -> Markup:
    """A panel as SVG that stands within a page and takes its colours."""
    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure((_WIDTH_INCHES, height_inches), dpi=_DPI)
        figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.08)
        draw(figure, told)
        buffer = io.StringIO()
        about = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=about)
    text = buffer.getvalue()
    box, content = re.findall(r'<svg [^>]*(viewBox="[^"]*")[^>]*>(.*)</svg>', text, re.DOTALL)[0]
    # Names of groups would repeat from panel to panel.
    content = re.sub(r'<g id="[^"]*"', "<g", content)
    for color, variable in _VARIABLES.items():
        content = content.replace(color, variable)
    return Markup(f'<svg {box} role="img">{content}</svg>')


def _panels(told: Facts) -> dict[str, Markup]:
    rows = math.ceil(len(told.attributes) / _COLUMNS)
    heights: dict[str, tuple[Draw, float]] = {
        "places": (draw_places, 1.75),
        "directions": (draw_directions, 2.1),
        "bends": (draw_bends, 1.5),
        "sizes": (draw_sizes, 1.7),
        "visibility": (draw_visibility, 3.6),
        "attributes": (draw_attributes, _ROW_INCHES * max(rows, 1)),
    }
    return {name: drawing(draw, told, height) for name, (draw, height) in heights.items()}


def _source(tile: Tile) -> str:
    """A tile as the address of an image that the address itself holds."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(tile)).decode()}"


def _number(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:,.4g}"
