"""Our own PPO against hand computation, autograd and stable-baselines3."""

from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from torch import nn
from torch.distributions import Categorical

from qwop_wr.agents.agent import AgentSpec
from qwop_wr.agents.learners.options import PPOLearning
from qwop_wr.agents.learners.ppo import BLOCK, VectorPPO
from qwop_wr.agents.losses import RolloutSamples, generalised_advantages, policy_loss
from qwop_wr.agents.networks import ActorCritic, DenseStack, FlatWeights
from qwop_wr.agents.rollout import play_episodes
from tests.agents.corridor import INTERFACE, CorridorVectorEnv


def make_ppo(n_games: int = 8, seed: int = 1, **changes: Any) -> VectorPPO:
    fields = {
        "algorithm": "own_ppo",
        "net_arch": (16,),
        "n_steps": 64,
        "batch_size": 128,
        "n_epochs": 4,
        "learning_rate": 3e-3,
        "entropy": 0.01,
        **changes,
    }
    options = PPOLearning.model_validate(fields)
    spec = options.agent_spec(INTERFACE, "toy")
    return VectorPPO(options, spec, CorridorVectorEnv(n_games), lambda steps: 0.0, seed)


def test_a_walker_is_learnt() -> None:
    ppo = make_ppo()
    for _ in range(24):
        ppo.iterate()
    env = CorridorVectorEnv(8, autoreset=False)
    episodes = play_episodes(ppo.agent().policy(), env, range(100, 120))
    assert episodes.finished.all()


def test_advantages_by_hand() -> None:
    """Two steps of one game, gamma 0.5, lambda 0.5: errors 1 + 2 - 3 and 2 + 3 - 4."""
    rewards, values = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [4.0]])
    behind, going = torch.tensor([6.0]), torch.zeros(2, 1)
    gae = generalised_advantages(rewards, values, behind, going, 0.5, 0.5)
    assert gae[:, 0].tolist() == pytest.approx([0.0 + 0.25 * 1.0, 1.0])
    ended = torch.tensor([[1.0], [0.0]])
    gae = generalised_advantages(rewards, values, behind, ended, 0.5, 0.5)
    assert gae[:, 0].tolist() == pytest.approx([1.0 - 3.0, 1.0])


def test_advantages_are_stable_baselines3s() -> None:
    rng = np.random.default_rng(0)
    env = CorridorVectorEnv(3)
    buffer = RolloutBuffer(20, env.single_observation_space, env.single_action_space, n_envs=3,
                           gae_lambda=0.9, gamma=0.97)  # fmt: skip
    rewards, values = (rng.normal(size=(20, 3)).astype(np.float32) for _ in range(2))
    ends = rng.random((21, 3)) < 0.2
    for step in range(20):
        buffer.add(np.zeros((3, 4)), np.zeros((3, 1)), rewards[step], ends[step],
                   torch.tensor(values[step]), torch.zeros(3))  # fmt: skip
    last = torch.tensor(rng.normal(size=3).astype(np.float32))
    buffer.compute_returns_and_advantage(last, ends[20])
    ours = generalised_advantages(
        torch.tensor(rewards), torch.tensor(values), last, torch.tensor(ends[1:]).float(), 0.97, 0.9
    )
    np.testing.assert_allclose(ours.numpy(), buffer.advantages, rtol=1e-4, atol=1e-5)


def test_the_policys_loss_and_gradient_are_autograds() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(200, 5, generator=generator, requires_grad=True)
    samples = RolloutSamples(
        observations=torch.empty(200, 0),
        actions=torch.randint(5, (200, 1), generator=generator),
        log_probs=torch.randn(200, generator=generator) - 2.0,
        advantages=torch.randn(200, generator=generator),
        returns=torch.empty(200),
    )
    distribution: Any = Categorical(logits=scores)
    ratios = (distribution.log_prob(samples.actions[:, 0]) - samples.log_probs).exp()
    surrogate = torch.min(samples.advantages * ratios, samples.advantages * ratios.clamp(0.8, 1.2))
    loss = (-surrogate - 0.05 * distribution.entropy()).sum()
    loss.backward()
    with torch.no_grad():
        ours = policy_loss(scores, samples, 0.2, 0.05)
    torch.testing.assert_close(ours.gradient, scores.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours.sums[0], -surrogate.sum().detach())
    torch.testing.assert_close(ours.sums[1], distribution.entropy().sum().detach())
    assert ours.sums[3] == ((ratios - 1).abs() > 0.2).sum()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_by_hand_are_autograds(activation: str) -> None:
    spec = AgentSpec.model_validate(
        {**INTERFACE, "engine": "toy", "algorithm": "ppo", "net_arch": (12, 7),
         "activation": activation}
    )  # fmt: skip
    network = ActorCritic(spec)
    inputs, wanted = torch.randn(33, 4), torch.randn(33, 3)
    expected = torch.autograd.grad(
        (network.action_scores(inputs) * wanted).sum(),
        [*network.actor.parameters(), *network.actor_output.parameters()],
    )
    weights = FlatWeights(network)
    stack = DenseStack(network.actor, network.actor_output)
    with torch.no_grad():
        steps = stack.forward(inputs)
        torch.testing.assert_close(steps[-1], network.action_scores(inputs))
        stack.backward(steps, wanted)
    ours = [*network.actor.parameters(), *network.actor_output.parameters()]
    for weight, gradient in zip(ours, expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-5)
    length = torch.cat([one.flatten() for one in expected]).norm()
    weights.clip(float(length) / 2)
    torch.testing.assert_close(weights.gradient.norm(), length / 2)
    # What the optimiser does to the vector is what the network computes with.
    with torch.no_grad():
        weights.vector.zero_()
    assert not network.action_scores(inputs).any()


def test_a_whole_update_is_autograds() -> None:
    """One epoch of one batch, larger than a block: the same weights as written plainly."""
    ppo = make_ppo(n_games=16, batch_size=1024, n_epochs=1, n_steps=64)
    assert BLOCK < 1024
    reference = ActorCritic(ppo._spec)
    reference.load_state_dict(ppo.network.state_dict())
    with torch.no_grad():
        samples = ppo._collect()
        ppo._update(samples)
    optimizer = torch.optim.Adam(reference.parameters(), lr=3e-3, eps=1e-5)
    distribution: Any = Categorical(logits=reference.action_scores(samples.observations))
    spread = samples.advantages.std()
    advantages = (samples.advantages - samples.advantages.mean()) / (spread + 1e-8)
    ratios = (distribution.log_prob(samples.actions[:, 0]) - samples.log_probs).exp()
    surrogate = torch.min(advantages * ratios, advantages * ratios.clamp(0.8, 1.2))
    errors = reference.values(samples.observations) - samples.returns
    loss = -surrogate.mean() + 0.5 * errors.square().mean() - 0.01 * distribution.entropy().mean()
    loss.backward()
    nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
    optimizer.step()
    for ours, theirs in zip(ppo.network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=2e-5)


def test_values_behind_truncations_and_finishes_are_estimated() -> None:
    """Everybody waits, so every episode is truncated after 40 decisions, at most."""
    ppo = make_ppo(n_games=4, n_steps=80, gamma=0.5)
    with torch.no_grad():
        ppo.network.actor_output.bias[:] = torch.tensor([100.0, 0.0, 0.0])
        ppo.network.critic_output.bias.fill_(7.0)
        ppo.network.critic_output.weight.zero_()
        ppo._collect()
    ends = ppo._ends.bool()
    assert ends.any()
    torch.testing.assert_close(
        ppo._rewards[ends], torch.full_like(ppo._rewards[ends], 0.5 * 7 - 0.02)
    )
    torch.testing.assert_close(ppo._rewards[~ends], torch.full_like(ppo._rewards[~ends], -0.02))


def test_falls_are_worth_nothing_more() -> None:
    """Everybody uses the left foot again and again, so every episode ends in a fall."""
    ppo = make_ppo(n_games=4, n_steps=20, gamma=0.5)
    with torch.no_grad():
        ppo.network.actor_output.bias[:] = torch.tensor([0.0, 100.0, 0.0])
        ppo.network.critic_output.bias.fill_(7.0)
        ppo._collect()
    assert ppo._ends.any()
    assert ppo._rewards.max() < 1.0


def test_an_update_that_goes_far_enough_ends() -> None:
    far = make_ppo(learning_rate=0.1, n_epochs=50, target_kl=0.01)
    free = make_ppo(learning_rate=0.1, n_epochs=50)
    far.iterate()
    free.iterate()
    assert far.metrics()["train/approx_kl"] < free.metrics()["train/approx_kl"]


def test_actions_are_drawn_from_the_softmax() -> None:
    ppo = make_ppo(n_games=64, n_steps=64)
    with torch.no_grad():
        ppo.network.actor_output.weight.zero_()
        ppo.network.actor_output.bias[:] = torch.tensor([0.5, 0.3, 0.2]).log()
        samples = ppo._collect()
    shares = torch.bincount(samples.actions[:, 0], minlength=3) / len(samples.actions)
    np.testing.assert_allclose(shares.numpy(), [0.5, 0.3, 0.2], atol=0.03)
    expected = torch.tensor([0.5, 0.3, 0.2]).log()[samples.actions[:, 0]]
    torch.testing.assert_close(samples.log_probs, expected)


def test_no_global_generator_is_touched() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    _ = ActorCritic  # building a network draws from it, so only playing and learning count
    ppo = make_ppo()
    torch.manual_seed(0)
    ppo.iterate()
    assert torch.rand(1) == expected
