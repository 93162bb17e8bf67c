"""Tests of the mean teacher."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from methods.spots import SIDE, STRIDE, Spots, mirrored, picture
from posebridge.batch import LabeledBatch, UnlabeledBatch, View
from posebridge.heatmaps import decode_argmax
from posebridge.methods.base import Optimize
from posebridge.methods.mean_teacher import MeanTeacher, PseudoLabels

METHOD = MeanTeacher(mask_quantile=0.0, occlusion_probability=0.0)
PICTURE = picture((5, 9), (22, 6), (13, 29))
UPRIGHT = torch.eye(2, 3)[None]
MIRROR = torch.tensor([[[-1.0, 0.0, SIDE], [0.0, 1.0, 0.0]]])
# `rot90` sends (x, y) to (y, SIDE − x); this leads back.
TURN_BACK = torch.tensor([[[0.0, -1.0, SIDE], [1.0, 0.0, 0.0]]])
NOBODY = LabeledBatch(
    torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 17, 2), torch.zeros(1, 17, dtype=torch.bool)
)


def no_step(player: str, loss: Tensor) -> None:
    assert player == "student"


def gradient_step(nets: nn.ModuleDict, rate: float) -> Optimize:
    def optimize(player: str, loss: Tensor) -> None:
        torch.autograd.backward(loss)
        with torch.no_grad():
            for parameter in nets[player].parameters():
                assert parameter.grad is not None
                parameter.sub_(rate * parameter.grad)

    return optimize


LOOKS = {
    "upright": (PICTURE, UPRIGHT),
    "turned": (PICTURE.rot90(1, (2, 3)), TURN_BACK),
    "mirrored": (mirrored(PICTURE), MIRROR),
}


@pytest.mark.parametrize("rectify", [True, False])
@pytest.mark.parametrize("weak", LOOKS)
def test_pseudo_labels_are_the_same_in_the_canonical_frame_whatever_the_look(
    weak: str, rectify: bool
) -> None:
    """The lit pixels (5, 9), (22, 6), (13, 29) have their centres half a pixel further."""
    method = replace(METHOD, rectify=rectify, teacher_views=4)
    pseudo = method.pseudo_labels(Spots(), View(*LOOKS[weak]))
    expected = torch.tensor([[5.5, 9.5], [22.5, 6.5], [13.5, 29.5]])
    torch.testing.assert_close(pseudo.keypoints[0, :3], expected)
    assert (pseudo.confidence[0, :3] == 1 / STRIDE**2).all()
    read = decode_argmax(pseudo.heatmaps, STRIDE).keypoints[0, :3]
    assert ((read - expected).abs() <= STRIDE / 2).all()


def test_keypoints_without_a_peak_have_an_empty_map_and_no_confidence() -> None:
    pseudo = METHOD.pseudo_labels(Spots(), View(PICTURE, UPRIGHT))
    assert (pseudo.heatmaps[:, 3:] == 0).all()
    assert (pseudo.confidence[:, 3:] == 0).all()
    assert pseudo.keypoints[:, 3:].isnan().all()


@pytest.mark.parametrize("weak", LOOKS)
@pytest.mark.parametrize("strong", LOOKS)
def test_a_student_that_agrees_in_the_canonical_frame_costs_nothing(
    weak: str, strong: str
) -> None:
    method = replace(METHOD, rectify=False)
    target = UnlabeledBatch(strong=View(*LOOKS[strong]), weak=View(*LOOKS[weak]))
    nets = method.setup(Spots())
    terms = method.update(nets, NOBODY, target, no_step)
    assert terms["consistency"] == pytest.approx(0.0, abs=1e-9)


def test_a_student_that_sees_somebody_else_pays() -> None:
    method = replace(METHOD, rectify=False)
    target = UnlabeledBatch(View(PICTURE.flip(-1), UPRIGHT), View(PICTURE, UPRIGHT))
    terms = method.update(method.setup(Spots()), NOBODY, target, no_step)
    # Three keypoints, each with two cells wrong by 1/16, over 17 maps.
    assert terms["consistency"] == pytest.approx(3 * 2 / 16**2 / 17)


def test_only_keypoints_above_the_quantile_teach() -> None:
    """Peaks of 1/16, 1/32 and 1/64 and fourteen of 0: above the 0.9 quantile lies one in 17."""
    dimmed = PICTURE * torch.tensor([1.0, 0.5, 0.25])[:, None, None]
    target = UnlabeledBatch(View(torch.zeros_like(PICTURE), UPRIGHT), View(dimmed, UPRIGHT))
    method = replace(METHOD, rectify=False, mask_quantile=0.9)
    terms = method.update(method.setup(Spots()), NOBODY, target, no_step)
    # The 0.9 quantile lies at index 14.4 of the sorted 17, between 1/64 and 1/32.
    assert terms["consistency"] == pytest.approx((1 / 16**2 + 1 / 32**2) / 17)


def test_the_teacher_follows_the_student_after_its_step_and_not_the_optimizer() -> None:
    method = replace(METHOD, momentum=0.75)
    nets = method.setup(Spots(gain=2.0))
    target = UnlabeledBatch(View(PICTURE, UPRIGHT), View(PICTURE, UPRIGHT))
    method.update(nets, NOBODY, target, gradient_step(nets, 10.0))
    (student,), (teacher,) = nets["student"].parameters(), nets["teacher"].parameters()
    assert student != 2.0
    torch.testing.assert_close(teacher, 0.75 * torch.tensor(2.0) + 0.25 * student)
    assert teacher.grad is None


def test_the_student_never_sees_the_weak_view_nor_the_teacher_the_strong_one() -> None:
    nets = METHOD.setup(Spots())
    seen: dict[str, list[Tensor]] = {"student": [], "teacher": []}
    for name, net in nets.items():
        net.register_forward_pre_hook(lambda _, given, name=name: seen[name].append(given[0]))
    strong, weak = picture((1, 1)), picture((2, 2))
    target = UnlabeledBatch(View(strong, UPRIGHT), View(weak, UPRIGHT))
    METHOD.update(nets, NOBODY, target, no_step)
    assert torch.equal(seen["student"][0], torch.cat((NOBODY.images, strong)))
    assert torch.equal(seen["teacher"][0], weak)
    assert all(len(given) == 1 for given in seen.values())


def test_predictions_are_the_teachers() -> None:
    nets = METHOD.setup(Spots())
    with torch.no_grad():
        next(nets["student"].parameters()).fill_(3.0)
    assert METHOD.predict(nets, PICTURE).confidence.max() == 1 / STRIDE**2


def pseudo_labels(x: float, y: float, confidence: float) -> PseudoLabels:
    keypoints = torch.full((1, 17, 2), torch.nan)
    keypoints[0, 4] = torch.tensor([x, y])
    sure = torch.zeros(1, 17)
    sure[0, 4] = confidence
    return PseudoLabels(torch.zeros(1, 17, 8, 8), keypoints, sure)


def test_a_sure_keypoint_is_covered_where_it_lies_in_the_strong_view() -> None:
    """Canonical (10, 20) is (20, 22) in the view that `TURN_BACK` leads back from."""
    torch.manual_seed(0)
    method = replace(METHOD, occlusion_probability=1.0, occlusion_half_side=3 / SIDE)
    images = torch.rand(1, 3, SIDE, SIDE)
    occluded = method.occlude(View(images, TURN_BACK), pseudo_labels(10.0, 20.0, 0.95))
    rows, columns = (occluded != images).any(dim=1)[0].nonzero().unbind(dim=1)
    assert sorted(set(rows.tolist())) == list(range(19, 25))
    assert sorted(set(columns.tolist())) == list(range(17, 23))


@pytest.mark.parametrize(("probability", "confidence"), [(1.0, 0.89), (0.0, 0.95)])
def test_nothing_is_covered_if_nothing_is_sure_or_by_chance(
    probability: float, confidence: float
) -> None:
    method = replace(METHOD, occlusion_probability=probability)
    images = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    occluded = method.occlude(View(images, UPRIGHT), pseudo_labels(10.0, 20.0, confidence))
    assert torch.equal(occluded, images)


def test_a_number_of_views_that_turns_cannot_make_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be 1, 2 or 4, but got self.teacher_views=3"):
        MeanTeacher(teacher_views=3)


def test_quarter_turns_of_an_oblong_input_are_refused() -> None:
    oblong = copy.copy(Spots())
    oblong.input_height = 64
    with pytest.raises(ValueError, match=r"needs a square input, .* 64 × 32 px"):
        MeanTeacher(teacher_views=4).setup(oblong)
    MeanTeacher(teacher_views=2).setup(oblong)
