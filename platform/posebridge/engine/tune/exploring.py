"""How a population moves on after a generation: pure functions of the scores and of seeds.

Truncation selection and perturbation (Jaderberg et al., 2017, section 3.1 and appendix A.1).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from posebridge.engine.tune.outcomes import Proposal
from posebridge.identity import digest
from posebridge.search import PopulationBased
from posebridge.search_space import Distribution
from posebridge.stages import CHANGES


def replacements(
    scores: Mapping[int, float], share: float, rng: np.random.Generator
) -> dict[int, int]:
    """Who goes on from whose networks.

    Args:
        scores: of every member, higher is better; NaN for one that diverged.
        share: of the members that is replaced. Diverged ones always are.
        rng: decides by which of the best.

    Returns:
        Number of the member to go on from, by that of the member that gives up its own.
    """
    alive = sorted((n for n, s in scores.items() if s == s), key=lambda n: (-scores[n], n))
    lost = [n for n in sorted(scores) if n not in alive]
    count = math.ceil(share * len(scores))
    best = alive[: min(count, max(len(alive) // 2, 1))]
    worst = alive[len(best) :][::-1][: max(count - len(lost), 0)]
    return {n: int(rng.choice(best)) for n in sorted([*lost, *worst])} if best else {}


def moved(
    number: int,
    leader: Proposal,
    step: int,
    space: Mapping[str, Distribution],
    how: PopulationBased,
    rng: np.random.Generator,
) -> Proposal:
    """A member that goes on from another's networks, with values a little changed.

    Args:
        number: of the member, which gives up its own.
        leader: whose networks and values it takes over.
        step: from which on the changed values count.
        space: of the fields.
        how: they are changed.
        rng: decides.
    """
    now = current(leader, space)
    new = {path: perturbed(space[path], value, how, rng) for path, value in now.items()}
    stage, *_ = next(iter(space)).partition(".")
    changes = [[step, p.partition(".")[2], v] for p, v in new.items() if v != now[p]]
    before = leader.values.get(f"{stage}.{CHANGES}", [])
    return replace(
        leader, number=number, values=leader.values | {f"{stage}.{CHANGES}": [*before, *changes]}
    )


def current(one: Proposal, paths: Iterable[str]) -> dict[str, Any]:
    """The values of a member after its last change, of some fields named `stage.field`."""
    values = {path: one.values[path] for path in paths}
    for path in values:
        stage, _, name = path.partition(".")
        for _, changed, value in one.values.get(f"{stage}.{CHANGES}", []):
            if changed == name:
                values[path] = value
    return values


def perturbed(
    distribution: Distribution,
    value: Any,  # noqa: ANN401 - a field's value
    how: PopulationBased,
    rng: np.random.Generator,
) -> Any:  # noqa: ANN401 - likewise
    """A value drawn anew, or moved a little; inside its distribution.

    Raises:
        TypeError: if the distribution is of a kind that `search_space` does not make.
    """
    anew = rng.random() < how.redraw
    factor = how.factors[int(rng.integers(2))]
    match distribution:
        case FloatDistribution(low=low, high=high, log=log):
            if anew:
                drawn = rng.uniform(*((math.log(low), math.log(high)) if log else (low, high)))
                value = math.exp(drawn) if log else drawn
            return float(np.clip(value if anew else value * factor, low, high))
        case IntDistribution(low=low, high=high):
            if anew:
                return int(rng.integers(low, high + 1))
            away = max(1, abs(round(value * factor) - value))
            return int(np.clip(value + (away if factor > 1 else -away), low, high))
        case CategoricalDistribution(choices=choices):
            if anew:
                return choices[int(rng.integers(len(choices)))]
            place = choices.index(value) + (1 if factor > 1 else -1)
            return choices[min(max(place, 0), len(choices) - 1)]
    raise TypeError(f"a distribution must be one of search_space, but got {distribution!r}.")


def generator(*words: object) -> np.random.Generator:
    """Random numbers that belong to some words."""
    return np.random.default_rng(int(digest([str(word) for word in words]), 16))
