"""Structure-guided refinement: a UNet follows a path of poses to better heatmaps [0].

The estimator is frozen. It gives features and a first pose; between a canonical pose and this one
lies a path of S poses, drawn as T = S + 2 gradient maps H_t. Training (algorithm 1): draw a step t
for each person, give the UNet the features, H_t and t, and compare with the Gaussians of the
truth. Inference (algorithm 2): t = 0 … T − 1, and the last heatmaps are decoded. Nothing passes
from step to step but what `Stepping` asks for.

Where the paper contradicts itself, we take:
- S poses, s = 0 … S − 1, as the weights, the examples and the sweep have it. With the S + 1 of the
  text the prediction would weigh nothing in the last step.
- Weights that are exact on both worked examples ("exact"). The printed formula ("printed") fits
  one of them, and at the paper's own S = 3 fuses nothing, only halves the peaks.
- Both readings of the schedule: `cosine` as in diffusion models, `ease_out` with large steps first
  as in section 4.3.2. At S = 3 `cosine` and `linear` are the same poses.
- Gaussians with columns along x (printed: rows), and a mask for keypoints whose peak is below the
  gate (printed: they are moved to (0, 0), and their ghost wanders there).
- Ends of the paths at inference: the estimator's, as in training and in the text of section 3.5.2;
  `endpoint="latest"` takes those of the step before, as algorithm 2 prints it.
- No heatmaps of the step before; `concat_previous` shows them, as the caption of figure 3 has it.
The canonical pose is ours (none is printed), and only visible keypoints count in the loss.

Beyond the paper, each off by default: `jitter_cells` moves the ends in training, as the estimator
is better on people it was trained on; `step_consistency` wants two steps of a person to agree;
`agreement_px` ends inference early; `joint_weight` lets the estimator learn too.

Sources:
    [0] Tu et al., Structure-Guided Framework for Human Pose Estimation, 2026,
        https://doi.org/10.11897/SP.J.1016.2026.00760
"""

import copy
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Predictions, UnlabeledBatch
from posebridge.estimators.base import Estimator
from posebridge.heatmaps import encode_gaussian
from posebridge.losses.consistency import masked_consistency
from posebridge.losses.labeled import heatmap_mse, labeled_losses
from posebridge.methods.base import Optimize, TrainingMethod, Views
from posebridge.networks.guided_estimator import GuidedEstimator
from posebridge.networks.guides import Guide, PosePath
from posebridge.networks.stepping import Draw, Refined, Stepping
from posebridge.networks.unet import UNetShape
from posebridge.populations.views import ViewPolicy
from posebridge.search_space import choice, log_uniform, tunable, uniform

PAPER_VIEW = ViewPolicy(scale=(0.7, 1.3), shift=0.05, flip=0.5)
"""Random flips, scales and crops, as the paper says; the ranges are ours."""


@dataclass(frozen=True)
class StructureGuided(TrainingMethod):
    """Multi-step refinement of a frozen estimator. Defaults are the paper's.

    Attributes:
        learning_rate: peak, of Adam.
        guide: what the UNet is shown: `PosePath()`, `PredictedHeatmaps()` or `NoGuide()`.
        unet: its size.
        stepping: how inference goes.
        training_end: of the paths in training: what the estimator finds ("prediction"), or the
            "truth", which is not there at inference (the paper's A4).
        jitter_cells: standard deviation of what is added to the ends in training.
        step_consistency: weight of the difference between two steps of the same person.
        joint_weight: of the estimator's own loss; 0 freezes it, batch norm included.
        source_view: how labelled people are looked at.
    """

    version: ClassVar[int] = 1

    learning_rate: float = tunable(1e-4, log_uniform(1e-5, 2e-3))
    guide: Guide = PosePath()
    unet: UNetShape = UNetShape()
    stepping: Stepping = Stepping()
    training_end: Literal["prediction", "truth"] = tunable(
        "prediction", choice(("prediction", "truth"))
    )
    jitter_cells: float = tunable(0.0, uniform(0.0, 4.0))
    step_consistency: float = tunable(0.0, uniform(0.0, 1.0))
    joint_weight: float = tunable(0.0, uniform(0.0, 1.0))
    source_view: ViewPolicy = PAPER_VIEW

    def __post_init__(self) -> None:
        """Refuse weights below zero, and what only a path has for a guide without one.

        Raises:
            ValueError: naming the field.
        """
        for name in ("jitter_cells", "step_consistency", "joint_weight"):
            if not getattr(self, name) >= 0.0:
                raise ValueError(f"{name} must be at least 0, but got {getattr(self, name)}.")
        if isinstance(self.guide, PosePath):
            return
        if self.training_end != "prediction" or self.jitter_cells or self.step_consistency:
            raise ValueError(
                "training_end, jitter_cells and step_consistency are of a path of poses, but the "
                f"guide is {self.guide}. Leave them at their defaults, or use PosePath()."
            )

    @property
    def views(self) -> Views:
        """Labelled people only."""
        return Views(source=self.source_view)

    def learning_rates(self) -> dict[str, float]:
        """One player: the UNet, and the estimator in it if that learns too."""
        return {"student": self.learning_rate}

    def setup(self, estimator: Estimator) -> nn.ModuleDict:
        """A copy of the estimator under a UNet with random weights."""
        student = GuidedEstimator(
            copy.deepcopy(estimator),
            self.guide,
            self.unet,
            self.stepping,
            learns_whole=self.joint_weight > 0,
        )
        return nn.ModuleDict({"student": student})

    def deployed(self, nets: nn.ModuleDict) -> GuidedEstimator:
        """The student: estimator and UNet."""
        return cast(GuidedEstimator, nets["student"])

    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """One step on labelled people (algorithm 1); a target is not looked at."""
        student = self.deployed(nets).train()
        student.start.observe(source.keypoints, source.visible)
        found: Refined = nets["student"](source.images, self.draw(student, source))

        stride, sigma = student.stride, student.sigma_cells
        height, width = found.heatmaps.shape[-2:]
        truth = encode_gaussian(
            source.keypoints, source.visible, height, width, stride=stride, sigma_cells=sigma
        )
        looks = found.heatmaps.float().unbind(dim=1)
        refined = torch.stack([heatmap_mse(maps, truth, source.visible) for maps in looks]).mean()
        agreement = masked_consistency(looks[0], looks[-1], source.visible)
        heatmap, offset = labeled_losses(found.first, source, stride=stride, sigma_cells=sigma)
        joint = self.joint_weight * (heatmap + offset)
        optimize("student", refined + self.step_consistency * agreement + joint)
        return {
            "refined": refined.detach(),
            "estimator": heatmap.detach(),
            "disagreement": agreement.detach(),
        }

    @torch.no_grad()
    def predict(
        self, nets: nn.ModuleDict, images: Float[Tensor, "batch 3 height width"]
    ) -> Predictions:
        """Keypoints after the last step (algorithm 2)."""
        student = self.deployed(nets).eval()
        return student.decode(student(images))

    def draw(self, student: GuidedEstimator, source: LabeledBatch) -> Draw:
        """A random step of each person, or two that are to agree, and the ends of their paths."""
        count, looks = len(source.images), 2 if self.step_consistency else 1
        like = source.keypoints
        steps = torch.randint(self.guide.num_steps, (count, looks), device=like.device)
        jitter_px = torch.randn_like(like) * (self.jitter_cells * student.stride)
        ends = torch.where(source.visible[..., None], like, torch.nan)
        return Draw(steps, jitter_px, ends if self.training_end == "truth" else None)
