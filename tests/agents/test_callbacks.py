from collections.abc import Mapping

import pandas as pd
import pytest
from stable_baselines3.common.callbacks import BaseCallback

from qwop_wr.agents.budget import BudgetClock, TrainingBudget
from qwop_wr.agents.callbacks import MetricsCallback, RecentEpisodes, training_callbacks
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.metric_sink import silent_sink


class Idle(BaseCallback):
    def _on_step(self) -> bool:
        return True


def test_recent_episodes_are_averaged() -> None:
    episodes = RecentEpisodes()
    assert episodes.metrics() == {}
    ended = [
        {"finished": True, "distance": 100.0, "score_time": 60.0},
        {"finished": False, "distance": 30.0, "score_time": 25.0},
        {"finished": True, "distance": 101.0, "score_time": 70.0},
    ]
    for info in ended:
        episodes.update_locals({"dones": [False, True], "infos": [{}, info]})
        episodes.locals = {"dones": [False, True], "infos": [{}, info]}
        assert episodes._on_step()
    assert episodes.metrics() == {
        "finish_rate": pytest.approx(2 / 3),
        "distance_mean": pytest.approx(77.0),
        "finish_time_mean": 65.0,
    }


def test_terms_of_a_shaped_reward_are_averaged() -> None:
    episodes = RecentEpisodes()
    for total in (-3.0, -1.0):
        info = {"finished": False, "distance": 30.0, "shaping/low": total}
        episodes.locals = {"dones": [True], "infos": [info]}
        episodes._on_step()
    assert episodes.metrics()["shaping/low"] == -2.0


def test_no_finish_means_no_finish_time() -> None:
    episodes = RecentEpisodes()
    info = {"finished": False, "distance": 30.0, "score_time": 25.0}
    episodes.locals = {"dones": [True], "infos": [info]}
    episodes._on_step()
    assert episodes.metrics() == {"finish_rate": 0.0, "distance_mean": 30.0}


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
