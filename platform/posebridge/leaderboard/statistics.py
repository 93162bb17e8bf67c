"""Intervals: how far a mean over seeds, or a difference between two systems, can be trusted.

Shares in [0, 1] everywhere. Random draws come from a fixed seed, so the same records always give
the same interval.

Sources:
    [0] Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6, 8 and 13.
    [1] Rao and Wu, Resampling inference with complex survey data, 1988, JASA 83(401), section 2:
        drawing n − 1 of n units makes the bootstrap variance of a mean unbiased.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2_000
RESAMPLES_AT_ONCE = 200
BOOTSTRAP_SEED = 20_260_101


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval.

    Attributes:
        estimate: the mean or the difference.
        low: lower end, NaN where the data cannot give one.
        high: upper end.
        num_seeds: runs that went into it.
        num_people: people that were resampled; 0 for an interval over seeds alone.
    """

    estimate: float
    low: float
    high: float
    num_seeds: int
    num_people: int = 0

    @property
    def half_width(self) -> float:
        """Half of the distance between the ends: what stands after ±."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Tally:
    """Correct and labelled keypoints of every person, in every run of one system.

    Attributes:
        people: their ids, in the order of the last axis.
        seeds: of the runs, in the order of the first axis.
        correct: correct keypoints.
        labelled: labelled keypoints: what `correct` is out of.
        is_fixed: whether the system is the same under every seed, as published weights are; it
            then has one run, which pairs with every seed of another system.
    """

    people: tuple[str, ...]
    seeds: tuple[int, ...]
    correct: Float[np.ndarray, "seed person"]
    labelled: Float[np.ndarray, "seed person"]
    is_fixed: bool = False

    def shares(self) -> Float[np.ndarray, " seed"]:
        """Σ correct / Σ labelled of each run, NaN where nothing is labelled."""
        with np.errstate(invalid="ignore"):
            shares: np.ndarray = self.correct.sum(axis=1) / self.labelled.sum(axis=1)
        return shares


def seed_interval(values: Sequence[float]) -> Interval:
    """Mean of the runs and its Student t interval (standard deviation with ddof 1).

    Args:
        values: one score a seed; NaN marks a failed run, which is left out.

    Returns:
        An interval without ends where fewer than two runs have a score.
    """
    scores = np.array([value for value in values if not np.isnan(value)])
    if scores.size < 2:
        mean = float(scores.mean()) if scores.size else np.nan
        return Interval(mean, np.nan, np.nan, num_seeds=int(scores.size))
    mean, error = float(scores.mean()), float(scores.std(ddof=1)) / scores.size**0.5
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, df=scores.size - 1)) * error
    return Interval(mean, mean - reach, mean + reach, num_seeds=int(scores.size))


def people_interval(tally: Tally) -> Interval:
    """Score of a single run and its percentile bootstrap interval over people.

    Says nothing about other seeds.

    Raises:
        ValueError: if there are several runs: their spread must not be left out.
    """
    if len(tally.seeds) != 1:
        raise ValueError(
            f"an interval over people alone is for one seed, but got {len(tally.seeds)}: "
            "use seed_interval."
        )
    resampled = _resample(tally.people, 1, [tally])
    estimate = float(tally.shares()[0])
    return Interval(estimate, *_percentiles(resampled), 1, num_people=len(tally.people))


def paired_difference(system: Tally, baseline: Tally) -> Interval:
    """How much better a system is than a baseline on the same people and seeds.

    Two-level percentile bootstrap: people are drawn jointly for every run of both systems, then
    runs are drawn. Of n runs n − 1 are drawn [1], since n would make the interval of 3 seeds 18 %
    too narrow. Simulated with 3 seeds and 300 people, the interval held the truth 95 to 97 times
    in 100 while seeds varied no more than the mean over people does, and 92 times where they
    varied twice as much. A system that no seed changes is paired with every seed of the other.

    Args:
        system: the one that may be better.
        baseline: what it is compared with.

    Returns:
        The mean over seeds of the difference between their shares, positive where `system` is
        better.

    Raises:
        ValueError: if the people differ, or no seed is common to both.
    """
    _check_same_people(system, baseline)
    seeds = common_seeds(system, baseline)
    if not seeds:
        raise ValueError(
            "a paired difference needs common seeds, but got "
            f"{system.seeds} and {baseline.seeds}: run both systems with the same seeds."
        )
    baseline = _with_seeds(_with_people_of(baseline, system.people), seeds)
    system = _with_seeds(system, seeds)
    resampled = _resample(system.people, len(seeds), [system, baseline])
    estimate = float(np.mean(system.shares() - baseline.shares()))
    return Interval(estimate, *_percentiles(resampled), len(seeds), num_people=len(system.people))


def share_of_gap(upper: Tally, lower: Tally, plain: Tally, hard: Tally) -> Interval:
    """What part of the fall from `plain` to `hard` lies between two conditions.

    (upper − lower) / (plain − hard), of one system and the same people under four conditions, with
    its percentile bootstrap interval over people, drawn jointly for all four.

    Args:
        upper: without a factor, or with none.
        lower: the same with that factor.
        plain: without any factor.
        hard: with all of them.

    Returns:
        The share; NaN where `plain` is not above `hard`. Shares of several factors need not sum
        to 1, since factors meet.

    Raises:
        ValueError: if the people differ, or there are several runs.
    """
    conditions = [plain, hard, upper, lower]
    for condition in conditions:
        _check_same_people(plain, condition)
        if len(condition.seeds) != 1:
            raise ValueError(
                f"the share of a gap is for one seed, but got {len(condition.seeds)}: give one."
            )
    ordered = [_with_people_of(condition, plain.people) for condition in conditions]
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    resampled = []
    for _ in range(RESAMPLES // RESAMPLES_AT_ONCE):
        weights = _times_drawn(generator, len(plain.people), len(plain.people))
        resampled.append(_share(*(_scores(condition, weights) for condition in ordered)))
    everybody = np.ones((1, len(plain.people)))
    estimate = float(_share(*(_scores(condition, everybody) for condition in ordered))[0])
    ends = _percentiles(np.concatenate(resampled)) if np.isfinite(estimate) else (np.nan, np.nan)
    return Interval(estimate, *ends, 1, num_people=len(plain.people))


def _scores(
    tally: Tally, weights: Float[np.ndarray, "resample person"]
) -> Float[np.ndarray, " resample"]:
    with np.errstate(invalid="ignore"):
        scores: np.ndarray = (weights @ tally.correct[0]) / (weights @ tally.labelled[0])
    return scores


def _share(
    plain: np.ndarray, hard: np.ndarray, upper: np.ndarray, lower: np.ndarray
) -> Float[np.ndarray, " resample"]:
    gap = np.where(plain > hard, plain - hard, np.nan)
    return np.asarray((upper - lower) / gap)


def common_seeds(a: Tally, b: Tally) -> tuple[int, ...]:
    """Seeds under which both were run; one that no seed changes was run under all."""
    if a.is_fixed:
        return b.seeds
    return a.seeds if b.is_fixed else tuple(seed for seed in a.seeds if seed in b.seeds)


def _resample(
    people: tuple[str, ...], num_seeds: int, tallies: list[Tally]
) -> Float[np.ndarray, " resample"]:
    """The share of the first tally, less that of the second if there is one, in each resample."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    drawn_seeds = max(num_seeds - 1, 1)
    resampled = []
    for _ in range(RESAMPLES // RESAMPLES_AT_ONCE):
        weights = _times_drawn(generator, len(people), len(people))
        seeds = _times_drawn(generator, drawn_seeds, num_seeds)
        with np.errstate(invalid="ignore"):
            shares = [(weights @ t.correct.T) / (weights @ t.labelled.T) for t in tallies]
        difference = shares[0] - shares[1] if len(shares) == 2 else shares[0]
        resampled.append((difference * seeds).sum(axis=1) / drawn_seeds)
    return np.concatenate(resampled)


def _times_drawn(
    generator: np.random.Generator, draws: int, among: int
) -> Float[np.ndarray, "resample unit"]:
    """How often each of `among` units is drawn, with replacement, in some resamples."""
    drawn = generator.integers(0, max(among, 1), size=(RESAMPLES_AT_ONCE, draws))
    first = np.arange(RESAMPLES_AT_ONCE)[:, None] * among
    times = np.bincount((first + drawn).ravel(), minlength=RESAMPLES_AT_ONCE * among)
    counts: np.ndarray = times.reshape(RESAMPLES_AT_ONCE, among).astype(float)
    return counts


def _percentiles(resampled: Float[np.ndarray, " resample"]) -> tuple[float, float]:
    """The ends of the percentile interval; NaN where a share is not defined in most resamples."""
    defined = resampled[~np.isnan(resampled)]
    if 2 * defined.size <= resampled.size:
        return np.nan, np.nan
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def _check_same_people(system: Tally, baseline: Tally) -> None:
    ours, theirs = set(system.people), set(baseline.people)
    if ours != theirs or len(system.people) != len(baseline.people):
        raise ValueError(
            "a paired difference needs the same people, but "
            f"{len(ours - theirs)} of {len(ours)} were measured for the system only and "
            f"{len(theirs - ours)} of {len(theirs)} for the baseline only: evaluate both again."
        )


def _with_people_of(tally: Tally, people: tuple[str, ...]) -> Tally:
    if tally.people == people:
        return tally
    place = {person: index for index, person in enumerate(tally.people)}
    order = [place[person] for person in people]
    correct, labelled = tally.correct[:, order], tally.labelled[:, order]
    return dataclasses.replace(tally, people=people, correct=correct, labelled=labelled)


def _with_seeds(tally: Tally, seeds: tuple[int, ...]) -> Tally:
    rows = [0 if tally.is_fixed else tally.seeds.index(seed) for seed in seeds]
    return Tally(tally.people, seeds, tally.correct[rows], tally.labelled[rows])
