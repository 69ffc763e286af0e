"""The summary of an evaluation as one JSON object, which other tools read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qwop_wr.evaluation.episodes import finish_times
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.references import REFERENCE_TIMES
from qwop_wr.evaluation.statistics import (
    Estimate,
    Statistic,
    estimate_finish_by,
    estimate_rate,
    estimate_statistic,
    interquartile_mean,
    quantile,
)

STAGE_FIELDS: Final = ("finish_rate", "median_time", "mean_distance")
"""Fields of the summary about the agent that a stage passed on."""

TIME_STATISTICS: Final[Mapping[str, Statistic]] = {
    "median_time": np.median,
    "p05_time": quantile(0.05),
    "interquartile_mean_time": interquartile_mean,
    "p95_time": quantile(0.95),
}
"""Statistics of the finishes' times, each with its bootstrap interval."""


def summarise(
    episodes: pd.DataFrame,
    native: pd.DataFrame,
    gates: Mapping[str, Mapping[str, Any]],
    options: EvaluationOptions,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Summarises an evaluation as JSON, without NaN.

    Args:
        episodes: Runs of the randomised protocol.
        native: The one run of the native protocol.
        gates: Report of its gate by training stage, in order: the scores ``incoming``
            (or None) and ``outgoing``, and ``promoted``.

    Returns:
        ``seeds``, ``finish_rate``, ``median_time``, ``best_time``, ``native_time``,
        ``distinct_trajectories`` and ``stages``; further ``mean_distance``, the other
        times of :data:`TIME_STATISTICS`, an ``..._interval`` beside each estimate but the
        best (for the least of a sample the bootstrap fails), ``profile`` with P(finish
        within t) at the times to beat, ``ends``, ``distinct_starts``, the means of the
        columns ``knee_near_ground`` and ``key_presses_per_second``, ``native_distance``,
        ``native_end``, ``agent`` and ``protocol``. A number that does not exist is None.

    Raises:
        ValueError: If there are no episodes, not exactly one native run, or the two
            are of different agents.
    """
    _check(episodes, native)
    times, trials = finish_times(episodes), len(episodes)
    level, resamples = options.confidence_level, options.bootstrap_resamples
    finish_rate = estimate_rate(len(times), trials, level)
    time_statistics = {
        name: estimate_statistic(times, statistic, rng, level, resamples)
        for name, statistic in TIME_STATISTICS.items()
    }
    distances = episodes["distance"].to_numpy(dtype=np.float64)
    mean_distance = estimate_statistic(distances, np.mean, rng, level, resamples)
    return {
        "agent": str(native["agent"].iloc[0]),
        "protocol": options.model_dump(mode="json"),
        "seeds": trials,
        "finish_rate": finish_rate.value,
        "finish_rate_interval": finish_rate.interval,
        **_with_intervals(time_statistics),
        "best_time": float(times.min()) if len(times) else None,
        **_native(native),
        "mean_distance": mean_distance.value,
        "mean_distance_interval": mean_distance.interval,
        "best_distance": float(distances.max()),
        "mean_knee_near_ground": float(episodes["knee_near_ground"].mean()),
        "mean_key_presses_per_second": float(episodes["key_presses_per_second"].mean()),
        "distinct_trajectories": int(episodes["trajectory"].nunique()),
        "distinct_starts": int(episodes["idle_ticks"].nunique()),
        "ends": {str(end): int(count) for end, count in episodes["end"].value_counts().items()},
        "profile": _profile(times, trials, level),
        "stages": _stages(gates),
    }


def _profile(times: NDArray[np.float64], trials: int, level: float) -> list[dict[str, Any]]:
    return [
        {
            "name": reference.name,
            "seconds": reference.seconds,
            **estimate_finish_by(times, trials, reference.seconds, level)._asdict(),
        }
        for reference in REFERENCE_TIMES
    ]


def _check(episodes: pd.DataFrame, native: pd.DataFrame) -> None:
    if len(episodes) == 0:
        raise ValueError("there are no evaluated episodes to summarise")
    if len(native) != 1:
        raise ValueError(f"the native protocol is one run, got {len(native)}")
    agents: Sequence[str] = sorted({*episodes["agent"], *native["agent"]})
    if len(agents) > 1:
        raise ValueError(f"the episodes are of different agents: {', '.join(agents)}")


def _stages(gates: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    stages: dict[str, dict[str, Any]] = {}
    for name, gate in gates.items():
        # Every gate has starts of its own: an agent that was kept has not changed with them.
        if gate["promoted"] or not stages:
            score = gate["outgoing" if gate["promoted"] else "incoming"]
            handed_on = {field: score[field] for field in STAGE_FIELDS}
        stages[name] = handed_on
    return stages


def _native(native: pd.DataFrame) -> dict[str, Any]:
    times = finish_times(native)
    return {
        "native_time": float(times[0]) if len(times) else None,
        "native_distance": float(native["distance"].iloc[0]),
        "native_end": str(native["end"].iloc[0]),
    }


def _with_intervals(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    values = {name: estimate.value for name, estimate in estimates.items()}
    intervals = {f"{name}_interval": value.interval for name, value in estimates.items()}
    return {**values, **intervals}
