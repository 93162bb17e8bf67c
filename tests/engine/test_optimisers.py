from typing import Any

import pytest
from torch import nn

from engine.people import supervised
from posebridge.engine.train import Optimisers, set_up
from posebridge.methods.supervised import Supervised
from posebridge.stages import Budget, CosineDecay, StepDecay


def _optimisers(**changes: Any) -> tuple[Optimisers, nn.ModuleDict]:
    method = Supervised(learning_rate=1e-2)
    stage = supervised(method=method, budget=Budget(10, threads=1, **changes))
    nets = nn.ModuleDict({"student": nn.Linear(1, 1, bias=False)})
    nn.init.constant_(next(nets.parameters()), 1.0)
    return Optimisers(stage, nets), nets


def _moved(optimisers: Optimisers, nets: nn.ModuleDict, slope: float = 1.0) -> float:
    (weight,) = nets.parameters()
    before = weight.item()
    optimisers("student", slope * weight.sum())
    return before - weight.item()


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_slope() -> None:
    for slope in (0.01, 1.0, 100.0):
        assert _moved(*_optimisers(), slope) == pytest.approx(1e-2, rel=1e-3)


def test_the_learning_rate_rises_over_the_warm_up_and_falls_to_zero() -> None:
    """With 3 steps of warm-up the first factor is 1/4; half way the cosine is at 1/2."""
    optimisers, nets = _optimisers(warmup_steps=3)
    rates = []
    for step in range(10):
        optimisers.step_now = step
        _moved(optimisers, nets)
        rates.append(optimisers.by_player["student"].param_groups[0]["lr"])
    assert rates[0] == pytest.approx(1e-2 / 4)
    assert rates[5] == pytest.approx(1e-2 / 2)
    assert rates[3] == max(rates)
    assert 0 < rates[-1] < 1e-3
    assert optimisers.rates() == {"student": rates[-1]}


def test_the_learning_rate_drops_at_milestones() -> None:
    budget = Budget(10, decay=StepDecay((0.5, 0.8), factor=0.1))
    assert [budget.factor(step) for step in (0, 4)] == [1.0, 1.0]
    assert budget.factor(5) == pytest.approx(0.1)
    assert budget.factor(8) == pytest.approx(0.01)
    assert CosineDecay()(0.0) == 1.0


def test_a_gradient_is_clipped_to_its_norm() -> None:
    for clip_norm, expected in ((None, 100.0), (2.0, 2.0)):
        optimisers, nets = _optimisers(clip_norm=clip_norm)
        _moved(optimisers, nets, 100.0)
        (weight,) = nets.parameters()
        assert weight.grad is not None
        assert float(weight.grad) == pytest.approx(expected)


def test_weight_decay_pulls_towards_zero() -> None:
    """AdamW takes learning rate · decay · weight besides the step of Adam."""
    plain, decayed = _moved(*_optimisers()), _moved(*_optimisers(weight_decay=0.5))
    assert decayed - plain == pytest.approx(1e-2 * 0.5 * 1.0, rel=1e-3)


def test_only_what_requires_a_gradient_is_moved() -> None:
    stage = supervised()
    nets = set_up(stage, None)
    frozen = next(nets["student"].parameters())
    frozen.requires_grad_(False)
    (group,) = Optimisers(stage, nets).by_player["student"].param_groups
    assert all(parameter is not frozen for parameter in group["params"])
