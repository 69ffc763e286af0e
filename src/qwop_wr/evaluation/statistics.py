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

    Raises:
        ValueError: If there are no trials or more successes than trials.
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
    """Estimates a statistic of a sample, shape (n,), with its percentile bootstrap interval.

    The percentile method is used because the accelerated one has no value for
    the median of tied times. One value has no interval; for none, all is None.
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
    """Averages the middle half of a sample along an axis.

    The least and the greatest quarter, rounded down, are left out. It uses more of the
    sample than the median and is as robust to outliers (https://arxiv.org/abs/2108.13264).
    """
    return np.asarray(stats.trim_mean(values, 0.25, axis=axis), dtype=np.float64)


def quantile(share: float) -> Statistic:
    """Returns NumPy's quantile of a share, 0 to 1, linear between order statistics."""
    return partial(np.quantile, q=share)


def finish_profile(times: Floats, trials: int) -> Profile:
    """Computes the share of all runs, finished or not, that have finished by each time [s].

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
    """Estimates P(finish within ``mark``), itself included [s], with Wilson's interval.

    ``times`` are those of the runs that finished [s]; ``trials`` counts all runs.
    """
    return estimate_rate(int(np.count_nonzero(times <= mark)), trials, confidence_level)
