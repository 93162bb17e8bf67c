"""Tests of the declaration of search spaces."""

import dataclasses
from dataclasses import dataclass, field

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from posebridge.search_space import (
    choice,
    contains,
    integers,
    log_uniform,
    search_space,
    tunable,
    uniform,
)


@dataclass(frozen=True)
class Look:
    rotation_deg: float = tunable(30.0, uniform(0.0, 180.0))
    name: str = "plain"


@dataclass(frozen=True)
class Plain:
    steps: int = 3


@dataclass(frozen=True)
class Method:
    learning_rate: float = tunable(1e-3, log_uniform(1e-5, 1e-1))
    look: Look = field(default_factory=Look)
    steps: int = tunable(3, integers(1, 5))
    votes: int = tunable(4, choice((1, 2, 4)))
    fixed: float = 0.5


def test_the_four_makers_give_optuna_distributions() -> None:
    assert uniform(0.0, 1.0) == FloatDistribution(0.0, 1.0)
    assert log_uniform(0.1, 1.0) == FloatDistribution(0.1, 1.0, log=True)
    assert integers(1, 3) == IntDistribution(1, 3)
    assert choice(("a", None)) == CategoricalDistribution(("a", None))


def test_nested_dataclasses_give_dotted_names_in_order_of_declaration() -> None:
    assert list(search_space(Method()).items()) == [
        ("learning_rate", log_uniform(1e-5, 1e-1)),
        ("look.rotation_deg", uniform(0.0, 180.0)),
        ("steps", integers(1, 5)),
        ("votes", choice((1, 2, 4))),
    ]


def test_a_tunable_field_is_an_ordinary_field() -> None:
    method = dataclasses.replace(Method(), votes=2)
    assert (Method().votes, method.votes) == (4, 2)
    assert search_space(method) == search_space(Method())


def test_a_dataclass_without_tunable_fields_has_an_empty_space() -> None:
    assert search_space(Plain()) == {}


@pytest.mark.parametrize(
    ("distribution", "value", "expected"),
    [
        (uniform(0.0, 1.0), 0.0, True),
        (uniform(0.0, 1.0), 1, True),
        (uniform(0.0, 1.0), 1.01, False),
        (uniform(0.0, 1.0), float("nan"), False),
        (uniform(0.0, 1.0), True, False),
        (integers(1, 3), 3, True),
        (integers(1, 3), 2.5, False),
        (integers(1, 3), True, False),
        (choice((1, 2)), 2, True),
        (choice((1, 2)), True, False),
        (choice((True, False)), True, True),
        (choice(("a", None)), None, True),
        (choice(("a", None)), "b", False),
    ],
)
def test_membership(distribution: BaseDistribution, value: object, expected: bool) -> None:
    assert contains(distribution, value) is expected


def test_a_default_outside_its_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match=r"default must lie inside .* but 2\.0 is outside"):
        tunable(2.0, uniform(0.0, 1.0))


def test_a_class_is_not_an_instance() -> None:
    with pytest.raises(ValueError, match="needs a dataclass instance"):
        search_space(Method)
    with pytest.raises(ValueError, match="needs a dataclass instance"):
        search_space(3)
