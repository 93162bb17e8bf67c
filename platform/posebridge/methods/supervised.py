"""Supervised training: the same few lines serve every row that is not an adaptation method.

- *source-only*: zero steps, or steps on the source population;
- *control*: the labelled data, steps and views of an adaptation method, without its target;
- *target oracle*, *fine-tuning*, *few-shot*: labelled people of the target given as the source.
"""

import copy
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Predictions, UnlabeledBatch
from posebridge.estimators.base import Estimator
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.base import Optimize, TrainingMethod, Views
from posebridge.populations.views import ViewPolicy
from posebridge.search_space import log_uniform, tunable

WIDE_VIEW = ViewPolicy(
    rotation_deg=180.0,
    scale=(0.75, 1.25),
    shift=0.05,
    flip=0.5,
    brightness=0.25,
    contrast=0.25,
    saturation=0.25,
)


@dataclass(frozen=True)
class Supervised(TrainingMethod):
    """Squared error on heatmaps, absolute error on offsets where the estimator has them.

    Attributes:
        learning_rate: peak, of Adam.
        offset_weight: of the offset term, against the heatmap term.
        source_view: how labelled people are looked at.
    """

    version: ClassVar[int] = 1

    learning_rate: float = tunable(2e-4, log_uniform(1e-5, 2e-3))
    offset_weight: float = tunable(1.0, log_uniform(0.1, 10.0))
    source_view: ViewPolicy = WIDE_VIEW

    @property
    def views(self) -> Views:
        """Labelled people only."""
        return Views(source=self.source_view)

    def learning_rates(self) -> dict[str, float]:
        """One player, the student."""
        return {"student": self.learning_rate}

    def setup(self, estimator: Estimator) -> nn.ModuleDict:
        """The student starts as a copy of the estimator."""
        return nn.ModuleDict({"student": copy.deepcopy(estimator)})

    def deployed(self, nets: nn.ModuleDict) -> Estimator:
        """The student."""
        return cast(Estimator, nets["student"])

    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """One step on labelled people; a target is not looked at."""
        student = self.deployed(nets).train()
        heatmap, offset = labeled_losses(
            student(source.images), source, stride=student.stride, sigma_cells=student.sigma_cells
        )
        optimize("student", heatmap + self.offset_weight * offset)
        return {"heatmap": heatmap.detach(), "offset": offset.detach()}

    @torch.no_grad()
    def predict(
        self, nets: nn.ModuleDict, images: Float[Tensor, "batch 3 height width"]
    ) -> Predictions:
        """Keypoints with the student."""
        student = self.deployed(nets).eval()
        return student.decode(student(images))
