"""A learner that forgets is noticed, brought back, and held to its stage's rule."""

import numpy as np
import pandas as pd
import pytest
import torch

from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.collapse import CollapseGuard
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.health import HealthOptions, check_health
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.metric_sink import silent_sink
from tests.agents.conftest import make_walker
from tests.agents.corridor import INTERFACE, CorridorVectorEnv
from tests.agents.test_qrdqn import make_learner, make_options
from tests.agents.test_trainer import train


def value(history: pd.DataFrame, metric: str) -> list[float]:
    values: list[float] = history.loc[history["metric"] == metric, "value"].tolist()
    return values


def make_guard(learner: DemonstrationQRDQN, history: MetricHistory) -> CollapseGuard:
    walker = make_walker(learner.spec)
    learner.load_weights(walker.weights)
    checkpoints = Checkpoints(CorridorVectorEnv(8, autoreset=False), range(8), history)
    checkpoints.consider(walker, 0, reference=True)
    return CollapseGuard(learner, checkpoints, history)


@pytest.mark.parametrize(
    ("rate", "distance", "collapsed"),
    [(1.0, 20.0, False), (0.8, 16.0, False), (0.79, 20.0, True), (1.0, 15.9, True)],
)
def test_success_or_distance_below_their_share_is_a_collapse(
    rate: float, distance: float, collapsed: bool
) -> None:
    learner = make_learner(make_options(collapse_fraction=0.8))
    guard = make_guard(learner, MetricHistory(silent_sink))
    guard.watch(AgentScore(rate, 1.0, distance, mean_cost=0.0), 100)
    assert (guard.collapses, guard.rollbacks) == (int(collapsed), int(collapsed))
    assert learner.rate_factor == (0.5 if collapsed else 1.0)


def test_rollbacks_are_limited_and_recorded() -> None:
    learner = make_learner(make_options(max_rollbacks=2))
    history = MetricHistory(silent_sink)
    guard = make_guard(learner, history)
    fallen = AgentScore(0.0, None, 1.0, mean_cost=199.0)
    for step in (100, 200, 300):
        guard.watch(fallen, step)
    assert (guard.collapses, guard.rollbacks) == (3, 2)
    assert value(history.frame(), "collapse/collapses") == [1.0, 2.0, 3.0]
    assert value(history.frame(), "collapse/rollbacks") == [1.0, 2.0, 2.0]
    assert value(history.frame(), "collapse/rate_factor") == [0.5, 0.25, 0.25]


def test_a_forced_collapse_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    learn = DemonstrationQRDQN.train

    def forget_once(learner: DemonstrationQRDQN, gradient_steps: int, batch_size: int) -> None:
        learn(learner, gradient_steps, batch_size)
        if learner.num_timesteps == 900:
            with torch.no_grad():
                for network in (learner.network, learner.average.network):
                    network.output.weight.neg_()

    monkeypatch.setattr(DemonstrationQRDQN, "train", forget_once)
    # Learning hardly moves, so that nothing but the accident happens.
    options = make_options(learning_rate=1e-9, replay_ratio=1.0, exploration=0.0)
    walker = make_walker(options.agent_spec(INTERFACE, "toy"))
    result = train(options, incoming=walker)
    assert result.rollbacks == 1
    rates = result.history[result.history["metric"] == "evaluation/finish_rate"]
    assert rates["step"].tolist() == [0, 500, 1000, 1500, 2000]
    assert rates["value"].tolist() == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert value(result.history, "collapse/rate_factor") == [0.5]


@pytest.mark.parametrize(
    ("kept", "final", "healthy"), [(1.0, 0.8, True), (1.0, 0.79, False), (0.95, 0.76, True)]
)
def test_health_is_a_share_of_the_success_at_the_beginning(
    kept: float, final: float, healthy: bool
) -> None:
    report = check_health(HealthOptions(success_kept=kept, advice="Rest."), 0.8, final)
    assert report.healthy is healthy
    assert report.advice == (None if healthy else "Rest.")
    assert report.required == pytest.approx(0.8 * kept)


def test_a_stage_reports_its_health() -> None:
    rule = {"success_kept": 0.95, "advice": "Lower the learning rate."}
    options = make_options(learning_rate=1.0, exploration=1.0, max_rollbacks=0, health=rule)
    result = train(options, incoming=make_walker(options.agent_spec(INTERFACE, "toy")))
    assert result.health is not None
    rates = value(result.history, "evaluation/finish_rate")
    assert (result.health.reference, result.health.final) == (rates[0], rates[-1])
    assert result.health.reference == 1.0
    assert not result.health.healthy
    assert result.health.advice == "Lower the learning rate."
    assert np.isclose(result.health.required, 0.95)
    assert train(make_options(budget={"steps": 400})).health is None
