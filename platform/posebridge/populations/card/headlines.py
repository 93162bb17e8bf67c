"""The few numbers that stand at the head of a card."""

import math
from dataclasses import dataclass

from posebridge.populations.card.facts import Facts
from posebridge.populations.card.places import Floors

UNKNOWN = "—"
REPORTED = ("test", "validation", "train")
"""Splits whose floors are told, the first that there is."""


@dataclass(frozen=True)
class Headline:
    """A number with what it is, and a note in small."""

    label: str
    value: str
    note: str


def headlines(told: Facts) -> tuple[Headline, ...]:
    """The numbers to be seen first."""
    told_on = reported(told)
    asked = f"PCK@0.05 on {told_on.split}"
    labelled = sum(v.hidden + v.seen for v in told.visibility)
    hidden = sum(v.hidden for v in told.visibility)
    side = told.sizes.side
    alike = sum(found.near for found in told.duplicates)
    return (
        Headline("people", f"{told.people:,}", f"in {told.images:,} images"),
        Headline("subjects", f"{told.subjects:,}" if told.subjects else UNKNOWN, _sequences(told)),
        Headline("mean pose", percent(told_on.mean_pose), asked),
        Headline("another's pose", percent(told_on.shuffled), asked),
        Headline("hidden", percent(hidden / labelled if labelled else math.nan), "of keypoints"),
        Headline("size", f"{side.median:.0f} px", f"90 %: {side.low:.0f} to {side.high:.0f} px"),
        Headline("near-identical", f"{alike:,}", "images"),
    )


def reported(told: Facts) -> Floors:
    """The floors of the split that a leaderboard would report."""
    by_split = {floor.split: floor for floor in told.floors}
    names = [split for split in REPORTED if split in by_split]
    return by_split[names[0]] if names else told.floors[0]


def percent(share: float) -> str:
    """A share in words.

    Example:
        >>> percent(0.125), percent(float("nan"))
        ('12.5 %', '—')
    """
    return UNKNOWN if math.isnan(share) else f"{100 * share:.1f} %"


def _sequences(told: Facts) -> str:
    return f"in {told.sequences:,} sequences" if told.sequences else "no sequences"
