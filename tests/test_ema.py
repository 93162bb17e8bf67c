"""Tests of the exponential moving average."""

import copy

import pytest
import torch
from torch import nn

from posebridge.ema import update_ema


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    student = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    teacher = copy.deepcopy(student)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.add_(1.0)
    student.train()(torch.randn(8, 3))
    return teacher, student


def test_parameters_and_buffers_are_averaged_and_counters_copied() -> None:
    teacher, student = networks()
    before = copy.deepcopy(teacher.state_dict())
    update_ema(teacher, student, 0.75)
    for name, value in teacher.state_dict().items():
        followed = student.state_dict()[name]
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * before[name] + 0.25 * followed)
        else:
            assert torch.equal(value, followed)
    assert teacher.state_dict()["1.num_batches_tracked"] == 1


def test_momentum_one_keeps_the_teacher_and_zero_copies_the_student() -> None:
    teacher, student = networks()
    before = copy.deepcopy(teacher.state_dict())
    update_ema(teacher, student, 1.0)
    assert torch.equal(teacher.state_dict()["0.weight"], before["0.weight"])
    update_ema(teacher, student, 0.0)
    assert torch.equal(teacher.state_dict()["0.weight"], student.state_dict()["0.weight"])


def test_the_student_is_unchanged_and_no_gradient_is_recorded() -> None:
    teacher, student = networks()
    before = copy.deepcopy(student.state_dict())
    update_ema(teacher, student, 0.5)
    assert all(torch.equal(before[name], value) for name, value in student.state_dict().items())
    assert all(parameter.grad_fn is None for parameter in teacher.parameters())


def test_a_momentum_outside_its_range_is_refused() -> None:
    teacher, student = networks()
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], but got momentum=1\.5"):
        update_ema(teacher, student, 1.5)


def test_networks_of_two_architectures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"only one of them has bias\."):
        update_ema(nn.Linear(2, 2), nn.Linear(2, 2, bias=False), 0.5)
