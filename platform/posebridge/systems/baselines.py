"""The rows that every claim of adaptation is measured against.

`published` is the network as it was released; `control` sees the labelled data, steps and views of
an adaptation method and nothing of its target; `oracle` is told the target's labels, never ranks.
"""

from dataclasses import replace
from typing import Any

from posebridge.estimators.base import Architecture
from posebridge.methods.supervised import WIDE_VIEW, Supervised
from posebridge.populations.views import ViewPolicy
from posebridge.stages import Budget, Feed, Stage, System


def published(architecture: Architecture) -> System:
    """The released weights, untouched: source-only."""
    stage = Stage("published", Supervised(), architecture, (), None, Budget(steps=0))
    return System("published weights", "source-only", stage)


def control(
    architecture: Architecture,
    source: tuple[Feed, ...],
    budget: Budget,
    *,
    grid: dict[str, tuple[Any, ...]] | None = None,
) -> System:
    """Fine-tuning on the labelled source alone, any way up."""
    stage = Stage("control", Supervised(), architecture, source, None, budget)
    return System("control", "control", stage, grid or {}, "labelled source only")


def control_upright(
    architecture: Architecture, source: tuple[Feed, ...], budget: Budget
) -> System:
    """The control without rotation: what the other augmentations do."""
    view: ViewPolicy = replace(WIDE_VIEW, rotation_deg=0.0)
    stage = Stage(
        "control_upright", Supervised(source_view=view), architecture, source, None, budget
    )
    return System("control, no rotation", "control", stage, note="labelled source only, upright")


def oracle(
    architecture: Architecture, source: tuple[Feed, ...], target: Feed, budget: Budget
) -> System:
    """The control that is given the target's labels as well."""
    stage = Stage("oracle", Supervised(), architecture, (*source, target), None, budget)
    return System("oracle", "oracle", stage, note="target labelled as well")
