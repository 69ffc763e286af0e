import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.summary import summarise
from tests.evaluation.tables import episode_table, gate

GATES = {
    "dqnfd": gate((0.2, 70.0, 50.0), (0.5, 68.0, 60.0), promoted=True),
    "self_play": gate((0.5, 68.0, 60.0), (0.0, None, 20.0), promoted=False),
}


def summary_of(episodes: pd.DataFrame, native: pd.DataFrame) -> dict[str, Any]:
    options = EvaluationOptions(seeds=len(episodes))
    return summarise(episodes, native, GATES, options, np.random.default_rng(0))


def test_has_the_fields_that_others_read() -> None:
    times = [50.0, 48.0, None, 46.0, None]
    summary = summary_of(
        episode_table(times, distances=[0, 0, 30.0, 0, 50.0], trajectories=list("aabcd")),
        episode_table([47.0], protocol="native"),
    )
    assert summary["seeds"] == 5
    assert summary["finish_rate"] == 0.6
    assert summary["median_time"] == 48.0
    assert summary["best_time"] == 46.0
    assert summary["native_time"] == 47.0
    assert summary["distinct_trajectories"] == 4
    assert summary["mean_distance"] == pytest.approx((3 * 100.4 + 80.0) / 5)
    assert summary["ends"] == {"finish": 3, "fall": 2}
    assert list(summary["stages"]) == ["dqnfd", "self_play"]
    promoted = {"finish_rate": 0.5, "median_time": 68.0, "mean_distance": 60.0}
    assert summary["stages"] == {"dqnfd": promoted, "self_play": promoted}


def test_a_stage_that_kept_its_agent_shows_that_agents_score_again() -> None:
    scores = [
        {"finish_rate": rate, "median_time": 60.0, "mean_distance": 50.0}
        for rate in (0.1, 0.5, 0.4, 0.3, 0.6)
    ]
    gates = {
        "first": {"promoted": True, "incoming": scores[0], "outgoing": scores[1]},
        "second": {"promoted": False, "incoming": scores[2], "outgoing": scores[3]},
        "third": {"promoted": True, "incoming": scores[2], "outgoing": scores[4]},
    }
    table = episode_table([50.0, 51.0])
    summary = summarise(
        table,
        episode_table([50.0], protocol="native"),
        gates,
        EvaluationOptions(seeds=2),
        np.random.default_rng(0),
    )
    assert [stage["finish_rate"] for stage in summary["stages"].values()] == [0.5, 0.5, 0.6]
    kept = {"only": {"promoted": False, "incoming": scores[2], "outgoing": scores[3]}}
    native = episode_table([50.0], protocol="native")
    options = EvaluationOptions(seeds=2)
    alone = summarise(table, native, kept, options, np.random.default_rng(0))
    assert alone["stages"]["only"]["finish_rate"] == 0.4


def test_intervals_hold_their_estimates() -> None:
    rng = np.random.default_rng(8)
    times = [float(time) if time < 52 else None for time in rng.normal(50, 3, size=200)]
    summary = summary_of(episode_table(times), episode_table([50.0]))
    times_told = ("median_time", "p05_time", "interquartile_mean_time", "p95_time")
    for name in ("finish_rate", "mean_distance", *times_told):
        low, high = summary[f"{name}_interval"]
        assert low < summary[name] < high


def test_times_are_told_by_quantiles_and_the_interquartile_mean() -> None:
    # 21 times a second apart: the 5 % quantile is the second, the 95 % quantile the last
    # but one, and the middle of them is symmetric.
    summary = summary_of(episode_table([*map(float, range(40, 61)), None]), episode_table([50.0]))
    assert summary["p05_time"] == pytest.approx(41.0)
    assert summary["p95_time"] == pytest.approx(59.0)
    assert summary["interquartile_mean_time"] == pytest.approx(50.0)
    assert summary["best_time"] == 40.0
    assert "best_time_interval" not in summary


def test_means_of_habits_count_every_run() -> None:
    table = episode_table([50.0, None]).assign(
        knee_near_ground=[0.0, 0.5], key_presses_per_second=[4.0, 5.0]
    )
    summary = summary_of(table, episode_table([50.0]))
    assert summary["mean_knee_near_ground"] == 0.25
    assert summary["mean_key_presses_per_second"] == 4.5


def test_profile_marks_count_what_was_faster() -> None:
    summary = summary_of(episode_table([45.0, 46.0, 50.0, None]), episode_table([45.0]))
    values = {mark["seconds"]: mark["value"] for mark in summary["profile"]}
    assert values == {45.167: 0.25, 45.53: 0.25, 47.34: 0.5, 53.0: 0.75, 66.4: 0.75}
    assert all(mark["low"] <= mark["value"] <= mark["high"] for mark in summary["profile"])


@pytest.mark.parametrize("times", [[None], [50.0], [None, None, None], [50.0, None]])
def test_is_json_without_nan(times: list[float | None]) -> None:
    summary = summary_of(episode_table(times), episode_table([None], protocol="native"))
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    finished = [time for time in times if time is not None]
    assert (summary["median_time"] is None) == (not finished)
    assert (summary["best_time"] is None) == (not finished)
    assert summary["native_time"] is None
    assert summary["native_end"] == "fall"
    assert summary["finish_rate_interval"] is not None


def test_is_the_same_for_the_same_generator() -> None:
    episodes, native = episode_table([50.0, 48.0, None, 46.5]), episode_table([47.0])
    assert summary_of(episodes, native) == summary_of(episodes, native)


def test_refuses_runs_that_do_not_belong_together() -> None:
    one, other = episode_table([50.0]), episode_table([50.0]).assign(agent="b" * 64)
    with pytest.raises(ValueError, match="different agents"):
        summary_of(one, other)
    with pytest.raises(ValueError, match="one run, got 2"):
        summary_of(one, episode_table([50.0, 51.0]))
    with pytest.raises(ValueError, match="no evaluated episodes"):
        summarise(one.iloc[:0], one, {}, EvaluationOptions(seeds=1), np.random.default_rng(0))
