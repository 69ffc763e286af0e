import numpy as np
import pytest
import torch

from qwop_wr.agents.batches import Batch, Shares
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.callbacks import history_logger
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.transitions import Transitions
from qwop_wr.metric_sink import silent_sink
from tests.agents.conftest import make_agent, make_walker, walk
from tests.agents.corridor import INTERFACE, CorridorVecEnv


def make_options(**changes: object) -> StageOptions:
    fields = {
        "budget": {"steps": 2000},
        "net_arch": (16,),
        "n_quantiles": 5,
        "gamma": 0.9,
        "n_steps": 3,
        "buffer_size": 4000,
        "warmup_steps": 200,
        "batch_size": 32,
        "one_step_weight": 0.0,
        "reward_scale": 1.0,
        "learning_rate": 1e-3,
        "l2": 0.0,
        "exploration": {"start": 0.05, "end": 0.01},
        "margin_weight": 1.0,
        "target_period": 10,
        "evaluation_every": 500,
        "evaluation_starts": 8,
        "gate_starts": 8,
        "log_every": 500,
        "progress_bar": False,
        **changes,
    }
    return StageOptions.model_validate(fields)


def make_learner(
    options: StageOptions, demonstrations: Transitions | None = None, seed: int = 0
) -> DemonstrationQRDQN:
    spec = options.agent_spec(INTERFACE, "toy")
    clock = BudgetClock(options.budget)
    learner = DemonstrationQRDQN(options, spec, CorridorVecEnv(4), demonstrations, clock, seed)
    learner.set_logger(history_logger(MetricHistory(silent_sink)))
    return learner


def learn(learner: DemonstrationQRDQN, steps: int) -> None:
    learner.learn(total_timesteps=steps, log_interval=10**9)


def test_the_agent_equals_the_learners_network() -> None:
    learner = make_learner(make_options(average_decay=0.0))
    learn(learner, 400)
    observations = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    policy = learner.agent().policy()
    with torch.no_grad():
        quantiles = learner.policy.quantile_net(torch.from_numpy(observations))
    assert quantiles.shape == (32, 5, 3)
    np.testing.assert_allclose(
        policy.action_scores(observations), quantiles.mean(dim=1).numpy(), atol=1e-6
    )
    best, _ = learner.policy.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.act(observations), best)


def test_loaded_weights_reach_both_networks() -> None:
    learner = make_learner(make_options())
    agent = make_agent(learner.spec, seed=9)
    learner.load_weights(agent.weights)
    assert learner.agent().fingerprint == agent.fingerprint
    for name, tensor in learner.target_network.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), agent.weights[name])


def test_weights_stand_still_until_the_warm_up_is_over() -> None:
    learner = make_learner(make_options(warmup_steps=400))
    before = learner.agent().fingerprint
    learn(learner, 400)
    assert learner.agent().fingerprint == before
    assert learner.replay_buffer.size() == 100
    learner.learn(total_timesteps=40, log_interval=10**9, reset_num_timesteps=False)
    assert learner.agent().fingerprint != before


def test_the_policy_not_chance_fills_the_buffer() -> None:
    learner = make_learner(make_options(warmup_steps=400, exploration=0.0))
    learn(learner, 400)
    buffer = learner.replay_buffer
    policy = learner.agent().policy()
    for game in range(4):
        played = policy.act(buffer.observations[:100, game])
        np.testing.assert_array_equal(buffer.actions[:100, game, 0], played)


@pytest.mark.parametrize(("ratio", "updates"), [(0.25, 14), (2.0, 112), (8.0, 450)])
def test_the_replay_ratio_sets_the_number_of_updates(ratio: float, updates: int) -> None:
    learner = make_learner(make_options(replay_ratio=ratio))
    learn(learner, 2000)
    # 2,000 steps less 200 of warm-up, times the ratio, in batches of 32.
    assert learner._n_updates == updates


def collect_batches(learner: DemonstrationQRDQN, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    batches: list[Batch] = []
    update = learner._update

    def remember(batch: Batch, margin_weight: float) -> dict[str, float]:
        batches.append(batch)
        return update(batch, margin_weight)

    monkeypatch.setattr(learner, "_update", remember)
    return batches


def test_the_share_of_demonstrations_follows_its_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(demonstration_share={"start": 0.5, "end": 0.0}, replay_ratio=8.0)
    learner = make_learner(options, walk(5))
    batches = collect_batches(learner, monkeypatch)
    learn(learner, 2000)
    counts = [int(batch.imitated.sum()) for batch in batches]
    assert all(len(batch.actions) == 32 for batch in batches)
    assert counts == sorted(counts, reverse=True)
    # The first update comes at 10 % of the budget, the last at its end.
    assert (counts[0], counts[-1]) == (14, 0)


def test_demonstrations_are_never_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    demonstrations = walk(3)
    options = make_options(buffer_size=240, demonstration_share=0.5, replay_ratio=8.0)
    learner = make_learner(options, demonstrations)
    batches = collect_batches(learner, monkeypatch)
    learn(learner, 2000)
    assert learner.replay_buffer.full
    late = batches[-50:]
    sampled = torch.cat([batch.observations[batch.imitated > 0] for batch in late])
    distinct = np.unique(demonstrations.obs, axis=0)
    np.testing.assert_array_equal(np.unique(sampled.numpy(), axis=0), distinct)


def test_rewards_are_scaled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(
        reward_scale=10.0, n_steps=1, demonstration_share=0.5, replay_ratio=1.0, exploration=1.0
    )
    learner = make_learner(options, walk(5))
    batches = collect_batches(learner, monkeypatch)
    learn(learner, 600)
    returns = torch.cat([batch.outlooks[0].returns for batch in batches])
    np.testing.assert_allclose(np.unique(returns.numpy().round(4)), [-0.2, 9.8], rtol=1e-4)


def test_pretraining_clones_the_demonstrator() -> None:
    demonstrations = walk(5)
    options = make_options(demonstration_share=0.5, average_decay=0.0)
    learner = make_learner(options, demonstrations)
    seen = list(learner.pretrain(200))
    assert len(seen) == learner.pretrained_steps == 200
    assert seen[-1]["agreement"] == 1.0
    assert seen[-1]["margin_loss"] < 0.05 < seen[0]["margin_loss"]
    actions = learner.agent().policy().act(demonstrations.obs)
    np.testing.assert_array_equal(actions, demonstrations.actions)


@pytest.mark.parametrize(("rate", "period"), [(1.0, 7), (0.1, 1)])
def test_the_target_network_follows_by_gradient_steps(rate: float, period: int) -> None:
    options = make_options(
        target_rate=rate, target_period=period, demonstration_share=0.5, replay_ratio=8.0
    )
    learner = make_learner(options, walk(5))
    expected = [weights.detach().clone() for weights in learner.target_network.parameters()]
    learner.replay_buffer.pos = 0
    for step in range(1, 16):
        learner._update(
            learner.mixer.draw(32, Shares(demonstrations=1.0), beta=0.0), margin_weight=1.0
        )
        if step % period == 0:
            for held, online in zip(expected, learner.network.parameters(), strict=True):
                held.mul_(1.0 - rate).add_(rate * online.detach())
        for held, target in zip(expected, learner.target_network.parameters(), strict=True):
            np.testing.assert_allclose(held.numpy(), target.detach().numpy(), rtol=1e-5, atol=1e-7)


def test_exploration_falls_to_its_floor() -> None:
    options = make_options(exploration={"start": 0.5, "end": 0.0}, exploration_floor=0.1)
    learner = make_learner(options)
    assert learner.exploration_rate == 0.5
    learn(learner, 1000)
    assert learner.exploration_rate == pytest.approx(0.25)
    learner.learn(total_timesteps=900, log_interval=10**9, reset_num_timesteps=False)
    assert learner.exploration_rate == 0.1


def test_full_exploration_ignores_the_policy() -> None:
    learner = make_learner(make_options(exploration=1.0, warmup_steps=2000))
    learn(learner, 2000)
    counts = np.bincount(learner.replay_buffer.actions[:500].ravel(), minlength=3)
    # 2,000 draws among three actions; five standard deviations.
    assert np.abs(counts - 2000 / 3).max() < 105


def test_the_state_behind_a_finish_counts_as_the_average_state() -> None:
    learner = make_learner(make_options(demonstration_share=0.5, n_steps=1), walk(5))
    batch = learner.mixer.draw(512, Shares(demonstrations=1.0), beta=0.0)
    (outlook,) = batch.outlooks
    finishes = outlook.outlived
    assert 0 < int(finishes.sum()) < 512
    with torch.no_grad():
        values = learner.target_network(outlook.next_observations)
        choice = learner.network.action_scores(outlook.next_observations).argmax(dim=1)
        inside = values[torch.arange(512), :, choice][~finishes]
        (targets,) = learner._targets(batch)
    expected = outlook.returns[~finishes, None] + 0.9 * inside
    np.testing.assert_allclose(targets[~finishes].numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    behind = (targets[finishes] - outlook.returns[finishes, None]) / 0.9
    np.testing.assert_allclose(behind.numpy(), inside.mean().item(), rtol=1e-4)


def test_own_fastest_finishes_are_imitated(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(elite_share=0.25, elite_runs=5, exploration=0.1, warmup_steps=1000)
    learner = make_learner(options)
    learner.load_weights(make_walker(learner.spec).weights)
    batches = collect_batches(learner, monkeypatch)
    learn(learner, 2000)
    lengths = learner.elite.lengths
    assert len(lengths) == 5
    # Waiting costs a decision; the fastest walk of 20 m takes 20.
    assert lengths[0] == 20
    assert all(int(batch.imitated.sum()) == 8 for batch in batches)
    for run in learner.elite._runs:
        assert run.obs[0, 2] == 0.0
        assert run.next_obs[-1, 2] == 1.0
        assert not run.dones.any()


def test_without_an_elite_yet_batches_are_experience(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = make_learner(make_options(elite_share=0.5, exploration=1.0, budget={"steps": 400}))
    batches = collect_batches(learner, monkeypatch)
    learn(learner, 400)
    assert not learner.elite.lengths
    assert all(not batch.imitated.any() and len(batch.actions) == 32 for batch in batches)
