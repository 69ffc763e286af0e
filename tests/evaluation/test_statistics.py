import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qwop_wr.evaluation.statistics import (
    Estimate,
    estimate_finish_by,
    estimate_rate,
    estimate_statistic,
    finish_profile,
    interquartile_mean,
    quantile,
)


def wilson(successes: int, trials: int, z: float) -> tuple[float, float]:
    """Wilson's interval as in his paper of 1927, written out."""
    rate = successes / trials
    centre = (rate + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials)
    half *= math.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2))
    return centre - half, centre + half


class TestRate:
    @pytest.mark.parametrize(
        ("successes", "trials"), [(0, 1), (1, 1), (0, 500), (311, 500), (9, 9)]
    )
    @pytest.mark.parametrize(("level", "z"), [(0.95, 1.959963984540054), (0.9, 1.6448536269514722)])
    def test_is_wilsons_interval(self, successes: int, trials: int, level: float, z: float) -> None:
        value, low, high = estimate_rate(successes, trials, level)
        assert value == successes / trials
        assert (low, high) == pytest.approx(wilson(successes, trials, z), abs=1e-12)

    def test_knows_newcombes_example(self) -> None:
        # Newcombe 1998, table I: 81 of 263 has the score interval 0.2553 to 0.3662.
        _, low, high = estimate_rate(81, 263)
        assert (low, high) == pytest.approx((0.2553, 0.3662), abs=5e-5)

    @pytest.mark.parametrize(("successes", "trials"), [(1, 0), (3, 2), (-1, 2)])
    def test_refuses_impossible_counts(self, successes: int, trials: int) -> None:
        with pytest.raises(ValueError, match=f"{successes} successes in {trials} trials"):
            estimate_rate(successes, trials)


class TestStatistic:
    def test_interval_of_a_median_agrees_with_order_statistics(self) -> None:
        values = np.random.default_rng(1).gamma(3.0, 2.0, size=201)
        estimate = estimate_statistic(values, np.median, np.random.default_rng(2), 0.95, 4000)
        # The exact binomial interval lies between these two order statistics.
        rank = int(stats.binom.ppf(0.025, 201, 0.5))
        ordered = np.sort(values)
        assert estimate.value == np.median(values)
        assert estimate.low is not None
        assert estimate.high is not None
        assert ordered[rank - 4] <= estimate.low <= ordered[rank + 4]
        assert ordered[200 - rank - 4] <= estimate.high <= ordered[200 - rank + 4]

    def test_interval_of_a_mean_agrees_with_the_normal_one(self) -> None:
        values = np.random.default_rng(3).normal(40.0, 6.0, size=400)
        value, low, high = estimate_statistic(values, np.mean, np.random.default_rng(4), 0.95, 5000)
        error = 1.96 * values.std(ddof=1) / np.sqrt(400)
        assert value == values.mean()
        assert low == pytest.approx(values.mean() - error, abs=0.05)
        assert high == pytest.approx(values.mean() + error, abs=0.05)

    def test_depends_on_the_generator_alone(self) -> None:
        values = np.random.default_rng(5).normal(size=50)

        def estimate(seed: int) -> Estimate:
            return estimate_statistic(values, np.median, np.random.default_rng(seed))

        assert estimate(1) == estimate(1)
        assert estimate(1) != estimate(2)

    def test_says_what_cannot_be_said(self) -> None:
        rng = np.random.default_rng(0)
        assert estimate_statistic(np.array([]), np.median, rng) == (None, None, None)
        assert estimate_statistic(np.array([7.5]), np.median, rng) == (7.5, None, None)

    def test_equal_values_have_no_spread(self) -> None:
        estimate = estimate_statistic(np.full(9, 47.3), np.median, np.random.default_rng(0))
        assert estimate == (47.3, 47.3, 47.3)


class TestLocation:
    @settings(deadline=None)
    @given(st.lists(st.floats(30, 100), min_size=1, max_size=60))
    def test_interquartile_mean_averages_the_middle_half(self, times: list[float]) -> None:
        cut = len(times) // 4
        middle = sorted(times)[cut : len(times) - cut]
        assert float(interquartile_mean(np.array(times))) == pytest.approx(np.mean(middle))

    def test_interquartile_mean_is_deaf_to_outliers(self) -> None:
        times = np.array([45.0, 46.0, 47.0, 48.0])
        assert interquartile_mean(times) == 46.5
        assert interquartile_mean(np.array([1.0, 46.0, 47.0, 1e6])) == 46.5

    def test_reduces_the_axis_that_a_bootstrap_asks_for(self) -> None:
        sample = np.random.default_rng(6).normal(size=(5, 40))
        rows = [float(interquartile_mean(row)) for row in sample]
        assert interquartile_mean(sample, axis=-1).tolist() == pytest.approx(rows)
        assert quantile(0.05)(sample, axis=-1).tolist() == pytest.approx(
            [float(np.quantile(row, 0.05)) for row in sample]
        )

    def test_interval_of_the_interquartile_mean_has_its_coverage(self) -> None:
        # Of 200 samples from a known distribution, 95 % of the intervals should hold its
        # middle; 200 draws at that rate lie within 0.90 and 0.99 nearly always.
        rng = np.random.default_rng(9)
        held = 0
        for _ in range(200):
            values = rng.normal(45.0, 2.0, size=80)
            _, low, high = estimate_statistic(values, interquartile_mean, rng, 0.95, 300)
            assert low is not None
            assert high is not None
            held += low <= 45.0 <= high
        assert 0.90 <= held / 200 <= 0.99


class TestProfile:
    def test_counts_falls_as_never(self) -> None:
        profile = finish_profile(np.array([50.0, 47.0, 50.0]), trials=10)
        assert profile.seconds.tolist() == [47.0, 50.0]
        assert profile.probability.tolist() == pytest.approx([0.1, 0.3])

    def test_is_empty_without_finishes(self) -> None:
        profile = finish_profile(np.array([]), trials=4)
        assert len(profile.seconds) == len(profile.probability) == 0

    def test_refuses_more_finishes_than_runs(self) -> None:
        with pytest.raises(ValueError, match="3 of 2 runs"):
            finish_profile(np.array([1.0, 2.0, 3.0]), trials=2)

    def test_includes_the_mark_itself(self) -> None:
        times = np.array([45.53, 45.54])
        assert estimate_finish_by(times, 4, 45.53).value == 0.25
        assert estimate_finish_by(times, 4, 45.54).value == 0.5

    @given(
        times=st.lists(st.floats(30, 100), max_size=30),
        falls=st.integers(0, 30),
        mark=st.floats(30, 100),
    )
    def test_agrees_with_counting(self, times: list[float], falls: int, mark: float) -> None:
        trials = len(times) + falls
        if trials == 0:
            return
        sample = np.array(times)
        profile = finish_profile(sample, trials)
        reached = profile.probability[profile.seconds <= mark]
        height = reached[-1] if len(reached) else 0.0
        estimate = estimate_finish_by(sample, trials, mark)
        assert estimate.value == pytest.approx(sum(time <= mark for time in times) / trials)
        assert height == pytest.approx(estimate.value)
        assert (np.diff(profile.probability) > 0).all()
