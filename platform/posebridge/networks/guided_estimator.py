"""An estimator whose heatmaps a UNet refines, step by step; itself an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import overload

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from posebridge.batch import Maps, Predictions
from posebridge.estimators.base import Estimator
from posebridge.networks.canonical_poses import StartPose
from posebridge.networks.guides import Ends, Guide
from posebridge.networks.pose_paths import Grid
from posebridge.networks.stepping import Draw, Refined, Stepping
from posebridge.networks.unet import UNet, UNetShape

Features = dict[str, Tensor]
Levels = list[list[Tensor]]


class GuidedEstimator(Estimator):
    """The estimator, frozen unless it is asked to learn too, and the UNet on its features."""

    def __init__(
        self,
        estimator: Estimator,
        guide: Guide,
        shape: UNetShape,
        stepping: Stepping,
        *,
        learns_whole: bool = False,
    ) -> None:
        """Put a UNet with random weights on an estimator.

        Args:
            estimator: used as it is, not copied.
            guide: what the UNet is shown.
            shape: of the UNet.
            stepping: how inference goes.
            learns_whole: whether the estimator learns too.
        """
        super().__init__()
        self.skeleton, self.stride = estimator.skeleton, estimator.stride
        self.input_height, self.input_width = estimator.input_height, estimator.input_width
        self.sigma_cells = estimator.sigma_cells
        self.guide, self.stepping, self.learns_whole = guide, stepping, learns_whole
        self.estimator = estimator
        if not learns_whole:
            estimator.requires_grad_(False)
        features, maps = _dry_run(estimator)
        keypoints, height, width = maps.heatmaps.shape[1:]
        self.grid = Grid(height, width, self.stride, self.sigma_cells)
        shown = guide.channels(keypoints) + (keypoints if stepping.concat_previous else 0)
        self.unet = UNet(
            shape, features, guide_channels=shown, keypoints=keypoints, size=(height, width)
        )
        self.start = StartPose(guide.canonical, self.skeleton, self.input_height, self.input_width)

    def train(self, mode: bool = True) -> "GuidedEstimator":
        """A frozen estimator stays in evaluation mode: its batch norm is frozen as well."""
        super().train(mode)
        self.estimator.train(mode and self.learns_whole)
        return self

    def features(self, images: Float[Tensor, "batch 3 height width"]) -> Features:
        """Those of the estimator."""
        with self._as_published(images.device):
            return self.estimator.features(images)

    def head(self, features: Features) -> Maps:
        """Heatmaps after the last step, no offsets."""
        *_, last = self.walk(features)
        return Maps(last, None)

    def decode(self, maps: Maps) -> Predictions:
        """Keypoints in pixels of the input."""
        return self.stepping.decoder(maps.heatmaps, self.stride)

    @overload
    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Maps: ...

    @overload
    def forward(self, images: Float[Tensor, "batch 3 height width"], draw: Draw) -> Refined: ...

    def forward(
        self, images: Float[Tensor, "batch 3 height width"], draw: Draw | None = None
    ) -> Maps | Refined:
        """All steps one after the other, or in training those drawn, each by itself."""
        features = self.features(images)
        return self.head(features) if draw is None else self._drawn(features, draw)

    def walk(self, features: Features) -> Iterator[Float[Tensor, "batch keypoint height width"]]:
        """Everybody's heatmaps after each step, to the last or until nobody changes."""
        first = self._first(features)
        ends, levels, maps = self._found(first), self.unet.levels(features), first.heatmaps
        if self.stepping.endpoint == "latest":
            ends = self._canonical_ends(ends)
        going: slice | Tensor = slice(None)
        for step in range(self.guide.num_steps):
            steps = torch.full((len(maps), 1), step, device=maps.device)[going]
            guide = self.guide.maps(self.start(), _rows(ends, going), steps, self.grid)
            own = [[level[going] for level in read] for read in levels]
            refined = self._look(own, guide[:, 0], maps[going], steps[:, 0])
            before, maps = maps, maps.clone()
            maps[going] = refined.to(maps)
            yield maps
            if self.stepping.endpoint == "latest":
                ends = self._ends(self.decode(Maps(maps, None)), maps)
            if step and self.stepping.agreement_px:
                going = self._moved(before, maps).nonzero()[:, 0]
                if not len(going):
                    return

    def _drawn(self, features: Features, draw: Draw) -> Refined:
        first, levels = self._first(features), self.unet.levels(features)
        ends = self._asked(self._found(first), draw)
        guides = self.guide.maps(self.start(), ends, draw.steps, self.grid)
        looks = []
        for number, steps in enumerate(draw.steps.unbind(dim=1)):
            previous = self._previous(levels, ends, steps)
            looks.append(self._look(levels, guides[:, number], previous, steps))
        return Refined(first, torch.stack(looks, dim=1))

    def _look(self, levels: Levels, guide: Tensor, previous: Tensor, steps: Tensor) -> Tensor:
        """The UNet at one step of each person."""
        if self.stepping.concat_previous:
            guide = torch.cat((guide, previous), dim=1)
        refined: Tensor = self.unet(levels, guide, steps)
        return refined

    @torch.no_grad()
    def _previous(self, levels: Levels, ends: Ends, steps: Int[Tensor, " batch"]) -> Tensor:
        """What the step before may have given; before the first, the estimator's heatmaps."""
        if not self.stepping.concat_previous:
            return ends.heatmaps
        before = (steps - 1).clamp(min=0)
        guide = self.guide.maps(self.start(), ends, before[:, None], self.grid)[:, 0]
        given = self._look(levels, guide, ends.heatmaps, before)
        return torch.where((steps > 0)[:, None, None, None], given, ends.heatmaps)

    def _first(self, features: Features) -> Maps:
        """What the estimator itself gives."""
        with self._as_published(next(iter(features.values())).device):
            return self.estimator.head(features)

    def _found(self, first: Maps) -> Ends:
        return self._ends(self.estimator.decode(first), first.heatmaps)

    def _ends(self, found: Predictions, heatmaps: Tensor) -> Ends:
        is_found = found.keypoints.isfinite().all(dim=-1)
        known = is_found & (found.confidence > self.stepping.gate)
        keypoints = torch.where(known[..., None], found.keypoints, 0.0)
        return Ends(keypoints.detach(), known, heatmaps.detach())

    def _asked(self, found: Ends, draw: Draw) -> Ends:
        """The ends that a training step asks for."""
        given = found.keypoints if draw.ends is None else draw.ends
        known = found.known if draw.ends is None else draw.ends.isfinite().all(dim=-1)
        keypoints = torch.where(known[..., None], given + draw.jitter_px, 0.0)
        return Ends(keypoints, known, found.heatmaps)

    def _canonical_ends(self, like: Ends) -> Ends:
        start = self.start().expand_as(like.keypoints)
        return Ends(start, torch.ones_like(like.known), like.heatmaps)

    def _moved(self, before: Tensor, after: Tensor) -> Bool[Tensor, " batch"]:
        """Who has a keypoint that went further than what counts as agreement."""
        one, other = (self.decode(Maps(maps, None)).keypoints for maps in (before, after))
        has_moved: Tensor = (one - other).norm(dim=-1) > self.stepping.agreement_px
        return has_moved.any(dim=-1)

    @contextmanager
    def _as_published(self, device: torch.device) -> Iterator[None]:
        """Full precision, and without gradient where the estimator is frozen."""
        # In half precision a fifth of the keypoints would move by more than a cell.
        with (
            torch.set_grad_enabled(self.learns_whole and torch.is_grad_enabled()),
            torch.autocast(device.type, enabled=False),
        ):
            yield


@torch.no_grad()
def _dry_run(estimator: Estimator) -> tuple[Features, Maps]:
    """What an estimator gives for one image of its size."""
    was_training = estimator.training
    estimator.eval()
    like = next(estimator.parameters())
    image = like.new_zeros(1, 3, estimator.input_height, estimator.input_width)
    features = estimator.features(image)
    maps = estimator.head(features)
    estimator.train(was_training)
    return features, maps


def _rows(ends: Ends, rows: slice | Tensor) -> Ends:
    return Ends(ends.keypoints[rows], ends.known[rows], ends.heatmaps[rows])
