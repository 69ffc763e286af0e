"""A stage ends with rounds of coaching: what they bring, and that a stop costs nothing."""

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import RatedActions
from qwop_wr.agents.stage_inputs import StageGames, StageInputs
from qwop_wr.agents.stage_state import stage_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.trainer import StageTraining
from tests.agents.conftest import make_agent
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv
from tests.agents.test_qrdqn import make_options
from tests.agents.test_stage_state import assert_same_end

OPTIONS = make_options(
    budget={"steps": 40},
    warmup_steps=40,
    log_every=300,
    save_every=1,
    coaching={"rounds": 4, "memory": 2, "epochs": 10, "batch_size": 64, "learning_rate": 1e-2},
)


class Coach:
    """Prefers the foot that was not used last, by what the judge thinks of standing still."""

    def __init__(self, judge: Agent) -> None:
        still = np.zeros((1, judge.spec.n_observations), dtype=np.float32)
        self._gain = 1.0 + abs(float(judge.policy().values(still)[0]))

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        observations = np.zeros((200, agent.spec.n_observations), dtype=np.float32)
        last = rng.integers(2, size=200)  # left or right
        observations[np.arange(200), last] = 1.0
        actions = np.argsort(-agent.policy().action_scores(observations), axis=1)
        better = np.where(observations[:, :1] > 0, 2, 1)
        return RatedActions(observations, actions, ((actions == better) * self._gain).astype("f4"))


def training(make_coach: type[Coach] | None = Coach) -> StageTraining:
    games = StageGames(CorridorVecEnv(4), CorridorVectorEnv(8, autoreset=False))
    spec = OPTIONS.agent_spec(INTERFACE, "toy")
    inputs = StageInputs(make_agent(spec, seed=4), None, 3)
    return StageTraining(OPTIONS, games, spec, inputs, make_coach=make_coach)


@pytest.fixture(scope="module")
def states() -> list[TrainingState]:
    return list(training().run())


def test_the_coached_agent_is_handed_on(states: list[TrainingState]) -> None:
    result = stage_result(states[-1])
    assert result.gate.promoted
    assert result.gate.incoming is not None
    assert result.gate.incoming.finish_rate == 0
    assert result.gate.outgoing.finish_rate == 1
    history = result.history.pivot_table(index="step", columns="metric", values="value")
    coached = history.dropna(subset=["coaching/round"])
    assert coached["coaching/round"].tolist() == [1, 2, 3, 4]
    assert coached.index.tolist() == [40 + 200 * number for number in (1, 2, 3, 4)]
    assert coached["coaching/changed"].iloc[-1] < coached["coaching/changed"].iloc[0]
    assert coached["evaluation/finish_rate"].iloc[-1] == 1


def test_a_state_can_follow_every_round_and_leads_to_the_same_end(
    states: list[TrainingState],
) -> None:
    rounds = [
        state.facts["coaching"]["progress"]["rounds"]  # type: ignore[index, call-overload]
        for state in states[:-1]
        if state.facts["coaching"]
    ]
    assert rounds == [1, 2, 3, 4, 4]
    assert {"ratings_0/actions", "ratings_1/actions"} <= states[-2].arrays.keys()
    assert "ratings_2/actions" not in states[-2].arrays
    for number in (-6, -5, -4, -2):
        *_, end = training().run(states[number])
        assert_same_end(end, states[-1])


def test_coaching_needs_a_coach() -> None:
    with pytest.raises(ValueError, match="there is no coach"):
        training(make_coach=None)
