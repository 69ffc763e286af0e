"""QR-DQN that also learns from demonstrations."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import QRDQN
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.utils import polyak_update
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from qwop_wr.agents.agent import Agent, Weights
from qwop_wr.agents.averaging import WeightAverage
from qwop_wr.agents.batches import Batch, BatchMixer, Outlook, Shares
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.losses import large_margin_loss
from qwop_wr.agents.networks import QuantileNetwork
from qwop_wr.agents.quantile_loss import quantile_huber_loss
from qwop_wr.agents.quantile_policy import QuantilePolicy
from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer, mean_return
from qwop_wr.agents.replay.elite import EliteBuffer
from qwop_wr.agents.replay.experience import ExperienceBuffer
from qwop_wr.agents.replay.sampling import PriorityOptions, make_sampler
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.targets import double_q_values, munchausen_bonus, soft_values
from qwop_wr.agents.transitions import Transitions

MEAN_VALUE_RATE = 0.01
"""Weight of a batch in the running mean of the values."""
_COUNTERS: Final = (
    "pretrained_steps",
    "rate_factor",
    "exploration_rate",
    "_owed_updates",
    "_mean_value",
)


class DemonstrationQRDQN(QRDQN):
    """QR-DQN with n-step double-Q targets, demonstrations and a margin loss.

    The loss of a batch is the mean over its samples of
    weight * (quantile_huber(n steps) + one_step_weight * quantile_huber(1 step)
    + margin_weight * imitated * large_margin), after DQfD
    (https://arxiv.org/abs/1704.03732); imitated are demonstrations and the learner's own
    fastest finishes, the weights correct for prioritised sampling.

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

    Attributes:
        rate_factor: Factor on the scheduled learning rate; a rollback lowers it.
        pretrained_steps: Gradient steps made on demonstrations alone.
        generators: Sources of everything random but the games and the initial weights.
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
        self.generators = [np.random.default_rng(stream) for stream in streams]
        replay_rng, demonstration_rng, elite_rng, self._rng = self.generators
        self.options = options
        self.spec = spec
        self.clock = clock
        self.rate_factor = 1.0
        self.pretrained_steps = 0
        self._owed_updates = 0.0
        self._mean_value: float | None = None
        # Without priorities the options' bonuses are never looked at.
        priorities = options.priorities or PriorityOptions()
        super().__init__(
            QuantilePolicy,
            env,
            learning_rate=lambda left: self.rate_factor * options.learning_rate(1.0 - left),
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
                "bonus": priorities.agent_bonus,
                "sampler": make_sampler(options.priorities, options.buffer_size, replay_rng),
            },
            policy_kwargs={
                "spec": spec,
                "optimizer_class": torch.optim.Adam,
                "optimizer_kwargs": {"fused": True, "eps": 1e-5, "weight_decay": options.l2},
            },
            seed=seed,
            device=options.device,
        )
        self.elite = EliteBuffer(options.elite_runs, options.gamma, elite_rng)
        self.demonstrations: DemonstrationBuffer | None = None
        self._demonstrated_level = 0.0
        if options.uses_demonstrations and demonstrations is not None:
            bonus = priorities.demonstration_bonus
            self._keep_demonstrations(demonstrations, bonus, demonstration_rng)
        self.mixer = self._make_mixer()
        self.exploration_rate = self._exploration(0.0)
        self._parameters = list(self.network.parameters())
        self._target_parameters = list(self.target_network.parameters())
        self.average = WeightAverage(self.network, options.average_decay)

    @property
    def network(self) -> QuantileNetwork:
        """The online network."""
        return self.policy.online_network

    @property
    def target_network(self) -> QuantileNetwork:
        """The target network."""
        return self.policy.target_network

    def agent(self) -> Agent:
        """Take a snapshot.

        Returns:
            Agent with the averaged weights and an empty card.
        """
        return Agent.from_network(self.spec, self.average.network, card={})

    def load_weights(self, weights: Weights) -> None:
        """Continue from an agent.

        Args:
            weights: Weights of an agent of the learner's spec.
        """
        state = {name: torch.tensor(array) for name, array in weights.items()}
        self.network.load_state_dict(state)
        self.target_network.load_state_dict(state)
        self.average.restart()

    def roll_back(self, weights: Weights) -> None:
        """Return to an agent and go on more slowly: half the learning rate from now on.

        The optimizer's momenta belong to what went wrong and are forgotten; what was
        experienced stays.

        Args:
            weights: Weights of the agent.
        """
        self.load_weights(weights)
        self.policy.optimizer.state.clear()
        self.rate_factor /= 2.0

    def pretrain(self, steps: int) -> Iterator[dict[str, float]]:
        """Learn from demonstrations alone, with full margin weight.

        Args:
            steps: Gradient steps, those made before included.

        Yields:
            Metrics of every gradient step. Only a pre-training that is followed to its
            end is complete.

        Raises:
            TrainingDivergedError: If a loss is not finite.
        """
        if self.pretrained_steps == 0:
            # Learning the level of the values with the weights would take most of the steps.
            for network in (self.network, self.target_network):
                network.set_level(self._demonstrated_level * self.options.reward_scale)
        for group in self.policy.optimizer.param_groups:
            group["lr"] = self.options.pretraining_learning_rate
        margin_weight = self.options.margin_weight.start
        while self.pretrained_steps < steps:
            batch = self.mixer.draw(self.batch_size, Shares(demonstrations=1.0), self._beta(0.0))
            metrics = self._update(batch, margin_weight)
            self.pretrained_steps += 1
            yield metrics
        self.target_network.load_state_dict(self.network.state_dict())

    def train(self, gradient_steps: int, batch_size: int = 256) -> None:
        """Make the gradient steps that the played steps are worth.

        Args:
            gradient_steps: Steps played since the last call, all games together.
            batch_size: Samples per gradient step.

        Raises:
            TrainingDivergedError: If a loss is not finite.
        """
        self._update_learning_rate(self.policy.optimizer)
        progress = 1.0 - self._current_progress_remaining
        shares = Shares(
            self.options.demonstration_share(progress), self.options.elite_share(progress)
        )
        margin_weight = self.options.margin_weight(progress)
        self._owed_updates += gradient_steps * self.options.replay_ratio / batch_size
        updates = int(self._owed_updates)
        self._owed_updates -= updates
        for _ in range(updates):
            batch = self.mixer.draw(batch_size, shares, self._beta(progress))
            for name, value in self._update(batch, margin_weight).items():
                self.logger.record_mean(f"train/{name}", value)
        self.logger.record("train/n_updates", self._n_updates)
        self.logger.record("train/demonstration_share", shares.demonstrations)

    def _make_mixer(self) -> BatchMixer:
        options = self.options
        return BatchMixer(
            self.replay_buffer,
            self.demonstrations,
            self.elite,
            (options.n_steps, 1) if options.one_step_weight else (options.n_steps,),
            options.reward_scale,
            self.device,
        )

    def _keep_demonstrations(
        self, demonstrations: Transitions, bonus: float, rng: np.random.Generator
    ) -> None:
        gamma = self.options.gamma
        self._demonstrated_level = mean_return(demonstrations, gamma)
        if self.options.demonstration_storage == "shared":
            self.replay_buffer.add_demonstrations(demonstrations, bonus)
            return
        sampler = make_sampler(self.options.priorities, len(demonstrations), rng)
        self.demonstrations = DemonstrationBuffer(demonstrations, gamma, sampler, bonus)

    def counters(self) -> dict[str, float | None]:
        """Tell the numbers that are neither weights nor memories.

        Returns:
            Numbers by name.
        """
        return {name: getattr(self, name) for name in _COUNTERS}

    def restore_counters(self, counters: Mapping[str, Any]) -> None:
        """Take such numbers over.

        Args:
            counters: What ``counters`` gave.
        """
        for name in _COUNTERS:
            setattr(self, name, counters[name])

    def _update(self, batch: Batch, margin_weight: float) -> dict[str, float]:
        quantiles = self.network(batch.observations)  # (batch, N, n_actions)
        index = batch.actions[:, None, None].expand(-1, quantiles.shape[1], 1)
        chosen = quantiles.gather(2, index).squeeze(2)  # (batch, N)
        targets = self._targets(batch)  # one (batch, N) per outlook
        losses = quantile_huber_loss(chosen, targets[0])  # (batch,)
        errors = (targets[0].mean(dim=1) - chosen.detach().mean(dim=1)).abs()  # (batch,)
        metrics = {
            "td_loss": losses.mean().item(),
            "td_error": errors.mean().item(),
            "value": targets[0].mean().item(),
        }
        if len(targets) > 1:
            one_step = quantile_huber_loss(chosen, targets[1])  # (batch,)
            metrics["one_step_loss"] = one_step.mean().item()
            losses = losses + self.options.one_step_weight * one_step
        n_imitated = batch.imitated.sum().item()
        if n_imitated:
            q_values = quantiles.mean(dim=1)  # (batch, n_actions)
            margins = large_margin_loss(q_values, batch.actions, self.options.margin)  # (batch,)
            margins = batch.imitated * margins
            losses = losses + margin_weight * margins
            agreed = (q_values.argmax(dim=1) == batch.actions) * batch.imitated
            metrics["margin_loss"] = margins.mean().item()
            metrics["agreement"] = agreed.sum().item() / n_imitated
        loss = self._weighted_mean(losses, batch.weights)
        metrics["loss"] = loss.item()
        if not np.isfinite(metrics["loss"]):
            raise TrainingDivergedError("loss", self.num_timesteps, batch.arrays())
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._parameters, self.options.max_grad_norm)
        self.policy.optimizer.step()
        self.mixer.update_priorities(errors)
        self._n_updates += 1
        self.average.update()
        if self._n_updates % self.options.target_period == 0:
            polyak_update(self._parameters, self._target_parameters, self.options.target_rate)
        metrics["grad_norm"] = norm.item()
        return metrics

    def _weighted_mean(self, losses: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        priorities = self.options.priorities
        if priorities is not None and priorities.importance == "mean":
            return losses.mean() * weights.mean()
        return (weights * losses).mean()

    @torch.no_grad()
    def _targets(self, batch: Batch) -> list[torch.Tensor]:
        munchausen = self.options.munchausen
        bonus: torch.Tensor | float = 0.0
        if munchausen is not None:
            q_values = self.target_network.action_scores(batch.observations)
            temperature = munchausen.temperature
            bonus = munchausen.weight * munchausen_bonus(
                q_values, batch.actions, temperature, munchausen.floor
            )  # (batch,)
        return [
            (outlook.returns + bonus)[:, None]
            + outlook.discounts[:, None] * self._values_behind(outlook)
            for outlook in batch.outlooks
        ]

    def _values_behind(self, outlook: Outlook) -> torch.Tensor:
        """Quantiles of the values behind the returns, shape (batch, N)."""
        target_quantiles = self.target_network(outlook.next_observations)
        if self.options.munchausen is not None:
            values = soft_values(target_quantiles, self.options.munchausen.temperature)
        else:
            scores = self.network.action_scores(outlook.next_observations)
            values = double_q_values(scores, target_quantiles)
        inside = values[~outlook.outlived]
        if len(inside):
            rate = MEAN_VALUE_RATE if self._mean_value is not None else 1.0
            self._mean_value = rate * inside.mean().item() + (1 - rate) * (self._mean_value or 0.0)
        values[outlook.outlived] = self._mean_value or 0.0
        return values

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
        observations = torch.from_numpy(self._last_obs).to(self.device)
        with torch.no_grad():
            scores = self.network.action_scores(observations)
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

    def _beta(self, progress: float) -> float:
        return self.options.priorities.beta(progress) if self.options.priorities else 0.0
