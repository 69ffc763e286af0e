"""The best agents of a training, and when its state is due."""

import pytest

from qwop_wr import stopping
from qwop_wr.agents.checkpoints import Checkpoints, SaveSchedule
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.state import TrainingState
from qwop_wr.metric_sink import silent_sink
from tests.agents.corridor import CorridorVectorEnv
from tests.agents.test_gate import FALLER, SEEDS, WAITER, WALKER, stepper


def make_checkpoints(games: list[CorridorVectorEnv]) -> tuple[Checkpoints, MetricHistory]:
    history = MetricHistory(silent_sink)
    return Checkpoints(games, SEEDS, history), history


def test_the_best_of_many_is_kept_with_its_score(evaluation_games: list[CorridorVectorEnv]) -> None:
    checkpoints, history = make_checkpoints(evaluation_games)
    assert checkpoints.best is None
    alike = [stepper(2, 1, marker=float(marker)) for marker in (1, 2, 3)]
    for step, agent in enumerate([WAITER, FALLER, WALKER, FALLER, *alike]):
        checkpoints.consider(agent, step)
    assert checkpoints.best is not None
    assert checkpoints.best.agent.fingerprint == WALKER.fingerprint
    assert checkpoints.best.agent.card["steps"] == 2
    assert checkpoints.best.agent.card["evaluation"] == checkpoints.best.score.metrics()
    assert [one.fingerprint for one in checkpoints.agents[1:]] == [
        *(one.fingerprint for one in alike),
        FALLER.fingerprint,
    ], "the best five are kept, and the same weights count once"
    rates = history.frame().query("metric == 'evaluation/finish_rate'")
    assert rates["value"].tolist() == [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]
    assert rates["step"].tolist() == list(range(7))


def test_what_improves_on_the_reference_beats_what_is_merely_cheaper(
    evaluation_games: list[CorridorVectorEnv], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter(
        [
            AgentScore(0.9, 60.0, 95.0, mean_cost=70.0),
            AgentScore(0.8, 50.0, 96.0, mean_cost=62.0),
            AgentScore(0.9, 59.0, 95.0, mean_cost=69.0),
            AgentScore(0.8, 48.0, 97.0, mean_cost=60.0),
        ]
    )
    monkeypatch.setattr("qwop_wr.agents.checkpoints.score_agent", lambda *_: next(scores))
    checkpoints, _ = make_checkpoints(evaluation_games)
    checkpoints.consider(WALKER, 0, reference=True)
    for step in (1, 2, 3):
        checkpoints.consider(stepper(2, 1, marker=float(step)), step)
    assert checkpoints.best is not None
    assert checkpoints.best.agent.card["steps"] == 2


def test_the_best_come_back_from_a_state(evaluation_games: list[CorridorVectorEnv]) -> None:
    checkpoints, _ = make_checkpoints(evaluation_games)
    for step, agent in enumerate([WAITER, FALLER, WALKER]):
        checkpoints.consider(agent, step, reference=step == 0)
    state = TrainingState(checkpoints.arrays(), checkpoints.facts())
    restored, history = make_checkpoints(evaluation_games)
    restored.restore(state)
    assert restored.reference == checkpoints.reference
    assert history.frame().empty
    for one, other in zip(restored.ranked, checkpoints.ranked, strict=True):
        assert (one.rank, one.score) == (other.rank, other.score)
        assert one.agent.fingerprint == other.agent.fingerprint
        assert one.agent.card == other.agent.card


def test_a_state_is_due_by_steps_by_time_or_after_an_evaluation() -> None:
    now = [0.0]
    by_steps = SaveSchedule(every=100, minutes=None)
    assert [by_steps.due(step, evaluated=True) for step in (0, 99, 100)] == [False, False, True]
    by_steps.passed(130)
    assert [by_steps.due(step) for step in (229, 230)] == [False, True]
    by_time = SaveSchedule(every=1000, minutes=2.0, now=lambda: now[0])
    assert not by_time.due(999)
    assert by_time.due(1000)
    now[0] = 120.0
    assert by_time.due(0)
    by_time.passed(0)
    assert not by_time.due(0)
    after = SaveSchedule(every=None, minutes=None)
    assert [after.due(10**9), after.due(0, evaluated=True)] == [False, True]


def test_a_state_is_due_when_a_stop_was_requested() -> None:
    saves = SaveSchedule(every=10**9, minutes=None)
    stopping._requested.set()
    try:
        assert saves.due(0)
    finally:
        stopping._requested.clear()
