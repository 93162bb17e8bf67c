"""A default and its search distribution on one line.

    @dataclass(frozen=True)
    class MeanTeacher(TrainingMethod):
        momentum: float = tunable(0.999, log_uniform(0.9, 0.9999))

`search_space(method)` collects the distributions by field name. They are Optuna's own, so a
sampler takes the dictionary as it is, and its values go back with `dataclasses.replace`.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

Value = TypeVar("Value")
Distribution = BaseDistribution
"""What values a field may take in a search; Optuna's own."""

_DISTRIBUTION = "distribution"


def uniform(low: float, high: float) -> FloatDistribution:
    """A real number between `low` and `high`, both included."""
    return FloatDistribution(low, high)


def log_uniform(low: float, high: float) -> FloatDistribution:
    """A positive real number whose logarithm is uniform between those of `low` and `high`."""
    return FloatDistribution(low, high, log=True)


def integers(low: int, high: int) -> IntDistribution:
    """A whole number between `low` and `high`, both included."""
    return IntDistribution(low, high)


def choice(options: Sequence[CategoricalChoiceType]) -> CategoricalDistribution:
    """One of `options`: numbers, strings, booleans or None."""
    return CategoricalDistribution(options)


def tunable(default: Value, distribution: BaseDistribution) -> Value:
    """Declare a dataclass field with a default and the distribution a search draws it from.

    Args:
        default: the value without a search; it must lie inside `distribution`.
        distribution: made by `uniform`, `log_uniform`, `integers` or `choice`.

    Returns:
        A dataclass field. It is typed as the default, as `dataclasses.field` itself is.

    Raises:
        ValueError: if the default lies outside the distribution.
    """
    if not contains(distribution, default):
        raise ValueError(
            f"A tunable default must lie inside its distribution, but {default!r} is outside "
            f"{distribution!r}. Widen the distribution or change the default."
        )
    field: Value = dataclasses.field(default=default, metadata={_DISTRIBUTION: distribution})
    return field


def contains(distribution: BaseDistribution, value: object) -> bool:
    """Whether a search over `distribution` could return `value`.

    A boolean is a number only for a `choice`; an integer is a real number.

    Raises:
        ValueError: if the distribution is of a kind that this module does not make.
    """
    if isinstance(distribution, CategoricalDistribution):
        return any(
            type(value) is type(option) and value == option for option in distribution.choices
        )
    if isinstance(value, bool):
        return False
    if isinstance(distribution, FloatDistribution):
        return isinstance(value, int | float) and distribution.low <= value <= distribution.high
    if isinstance(distribution, IntDistribution):
        return isinstance(value, int) and distribution.low <= value <= distribution.high
    raise ValueError(
        "A distribution must come from uniform, log_uniform, integers or choice, but got "
        f"{distribution!r}."
    )


def describe_distribution(distribution: Distribution) -> str:
    """A distribution as JSON, to be hashed or stored."""
    text: str = distribution_to_json(distribution)
    return text


def search_space(declared: object) -> dict[str, BaseDistribution]:
    """Distributions of the tunable fields of a dataclass instance, by field name.

    A field that holds another dataclass contributes its own tunable fields under dotted names
    (`source_view.rotation_deg`). Order is the order of declaration.

    Raises:
        ValueError: if `declared` is not a dataclass instance.
    """
    if not dataclasses.is_dataclass(declared) or isinstance(declared, type):
        raise ValueError(
            f"search_space needs a dataclass instance, but got {declared!r}. Pass an object such "
            "as MeanTeacher(), not its class."
        )
    space: dict[str, BaseDistribution] = {}
    for field in dataclasses.fields(declared):
        value: Any = getattr(declared, field.name)
        if _DISTRIBUTION in field.metadata:
            space[field.name] = field.metadata[_DISTRIBUTION]
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            inner = search_space(value)
            space |= {f"{field.name}.{name}": found for name, found in inner.items()}
    return space
