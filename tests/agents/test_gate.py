import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.gate import AgentScore, pass_gate, run_costs, score_agent
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.metric_sink import silent_sink
from tests.agents.conftest import make_agent, make_ppo_spec
from tests.agents.corridor import CorridorVectorEnv

SEEDS = list(range(10))


def stepper(action_if_left: int, action_if_right: int, marker: float = 0.0) -> Agent:
    """An agent with one fixed action per foot used last."""
    agent = make_agent(make_ppo_spec())
    weights = {name: np.zeros_like(array) for name, array in agent.weights.items()}
    weights["actor.linear.0.weight"][0, 0] = weights["actor.linear.0.weight"][1, 1] = 1.0
    weights["actor_output.weight"][action_if_left, 0] = 5.0
    weights["actor_output.weight"][action_if_right, 1] = 5.0
    weights["critic_output.bias"][0] = marker
    return Agent(agent.spec, weights)


WALKER = stepper(2, 1)
FALLER = stepper(1, 1)
WAITER = stepper(0, 0)


def score(rate: float, time: float | None, distance: float) -> AgentScore:
    return AgentScore(rate, time, distance, mean_cost=0.0)


@pytest.mark.parametrize(
    ("own", "other", "improves"),
    [
        (score(0.5, 60.0, 80.0), score(0.5, 60.0, 80.0), False),
        (score(0.6, 60.0, 80.0), score(0.5, 60.0, 80.0), True),
        (score(0.5, 59.0, 80.0), score(0.5, 60.0, 80.0), True),
        (score(0.5, 60.0, 81.0), score(0.5, 60.0, 80.0), True),
        (score(0.9, 61.0, 99.0), score(0.5, 60.0, 80.0), False),
        (score(0.4, 50.0, 99.0), score(0.5, 60.0, 80.0), False),
        (score(0.6, 50.0, 79.0), score(0.5, 60.0, 80.0), False),
        (score(0.1, 90.0, 60.0), score(0.0, None, 50.0), True),
        (score(0.0, None, 60.0), score(0.0, None, 50.0), True),
        (score(0.0, None, 99.0), score(0.1, 90.0, 50.0), False),
    ],
)
def test_only_a_gain_without_any_loss_is_an_improvement(
    own: AgentScore, other: AgentScore, improves: bool
) -> None:
    assert own.improves_on(other) is improves


def test_an_unfinished_run_costs_a_second_for_every_metre_missing() -> None:
    costs = run_costs(
        [True, False, False, False], [50.0, 50.0, 9.0, 9.0], [101.0, 100.5, 99.0, -2.0]
    )
    assert costs.tolist() == [50.0, 100.0, 101.0, 202.0]


def test_a_score_sums_up_the_episodes(evaluation_env: CorridorVectorEnv) -> None:
    idle = np.array([np.random.default_rng(seed).integers(4) for seed in SEEDS])
    walk = score_agent(WALKER, evaluation_env, SEEDS)
    assert walk.finish_rate == 1.0
    assert walk.mean_distance == 20.0
    assert walk.median_time == pytest.approx(np.median((idle + 41) / 30.0))
    assert walk.mean_cost == pytest.approx(np.mean((idle + 41) / 30.0))
    wait = score_agent(WAITER, evaluation_env, SEEDS)
    assert wait == AgentScore(0.0, None, 0.0, mean_cost=200.0)
    assert wait.metrics() == {"finish_rate": 0.0, "mean_distance": 0.0, "mean_cost": 200.0}


def test_without_an_incoming_agent_the_candidate_passes(evaluation_env: CorridorVectorEnv) -> None:
    agent, report = pass_gate(None, [FALLER], evaluation_env, SEEDS)
    assert agent is FALLER
    assert report.promoted
    assert report.incoming is None
    assert report.n_starts == 10


def test_a_better_candidate_replaces_the_incoming_agent(evaluation_env: CorridorVectorEnv) -> None:
    agent, report = pass_gate(WAITER, [WALKER], evaluation_env, SEEDS)
    assert agent is WALKER
    assert report.promoted
    assert report.incoming == score_agent(WAITER, evaluation_env, SEEDS)
    assert report.outgoing == score_agent(WALKER, evaluation_env, SEEDS)


@pytest.mark.parametrize("candidate", [FALLER, stepper(2, 1, marker=1.0), WALKER])
def test_a_worse_or_equal_candidate_does_not(
    candidate: Agent, evaluation_env: CorridorVectorEnv
) -> None:
    agent, report = pass_gate(WALKER, [candidate], evaluation_env, SEEDS)
    assert agent is WALKER
    assert not report.promoted


def make_checkpoints(env: CorridorVectorEnv) -> tuple[Checkpoints, MetricHistory]:
    history = MetricHistory(silent_sink)
    return Checkpoints(env, SEEDS, history), history


def test_the_best_of_many_is_kept_with_its_score(evaluation_env: CorridorVectorEnv) -> None:
    checkpoints, history = make_checkpoints(evaluation_env)
    assert checkpoints.best is None
    for step, agent in enumerate([WAITER, FALLER, WALKER, FALLER, stepper(2, 1, marker=1.0)]):
        checkpoints.consider(agent, step)
    assert checkpoints.best is not None
    assert checkpoints.best.fingerprint == WALKER.fingerprint
    assert checkpoints.best.card["steps"] == 2
    assert checkpoints.best_score is not None
    assert checkpoints.best.card["evaluation"] == checkpoints.best_score.metrics()
    rates = history.frame().query("metric == 'evaluation/finish_rate'")
    assert rates["value"].tolist() == [0.0, 0.0, 1.0, 0.0, 1.0]
    assert rates["step"].tolist() == [0, 1, 2, 3, 4]


def test_what_improves_on_the_reference_beats_what_is_merely_cheaper(
    evaluation_env: CorridorVectorEnv, monkeypatch: pytest.MonkeyPatch
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
    checkpoints, _ = make_checkpoints(evaluation_env)
    checkpoints.consider(WALKER, 0, reference=True)
    for step in (1, 2, 3):
        checkpoints.consider(stepper(2, 1, marker=float(step)), step)
    assert checkpoints.best is not None
    assert checkpoints.best.card["steps"] == 2
