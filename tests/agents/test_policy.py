import numpy as np
import pytest
import torch

from qwop_wr.agents.networks import build_network
from tests.agents.conftest import make_agent, make_ppo_spec, make_spec

OBSERVATIONS = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)


def test_quantile_scores_are_means_over_the_quantiles() -> None:
    agent = make_agent(make_spec())
    quantiles = agent.network()(torch.from_numpy(OBSERVATIONS)).detach().numpy()
    assert quantiles.shape == (40, 5, 3)
    scores = agent.policy().action_scores(OBSERVATIONS)
    np.testing.assert_allclose(scores, quantiles.mean(axis=1), atol=1e-6)


def test_a_layer_is_linear_then_normalised_then_rectified() -> None:
    agent = make_agent(make_spec())
    w = agent.weights
    hidden = OBSERVATIONS @ w["hidden.linear.0.weight"].T + w["hidden.linear.0.bias"]
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    features = np.maximum(normed * w["hidden.norm.0.weight"] + w["hidden.norm.0.bias"], 0.0)
    outputs = features @ w["output.weight"].T + w["output.bias"]
    scores = outputs.reshape(-1, 5, 3).mean(axis=1)
    np.testing.assert_allclose(agent.policy().action_scores(OBSERVATIONS), scores, atol=1e-5)


def test_values_are_in_the_environments_rewards() -> None:
    scaled = make_agent(make_spec(reward_scale=10.0)).policy()
    best = scaled.action_scores(OBSERVATIONS).max(axis=1)
    np.testing.assert_allclose(scaled.values(OBSERVATIONS), best / 10.0, rtol=1e-6)


def test_the_deterministic_action_is_the_best_scored() -> None:
    policy = make_agent(make_ppo_spec()).policy()
    actions = policy.act(OBSERVATIONS)
    assert actions.dtype == np.int64
    np.testing.assert_array_equal(actions, policy.action_scores(OBSERVATIONS).argmax(axis=1))


def test_drawn_actions_follow_the_softmax() -> None:
    policy = make_agent(make_ppo_spec()).policy()
    same = np.repeat(OBSERVATIONS[:1], 20_000, axis=0)
    actions = policy.act(same, deterministic=False, rng=np.random.default_rng(0))
    logits = policy.action_scores(OBSERVATIONS[:1])[0].astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    # Four standard errors of a frequency among 20,000 draws.
    np.testing.assert_allclose(np.bincount(actions) / 20_000, expected, atol=0.015)


def test_drawing_needs_a_generator() -> None:
    policy = make_agent(make_spec()).policy()
    with pytest.raises(ValueError, match="needs rng"):
        policy.act(OBSERVATIONS, deterministic=False)


@pytest.mark.parametrize("shape", [(4,), (2, 5)])
def test_observations_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    policy = make_agent(make_spec()).policy()
    with pytest.raises(ValueError, match=r"must have shape \(n, 4\)"):
        policy.act(np.zeros(shape, dtype=np.float32))


def test_the_spec_chooses_the_network() -> None:
    names = set(build_network(make_ppo_spec(net_arch=(8, 6))).state_dict())
    assert {"actor.linear.1.weight", "critic_output.bias"} <= names
    assert "hidden.norm.0.weight" in build_network(make_spec()).state_dict()
    assert "hidden.norm.0.weight" not in build_network(make_spec(layer_norm=False)).state_dict()
