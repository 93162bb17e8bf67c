"""Tests of the consistency between student and teacher."""

import math

import torch
from torch import Tensor

from posebridge.losses.consistency import masked_consistency


def random(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, 4, 4, generator=generator, dtype=torch.float64)


TRUSTED = torch.tensor([[True, False, True], [False, False, True]])


def test_it_is_the_sum_over_cells_and_the_mean_over_all_maps() -> None:
    """UniFrame: the mean of (mask·(S − T))² over joints and pixels, here times the 16 cells."""
    student, teacher = random(0), random(1)
    mask = TRUSTED[..., None, None].double()
    expected = 16 * ((mask * (student - teacher)) ** 2).mean()
    torch.testing.assert_close(masked_consistency(student, teacher, TRUSTED), expected)


def test_it_is_symmetric_and_zero_between_equals() -> None:
    student, teacher = random(0), random(1)
    forth, back = (
        masked_consistency(one, other, TRUSTED)
        for one, other in ((student, teacher), (teacher, student))
    )
    assert forth == back
    assert masked_consistency(student, student, TRUSTED) == 0.0


def test_what_is_not_trusted_is_not_read() -> None:
    student, teacher = random(0), random(1)
    broken = torch.where(TRUSTED[..., None, None], teacher, math.nan)
    expected = masked_consistency(student, teacher, TRUSTED)
    assert masked_consistency(student, broken, TRUSTED) == expected


def test_it_has_the_gradient_of_its_value() -> None:
    student = random(0).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda maps: masked_consistency(maps, random(1), TRUSTED), (student,)
    )


def test_nothing_trusted_costs_exactly_nothing_and_pulls_nowhere() -> None:
    student = random(0).requires_grad_()
    loss = masked_consistency(student, random(1), torch.zeros_like(TRUSTED))
    assert loss == 0.0
    (gradient,) = torch.autograd.grad(loss, student)
    assert (gradient == 0).all()
