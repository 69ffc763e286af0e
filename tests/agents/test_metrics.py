"""Recent episodes and the history."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from qwop_wr.agents.metrics import MetricHistory, RecentEpisodes
from qwop_wr.metric_sink import silent_sink


def ended(distance: float, score_time: float, finished: bool) -> dict[str, object]:
    return {
        "finished": np.bool_(finished),
        "distance": distance,
        "score_time": score_time,
        "reward": distance - score_time,
        "shaping/low": -score_time / 10,
        "final_obs": np.zeros(3),
    }


def test_they_are_averaged() -> None:
    episodes = RecentEpisodes()
    assert episodes.metrics() == {}
    episodes.add(ended(100.0, 60.0, finished=True))
    episodes.add(ended(30.0, 25.0, finished=False))
    episodes.add(ended(101.0, 70.0, finished=True))
    assert episodes.metrics() == {
        "finish_rate": pytest.approx(2 / 3),
        "distance_mean": pytest.approx(77.0),
        "reward_mean": pytest.approx(76 / 3),
        "finish_time_mean": 65.0,
        "shaping/low": pytest.approx(-15.5 / 3),
    }


def test_no_finish_means_no_finish_time() -> None:
    episodes = RecentEpisodes()
    episodes.add(ended(30.0, 25.0, finished=False))
    assert "finish_time_mean" not in episodes.metrics()


def test_only_the_latest_count() -> None:
    episodes = RecentEpisodes(size=2)
    for distance in (10.0, 20.0, 40.0):
        episodes.add(ended(distance, 25.0, finished=False))
    assert episodes.metrics()["distance_mean"] == 30.0


def test_they_are_kept_as_json() -> None:
    episodes, others = RecentEpisodes(), RecentEpisodes()
    episodes.add(ended(100.0, 60.0, finished=True))
    others.restore(json.loads(json.dumps(episodes.state())))
    assert others.metrics() == episodes.metrics()


def test_history_is_long_form_and_passed_on() -> None:
    passed: list[tuple[dict[str, float], int]] = []

    def sink(metrics: Mapping[str, float], step: int) -> None:
        passed.append((dict(metrics), step))

    history = MetricHistory(sink)
    history.record({"loss": 0.5, "rate": 1.0}, 10)
    history.record({"loss": 0.25}, 20)
    expected = pd.DataFrame(
        {"step": [10, 10, 20], "metric": ["loss", "rate", "loss"], "value": [0.5, 1.0, 0.25]}
    )
    pd.testing.assert_frame_equal(history.frame(), expected)
    assert passed == [({"loss": 0.5, "rate": 1.0}, 10), ({"loss": 0.25}, 20)]


def test_an_empty_history_has_its_columns() -> None:
    frame = MetricHistory(silent_sink).frame()
    assert list(frame.columns) == ["step", "metric", "value"]
    assert frame["step"].dtype == "int64"
    assert frame["value"].dtype == "float64"
