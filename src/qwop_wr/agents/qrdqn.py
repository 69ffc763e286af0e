"""QR-DQN that also learns from demonstrations."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import QRDQN
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.qrdqn.policies import QuantileNetwork as ContribQuantileNetwork
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import polyak_update
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from qwop_wr.agents.agent import Agent, Weights
from qwop_wr.agents.averaging import average_weights
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.losses import double_q_values, large_margin_loss, quantile_huber_loss
from qwop_wr.agents.networks import QuantileNetwork
from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer
from qwop_wr.agents.replay.elite import EliteBuffer
from qwop_wr.agents.replay.experience import ExperienceBuffer
from qwop_wr.agents.replay.n_step import NStepSamples
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.transitions import Transitions

MEAN_VALUE_RATE = 0.01
"""Weight of a batch in the running mean of the values."""


class QuantilePolicy(QRDQNPolicy):
    """SB3's policy around our own quantile network.

    Args:
        observation_space: Observations of one game.
        action_space: Actions of one game.
        lr_schedule: Step size by remaining progress.
        spec: Spec of the agents.
        **kwargs: SB3's further arguments, such as the optimizer.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        spec: AgentSpec,
        **kwargs: Any,  # noqa: ANN401 - SB3's to define
    ) -> None:
        self.spec = spec
        kwargs.update(n_quantiles=spec.n_quantiles, net_arch=list(spec.net_arch))
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def make_quantile_net(self) -> ContribQuantileNetwork:
        """Build SB3's network with ours in its place.

        Returns:
            The network; its output is ours.
        """
        network = super().make_quantile_net()
        network.quantile_net = nn.Sequential(QuantileNetwork(self.spec)).to(self.device)
        return network


class Batch(NamedTuple):
    """Samples as tensors; own experience first, then what is to be imitated.

    Attributes:
        observations: Shape (batch, d).
        actions: Shape (batch,).
        returns: n-step returns in scaled rewards, shape (batch,).
        next_observations: Shape (batch, d).
        discounts: Weights of the next values, shape (batch,).
        outlived: Whether the episode ended without a fall, shape (batch,).
        imitated: 1 for demonstrations and elite runs, else 0, shape (batch,).
    """

    observations: torch.Tensor
    actions: torch.Tensor
    returns: torch.Tensor
    next_observations: torch.Tensor
    discounts: torch.Tensor
    outlived: torch.Tensor
    imitated: torch.Tensor


class DemonstrationQRDQN(QRDQN):
    """QR-DQN with n-step double-Q targets, demonstrations and a margin loss.

    The loss of a batch is the mean over its samples of
    quantile_huber + margin_weight * imitated * large_margin (after DQfD,
    https://arxiv.org/abs/1704.03732); imitated are demonstrations and the
    learner's own fastest finishes.

    What lies behind a finish is never seen, so a value learnt there would only
    follow itself and drift; a state behind an end that is not a fall counts as
    the average state instead. Replay ratio and target updates count gradient
    steps, so that neither depends on the number of games. Draws come from
    generators spawned from the seed; only the initial weights come from torch's
    global generator, which SB3 seeds.

    Args:
        options: The stage's options.
        spec: Spec of the agents.
        env: Training environment.
        demonstrations: Demonstrated steps, if the stage uses them.
        clock: Progress of the stage's budget, for the schedules.
        seed: Seed of everything random.
    """

    policy: QuantilePolicy
    replay_buffer: ExperienceBuffer

    def __init__(
        self,
        options: StageOptions,
        spec: AgentSpec,
        env: VecEnv,
        demonstrations: Transitions | None,
        clock: BudgetClock,
        seed: int,
    ) -> None:
        streams = np.random.SeedSequence(seed).spawn(4)
        replay_rng, demonstration_rng, elite_rng, self._rng = map(np.random.default_rng, streams)
        self.options = options
        self.spec = spec
        self.clock = clock
        self.demonstrations: DemonstrationBuffer | None = None
        if options.uses_demonstrations and demonstrations is not None:
            self.demonstrations = DemonstrationBuffer(
                demonstrations, options.n_steps, options.gamma, demonstration_rng
            )
        self.elite = EliteBuffer(options.elite_runs, options.n_steps, options.gamma, elite_rng)
        self._owed_updates = 0.0
        self._mean_value: float | None = None
        super().__init__(
            QuantilePolicy,
            env,
            learning_rate=lambda remaining: options.learning_rate(1.0 - remaining),
            buffer_size=options.buffer_size,
            learning_starts=options.warmup_steps,
            batch_size=options.batch_size,
            gamma=options.gamma,
            train_freq=1,
            gradient_steps=-1,
            replay_buffer_class=ExperienceBuffer,
            replay_buffer_kwargs={
                "n_steps": options.n_steps,
                "gamma": options.gamma,
                "rng": replay_rng,
            },
            policy_kwargs={
                "spec": spec,
                "optimizer_class": torch.optim.Adam,
                "optimizer_kwargs": {"fused": True, "eps": 1e-5},
            },
            seed=seed,
            device=options.device,
        )
        self.exploration_rate = self._exploration(0.0)
        self._average = average_weights(self.network, options.average_decay)

    @property
    def network(self) -> QuantileNetwork:
        """The online network."""
        network = self.policy.quantile_net.quantile_net[0]
        assert isinstance(network, QuantileNetwork)  # noqa: S101 - QuantilePolicy put it there
        return network

    @property
    def averaged_network(self) -> QuantileNetwork:
        """Exponential average of the online network over the gradient steps."""
        network = self._average.module
        assert isinstance(network, QuantileNetwork)  # noqa: S101 - a copy of the online one
        return network

    @property
    def target_network(self) -> QuantileNetwork:
        """The target network."""
        network = self.policy.quantile_net_target.quantile_net[0]
        assert isinstance(network, QuantileNetwork)  # noqa: S101 - QuantilePolicy put it there
        return network

    def agent(self) -> Agent:
        """Take a snapshot.

        Returns:
            Agent with the averaged weights and an empty card.
        """
        return Agent.from_network(self.spec, self.averaged_network, card={})

    def load_weights(self, weights: Weights) -> None:
        """Continue from an agent.

        Args:
            weights: Weights of an agent of the learner's spec.
        """
        state = {name: torch.tensor(array) for name, array in weights.items()}
        self.network.load_state_dict(state)
        self.target_network.load_state_dict(state)
        self._average = average_weights(self.network, self.options.average_decay)

    def pretrain(self, steps: int, on_update: Callable[[int, dict[str, float]], None]) -> None:
        """Learn from demonstrations alone, with full margin weight.

        Args:
            steps: Gradient steps.
            on_update: Called after each with its number and metrics.

        Raises:
            TrainingDivergedError: If a loss is not finite.
        """
        assert self.demonstrations is not None  # noqa: S101 - the stage has made sure
        # Learning the level of the values with the weights would take most of the steps.
        level = self.demonstrations.mean_return(self.gamma) * self.options.reward_scale
        for network in (self.network, self.target_network):
            nn.init.constant_(network.output.bias, level)
        for group in self.policy.optimizer.param_groups:
            group["lr"] = self.options.pretraining_learning_rate
        self.policy.set_training_mode(True)
        for step in range(1, steps + 1):
            batch = self._batch(self.batch_size, demonstration_share=1.0)
            on_update(step, self._update(batch, self.options.margin_weight.start))
        self.target_network.load_state_dict(self.network.state_dict())

    def train(self, gradient_steps: int, batch_size: int = 256) -> None:
        """Make the gradient steps that the played steps are worth.

        Args:
            gradient_steps: Steps played since the last call, all games together.
            batch_size: Samples per gradient step.

        Raises:
            TrainingDivergedError: If a loss is not finite.
        """
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        progress = 1.0 - self._current_progress_remaining
        share = self.options.demonstration_share(progress)
        elite_share = self.options.elite_share(progress)
        margin_weight = self.options.margin_weight(progress)
        self._owed_updates += gradient_steps * self.options.replay_ratio / batch_size
        updates = int(self._owed_updates)
        self._owed_updates -= updates
        for _ in range(updates):
            metrics = self._update(self._batch(batch_size, share, elite_share), margin_weight)
            for name, value in metrics.items():
                self.logger.record_mean(f"train/{name}", value)
        self.logger.record("train/n_updates", self._n_updates)
        self.logger.record("train/demonstration_share", share)

    def _batch(
        self, batch_size: int, demonstration_share: float, elite_share: float = 0.0
    ) -> Batch:
        parts: list[NStepSamples] = []
        n_demonstrated = round(demonstration_share * batch_size)
        if n_demonstrated and self.demonstrations is not None:
            parts.append(self.demonstrations.sample(n_demonstrated))
        n_elite = round(elite_share * batch_size)
        if n_elite and self.elite.lengths:
            parts.append(self.elite.sample(n_elite))
        n_imitated = sum(len(part.actions) for part in parts)
        if n_imitated < batch_size:
            parts.insert(0, self.replay_buffer.sample_n_step(batch_size - n_imitated))
        samples = NStepSamples(*map(np.concatenate, zip(*parts, strict=True)))
        imitated = np.zeros(batch_size, dtype=np.float32)
        imitated[batch_size - n_imitated :] = 1.0
        return Batch(
            observations=self._tensor(samples.observations),
            actions=self._tensor(samples.actions),
            returns=self._tensor(samples.returns * np.float32(self.options.reward_scale)),
            next_observations=self._tensor(samples.next_observations),
            discounts=self._tensor(samples.discounts),
            outlived=self._tensor(samples.outlived),
            imitated=self._tensor(imitated),
        )

    def _update(self, batch: Batch, margin_weight: float) -> dict[str, float]:
        targets = self._targets(batch)  # (batch, N)
        quantiles = self.network(batch.observations)  # (batch, N, n_actions)
        index = batch.actions[:, None, None].expand(-1, quantiles.shape[1], 1)
        chosen = quantiles.gather(2, index).squeeze(2)  # (batch, N)
        td_loss = quantile_huber_loss(chosen, targets)  # (batch,)
        loss = td_loss.mean()
        metrics = {"td_loss": loss.item(), "value": targets.mean().item()}
        if batch.imitated.any():
            q_values = quantiles.mean(dim=1)  # (batch, n_actions)
            margins = large_margin_loss(q_values, batch.actions, self.options.margin)  # (batch,)
            margin_loss = (batch.imitated * margins).mean()
            loss = loss + margin_weight * margin_loss
            agreed = (q_values.argmax(dim=1) == batch.actions) * batch.imitated
            metrics["margin_loss"] = margin_loss.item()
            metrics["agreement"] = (agreed.sum() / batch.imitated.sum()).item()
        metrics["loss"] = loss.item()
        if not np.isfinite(metrics["loss"]):
            raise TrainingDivergedError("loss", self.num_timesteps)
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.max_grad_norm)
        self.policy.optimizer.step()
        self._n_updates += 1
        self._average.update_parameters(self.network)
        if self._n_updates % self.options.target_period == 0:
            polyak_update(
                self.network.parameters(),
                self.target_network.parameters(),
                self.options.target_rate,
            )
        metrics["grad_norm"] = norm.item()
        return metrics

    @torch.no_grad()
    def _targets(self, batch: Batch) -> torch.Tensor:
        values = double_q_values(
            self.network.action_scores(batch.next_observations),
            self.target_network(batch.next_observations),
        )  # (batch, N)
        inside = values[~batch.outlived]
        if len(inside):
            rate = MEAN_VALUE_RATE if self._mean_value is not None else 1.0
            self._mean_value = rate * inside.mean().item() + (1 - rate) * (self._mean_value or 0.0)
        values[batch.outlived] = self._mean_value or 0.0
        return batch.returns[:, None] + batch.discounts[:, None] * values

    def _store_transition(
        self,
        replay_buffer: ReplayBuffer,
        buffer_action: NDArray[Any],
        new_obs: NDArray[Any] | dict[str, NDArray[Any]],
        reward: NDArray[Any],
        dones: NDArray[Any],
        infos: list[dict[str, Any]],
    ) -> None:
        super()._store_transition(replay_buffer, buffer_action, new_obs, reward, dones, infos)
        if self.options.elite_share.maximum == 0:
            return
        for game in np.flatnonzero(dones).tolist():
            length = infos[game]["episode"]["l"]
            kept = length <= self.replay_buffer.buffer_size
            if infos[game]["finished"] and kept and self.elite.admits(length):
                self.elite.add(self.replay_buffer.latest_steps(game, length))

    def _sample_action(
        self,
        learning_starts: int,
        action_noise: ActionNoise | None = None,
        n_envs: int = 1,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # Also during warm-up: the frozen policy fills the buffer, not chance.
        assert isinstance(self._last_obs, np.ndarray)  # noqa: S101 - learn() has reset
        with torch.no_grad():
            scores = self.network.action_scores(self._tensor(self._last_obs))
        greedy = scores.argmax(dim=1).cpu().numpy()
        chance = self._rng.integers(self.spec.n_actions, size=n_envs)
        actions = np.where(self._rng.random(n_envs) < self.exploration_rate, chance, greedy)
        return actions, actions

    def _on_step(self) -> None:
        self.exploration_rate = self._exploration(1.0 - self._current_progress_remaining)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        self._current_progress_remaining = 1.0 - self.clock.progress(num_timesteps)

    def _exploration(self, progress: float) -> float:
        return max(self.options.exploration(progress), self.options.exploration_floor)

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
