"""Returns against their definition, and fits that change one half of an agent."""

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.refit import CriticFitter, fit_actor, lambda_returns
from qwop_wr.agents.spec import AgentSpec

RNG = np.random.default_rng(4)


def make_agent(algorithm: str = "ppo") -> Agent:
    spec = AgentSpec.model_validate(
        {
            "algorithm": algorithm,
            "observation": "egocentric",
            "actions": "minimal",
            "ticks_per_action": 2,
            "n_observations": 3,
            "n_actions": 4,
            "engine": "exact",
            "net_arch": (32,),
            "activation": "tanh",
            "n_quantiles": 4 if algorithm == "qrdqn" else None,
            "reward_scale": 0.5,
        }
    )
    shapes = {k: tuple(v.shape) for k, v in build_network(spec).state_dict().items()}
    rng = np.random.default_rng(1)
    weights = {k: rng.normal(scale=0.5, size=s).astype(np.float32) for k, s in shapes.items()}
    return Agent(spec, weights, {"seed": 1})


def n_step_mixture(
    rewards: np.ndarray, values: np.ndarray, cut: np.ndarray, start: int, gamma: float, lam: float
) -> float:
    """The lambda return as the weighted sum of all n-step returns."""
    end = start
    while end < len(rewards) - 1 and not cut[end]:
        end += 1
    n_max = end - start + 1
    total = 0.0
    for n in range(1, n_max + 1):
        discounted = sum(gamma**i * rewards[start + i] for i in range(n))
        n_step = discounted + gamma**n * values[start + n - 1]
        total += n_step * (lam ** (n_max - 1) if n == n_max else (1 - lam) * lam ** (n - 1))
    return float(total)


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_lambda_returns_mix_all_numbers_of_steps(lam: float) -> None:
    rewards, values = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 2))
    cut = np.zeros((6, 2), np.bool_)
    cut[2, 1] = True
    returns = lambda_returns(rewards, values, cut, 0.9, lam)
    for run in range(2):
        for step in range(6):
            expected = n_step_mixture(rewards[:, run], values[:, run], cut[:, run], step, 0.9, lam)
            assert returns[step, run] == pytest.approx(expected)


def test_the_critic_learns_and_the_actor_stays() -> None:
    agent = make_agent()
    observations = RNG.normal(size=(400, 3)).astype(np.float32)
    returns = 2.0 * observations[:, 0] - observations[:, 1]
    fitter = CriticFitter(agent, learning_rate=0.02)
    before = np.abs(fitter.values(observations) - returns).mean()
    losses = [fitter.fit(observations, returns, RNG, batch_size=50) for _ in range(40)]
    after = np.abs(fitter.values(observations) - returns).mean()
    assert after < 0.2 * before
    assert losses[-1] < losses[0]
    fitted = fitter.agent()
    np.testing.assert_allclose(
        fitted.policy().values(observations), fitter.values(observations), rtol=1e-5
    )
    np.testing.assert_array_equal(
        fitted.policy().action_scores(observations), agent.policy().action_scores(observations)
    )
    assert fitted.card == agent.card


def test_values_can_be_scaled_for_another_discount() -> None:
    agent = make_agent()
    observations = RNG.normal(size=(5, 3)).astype(np.float32)
    scaled = CriticFitter(agent, 0.01, value_factor=0.25).values(observations)
    np.testing.assert_allclose(scaled, 0.25 * agent.policy().values(observations), rtol=1e-5)


def test_the_actor_learns_and_the_critic_stays() -> None:
    agent = make_agent()
    observations = RNG.normal(size=(400, 3)).astype(np.float32)
    actions = (observations[:, 0] > 0).astype(np.int64)
    fitted = fit_actor(agent, observations, actions, RNG, epochs=30, learning_rate=0.02)
    assert (fitted.policy().act(observations) == actions).mean() > 0.95
    np.testing.assert_array_equal(
        fitted.policy().values(observations), agent.policy().values(observations)
    )


def test_an_agent_without_critic_is_refused() -> None:
    with pytest.raises(ValueError, match="only a ppo agent has an actor and a critic"):
        CriticFitter(make_agent("qrdqn"), 0.01)
