"""Structure-guided refinement (Tu et al., 2026): a trained estimator is frozen, a UNet refines.

At paper scale: SimpleBaseline with ResNet-50, trained as it was published (140 epochs, Adam at
1e-3 cut tenfold at epochs 90 and 120, batches of 128), then 130 epochs of the UNet in batches of
48 at a constant 1e-4. The paper gives no width for the UNet: ours is 64. At embedded scale the
estimator is MoveNet, fine-tuned for some hundred steps; the UNet has width 16 and a higher rate.

Rows of an experiment share the estimator's stage, and are compared with it: the baseline.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from posebridge.estimators.base import Architecture
from posebridge.estimators.decoders import Dark
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.methods.structure_guided import PAPER_VIEW, StructureGuided
from posebridge.methods.supervised import Supervised
from posebridge.networks.guides import NoGuide, PosePath, PredictedHeatmaps
from posebridge.networks.stepping import Stepping
from posebridge.networks.unet import UNetShape
from posebridge.populations.base import Population
from posebridge.stages import Budget, Feed, Stage, StepDecay, System

EPOCHS, PER_STEP = 130, 48
BASELINE_EPOCHS, BASELINE_PER_STEP = 140, 128
CONSTANT = StepDecay(())

PAPER = StructureGuided(unet=UNetShape(width=64))
"""The published settings."""
DECONVOLUTIONS = 3
"""What the paper reads of SimpleBaseline, whose last backbone level is one coarser."""
EMBEDDED = StructureGuided(
    learning_rate=1e-3, unet=UNetShape(width=16), stepping=Stepping(decoder=Dark(kernel=7))
)
"""For some hundred steps on two CPU cores; MoveNet's sigma of 1.5 cells wants a kernel of 7."""

PAPER_ABLATION: Mapping[str, float] = MappingProxyType(
    {"baseline": 72.3, "A1": 72.8, "A2": 73.0, "A3": 73.2, "A4": 73.3, "ours": 73.7}
)
"""AP on COCO val, SimpleBaseline with ResNet-50, figure 4."""


@dataclass(frozen=True)
class Refinement:
    """What the rows of an experiment have in common.

    Attributes:
        estimator: the stage that trains it; None for published weights.
        architecture: the estimator.
        source: labelled people, for the UNet.
        budget: of the UNet.
        method: that the rows vary.
    """

    estimator: Stage | None
    architecture: Architecture
    source: tuple[Feed, ...]
    budget: Budget
    method: StructureGuided

    def row(self, name: str, method: StructureGuided | None = None) -> System:
        """A refined row."""
        stage = Stage(
            "refine",
            method or self.method,
            self.architecture,
            self.source,
            None,
            self.budget,
            start=self.estimator,
        )
        return System(name, "adapted", stage)

    def baseline(self, name: str = "baseline") -> System:
        """The frozen estimator itself."""
        if self.estimator is None:
            stage = Stage("published", Supervised(), self.architecture, (), None, Budget(steps=0))
            return System(name, "source-only", stage)
        return System(name, "control", self.estimator)

    def ablation(self) -> tuple[System, ...]:
        """Table 1 of the paper; each name tells the paper's number."""
        rows = (
            ("A1", "features only", replace(self.method, guide=NoGuide())),
            ("A2", "predicted heatmaps", replace(self.method, guide=PredictedHeatmaps())),
            ("A3", "poses, not fused", replace(self.method, guide=PosePath(fusion="none"))),
            ("A4", "truth as end", replace(self.method, training_end="truth")),
            ("ours", "gradient maps", self.method),
        )
        told = {name: f"(paper {number})" for name, number in PAPER_ABLATION.items()}
        return (
            self.baseline(f"baseline {told['baseline']}"),
            *(self.row(f"{name}: {what} {told[name]}", method) for name, what, method in rows),
        )


def paper(
    population: Population, architecture: Architecture | None = None, *, is_trained: bool = False
) -> Refinement:
    """The published settings.

    Args:
        population: with a train split, such as COCO.
        architecture: of the estimator; None is SimpleBaseline with ResNet-50 from ImageNet.
        is_trained: whether the architecture comes with published weights, to be used as they are.
    """
    architecture = architecture or SimpleBaseline(depth=50, pretrained=True)
    people = population.splits()["train"]
    view = replace(PAPER_VIEW, rotation_deg=40.0)
    baseline = Stage(
        "estimator",
        Supervised(learning_rate=1e-3, source_view=view),
        architecture,
        (Feed(population, "train", BASELINE_PER_STEP),),
        None,
        Budget(
            BASELINE_EPOCHS * math.ceil(people / BASELINE_PER_STEP),
            decay=StepDecay((90 / BASELINE_EPOCHS, 120 / BASELINE_EPOCHS)),
        ),
    )
    is_simple = isinstance(architecture, SimpleBaseline)
    shape = replace(PAPER.unet, levels=DECONVOLUTIONS) if is_simple else PAPER.unet
    return Refinement(
        None if is_trained else baseline,
        architecture,
        (Feed(population, "train", PER_STEP),),
        Budget(EPOCHS * math.ceil(people / PER_STEP), decay=CONSTANT),
        replace(PAPER, unet=shape),
    )


def embedded(
    architecture: Architecture,
    source: tuple[Feed, ...],
    estimator: Budget,
    refine: Budget,
    method: StructureGuided = EMBEDDED,
) -> Refinement:
    """A published estimator, fine-tuned on the source and frozen, under a small UNet.

    Args:
        architecture: of the estimator.
        source: labelled people, of both stages.
        estimator: budget of the fine-tuning.
        refine: budget of the UNet.
        method: that the rows vary.
    """
    view = method.source_view
    trained = Stage(
        "estimator", Supervised(source_view=view), architecture, source, None, estimator
    )
    return Refinement(trained, architecture, source, refine, method)
