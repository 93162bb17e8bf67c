"""What a UNet is shown of the pose it is to refine, step by step: one class a kind of guide.

`PosePath` is the gradient-map sequence of the paper, `PredictedHeatmaps` and `NoGuide` are what
its ablation compares it with.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.networks.canonical_poses import STANDING, CanonicalPose
from posebridge.networks.pose_paths import (
    Grid,
    Schedule,
    Weights,
    exact_weights,
    gradient_maps,
    interpolate,
    printed_weights,
    progress,
    single_weights,
)
from posebridge.search_space import choice, integers, log_uniform, tunable

Fusion = Literal["exact", "printed", "none"]


@dataclass(frozen=True)
class Ends:
    """Where the path of each person leads.

    Attributes:
        keypoints: px of the image, all finite.
        known: keypoints that were found; of others the path shows the start alone.
        heatmaps: that they were read from.
    """

    keypoints: Float[Tensor, "batch keypoint 2"]
    known: Bool[Tensor, "batch keypoint"]
    heatmaps: Float[Tensor, "batch keypoint height width"]


@dataclass(frozen=True)
class Guide(ABC):
    """What is shown at each step."""

    @property
    @abstractmethod
    def num_steps(self) -> int:
        """T, the steps of inference."""

    @property
    @abstractmethod
    def canonical(self) -> CanonicalPose | None:
        """Where paths begin; None for the mean of the people that were learnt from."""

    @abstractmethod
    def channels(self, keypoints: int) -> int:
        """Maps in the guide of one step."""

    @abstractmethod
    def maps(
        self,
        start: Float[Tensor, "keypoint 2"],
        ends: Ends,
        steps: Int[Tensor, "batch step"],
        grid: Grid,
    ) -> Float[Tensor, "batch step channel height width"]:
        """The guide at some steps of each person, without gradient.

        Args:
            start: the canonical pose, px.
            ends: of each person's path.
            steps: which are wanted.
            grid: where it is drawn; its sigma is that of the estimator.
        """


@dataclass(frozen=True)
class NoGuide(Guide):
    """Features alone: the network is larger, and nothing else is new (the paper's A1)."""

    num_steps = 1
    canonical = None

    def channels(self, keypoints: int) -> int:
        """None."""
        return 0

    def maps(
        self, start: Tensor, ends: Ends, steps: Tensor, grid: Grid
    ) -> Float[Tensor, "batch step 0 height width"]:
        """No map."""
        return ends.heatmaps.new_zeros(*steps.shape, 0, grid.height, grid.width)


@dataclass(frozen=True)
class PredictedHeatmaps(Guide):
    """The estimator's own heatmaps, in one step (the paper's A2)."""

    num_steps = 1
    canonical = None

    def channels(self, keypoints: int) -> int:
        """A map a keypoint."""
        return keypoints

    def maps(
        self, start: Tensor, ends: Ends, steps: Tensor, grid: Grid
    ) -> Float[Tensor, "batch step keypoint height width"]:
        """The heatmaps, at any step."""
        return ends.heatmaps.detach()[:, None].expand(-1, steps.shape[1], -1, -1, -1)


@dataclass(frozen=True)
class PosePath(Guide):
    """Gaussians on the way from a canonical pose to the predicted one.

    Attributes:
        poses: S, on the way, both ends included; there are S + 2 steps, S without fusion.
        schedule: how far each of them is: see `pose_paths.progress`.
        fusion: "exact" or "printed" weights: see `pose_paths`. "none" shows the poses one after
            the other (the paper's A3).
        sigma: of the Gaussians, as a multiple of the estimator's.
        start: the canonical pose; None takes the mean of the people that were learnt from.
    """

    poses: int = tunable(3, integers(2, 8))
    schedule: Schedule = tunable(
        "cosine", choice(("cosine", "ease_out", "linear", "linear_decreasing"))
    )
    fusion: Fusion = tunable("exact", choice(("exact", "printed", "none")))
    sigma: float = tunable(1.0, log_uniform(0.5, 2.0))
    start: CanonicalPose | None = STANDING

    def __post_init__(self) -> None:
        """Refuse what is no path."""
        fewest = 3 if self.fusion == "printed" else 2
        if self.poses < fewest:
            raise ValueError(
                f"a path with {self.fusion} weights needs at least {fewest} poses, but got "
                f"{self.poses=}. One pose, the predicted, is PredictedHeatmaps()."
            )
        if not self.sigma > 0.0:
            raise ValueError(f"sigma must be positive, a multiple of 1, but got {self.sigma=}.")

    @property
    def weights(self) -> Weights:
        """Of every pose in every step."""
        rules = {"exact": exact_weights, "printed": printed_weights, "none": single_weights}
        return rules[self.fusion](self.poses)

    @property
    def num_steps(self) -> int:
        """T."""
        return self.poses + (0 if self.fusion == "none" else 2)

    @property
    def canonical(self) -> CanonicalPose | None:
        """`start`."""
        return self.start

    def channels(self, keypoints: int) -> int:
        """A map a keypoint."""
        return keypoints

    @torch.no_grad()
    def maps(
        self, start: Tensor, ends: Ends, steps: Tensor, grid: Grid
    ) -> Float[Tensor, "batch step keypoint height width"]:
        """The gradient maps."""
        shares = progress(self.schedule, self.poses)
        wide = Grid(grid.height, grid.width, grid.stride, grid.sigma_cells * self.sigma)
        path = interpolate(start, ends.keypoints, shares)
        return gradient_maps(path, ends.known, self.weights, steps, wide)
