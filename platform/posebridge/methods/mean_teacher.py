"""UniFrame: a mean teacher whose sure heatmaps teach a student that is shown less [0, 1].

One step: the teacher looks at the weak view, and what it is sure of becomes the pseudo label. The
student looks at the strong view, part of it covered; its maps are brought back to the canonical
frame and compared. The teacher then follows the student.

We differ from the paper and its code:
- No style transfer, which needs a pre-trained AdaIN.
- The teacher can look at several turns of the weak view and vote (the paper: at one).
- The teacher predicts in evaluation mode and its buffers follow the student's; in [1] it stays in
  training mode, and buffers do not follow.
- Source and target pass the student in one batch. Batch norm, if the estimator has it, then
  normalises them together; [1] normalises them apart. MoveNet has none.
- The weak view is by default the upright crop itself; [1] augments it like the strong one.
- Pseudo labels are centred at the decoded position; in [1], at the highest cell.
- Offsets, which the paper's network has not, learn from labelled people alone.

Sources:
    [0] Kim et al., A Unified Framework for Domain Adaptive Pose Estimation, 2022,
        https://arxiv.org/abs/2204.00172
    [1] https://github.com/VisionLearningGroup/UDA_PoseEstimation
"""

import copy
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Predictions, UnlabeledBatch, View
from posebridge.ema import update_ema
from posebridge.estimators.base import Estimator
from posebridge.heatmaps import encode_gaussian
from posebridge.losses.consistency import masked_consistency
from posebridge.losses.labeled import labeled_losses
from posebridge.methods.base import Optimize, TrainingMethod, Views
from posebridge.networks.turns import split, vote
from posebridge.occlusion import cover
from posebridge.populations.views import ViewPolicy
from posebridge.search_space import choice, log_uniform, tunable, uniform
from posebridge.warps import exchange_mirrored, inverse, transform, warp_maps

PAPER_VIEW = ViewPolicy(
    rotation_deg=60.0,
    scale=(0.6, 1.3),
    shift=0.05,
    shear_deg=30.0,
    brightness=0.25,
    contrast=0.25,
    saturation=0.25,
)
"""How [1] looks at people, on every side."""

TURNS = {1: (0,), 2: (0, 2), 4: (0, 1, 2, 3)}


@dataclass(frozen=True)
class PseudoLabels:
    """What the teacher says of a target batch, in the canonical frame."""

    heatmaps: Float[Tensor, "batch keypoint height width"]
    keypoints: Float[Tensor, "batch keypoint 2"]
    confidence: Float[Tensor, "batch keypoint"]


@dataclass(frozen=True)
class MeanTeacher(TrainingMethod):
    """Consistency of a student with its own moving average, where that is sure.

    Defaults are the paper's. What suits a few hundred steps on a small set: `teacher_views` 4, a
    `momentum` of 0.99 or less, wide rotations in `source_view` and `strong_view`, and an
    `occlusion_threshold` near 0.5, since a vote has lower peaks than one look.

    Attributes:
        learning_rate: peak, of Adam.
        offset_weight: of the offset term on labelled people, against the heatmap term.
        consistency_weight: of the consistency term.
        momentum: share of the teacher that a step keeps.
        teacher_views: turns of the weak view that vote: 1, 2 (half turns) or 4 (quarter turns).
            A step costs one teacher pass over this many times the target batch.
        mask_quantile: pseudo labels count where the teacher's peak is above this quantile of all
            peaks of the batch.
        rectify: whether a pseudo label is a clean Gaussian, or the teacher's map itself.
        occlusion_probability: share of the strong views of which a part is covered.
        occlusion_threshold: only keypoints whose teacher peak reaches this are covered.
        occlusion_half_side: of the covering square, as a share of the width of the crop.
        source_view: how labelled people are looked at.
        strong_view: how the student looks at the target.
        weak_view: how the teacher looks at the target.
    """

    version: ClassVar[int] = 1

    learning_rate: float = tunable(1e-4, log_uniform(1e-5, 2e-3))
    offset_weight: float = tunable(1.0, log_uniform(0.1, 10.0))
    consistency_weight: float = tunable(1.0, log_uniform(0.1, 10.0))
    momentum: float = tunable(0.999, uniform(0.9, 0.9999))
    teacher_views: int = tunable(1, choice((1, 2, 4)))
    mask_quantile: float = tunable(0.5, uniform(0.0, 0.9))
    rectify: bool = tunable(True, choice((True, False)))
    occlusion_probability: float = tunable(0.5, uniform(0.0, 1.0))
    occlusion_threshold: float = tunable(0.9, uniform(0.1, 1.0))
    occlusion_half_side: float = 10 / 256
    source_view: ViewPolicy = PAPER_VIEW
    strong_view: ViewPolicy = PAPER_VIEW
    weak_view: ViewPolicy = ViewPolicy()

    def __post_init__(self) -> None:
        """Refuse a number of views that turns cannot make.

        Raises:
            ValueError: if `teacher_views` is not 1, 2 or 4.
        """
        if self.teacher_views not in TURNS:
            raise ValueError(
                f"teacher_views must be 1, 2 or 4, but got {self.teacher_views=}: the teacher "
                "looks at half or quarter turns of the crop."
            )

    @property
    def views(self) -> Views:
        """Labelled people, and a strong and a weak look at the target."""
        return Views(source=self.source_view, target=(self.strong_view, self.weak_view))

    def learning_rates(self) -> dict[str, float]:
        """One player, the student; the teacher only follows."""
        return {"student": self.learning_rate}

    def setup(self, estimator: Estimator) -> nn.ModuleDict:
        """Student and teacher start as copies of the estimator.

        Raises:
            ValueError: if quarter turns would not fit the estimator's input.
        """
        height, width = estimator.input_height, estimator.input_width
        if self.teacher_views == 4 and height != width:
            raise ValueError(
                f"teacher_views=4 turns crops by quarter turns and needs a square input, but the "
                f"estimator's is {height} × {width} px (height × width). Use teacher_views=2 or 1."
            )
        return nn.ModuleDict(
            {"student": copy.deepcopy(estimator), "teacher": copy.deepcopy(estimator)}
        )

    def deployed(self, nets: nn.ModuleDict) -> Estimator:
        """The teacher."""
        return cast(Estimator, nets["teacher"])

    def update(
        self,
        nets: nn.ModuleDict,
        source: LabeledBatch,
        target: UnlabeledBatch | None,
        optimize: Optimize,
    ) -> dict[str, Tensor]:
        """One step on labelled people and on people of the target.

        Raises:
            ValueError: if there is no target.
        """
        if target is None:
            raise ValueError(
                "MeanTeacher learns from unlabelled people, but got target=None. Give its stage "
                "a target population, or use Supervised."
            )
        student = cast(Estimator, nets["student"].train())
        teacher = self.deployed(nets).eval()
        pseudo = self.pseudo_labels(teacher, target.weak)
        is_trusted = pseudo.confidence > pseudo.confidence.quantile(self.mask_quantile)
        strong = self.occlude(target.strong, pseudo)

        maps = student(torch.cat((source.images, strong)))
        labeled, unlabeled = split(maps, (len(source.images), len(strong)))
        heatmap, offset = labeled_losses(
            labeled, source, stride=student.stride, sigma_cells=student.sigma_cells
        )
        matrix, order = target.strong.canonical_from_view, student.skeleton.flip_order
        canonical = warp_maps(unlabeled.heatmaps, matrix, student.stride, flip_order=order)
        consistency = masked_consistency(canonical, pseudo.heatmaps, is_trusted)
        supervised = heatmap + self.offset_weight * offset
        optimize("student", supervised + self.consistency_weight * consistency)
        update_ema(teacher, student, self.momentum)
        return {
            "heatmap": heatmap.detach(),
            "offset": offset.detach(),
            "consistency": consistency.detach(),
            "confidence": pseudo.confidence.mean(),
        }

    @torch.no_grad()
    def predict(
        self, nets: nn.ModuleDict, images: Float[Tensor, "batch 3 height width"]
    ) -> Predictions:
        """Keypoints with the teacher, upright view only."""
        teacher = self.deployed(nets).eval()
        return teacher.decode(teacher(images))

    @torch.no_grad()
    def pseudo_labels(self, teacher: Estimator, weak: View) -> PseudoLabels:
        """The teacher's vote on the weak view, brought to the canonical frame."""
        # In half precision a fifth of the keypoints would move by more than a cell.
        with torch.autocast(weak.images.device.type, enabled=False):
            maps = vote(teacher, weak.images, TURNS[self.teacher_views])
            decoded = teacher.decode(maps)
        matrix, order = weak.canonical_from_view, teacher.skeleton.flip_order
        keypoints = exchange_mirrored(transform(matrix, decoded.keypoints), matrix, order)
        confidence = exchange_mirrored(decoded.confidence, matrix, order)
        if self.rectify:
            height, width = maps.heatmaps.shape[-2:]
            has_peak = keypoints.isfinite().all(dim=-1)
            stride, sigma = teacher.stride, teacher.sigma_cells
            heatmaps = encode_gaussian(
                keypoints, has_peak, height, width, stride=stride, sigma_cells=sigma
            )
        else:
            heatmaps = warp_maps(maps.heatmaps, matrix, teacher.stride, flip_order=order)
        return PseudoLabels(heatmaps, keypoints, confidence)

    def occlude(self, strong: View, pseudo: PseudoLabels) -> Float[Tensor, "batch 3 height width"]:
        """The strong view with one sure keypoint covered in some of the images."""
        is_sure = pseudo.confidence >= self.occlusion_threshold
        draw, chosen = torch.where(is_sure, torch.rand_like(pseudo.confidence), -1.0).max(dim=1)
        is_covered = (draw >= 0) & (torch.rand_like(draw) < self.occlusion_probability)
        centers = pseudo.keypoints.gather(1, chosen[:, None, None].expand(-1, 1, 2))
        centers = transform(inverse(strong.canonical_from_view), centers)[:, 0]
        half_side_px = self.occlusion_half_side * strong.images.shape[-1]
        covered = cover(strong.images, centers.nan_to_num(0.0), half_side_px)
        return torch.where(is_covered[:, None, None, None], covered, strong.images)
