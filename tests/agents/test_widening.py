"""Wider networks compute what the narrow ones did."""

import numpy as np
import pytest

from qwop_wr.agents import widening
from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.widening import widened
from tests.search.agents import ENV, make_agent


def make_deep_agent() -> Agent:
    small = make_agent(1)
    spec = small.spec.model_copy(update={"net_arch": (6, 4)})
    rng = np.random.default_rng(3)
    shapes = {name: tuple(t.shape) for name, t in build_network(spec).state_dict().items()}
    weights = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
    return Agent(spec, weights, {"seed": 5})


def outputs(agent: Agent) -> tuple[np.ndarray, np.ndarray]:
    seen = np.random.default_rng(0).normal(size=(50, agent.spec.n_observations))
    policy = agent.policy()
    return policy.action_scores(seen.astype(np.float32)), policy.values(seen.astype(np.float32))


@pytest.mark.parametrize("sizes", [(6, 4), (9, 4), (6, 7), (20, 13)])
def test_without_noise_nothing_changes(
    sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widening, "NOISE", 0.0)
    agent = make_deep_agent()
    wide = widened(agent, sizes, np.random.default_rng(0))
    assert wide.spec.net_arch == sizes
    assert wide.card == agent.card
    for before, after in zip(outputs(agent), outputs(wide), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-4)


def test_copies_differ() -> None:
    wide = widened(make_deep_agent(), (12, 8), np.random.default_rng(0))
    for network in ("actor", "critic"):
        for layer in (0, 1):
            weights = wide.weights[f"{network}.linear.{layer}.weight"]
            assert len(np.unique(weights, axis=0)) == len(weights)


def test_an_agent_that_is_wide_enough() -> None:
    agent = make_deep_agent()
    assert widened(agent, (6, 4), np.random.default_rng(0)) is agent


@pytest.mark.parametrize("sizes", [(5, 4), (8,), (8, 8, 8)])
def test_it_cannot_become_narrower_or_deeper(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"hidden layers \[6, 4\] cannot be widened"):
        widened(make_deep_agent(), sizes, np.random.default_rng(0))


def test_only_actor_and_critic() -> None:
    with pytest.raises(ValueError, match="only a ppo agent can be widened"):
        widened(make_agent(1, "qrdqn", ENV), (16,), np.random.default_rng(0))
