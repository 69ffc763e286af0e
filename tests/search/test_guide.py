"""Agents as guides: averages, endless track, action values, wrong agents."""

import numpy as np
import pytest

from qwop_wr.envs import OBSERVATIONS, EnvironmentOptions
from qwop_wr.search import AgentGuide
from qwop_wr.search.guide import FINISH_FEATURE, Q_SHARPNESS
from tests.search.agents import ENV, make_agent

FINISH = [feature.name for feature in OBSERVATIONS["egocentric"]].index(FINISH_FEATURE)


@pytest.fixture
def observations() -> np.ndarray:
    seen = np.random.default_rng(1).normal(size=(5, 78)).astype(np.float32)
    seen[:, FINISH] = 1.0
    return seen


def test_the_first_proposes_and_all_value(observations: np.ndarray) -> None:
    first, second = make_agent(1), make_agent(2)
    guide = AgentGuide([first, second], ENV)
    np.testing.assert_array_equal(
        guide.logits(observations), first.policy().action_scores(observations)
    )
    expected = (first.policy().values(observations) + second.policy().values(observations)) / 2
    np.testing.assert_allclose(guide.values(observations), expected, rtol=1e-6)


@pytest.mark.parametrize("algorithm", ["ppo", "qrdqn"])
def test_the_finish_is_not_seen(observations: np.ndarray, algorithm: str) -> None:
    guide = AgentGuide([make_agent(1, algorithm)], ENV)
    near = observations.copy()
    near[:, FINISH] = 0.1
    before = near.copy()
    np.testing.assert_array_equal(guide.values(near), guide.values(observations))
    np.testing.assert_array_equal(guide.logits(near), guide.logits(observations))
    np.testing.assert_array_equal(near, before)


def test_an_observation_without_the_finish() -> None:
    env = EnvironmentOptions(observation="absolute")
    seen = np.zeros((2, 60), np.float32)
    assert AgentGuide([make_agent(1, env=env)], env).values(seen).shape == (2,)


def test_action_values_get_a_common_spread(observations: np.ndarray) -> None:
    agent = make_agent(1, "qrdqn")
    guide = AgentGuide([agent], ENV)
    logits, scores = guide.logits(observations), agent.policy().action_scores(observations)
    np.testing.assert_array_equal(logits.argsort(axis=1), scores.argsort(axis=1))
    np.testing.assert_allclose(logits.std(axis=1), Q_SHARPNESS, rtol=1e-5)
    np.testing.assert_allclose(guide.values(observations), scores.max(axis=1), rtol=1e-6)


def test_no_agent() -> None:
    with pytest.raises(ValueError, match="at least one agent"):
        AgentGuide([], ENV)


def test_an_agent_for_another_tick_length() -> None:
    with pytest.raises(ValueError, match="ticks_per_action = 2, but the environment has 4"):
        AgentGuide([make_agent(1)], EnvironmentOptions(ticks_per_action=4))
