from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from stable_baselines3.common.callbacks import BaseCallback

from qwop_wr.agents.budget import BudgetClock, TrainingBudget
from qwop_wr.agents.callbacks import EpisodesCallback, MetricsCallback, training_callbacks
from qwop_wr.agents.episodes import RecentEpisodes
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.metric_sink import silent_sink


class Idle(BaseCallback):
    def _on_step(self) -> bool:
        return True


def test_episodes_are_taken_in_where_they_end() -> None:
    episodes = RecentEpisodes()
    watch = EpisodesCallback(episodes)
    info = {"finished": True, "distance": 100.0, "score_time": 60.0, "episode": {"r": 7.5, "l": 9}}
    watch.locals = {"dones": np.array([False, True]), "infos": [{}, info]}
    assert watch._on_step()
    assert episodes.metrics() == {
        "finish_rate": 1.0,
        "distance_mean": 100.0,
        "reward_mean": 7.5,
        "finish_time_mean": 60.0,
    }


def test_the_bar_is_closed_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    clock = BudgetClock(TrainingBudget(steps=10))

    def interrupted_training() -> None:
        with training_callbacks(
            clock, [Idle()], MetricsCallback(5), progress_bar=True
        ) as callbacks:
            callbacks.callbacks[-1]._on_training_start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_training()
    # A bar that is left open does not end its line.
    assert capsys.readouterr().err.endswith("\n")


def test_history_is_long_form_and_passed_on() -> None:
    passed: list[tuple[dict[str, float], int]] = []

    def sink(metrics: Mapping[str, float], step: int) -> None:
        passed.append((dict(metrics), step))

    history = MetricHistory(sink)
    history.record({"loss": 0.5, "rate": 1.0}, 10)
    history.write({"loss": 0.25, "name": "text"}, {}, step=20)
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
