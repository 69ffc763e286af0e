"""What the learner's options add: priorities, one-step term, Munchausen, dueling, L2, rollback."""

import numpy as np
import pytest
import torch

from qwop_wr.agents.batches import Batch, Shares
from qwop_wr.agents.replay.sampling import PrioritisedSampler
from qwop_wr.agents.stage import StageOptions
from tests.agents.conftest import make_agent, walk
from tests.agents.test_qrdqn import collect_batches, learn, make_learner, make_options

PRIORITIES = {"alpha": 0.6, "beta": {"start": 0.5, "end": 1.0}}


def first_gradient(options: StageOptions, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """Gradient of the output's bias in a first update from unequal weights."""
    learner = make_learner(options, walk(5))
    batch = learner.mixer.draw(32, Shares(demonstrations=1.0), beta=0.0)
    batch = batch._replace(weights=torch.linspace(0.1, 1.0, 32))
    monkeypatch.setattr(learner.mixer, "update_priorities", lambda errors: None)
    learner._update(batch, margin_weight=0.0)
    gradient = learner.network.output.bias.grad
    assert gradient is not None
    return gradient.clone()


def test_importance_weights_multiply_each_samples_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"demonstration_share": 0.5, "max_grad_norm": 1e9}
    per_sample = make_options(**fields, priorities=PRIORITIES)
    learner = make_learner(per_sample, walk(5))
    batch = learner.mixer.draw(32, Shares(demonstrations=1.0), beta=0.0)
    weights = torch.linspace(0.1, 1.0, 32)
    expected = torch.zeros_like(learner.network.output.bias)
    for i, weight in enumerate(weights):
        one = Batch(
            batch.observations[i : i + 1],
            batch.actions[i : i + 1],
            tuple(type(o)(*(t[i : i + 1] for t in o)) for o in batch.outlooks),
            batch.imitated[i : i + 1],
            weight[None],
        )
        alone = make_learner(per_sample, walk(5))
        alone._mean_value = 0.0
        monkeypatch.setattr(alone.mixer, "update_priorities", lambda errors: None)
        monkeypatch.setattr("qwop_wr.agents.qrdqn.MEAN_VALUE_RATE", 0.0)
        alone._update(one, margin_weight=0.0)
        assert alone.network.output.bias.grad is not None
        expected += alone.network.output.bias.grad / 32
    learner._mean_value = 0.0
    learner._update(batch._replace(weights=weights), margin_weight=0.0)
    assert learner.network.output.bias.grad is not None
    np.testing.assert_allclose(
        learner.network.output.bias.grad.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6
    )


def test_the_mean_weight_corrects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"demonstration_share": 0.5, "max_grad_norm": 1e9}
    mean = make_options(**fields, priorities={**PRIORITIES, "importance": "mean"})
    per_sample = make_options(**fields, priorities=PRIORITIES)
    wrong = first_gradient(mean, monkeypatch)
    right = first_gradient(per_sample, monkeypatch)
    assert not torch.allclose(wrong, right, rtol=1e-2)
    # With the mean weight, the gradient is that of no weights at all but for its length.
    learner = make_learner(make_options(**fields, priorities=PRIORITIES), walk(5))
    batch = learner.mixer.draw(32, Shares(demonstrations=1.0), beta=0.0)
    learner._update(batch._replace(weights=torch.ones(32)), margin_weight=0.0)
    assert learner.network.output.bias.grad is not None
    np.testing.assert_allclose(
        wrong.numpy(), 0.55 * learner.network.output.bias.grad.numpy(), rtol=1e-4, atol=1e-7
    )


def test_priorities_follow_the_errors() -> None:
    options = make_options(demonstration_share=0.5, priorities=PRIORITIES, replay_ratio=8.0)
    learner = make_learner(options, walk(5))
    learn(learner, 1000)
    samplers = [learner.replay_buffer._sampler]
    assert learner.demonstrations is not None
    samplers.append(learner.demonstrations.sampler)
    bonuses = []
    for sampler in samplers:
        assert isinstance(sampler, PrioritisedSampler)
        sampler.check_valid()
        state = sampler.state()
        assert len(np.unique(state["priorities"])) > 10
        bonuses.append(set(np.unique(state["bonuses"]).round(4)))
    assert bonuses == [{0.001}, {1.0}]


def test_the_one_step_term_is_a_loss_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = make_learner(make_options(demonstration_share=0.5, one_step_weight=0.5), walk(5))
    batch = learner.mixer.draw(32, Shares(demonstrations=1.0), beta=0.0)
    n_step, one_step = batch.outlooks
    inside = (n_step.discounts - 0.9**3).abs() < 1e-6
    np.testing.assert_allclose(one_step.discounts.numpy(), 0.9, rtol=1e-6)
    assert inside.any()
    # A step of the walk earns 0.98.
    np.testing.assert_allclose(one_step.returns.numpy(), 0.98, rtol=1e-5)
    metrics = learner._update(batch, margin_weight=0.0)
    total = metrics["td_loss"] + 0.5 * metrics["one_step_loss"]
    assert metrics["loss"] == pytest.approx(total, rel=1e-5)


def test_munchausen_targets_add_the_log_policy() -> None:
    munchausen = {"weight": 0.5, "temperature": 0.1, "floor": -2.0}
    options = make_options(demonstration_share=0.5, munchausen=munchausen)
    learner = make_learner(options, walk(5))
    batch = learner.mixer.draw(64, Shares(demonstrations=1.0), beta=0.0)
    (outlook,) = batch.outlooks
    with torch.no_grad():
        here = learner.target_network(batch.observations).mean(dim=1)
        log_policy = (here / 0.1).log_softmax(dim=1)[torch.arange(64), batch.actions]
        there = learner.target_network(outlook.next_observations).mean(dim=1)
        soft = 0.1 * (there / 0.1).logsumexp(dim=1)
        (targets,) = learner._targets(batch)
    inside = ~outlook.outlived
    bonus = 0.5 * (0.1 * log_policy).clamp(-2.0, 0.0)
    expected = outlook.returns + bonus + outlook.discounts * soft
    np.testing.assert_allclose(
        targets.mean(dim=1)[inside].numpy(), expected[inside].numpy(), rtol=1e-4, atol=1e-5
    )


def test_l2_pulls_weights_towards_zero() -> None:
    grown = {}
    for l2 in (0.0, 10.0):
        options = make_options(demonstration_share=0.5, l2=l2, pretraining_learning_rate=1e-3)
        learner = make_learner(options, walk(5))
        list(learner.pretrain(100))
        grown[l2] = float(np.abs(learner.agent().weights["hidden.linear.0.weight"]).mean())
    assert grown[10.0] < 0.8 * grown[0.0]


def test_a_dueling_learner_clones_the_demonstrator() -> None:
    demonstrations = walk(5)
    options = make_options(demonstration_share=0.5, average_decay=0.0, dueling=True)
    learner = make_learner(options, demonstrations)
    list(learner.pretrain(200))
    agent = learner.agent()
    assert "value.weight" in agent.weights
    np.testing.assert_array_equal(agent.policy().act(demonstrations.obs), demonstrations.actions)


def test_demonstrations_in_one_buffer_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(
        demonstration_share=0.5, demonstration_storage="shared", buffer_size=400, replay_ratio=8.0
    )
    learner = make_learner(options, walk(5))
    assert learner.demonstrations is None
    batches = collect_batches(learner, monkeypatch)
    learn(learner, 1000)
    counts = [int(batch.imitated.sum()) for batch in batches]
    assert counts[0] > 0
    assert counts[-1] == 0


def test_a_rollback_returns_to_the_weights_and_halves_the_rate() -> None:
    learner = make_learner(make_options(demonstration_share=0.5, learning_rate=1e-3), walk(5))
    agent = make_agent(learner.spec, seed=9)
    list(learner.pretrain(20))
    learner.roll_back(agent.weights)
    assert learner.agent().fingerprint == agent.fingerprint
    assert not learner.policy.optimizer.state
    learner.train(0, 32)
    assert learner.policy.optimizer.param_groups[0]["lr"] == pytest.approx(5e-4)
    learner.roll_back(agent.weights)
    assert learner.rate_factor == 0.25
