"""Rates, medians and profiles with their intervals."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import stats

from qwop_wr.simulator.base import Floats

Statistic = Callable[..., np.floating | Floats]
"""Reduces an array along ``axis``, as ``numpy.median`` does."""


class Estimate(NamedTuple):
    """A number with the ends of its confidence interval; None where it is unknown."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def interval(self) -> list[float] | None:
        """Its ends, for JSON."""
        return None if self.low is None or self.high is None else [self.low, self.high]


class Profile(NamedTuple):
    """Steps of P(finish within t), a fall counting as never.

    Attributes:
        seconds: Times at which the profile rises, ascending, shape (k,).
        probability: Its height from there on, shape (k,).
    """

    seconds: Floats
    probability: Floats


def estimate_rate(successes: int, trials: int, confidence_level: float = 0.95) -> Estimate:
    """Estimates a success rate with Wilson's score interval.

    Args:
        successes: Number of successes.
        trials: Number of trials, at least 1.
        confidence_level: Coverage of the interval.

    Returns:
        The rate and its interval.

    Raises:
        ValueError: If the counts are impossible.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials cannot be")
    test = stats.binomtest(successes, trials)
    low, high = test.proportion_ci(confidence_level, method="wilson")
    return Estimate(successes / trials, float(low), float(high))


def estimate_statistic(
    values: Floats,
    statistic: Statistic,
    rng: np.random.Generator,
    confidence_level: float = 0.95,
    n_resamples: int = 2000,
) -> Estimate:
    """Estimates a statistic of a sample with its percentile bootstrap interval.

    The percentile method is used because the accelerated one has no value for
    the median of tied times.

    Args:
        values: Sample, shape (n,).
        statistic: What to estimate, for instance ``numpy.median``.
        rng: Source of the resamples.
        confidence_level: Coverage of the interval.
        n_resamples: Number of resamples.

    Returns:
        The statistic; without an interval for one value, all None for none.
    """
    if len(values) == 0:
        return Estimate(None, None, None)
    value = float(statistic(values, axis=-1))
    if len(values) == 1:
        return Estimate(value, None, None)
    result = stats.bootstrap(
        (values,),
        statistic,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        method="percentile",
        vectorized=True,
        rng=rng,
    )
    low, high = result.confidence_interval
    return Estimate(value, float(low), float(high))


def interquartile_mean(values: Floats, axis: int = -1) -> Floats:
    """Averages the middle half of a sample.

    It wastes less of the sample than the median and is as deaf to outliers
    (https://arxiv.org/abs/2108.13264).

    Args:
        values: Sample along ``axis``; the least and the greatest quarter, rounded down,
            are left out.
        axis: Axis to reduce.

    Returns:
        The mean; of one value, that value.
    """
    return np.asarray(stats.trim_mean(values, 0.25, axis=axis), dtype=np.float64)


def quantile(share: float) -> Statistic:
    """Makes the statistic that a given share of a sample does not exceed.

    Args:
        share: From 0 to 1; 0.05 is the 5 % quantile.

    Returns:
        NumPy's quantile, linear between order statistics, as a reduction along ``axis``.
    """
    return partial(np.quantile, q=share)


def finish_profile(times: Floats, trials: int) -> Profile:
    """Share of all runs that have finished by each time.

    Args:
        times: Times of the runs that finished [s], shape (k,).
        trials: Number of runs, finished or not.

    Returns:
        The profile's steps; empty if nothing finished.

    Raises:
        ValueError: If more runs finished than there were.
    """
    if len(times) > trials:
        raise ValueError(f"{len(times)} of {trials} runs cannot have finished")
    seconds, counts = np.unique(times, return_counts=True)
    return Profile(seconds.astype(np.float64), np.cumsum(counts) / max(trials, 1))


def estimate_finish_by(
    times: Floats, trials: int, mark: float, confidence_level: float = 0.95
) -> Estimate:
    """Estimates P(finish within ``mark``) with Wilson's interval.

    Args:
        times: Times of the runs that finished [s], shape (k,).
        trials: Number of runs, finished or not.
        mark: Time to be within, itself included [s].
        confidence_level: Coverage of the interval.

    Returns:
        The probability and its interval.
    """
    return estimate_rate(int(np.count_nonzero(times <= mark)), trials, confidence_level)
