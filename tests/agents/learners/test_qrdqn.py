"""Our QR-DQN: what it learns from, and how."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CheckpointCallback,
    StopTrainingOnMaxEpisodes,
)
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure

from qwop_wr.agents.learners.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.replay.batches import Batch, Shares
from qwop_wr.agents.replay.sampling import PrioritisedSampler
from qwop_wr.agents.schedules import BudgetClock
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.transitions import Transitions
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
        "l2": 0.0,
        "exploration": {"start": 0.05, "end": 0.01},
        "margin_weight": 1.0,
        "learning_rate": 1e-3,
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
    return DemonstrationQRDQN(
        options, spec, CorridorVecEnv(4), demonstrations, clock.progress, seed
    )


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
    learner.start_from(agent)
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
    returns = torch.cat([batch.n_step[0].returns for batch in batches])
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


@pytest.mark.parametrize("period", [1, 7])
def test_the_target_network_follows_by_gradient_steps(period: int) -> None:
    options = make_options(target_period=period, demonstration_share=0.5, replay_ratio=8.0)
    learner = make_learner(options, walk(5))
    expected = [weights.detach().clone() for weights in learner.target_network.parameters()]
    learner.replay_buffer.pos = 0
    for step in range(1, 16):
        learner._update(
            learner.mixer.draw(32, Shares(demonstrations=1.0), beta=0.0), margin_weight=1.0
        )
        if step % period == 0:
            for held, online in zip(expected, learner.network.parameters(), strict=True):
                held.copy_(online.detach())
        for held, target in zip(expected, learner.target_network.parameters(), strict=True):
            np.testing.assert_array_equal(held.numpy(), target.detach().numpy())


def test_exploration_follows_its_schedule() -> None:
    options = make_options(exploration={"start": 0.5, "end": 0.1})
    learner = make_learner(options)
    assert learner.exploration_rate == 0.5
    learn(learner, 1000)
    assert learner.exploration_rate == pytest.approx(0.3)
    learner.learn(total_timesteps=1000, log_interval=10**9, reset_num_timesteps=False)
    assert learner.exploration_rate == pytest.approx(0.1)


def test_full_exploration_ignores_the_policy() -> None:
    learner = make_learner(make_options(exploration=1.0, warmup_steps=2000))
    learn(learner, 2000)
    counts = np.bincount(learner.replay_buffer.actions[:500].ravel(), minlength=3)
    # 2,000 draws among three actions; five standard deviations.
    assert np.abs(counts - 2000 / 3).max() < 105


def test_the_state_behind_a_finish_counts_as_the_average_state() -> None:
    learner = make_learner(make_options(demonstration_share=0.5, n_steps=1), walk(5))
    batch = learner.mixer.draw(512, Shares(demonstrations=1.0), beta=0.0)
    (step,) = batch.n_step
    finishes = step.truncated
    assert 0 < int(finishes.sum()) < 512
    with torch.no_grad():
        values = learner.target_network(step.next_observations)
        choice = learner.network.action_scores(step.next_observations).argmax(dim=1)
        inside = values[torch.arange(512), :, choice][~finishes]
        (targets,) = learner.n_step_targets(batch)
    expected = step.returns[~finishes, None] + 0.9 * inside
    np.testing.assert_allclose(targets[~finishes].numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    after_finish = (targets[finishes] - step.returns[finishes, None]) / 0.9
    np.testing.assert_allclose(after_finish.numpy(), inside.mean().item(), rtol=1e-4)


def test_own_fastest_finishes_are_imitated(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(elite_share=0.25, elite_runs=5, exploration=0.1, warmup_steps=1000)
    learner = make_learner(options)
    learner.start_from(make_walker(learner.spec))
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
            tuple(type(o)(*(t[i : i + 1] for t in o)) for o in batch.n_step),
            batch.imitated[i : i + 1],
            weight[None],
        )
        alone = make_learner(per_sample, walk(5))
        alone._mean_value = 0.0
        monkeypatch.setattr(alone.mixer, "update_priorities", lambda errors: None)
        monkeypatch.setattr("qwop_wr.agents.learners.qrdqn.MEAN_VALUE_RATE", 0.0)
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
    n_step, one_step = batch.n_step
    inside = (n_step.discounts - 0.9**3).abs() < 1e-6
    np.testing.assert_allclose(one_step.discounts.numpy(), 0.9, rtol=1e-6)
    assert inside.any()
    # A step of the walk earns 0.98.
    np.testing.assert_allclose(one_step.returns.numpy(), 0.98, rtol=1e-5)
    metrics = learner._update(batch, margin_weight=0.0)
    total = metrics["td_loss"] + 0.5 * metrics["one_step_loss"]
    assert metrics["loss"] == pytest.approx(total, rel=1e-5)


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
    learner.roll_back(agent)
    assert learner.agent().fingerprint == agent.fingerprint
    assert not learner.policy.optimizer.state
    learner.train(0, 32)
    assert learner.policy.optimizer.param_groups[0]["lr"] == pytest.approx(5e-4)
    learner.roll_back(agent)
    assert learner.rate_factor == 0.25


def test_learn_and_iterate_are_the_same_loop() -> None:
    ours, sb3s = make_learner(make_options()), make_learner(make_options())
    for _ in range(200):
        ours.iterate()
    learn(sb3s, 800)
    assert ours.steps == sb3s.steps == 800
    assert ours.agent().fingerprint == sb3s.agent().fingerprint
    assert ours.episodes.metrics() == sb3s.episodes.metrics()
    # SB3's own books are kept for SB3's callbacks and loggers only.
    assert sb3s.ep_info_buffer
    assert ours._episode_num == 0 < sb3s._episode_num


class Watcher(BaseCallback):
    """Remembers what it saw, and stops after so many steps."""

    def __init__(self, stop_after: int) -> None:
        super().__init__()
        self._stop_after = stop_after
        self.seen: list[str] = []

    def _on_training_start(self) -> None:
        self.seen.append("training")

    def _on_rollout_start(self) -> None:
        self.seen.append("rollout")

    def _on_step(self) -> bool:
        assert self.locals["rewards"].shape == self.locals["dones"].shape == (4,)
        assert len(self.locals["infos"]) == 4
        self.seen.append("step")
        return self.num_timesteps < self._stop_after

    def _on_rollout_end(self) -> None:
        self.seen.append("end of rollout")

    def _on_training_end(self) -> None:
        self.seen.append("end")


def test_callbacks_of_sb3_watch_and_stop_it() -> None:
    learner, watcher = make_learner(make_options()), Watcher(stop_after=12)
    assert learner.learn(1000, callback=watcher) is learner
    iteration = ["rollout", "step", "end of rollout"]
    assert watcher.seen == ["training", *iteration, *iteration, "rollout", "step", "end"]
    assert learner.num_timesteps == 12
    assert learner.replay_buffer.size() == 2
    episodes = StopTrainingOnMaxEpisodes(max_episodes=1)
    learner.learn(4000, callback=[episodes], reset_num_timesteps=True)
    assert learner.num_timesteps < 1000


def test_callbacks_of_sb3_save_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwop_wr.agents.shards.usable_cores", lambda: 2)
    learner = make_learner(make_options())
    learner.learn(400, callback=CheckpointCallback(100, str(tmp_path)))
    assert len(list(tmp_path.glob("*.zip"))) == 1


def test_sb3_evaluates_it_and_logs_its_episodes(tmp_path: Path) -> None:
    learner = make_learner(make_options())
    learner.start_from(make_walker(learner.spec))
    learner.set_logger(configure(str(tmp_path), ["csv"]))
    learner.learn(400, log_interval=1)
    rows = pd.read_csv(tmp_path / "progress.csv")
    assert {"rollout/ep_rew_mean", "rollout/exploration_rate", "time/fps"} <= set(rows.columns)
    learner.start_from(make_walker(learner.spec))
    mean, spread = evaluate_policy(learner, CorridorVecEnv(4), n_eval_episodes=8, warn=False)
    # Twenty steps of 0.98 each.
    assert mean == pytest.approx(19.6)
    assert spread == pytest.approx(0.0, abs=1e-6)
    assert isinstance(learner, QRDQN)
