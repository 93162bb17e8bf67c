"""Leaderboards: pure functions of records. Needs neither torch nor ray.

`leaderboard` and `keypoint_groups` make a `Table`; `render_terminal`, `render_markdown` and
`render_csv` show it.
"""

from posebridge.leaderboard.people import (
    People,
    PeopleReader,
    people_of,
    people_reader,
    read_people,
)
from posebridge.leaderboard.renderings import render_csv, render_markdown, render_terminal
from posebridge.leaderboard.tables import Table, keypoint_groups, leaderboard

__all__ = [
    "People",
    "PeopleReader",
    "Table",
    "keypoint_groups",
    "leaderboard",
    "people_of",
    "people_reader",
    "read_people",
    "render_csv",
    "render_markdown",
    "render_terminal",
]
