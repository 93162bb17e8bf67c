"""Tests of an estimator whose heatmaps are refined: the paper's algorithms on two joints."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from _pytest.mark import ParameterSet
from torch import Tensor

from networks.toy import CELLS, HAND, SIDE, STRIDE, Follower, Hand, cell, gaussians, image
from posebridge.batch import Maps
from posebridge.estimators import all_architectures
from posebridge.estimators.base import Architecture
from posebridge.estimators.decoders import Dark, Msra
from posebridge.estimators.flipping import FlipTest
from posebridge.heatmaps import decode_quarter, encode_gaussian
from posebridge.networks.canonical_poses import CanonicalPose
from posebridge.networks.guided_estimator import GuidedEstimator
from posebridge.networks.guides import Guide, PosePath, PredictedHeatmaps
from posebridge.networks.pose_paths import exact_weights
from posebridge.networks.stepping import Draw, Refined, Stepping
from posebridge.networks.unet import UNetShape

# In the crop of 8 × 8 cells: the wrist in the middle of cell (1, 2), the finger in that of (3, 2).
START = CanonicalPose(
    "start",
    (("wrist", (1.5 / 8 - 0.5, 2.5 / 8 - 0.5)), ("finger", (3.5 / 8 - 0.5, 2.5 / 8 - 0.5))),
)
SEEN = ((5, 6), (3, 6))
PATH = PosePath(start=START)
EVERYBODY = torch.zeros(1, 2, 2)


def toy(guide: Guide = PATH, stepping: Stepping | None = None) -> GuidedEstimator:
    """Guided by `Follower`, which gives the guide a cell to the right."""
    stepping = stepping or Stepping()
    guided = GuidedEstimator(Hand(), guide, UNetShape(8), stepping).eval()
    guided.unet = Follower()  # type: ignore[assignment]
    return guided


def shown(guided: GuidedEstimator) -> list[tuple[Tensor, Tensor]]:
    follower = guided.unet
    assert isinstance(follower, Follower)
    return follower.shown


def fused(*weighted: tuple[float, Tensor]) -> Tensor:
    """The brightest of weighted Gaussians, cell by cell."""
    return torch.stack([weight * maps for weight, maps in weighted]).amax(dim=0)


def poses_to(wrist: tuple[int, int], finger: tuple[int, int]) -> list[Tensor]:
    """Gaussians of the three poses from START to two cells; the middle one is half-way."""
    halves = [((1 + wrist[0]) / 2, (2 + wrist[1]) / 2), ((3 + finger[0]) / 2, (2 + finger[1]) / 2)]
    return [
        gaussians((1, 2), (3, 2)),
        gaussians(*halves),  # type: ignore[arg-type]
        gaussians(wrist, finger),
    ]


@torch.no_grad()
def test_inference_follows_the_path_to_what_the_estimator_found() -> None:
    """Algorithm 2 with the ends of the text, S = 3 and T = 5: p = 0, 1/4, 1/2, 3/2, 2."""
    guided = toy()
    maps = guided(image(*SEEN)).heatmaps
    start, middle, end = poses_to(*SEEN)
    expected = [
        start,
        fused((3 / 4, start), (1 / 4, middle)),
        fused((1 / 2, start), (1 / 2, middle)),
        fused((1 / 2, middle), (1 / 2, end)),
        end,
    ]
    assert [int(step) for _, step in shown(guided)] == [0, 1, 2, 3, 4]
    for (guide, _), wanted in zip(shown(guided), expected, strict=True):
        torch.testing.assert_close(guide, wanted)
    torch.testing.assert_close(maps, end.roll(1, dims=-1))


@torch.no_grad()
def test_with_the_latest_end_each_path_leads_to_what_the_step_before_gave() -> None:
    """Algorithm 2 as printed: P^(0) = P_start, then the decoded maps, each a cell further right.

    H_0 is the start, so the first decoded pose is the start moved by a cell.
    """
    guided = toy(stepping=Stepping(endpoint="latest"))
    guided(image(*SEEN))
    guides = [guide for guide, _ in shown(guided)]
    start, middle, end = poses_to((2, 2), (4, 2))
    torch.testing.assert_close(guides[0], start)
    torch.testing.assert_close(guides[1], fused((3 / 4, start), (1 / 4, middle)))
    # Decoded at (2, 2) and (4, 2) again: the start is still the brightest.
    torch.testing.assert_close(guides[2], fused((1 / 2, start), (1 / 2, middle)))
    assert not torch.equal(guides[4], poses_to(*SEEN)[2])
    torch.testing.assert_close(guides[4], _last_pose(guided))


def _last_pose(guided: GuidedEstimator) -> Tensor:
    """What the fourth step gave, as the last pose of the fifth."""
    fourth = shown(guided)[3][0].roll(1, dims=-1)
    keypoints = decode_quarter(fourth, STRIDE).keypoints
    seen = torch.ones(1, 2, dtype=torch.bool)
    return encode_gaussian(keypoints, seen, CELLS, CELLS, stride=STRIDE, sigma_cells=1.0)


def test_training_looks_at_one_drawn_step_of_each_person() -> None:
    """Algorithm 1, lines 1 to 8."""
    guided = toy()
    steps = torch.tensor([[3], [0]])
    images = torch.cat((image(*SEEN), image((2, 7), (6, 1))))
    found: Refined = guided(images, Draw(steps, torch.zeros(2, 2, 2)))
    ((guide, step),) = shown(guided)
    assert step.tolist() == [3, 0]
    start, middle, end = poses_to(*SEEN)
    torch.testing.assert_close(guide[:1], fused((1 / 2, middle), (1 / 2, end)))
    torch.testing.assert_close(guide[1:], start)
    torch.testing.assert_close(found.heatmaps[:, 0], guide.roll(1, dims=-1))
    torch.testing.assert_close(found.first.heatmaps[:1], gaussians(*SEEN))


def test_training_may_be_given_the_ends() -> None:
    truth = torch.tensor([[cell(6, 6), (float("nan"), float("nan"))]])
    guided = toy()
    guided(image(*SEEN), Draw(torch.tensor([[4]]), torch.zeros(1, 2, 2), truth))
    guide = shown(guided)[0][0]
    torch.testing.assert_close(guide[:, :1], gaussians((6, 6)))
    assert not guide[:, 1].any()


def test_jitter_moves_the_ends() -> None:
    guided = toy()
    jitter_px = torch.tensor([[[STRIDE, 0.0], [0.0, -STRIDE]]])
    guided(image(*SEEN), Draw(torch.tensor([[4]]), jitter_px))
    torch.testing.assert_close(shown(guided)[0][0], gaussians((6, 6), (3, 5)))


@torch.no_grad()
def test_a_keypoint_below_the_gate_shows_the_start_and_then_nothing() -> None:
    guided = toy()
    guided(image(*SEEN, height=0.19))
    guides = [guide for guide, _ in shown(guided)]
    start = poses_to(*SEEN)[0]
    weights = [float(row[0]) for row in exact_weights(3)]
    for guide, weight in zip(guides, weights, strict=True):
        torch.testing.assert_close(guide, weight * start)


@torch.no_grad()
def test_a_map_without_a_peak_is_no_end_of_a_path_and_no_error() -> None:
    guided = toy(stepping=Stepping(gate=0.0))
    maps = guided(torch.zeros(1, 3, SIDE, SIDE)).heatmaps
    assert maps.isfinite().all()
    assert not shown(guided)[-1][0].any()


POSES = replace(PATH, fusion="none")
UNTIL_AGREED = Stepping(agreement_px=1.0)
WANDERING, STANDING = image((7, 6), (1, 7)), image((1, 2), (3, 2))


@torch.no_grad()
def test_inference_ends_for_whoever_no_longer_moves() -> None:
    """Pose by pose: who wanders is elsewhere at each step, who stands is where he was."""
    guided = toy(POSES, UNTIL_AGREED)
    guided(torch.cat((WANDERING, STANDING)))
    assert [len(step) for _, step in shown(guided)] == [2, 2, 1]
    alone = toy(POSES, UNTIL_AGREED)
    alone(STANDING)
    assert [len(step) for _, step in shown(alone)] == [1, 1]


@torch.no_grad()
def test_who_has_agreed_keeps_the_maps_and_the_others_are_as_without() -> None:
    together = toy(POSES, UNTIL_AGREED)(torch.cat((WANDERING, STANDING))).heatmaps
    torch.testing.assert_close(together[:1], toy(POSES)(WANDERING).heatmaps)
    torch.testing.assert_close(together[1:], toy(POSES, UNTIL_AGREED)(STANDING).heatmaps)


@torch.no_grad()
def test_the_step_before_may_be_shown_as_well() -> None:
    guided = toy(stepping=Stepping(concat_previous=True))
    *before, _ = guided.walk(guided.features(image(*SEEN)))
    previous = [gaussians(*SEEN), *before]
    for (guide, _), given in zip(shown(guided), previous, strict=True):
        torch.testing.assert_close(guide[:, 2:], given)


def test_in_training_the_step_before_is_computed_without_gradient() -> None:
    guided = toy(stepping=Stepping(concat_previous=True))
    steps = torch.tensor([[0], [2]])
    images = torch.cat((image(*SEEN), image(*SEEN)))
    guided(images, Draw(steps, torch.zeros(2, 2, 2)))
    (earlier, at), (guide, _) = shown(guided)
    assert at.tolist() == [0, 1]
    torch.testing.assert_close(guide[:1, 2:], gaussians(*SEEN))
    torch.testing.assert_close(guide[1:, 2:], earlier[1:, :2].roll(1, dims=-1))


@torch.no_grad()
def test_the_estimators_own_heatmaps_may_be_the_guide() -> None:
    guided = toy(PredictedHeatmaps())
    guided(image(*SEEN))
    ((guide, _),) = shown(guided)
    torch.testing.assert_close(guide, gaussians(*SEEN))


def test_a_frozen_estimator_gets_no_gradient_and_its_batch_norm_stays() -> None:
    guided = GuidedEstimator(Hand(), PATH, UNetShape(8), Stepping()).train()
    before = {name: value.clone() for name, value in guided.estimator.state_dict().items()}
    draw = Draw(torch.tensor([[1], [2]]), torch.zeros(2, 2, 2))
    found: Refined = guided(torch.cat((image(*SEEN), image(*SEEN))), draw)
    torch.autograd.backward(found.heatmaps.sum())
    assert not guided.estimator.training
    assert guided.unet.training
    assert all(not p.requires_grad and p.grad is None for p in guided.estimator.parameters())
    after = guided.estimator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is not None for p in guided.unet.parameters())


def test_an_estimator_that_learns_gets_a_gradient_and_its_batch_norm_moves() -> None:
    hand = Hand()
    guided = GuidedEstimator(hand, PATH, UNetShape(8), Stepping(), learns_whole=True).train()
    found: Refined = guided(image(*SEEN), Draw(torch.tensor([[1]]), EVERYBODY))
    torch.autograd.backward(found.first.heatmaps.sum())
    assert hand.gain.grad is not None
    assert hand.norm.num_batches_tracked == 1


def test_making_it_leaves_the_estimator_as_it_was() -> None:
    hand = Hand().train()
    GuidedEstimator(hand, PATH, UNetShape(8), Stepping(), learns_whole=True)
    assert hand.training
    assert hand.norm.num_batches_tracked == 0


def each_architecture() -> list[ParameterSet]:
    """All there are; those of an optional library where that is installed."""
    found = []
    for kind in all_architectures():
        marks = [] if kind.__name__ == "Lightning" else [pytest.mark.slow]
        if kind.__module__.endswith("vitpose"):
            marks.append(pytest.mark.skipif(find_spec("transformers") is None, reason="optional"))
        found.append(pytest.param(kind(), id=kind.__name__, marks=marks))
    return found


@pytest.mark.parametrize("architecture", each_architecture())
@torch.no_grad()
def test_it_is_an_estimator_like_the_one_it_refines(architecture: Architecture) -> None:
    estimator = architecture.build()
    guided = GuidedEstimator(estimator, PosePath(poses=2), UNetShape(8), Stepping()).eval()
    images = torch.rand(1, 3, estimator.input_height, estimator.input_width)
    features = guided.features(images)
    maps, first = guided.head(features), estimator.head(features)
    assert maps.heatmaps.shape == first.heatmaps.shape
    assert guided.decode(maps).keypoints.shape == (1, estimator.skeleton.num_keypoints, 2)


@torch.no_grad()
def test_it_may_be_tested_with_the_mirror_image() -> None:
    guided = toy()
    maps = FlipTest()(guided, image(*SEEN)).heatmaps
    straight, mirrored = (guided(view).heatmaps for view in (image(*SEEN), image((2, 6), (4, 6))))
    torch.testing.assert_close(maps, (straight + mirrored.flip(3)) / 2)


def test_refined_heatmaps_are_read_by_its_own_decoder() -> None:
    """In their frame, which is that of the truth, not in that of the estimator."""
    keypoints = torch.tensor([[[14.3, 18.6], [17.1, 12.9]]])
    seen = torch.ones(1, 2, dtype=torch.bool)
    maps = encode_gaussian(keypoints, seen, CELLS, CELLS, stride=STRIDE, sigma_cells=1.0)
    fine = toy(stepping=Stepping(decoder=Dark(kernel=3))).decode(Maps(maps, None)).keypoints
    torch.testing.assert_close(fine, keypoints, atol=0.1, rtol=0)
    coarse = toy().decode(Maps(maps, None)).keypoints
    assert torch.equal(coarse, decode_quarter(maps, STRIDE).keypoints)


def test_a_decoder_of_another_frame_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"in PoseBridge's frame, which Quarter.* got .*=Msra\(\)"
    ):
        Stepping(decoder=Msra())


def test_a_negative_distance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"agreement_px must be a distance.*agreement_px=-1.0"):
        replace(Stepping(), agreement_px=-1.0)


def test_a_skeleton_without_a_canonical_pose_is_answered_with_what_to_do() -> None:
    message = f"'standing' must place every keypoint of {HAND.name}, but lacks wrist, finger"
    with pytest.raises(ValueError, match=message):
        GuidedEstimator(Hand(), PosePath(), UNetShape(8), Stepping())
