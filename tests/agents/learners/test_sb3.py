"""SB3's learners against the libraries' own, and their targets when they are copied."""

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.logger import Logger

from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.learners.sb3 import DoubleDQN, SB3Learner, SortingQRDQN
from qwop_wr.agents.training import LearnerTask
from tests.agents.corridor import INTERFACE, CorridorVecEnv
from tests.agents.small_trainings import games, make_task


def make_learner(algorithm: str) -> SB3Learner:
    learner = make_task(algorithm).learner(games(), lambda steps: 0.0)
    assert isinstance(learner, SB3Learner)
    while learner.steps < 96:
        learner.iterate()
    return learner


def updated(model: DQN | QRDQN, train: object) -> list[torch.Tensor]:
    """Weights after three updates, from the model's present weights and the same draws."""
    before = {k: v.clone() for k, v in model.policy.state_dict().items()}
    moments = model.policy.optimizer.state_dict()
    np.random.seed(7)  # noqa: NPY002 - the buffer draws from it
    model.set_logger(Logger(None, []))
    train(model, 3, 16)  # type: ignore[operator]
    after = [weights.detach().clone() for weights in model.policy.parameters()]
    model.policy.load_state_dict(before)
    model.policy.optimizer.load_state_dict(moments)
    return after


def test_sorted_quantiles_learn_what_sb3_contrib_learns() -> None:
    model = make_learner("qrdqn")._model
    assert isinstance(model, SortingQRDQN)
    model.policy.optimizer = torch.optim.SGD(model.policy.parameters(), lr=1e-3)
    model.lr_schedule = lambda _: 1e-3
    start = [weights.detach().clone() for weights in model.policy.parameters()]
    ours, theirs = updated(model, SortingQRDQN.train), updated(model, QRDQN.train)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert any(not torch.equal(a, c) for a, c in zip(ours, start, strict=True))


def test_double_dqn_values_the_online_networks_choice() -> None:
    model = make_learner("double_dqn")._model
    assert isinstance(model, DoubleDQN)
    model.policy.optimizer = torch.optim.SGD(model.policy.parameters(), lr=1e-2)
    model.lr_schedule = lambda _: 1e-2
    # While the target is the online network, both forms are the same ...
    model.q_net_target.load_state_dict(model.q_net.state_dict())
    for a, b in zip(*(updated(model, one.train) for one in (DoubleDQN, DQN)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)
    # ... and once it is another one, they are not.
    with torch.no_grad():
        for weights in model.q_net_target.parameters():
            weights.normal_(generator=torch.Generator().manual_seed(weights.numel()))
    pairs = zip(*(updated(model, one.train) for one in (DoubleDQN, DQN)), strict=True)
    assert any(not torch.allclose(a, b) for a, b in pairs)


@pytest.mark.parametrize("algorithm", ["dqn", "qrdqn"])
def test_targets_are_copied_when_the_library_copies_them(algorithm: str) -> None:
    """Interval 32 of 4 games: every 8 environment calls, so every 2 updates."""
    learner = make_learner(algorithm)
    model = learner._model
    online, target = (
        (model.quantile_net, model.quantile_net_target)
        if isinstance(model, SortingQRDQN)
        else (model.q_net, model.q_net_target)  # type: ignore[union-attr]
    )

    def differ() -> bool:
        pairs = zip(online.parameters(), target.parameters(), strict=True)
        return any(not torch.equal(a, b) for a, b in pairs)

    seen = []
    for _ in range(6):
        # The copy is made while playing, before the update of the same iteration.
        before = [weights.detach().clone() for weights in online.parameters()]
        learner.iterate()
        pairs = zip(before, target.parameters(), strict=True)
        seen.append(all(torch.equal(a, b) for a, b in pairs))
        assert differ()
    assert seen in ([False, True] * 3, [True, False] * 3)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_agents_network_equals_sb3s(activation: str) -> None:
    options = PPOOptions.model_validate(
        {
            "algorithm": "ppo",
            "budget": {"steps": 1},
            "net_arch": (12, 7),
            "activation": activation,
            "batch_size": 256,
        }
    )
    task = LearnerTask(options, options.agent_spec(INTERFACE, "toy"), seed=3)
    learner = task.learner(CorridorVecEnv(2), lambda steps: 0.0)
    assert isinstance(learner, SB3Learner)
    model = learner._model
    assert isinstance(model, PPO)
    with torch.no_grad():
        for weights in model.policy.parameters():
            weights.normal_(generator=torch.Generator().manual_seed(weights.numel()))
    policy = learner.agent().policy()
    observations = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    with torch.no_grad():
        tensor = torch.from_numpy(observations)
        values = model.policy.predict_values(tensor)[:, 0].numpy()
        latent = model.policy.mlp_extractor.forward_actor(tensor)
        logits = model.policy.action_net(latent).numpy()
    np.testing.assert_array_equal(policy.action_scores(observations), logits)
    np.testing.assert_array_equal(policy.values(observations), values)
    best, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.act(observations), best)
