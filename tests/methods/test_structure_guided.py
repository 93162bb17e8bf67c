"""Tests of structure-guided refinement."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from methods.spots import SIDE, Spots, picture
from posebridge.batch import LabeledBatch, UnlabeledBatch, View
from posebridge.engine.group import ALONE
from posebridge.engine.sharing import share
from posebridge.estimators.base import Estimator
from posebridge.heatmaps import encode_gaussian
from posebridge.methods.structure_guided import StructureGuided
from posebridge.networks.guides import NoGuide, PosePath, PredictedHeatmaps
from posebridge.networks.stepping import Stepping
from posebridge.networks.unet import UNetShape
from posebridge.search_space import search_space
from posebridge.settings import with_value

METHOD = StructureGuided(unet=UNetShape(width=8))
IMAGES = torch.cat((picture((5, 9), (22, 6), (13, 29)), picture((0, 31), (17, 3), (8, 8))))
BATCH = LabeledBatch(
    IMAGES,
    torch.rand(2, 17, 2, generator=torch.Generator().manual_seed(0)) * SIDE,
    torch.rand(2, 17, generator=torch.Generator().manual_seed(1)) < 0.8,
)
ABLATIONS = {
    "A1": replace(METHOD, guide=NoGuide()),
    "A2": replace(METHOD, guide=PredictedHeatmaps()),
    "A3": replace(METHOD, guide=PosePath(fusion="none")),
    "A4": replace(METHOD, training_end="truth"),
    "ours": METHOD,
}
BEYOND = {
    "jitter": replace(METHOD, jitter_cells=1.0),
    "consistency": replace(METHOD, step_consistency=0.5),
    "early exit": replace(METHOD, stepping=Stepping(agreement_px=1.0)),
    "latest": replace(METHOD, stepping=Stepping(endpoint="latest")),
    "previous": replace(METHOD, stepping=Stepping(concat_previous=True)),
    "printed": replace(METHOD, guide=PosePath(fusion="printed")),
    "mean start": replace(METHOD, guide=PosePath(start=None)),
    "joint": replace(METHOD, joint_weight=1.0),
}
each_variant = pytest.mark.parametrize(
    "method", [*ABLATIONS.values(), *BEYOND.values()], ids=[*ABLATIONS, *BEYOND]
)


def handed(
    method: StructureGuided, nets: nn.ModuleDict, batch: LabeledBatch = BATCH
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one step, and its terms."""
    losses: list[Tensor] = []
    torch.manual_seed(3)
    terms = method.update(nets, batch, None, lambda _, loss: losses.append(loss))
    (loss,) = losses
    return loss, terms


def trained(method: StructureGuided, steps: int, rate: float) -> list[float]:
    torch.manual_seed(0)
    nets = method.setup(Spots())
    learning = [p for p in nets.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learning, rate)

    def optimize(_: str, loss: Tensor) -> None:
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    return [float(method.update(nets, BATCH, None, optimize)["refined"]) for _ in range(steps)]


def test_the_loss_is_the_squared_error_of_visible_maps_at_the_drawn_steps() -> None:
    """Half, summed over cells and averaged over visible keypoints, as every heatmap loss here."""
    nets = METHOD.setup(Spots())
    loss, terms = handed(METHOD, nets)
    student = METHOD.deployed(nets)
    torch.manual_seed(3)
    maps = student(IMAGES, METHOD.draw(student, BATCH)).heatmaps[:, 0]
    truth = encode_gaussian(BATCH.keypoints, BATCH.visible, 8, 8, stride=4, sigma_cells=1.0)
    error = 0.5 * ((maps - truth) ** 2).sum(dim=(2, 3))[BATCH.visible].mean()
    torch.testing.assert_close(loss, error)
    assert terms["refined"] == loss
    assert terms["disagreement"] == 0.0


def test_steps_are_drawn_evenly_from_all_of_them() -> None:
    torch.manual_seed(0)
    many = LabeledBatch(
        IMAGES[:1].expand(2000, -1, -1, -1),
        BATCH.keypoints[:1].expand(2000, -1, -1),
        BATCH.visible[:1].expand(2000, -1),
    )
    drawn = METHOD.draw(METHOD.deployed(METHOD.setup(Spots())), many).steps
    counts = drawn[:, 0].bincount(minlength=5)
    assert drawn.shape == (2000, 1)
    assert counts.min() > 340  # 400 expected; its standard deviation is 18
    assert len(counts) == 5


@pytest.mark.slow
@each_variant
def test_each_variant_learns(method: StructureGuided) -> None:
    losses = trained(method, 30, 0.01)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@each_variant
def test_each_variant_predicts_everybody(method: StructureGuided) -> None:
    predictions = method.predict(method.setup(Spots()), IMAGES)
    assert predictions.keypoints.shape == (2, 17, 2)
    assert predictions.keypoints.isfinite().all()


@each_variant
def test_in_parts_it_learns_the_same(method: StructureGuided) -> None:
    """Every row is refined by itself, so a step may look at one after the other."""
    torch.manual_seed(0)
    whole, parts = method.setup(Spots()), None
    torch.manual_seed(0)
    parts = method.setup(Spots())
    share(parts, ALONE, 2)
    gradients = []
    for nets in (whole, parts):
        loss, _ = handed(method, nets)
        torch.autograd.backward(loss)
        gradients.append([p.grad for p in nets.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 0
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_features_alone_need_no_start_no_step_and_no_prediction() -> None:
    method = ABLATIONS["A1"]
    student = method.deployed(method.setup(Spots()))
    assert student.guide.num_steps == 1
    assert student.unet.stem.in_channels == 8


def test_the_truth_is_the_end_in_training_alone() -> None:
    method = ABLATIONS["A4"]
    nets = method.setup(Spots())
    draw = method.draw(method.deployed(nets), BATCH)
    assert draw.ends is not None
    assert torch.equal(draw.ends.isfinite().all(dim=-1), BATCH.visible)
    assert torch.equal(draw.ends[BATCH.visible], BATCH.keypoints[BATCH.visible])
    blank = LabeledBatch(IMAGES, BATCH.keypoints + 5.0, BATCH.visible)
    assert METHOD.draw(METHOD.deployed(nets), blank).ends is None


def test_jitter_has_the_width_it_says() -> None:
    method = BEYOND["jitter"]
    student = method.deployed(method.setup(Spots()))
    torch.manual_seed(0)
    drawn = torch.cat([method.draw(student, BATCH).jitter_px for _ in range(100)])
    assert 3.8 < float(drawn.std()) < 4.2  # a cell is 4 px
    assert not METHOD.draw(student, BATCH).jitter_px.any()


def test_step_consistency_pulls_two_steps_of_a_person_together() -> None:
    method = BEYOND["consistency"]
    loss, terms = handed(method, method.setup(Spots()))
    assert terms["disagreement"] > 0
    torch.testing.assert_close(loss.detach(), terms["refined"] + 0.5 * terms["disagreement"])


def test_a_frozen_estimator_stays_and_a_joint_one_learns() -> None:
    for method, is_frozen in ((METHOD, True), (BEYOND["joint"], False)):
        nets = method.setup(Spots())
        student = method.deployed(nets)
        loss, terms = handed(method, nets)
        torch.autograd.backward(loss)
        gain = student.estimator.get_parameter("gain")
        assert (gain.grad is None) == is_frozen
        own = 0.0 if is_frozen else terms["estimator"]
        assert float(loss.detach()) >= float(terms["refined"] + own)


def test_a_target_is_not_looked_at() -> None:
    assert METHOD.views.target is None
    broken = View(torch.full((1, 3, SIDE, SIDE), torch.nan), torch.zeros(1, 2, 3))
    nets = METHOD.setup(Spots())
    torch.manual_seed(0)
    with_target = METHOD.update(nets, BATCH, UnlabeledBatch(broken, broken), lambda *_: None)
    torch.manual_seed(0)
    assert with_target == METHOD.update(nets, BATCH, None, lambda *_: None)


@each_variant
def test_half_precision_is_of_the_unet_alone(method: StructureGuided) -> None:
    """On a GPU, steps are taken under autocast; what the paths are made of must not be rounded."""
    nets = method.setup(Spots())
    expected, _ = handed(method, nets)
    with torch.autocast("cpu", torch.bfloat16):
        loss, terms = handed(method, nets)
        predicted = method.predict(nets, IMAGES)
    assert loss.dtype == torch.float32
    assert terms["estimator"].dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=0.02, atol=0)
    assert predicted.keypoints.dtype == torch.float32


def test_the_canonical_pose_may_be_the_mean_of_who_was_learnt_from() -> None:
    method = BEYOND["mean start"]
    nets = method.setup(Spots())
    handed(method, nets)
    start = method.deployed(nets).start()
    seen = BATCH.visible.all(dim=0)
    torch.testing.assert_close(start[seen], BATCH.keypoints.mean(dim=0)[seen])


def test_what_a_search_may_change_is_in_reach() -> None:
    space = search_space(METHOD)
    wanted = {"guide.poses", "guide.schedule", "guide.fusion", "guide.sigma", "unet.width"}
    assert wanted | {"stepping.endpoint", "stepping.gate", "learning_rate"} <= set(space)
    changed = with_value(METHOD, "guide.schedule", "ease_out", "refine.guide.schedule")
    assert changed.guide.schedule == "ease_out"
    with pytest.raises(ValueError, match=r"refine.guide.schedule is a str \(now 'cosine'\)"):
        with_value(METHOD, "guide.schedule", "quadratic", "refine.guide.schedule")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"jitter_cells": -1.0}, "jitter_cells must be at least 0, but got -1.0"),
        ({"joint_weight": -0.1}, "joint_weight must be at least 0, but got -0.1"),
        (
            {"guide": NoGuide(), "training_end": "truth"},
            r"are of a path of poses, but the guide is NoGuide\(\). Leave them at their defaults",
        ),
        (
            {"guide": PredictedHeatmaps(), "jitter_cells": 1.0},
            r"the guide is PredictedHeatmaps\(\). Leave them at their defaults, or use PosePath",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StructureGuided(**fields)


def test_the_student_is_an_estimator_on_which_another_can_be_built() -> None:
    student = METHOD.deployed(METHOD.setup(Spots()))
    assert isinstance(student, Estimator)
    again = METHOD.deployed(METHOD.setup(student))
    assert isinstance(again.estimator, type(student))
    assert again(IMAGES).heatmaps.shape == (2, 17, 8, 8)
