"""A table as text: for a terminal, for a Markdown page, and as comma-separated values."""

import csv
import io

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from posebridge.leaderboard.captions import TOLD, difference, points
from posebridge.leaderboard.tables import Block, Cell, Row, Table

MISSING = "—"
SET_APART = "read labels of the first population; not ranked"


def render_terminal(table: Table) -> RenderableType:
    """The table for `rich.console.Console.print`."""
    parts: list[RenderableType] = [Text(table.title, style="bold"), *map(Text, table.above)]
    for block in table.blocks:
        grid = Grid(title=block.heading, title_justify="left", title_style="italic")
        grid.add_column("system", no_wrap=True)
        grid.add_column("role", no_wrap=True)
        for label in _headings(block)[2:]:
            grid.add_column(label, justify="right")
        for section in _sections(block):
            for row in section:
                style = "dim" if not row.ranked else None
                grid.add_row(
                    *(_marked(text, cell) for text, cell in _texts(block, row)), style=style
                )
            grid.add_section()
        parts += [Text(""), grid]
    return Group(*parts, Text(""), *map(Text, table.below))


def render_markdown(table: Table) -> str:
    """The table as a Markdown page."""
    lines = [f"# {table.title}", "", *_listed(table.above)]
    for block in table.blocks:
        headings = _headings(block)
        lines += ["", f"## {block.heading}", "", _piped(headings)]
        lines.append(_piped(["---", "---", *["---:"] * (len(headings) - 2)]))
        for section in _sections(block):
            if _is_set_apart(section[0]):
                lines.append(_piped([f"*{SET_APART}:*", *[""] * (len(headings) - 1)]))
            for row in section:
                texts = _texts(block, row)
                lines.append(_piped([f"**{t}**" if c.is_best else t for t, c in texts]))
    return "\n".join([*lines, "", *_listed(table.below)]) + "\n"


def render_csv(table: Table) -> str:
    """One line a cell: shares in [0, 1], empty where unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("block", "system", "role", "ranked", "column", "estimate", "low", "high"),
            *("seeds", "people", "best", "told", "failures"),
        ]
    )
    for block in table.blocks:
        for row in block.rows:
            for label, cell in zip(block.columns, row.cells, strict=True):
                head = [block.heading, row.system, row.role, int(row.ranked), label]
                writer.writerow(
                    [*head, *_numbers(cell), int(cell.is_best), int(cell.is_told), cell.failures]
                )
    return text.getvalue()


def _headings(block: Block) -> list[str]:
    cost = [] if block.baseline else ["steps", "seconds"]
    return ["system", "role", *block.columns, *cost]


def _sections(block: Block) -> list[list[Row]]:
    """Floors, ranked rows, and rows that read labels of the target; those that there are."""
    floors = [row for row in block.rows if row.role == "floor"]
    ranked = [row for row in block.rows if row.ranked]
    apart = [row for row in block.rows if _is_set_apart(row)]
    return [section for section in (floors, ranked, apart) if section]


def _is_set_apart(row: Row) -> bool:
    return not row.ranked and row.role != "floor"


def _texts(block: Block, row: Row) -> list[tuple[str, Cell]]:
    """Every text of a row with the cell that it shows."""
    shown = [(_cell_text(block, cell), cell) for cell in row.cells]
    head = [(row.system, Cell()), (row.role, Cell())]
    if block.baseline:
        return [*head, *shown]
    cost = [(MISSING if np.isnan(n) else f"{n:,.0f}", Cell()) for n in (row.steps, row.seconds)]
    return [*head, *shown, *cost]


def _cell_text(block: Block, cell: Cell) -> str:
    interval = cell.interval
    if interval is None or np.isnan(interval.estimate):
        return MISSING
    if block.baseline:
        return difference(interval)
    spread = "" if np.isnan(interval.half_width) else f" ± {points(interval.half_width)}"
    told = TOLD if cell.is_told else ""
    return f"{points(interval.estimate)}{told}{spread} (n={interval.num_seeds})"


def _marked(text: str, cell: Cell) -> Text:
    return Text(text, style="bold green" if cell.is_best else "")


def _numbers(cell: Cell) -> list[str | int]:
    if cell.interval is None:
        return [""] * 5
    ends = (cell.interval.estimate, cell.interval.low, cell.interval.high)
    shares = ["" if np.isnan(value) else f"{value:.6f}" for value in ends]
    return [*shares, cell.interval.num_seeds, cell.interval.num_people]


def _piped(texts: list[str]) -> str:
    return f"| {' | '.join(text.replace('|', '&#124;') for text in texts)} |"


def _listed(lines: tuple[str, ...]) -> list[str]:
    return [f"- {line}" for line in lines]
