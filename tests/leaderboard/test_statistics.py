"""Intervals: against scipy, by simulation, and where the answer is known."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from posebridge.leaderboard.statistics import (
    Tally,
    common_seeds,
    paired_difference,
    people_interval,
    seed_interval,
    share_of_gap,
)

KEYPOINTS = 17.0


def tally(correct: np.ndarray, seeds: tuple[int, ...] | None = None) -> Tally:
    """Runs with the given numbers of correct keypoints, [seed, person], all keypoints labelled."""
    people = tuple(f"p{index:04d}" for index in range(correct.shape[1]))
    seeds = tuple(range(len(correct))) if seeds is None else seeds
    return Tally(people, seeds, correct.astype(float), np.full(correct.shape, KEYPOINTS))


def drawn(seed: int, num_seeds: int = 1, num_people: int = 60, share: float = 0.6) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.binomial(17, share, size=(num_seeds, num_people))


def test_seed_interval_is_that_of_scipy() -> None:
    values = [0.61, 0.64, 0.66]
    low, high = stats.t.interval(0.95, df=2, loc=np.mean(values), scale=stats.sem(values))
    interval = seed_interval(values)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-12)
    assert interval.estimate == pytest.approx(np.mean(values))
    assert interval.num_seeds == 3


def test_seed_interval_of_known_numbers() -> None:
    """Mean 0.5, ddof-1 deviation 0.1, error 0.1/√3; Student's 97.5 % point at 2 is 4.30265."""
    interval = seed_interval([0.4, 0.5, 0.6])
    assert interval.half_width == pytest.approx(4.30265 * 0.1 / 3**0.5, rel=1e-5)


def test_a_failed_run_is_left_out_of_the_mean_and_of_n() -> None:
    assert seed_interval([0.4, np.nan, 0.6]) == seed_interval([0.4, 0.6])


@pytest.mark.parametrize(("values", "mean"), [([0.5], 0.5), ([], np.nan), ([np.nan], np.nan)])
def test_fewer_than_two_runs_give_no_interval_over_seeds(values: list[float], mean: float) -> None:
    interval = seed_interval(values)
    assert interval.estimate == pytest.approx(mean, nan_ok=True)
    assert np.isnan([interval.low, interval.high, interval.half_width]).all()


def test_people_interval_is_a_ratio_of_sums() -> None:
    """Two people: 9 of 10 and 0 of 90 correct: 9 of 100, not the mean of the shares, 45 %."""
    counted = Tally(("a", "b"), (0,), np.array([[9.0, 0.0]]), np.array([[10.0, 90.0]]))
    assert people_interval(counted).estimate == pytest.approx(0.09)


def test_people_interval_is_close_to_that_of_the_normal_approximation() -> None:
    counted = tally(drawn(0, num_people=400))
    shares = counted.correct[0] / KEYPOINTS
    error = shares.std(ddof=1) / 20
    interval = people_interval(counted)
    assert interval.low == pytest.approx(shares.mean() - 1.96 * error, abs=0.15 * error)
    assert interval.high == pytest.approx(shares.mean() + 1.96 * error, abs=0.15 * error)


def test_people_interval_refuses_several_seeds() -> None:
    with pytest.raises(ValueError, match="for one seed, but got 2: use seed_interval"):
        people_interval(tally(drawn(0, num_seeds=2)))


def test_intervals_are_the_same_every_time() -> None:
    a, b = tally(drawn(0, 3)), tally(drawn(1, 3))
    assert paired_difference(a, b) == paired_difference(a, b)


def test_against_a_constant_baseline_the_paired_interval_is_the_unpaired_one_moved() -> None:
    """Every person has 5 of 17 correct under the baseline, so it is 5/17 in every resample."""
    system = tally(drawn(0))
    paired = paired_difference(system, tally(np.full((1, 60), 5)))
    alone = people_interval(system)
    assert paired.low == pytest.approx(alone.low - 5 / 17, abs=1e-12)
    assert paired.high == pytest.approx(alone.high - 5 / 17, abs=1e-12)
    assert paired.estimate == pytest.approx(alone.estimate - 5 / 17, abs=1e-12)


def test_a_system_does_not_differ_from_itself() -> None:
    system = tally(drawn(0, 3))
    interval = paired_difference(system, system)
    assert (interval.estimate, interval.low, interval.high) == (0, 0, 0)


def test_the_difference_changes_its_sign_with_the_order() -> None:
    a, b = tally(drawn(0, 3)), tally(drawn(1, 3, share=0.5))
    ab, ba = paired_difference(a, b), paired_difference(b, a)
    assert (ab.estimate, ab.low, ab.high) == pytest.approx((-ba.estimate, -ba.high, -ba.low))


def test_pairing_uses_that_hard_people_are_hard_for_both() -> None:
    """One point more for everybody is certain, however much people differ."""
    base = drawn(0, share=0.5) % 16
    paired = paired_difference(tally(base + 1), tally(base))
    assert paired.low == pytest.approx(1 / 17)
    assert people_interval(tally(base)).half_width > 0.01


def test_seeds_that_disagree_widen_the_interval() -> None:
    """People are all alike, so only seeds vary: −1, 0 and 1 of 17 against the baseline."""
    baseline = tally(np.full((3, 50), 8))
    system = tally(np.full((3, 50), 8) + np.array([[-1], [0], [1]]))
    interval = paired_difference(system, baseline)
    assert interval.estimate == pytest.approx(0, abs=1e-12)
    assert interval.low == pytest.approx(-1 / 17)
    assert interval.high == pytest.approx(1 / 17)


def test_the_spread_over_three_seeds_is_not_too_narrow() -> None:
    """The variance of the resampled mean is s²/3: that of a mean of three, not 2/3 of it."""
    from posebridge.leaderboard import statistics

    system = tally(np.full((3, 50), 8) + np.array([[-3], [0], [3]]))
    resampled = statistics._resample(system.people, 3, [system])
    spread = np.var([5 / 17, 8 / 17, 11 / 17], ddof=1) / 3
    assert resampled.var() == pytest.approx(spread, rel=0.05)


def test_a_system_that_no_seed_changes_pairs_with_every_seed() -> None:
    system = tally(drawn(0, 3))
    published = dataclasses.replace(tally(drawn(1), seeds=(0,)), is_fixed=True)
    repeated = tally(np.repeat(drawn(1), 3, axis=0))
    assert paired_difference(system, published) == paired_difference(system, repeated)
    assert paired_difference(published, system) == paired_difference(repeated, system)
    assert common_seeds(published, published) == (0,)


def test_only_common_seeds_are_paired() -> None:
    system, baseline = tally(drawn(0, 3)), tally(drawn(1, 2), seeds=(1, 2))
    interval = paired_difference(system, baseline)
    assert interval.num_seeds == 2
    assert interval == paired_difference(
        tally(drawn(0, 3)[1:], seeds=(1, 2)), tally(drawn(1, 2), seeds=(1, 2))
    )


def test_without_common_seeds_there_is_no_difference() -> None:
    with pytest.raises(ValueError, match=r"common seeds, but got \(0,\) and \(7,\)"):
        paired_difference(tally(drawn(0)), tally(drawn(1), seeds=(7,)))


def test_people_are_matched_by_name_not_by_order() -> None:
    system, baseline = tally(drawn(0, 3)), tally(drawn(1, 3))
    turned = Tally(
        baseline.people[::-1],
        baseline.seeds,
        baseline.correct[:, ::-1],
        baseline.labelled[:, ::-1],
    )
    assert paired_difference(system, turned) == paired_difference(system, baseline)


def test_other_people_are_refused_and_counted() -> None:
    system = tally(drawn(0))
    other = dataclasses.replace(system, people=(*system.people[:-3], "x", "y", "z"))
    with pytest.raises(
        ValueError, match="3 of 60 were measured for the system only and 3 of 60 for the baseline"
    ):
        paired_difference(system, other)


def test_nothing_labelled_gives_nan_and_no_warning() -> None:
    nothing = Tally(("a",), (0,), np.zeros((1, 1)), np.zeros((1, 1)))
    interval = people_interval(nothing)
    assert np.isnan([interval.estimate, interval.low, interval.high]).all()


def test_inputs_stay_as_they_were() -> None:
    system, baseline = tally(drawn(0, 3)), tally(drawn(1, 3))
    paired_difference(system, baseline)
    assert np.array_equal(system.correct, drawn(0, 3))
    assert np.array_equal(baseline.correct, drawn(1, 3))


def test_the_paired_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    """80 experiments of 2 systems, 8 seeds, 40 people: 95 % of them hold it, give or take."""
    held = 0
    for trial in range(80):
        generator = np.random.default_rng(trial)
        ease = generator.normal(0, 1, size=(1, 40))

        def run(shift: float, generator: np.random.Generator, ease: np.ndarray) -> np.ndarray:
            luck = generator.normal(shift, 0.2, size=(8, 1))
            chance = 1 / (1 + np.exp(-(ease + luck)))
            return generator.binomial(17, chance)

        same = paired_difference(
            tally(run(0.3, generator, ease)), tally(run(0.3, generator, ease))
        )
        held += same.low <= 0 <= same.high
    assert 70 <= held <= 80


def test_the_share_of_a_gap_by_hand() -> None:
    """Of 17, 9 are right plain, 4 with everything and 6 without a factor: it takes 2 of the 5."""
    plain, hard, without = (counted([share] * 20) for share in (9, 4, 6))
    share = share_of_gap(without, hard, plain, hard)
    assert (share.estimate, share.low, share.high) == pytest.approx((0.4, 0.4, 0.4))
    assert share.num_people == 20


def test_factors_one_after_another_sum_to_the_whole_gap() -> None:
    rungs = [counted(drawn(n, share=share)[0]) for n, share in enumerate((0.9, 0.7, 0.5, 0.3))]
    shares = [share_of_gap(a, b, rungs[0], rungs[-1]).estimate for a, b in pairwise(rungs)]
    assert sum(shares) == pytest.approx(1.0)


def test_the_interval_of_a_share_is_close_to_that_of_the_delta_method() -> None:
    """Of a ratio u/g of paired means: variance of (u − r·g)/mean(g) over n."""
    plain, hard, without = (
        drawn(n, num_people=400, share=s)[0] for n, s in enumerate((0.9, 0.4, 0.6))
    )
    share = share_of_gap(*(counted(c) for c in (without, hard, plain, hard)))
    error = (without - hard - share.estimate * (plain - hard)) / (plain - hard).mean()
    reach = 1.96 * error.std(ddof=1) / len(error) ** 0.5
    assert share.half_width == pytest.approx(reach, rel=0.1)
    assert share.low < share.estimate < share.high


def test_without_a_gap_there_is_no_share_of_it() -> None:
    low, high = counted([2] * 9), counted([5] * 9)
    share = share_of_gap(high, low, low, high)
    assert np.isnan([share.estimate, share.low, share.high]).all()


def test_a_share_is_of_one_run_over_the_same_people() -> None:
    one, two = tally(drawn(0)), tally(drawn(1, num_seeds=2))
    with pytest.raises(ValueError, match="is for one seed, but got 2: give one"):
        share_of_gap(one, two, one, one)
    with pytest.raises(ValueError, match="needs the same people"):
        share_of_gap(one, one, one, counted([3] * 5))


def counted(correct: Sequence[int] | np.ndarray, labelled: float = KEYPOINTS) -> Tally:
    """One run with some correct keypoints of each person."""
    row = np.asarray(correct, float)[None]
    people = tuple(f"p{index:04d}" for index in range(row.shape[1]))
    return Tally(people, (0,), row, np.full(row.shape, labelled))
