"""QR-DQN that also learns from demonstrations: act, step, store, learn."""

from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from sb3_contrib import QRDQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from qwop_wr.agents.agent import Agent, Weights
from qwop_wr.agents.learners.learner import Learner, LearningGames, Progress, take_metrics
from qwop_wr.agents.learners.options import DemonstrationLearning
from qwop_wr.agents.learners.policies import QuantilePolicy
from qwop_wr.agents.losses import double_q_values, large_margin_loss, quantile_huber_loss
from qwop_wr.agents.metrics import RecentEpisodes
from qwop_wr.agents.networks import WeightAverage
from qwop_wr.agents.replay.batches import Batch, BatchMixer, NStepTransitions, Shares
from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer, EliteBuffer, mean_return
from qwop_wr.agents.replay.experience import ExperienceBuffer
from qwop_wr.agents.replay.sampling import PriorityOptions, make_sampler
from qwop_wr.agents.shards import Shards
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.state import (
    TrainingDivergedError,
    TrainingState,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    prefixed,
)
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


class DemonstrationQRDQN(QRDQN, Learner):
    """QR-DQN with n-step double-Q targets, demonstrations and a margin loss.

    The loss of a batch is the mean over its samples of
    weight * (quantile_huber(n steps) + one_step_weight * quantile_huber(1 step)
    + margin_weight * imitated * large_margin), after DQfD
    (https://arxiv.org/abs/1704.03732); imitated are demonstrations and the learner's own
    fastest finishes, the weights correct for prioritised sampling.

    The state after a finish is never observed, so a value learnt there would only follow
    itself and drift; a state after an end that is not a fall counts as the average state
    instead. Replay ratio and target updates count gradient steps, so that neither depends
    on the number of games. Draws come from generators spawned from the seed; only the
    initial weights come from torch's global generator, which SB3 seeds.

    ``learn`` runs the same iterations under SB3's callbacks; ``predict`` and
    ``evaluate_policy`` are SB3's.

    Args:
        spec: Spec of the agents, from ``options.agent_spec``.
        progress: Share of the training that is over, which the schedules follow.

    Attributes:
        rate_factor: Factor on the scheduled learning rate; a rollback lowers it.
        pretrained_steps: Gradient steps made on demonstrations alone.
    """

    policy: QuantilePolicy
    replay_buffer: ExperienceBuffer

    def __init__(
        self,
        options: DemonstrationLearning,
        spec: AgentSpec,
        env: VecEnv,
        demonstrations: Transitions | None,
        progress: Progress,
        seed: int,
    ) -> None:
        streams = np.random.SeedSequence(seed).spawn(4)
        self._generators = [np.random.default_rng(stream) for stream in streams]
        replay_rng, demonstration_rng, elite_rng, self._rng = self._generators
        self.options, self.spec, self._progress = options, spec, progress
        self.episodes = RecentEpisodes()
        self.rate_factor = 1.0
        self.pretrained_steps = 0
        self._owed_updates = 0.0
        self._mean_value: float | None = None
        # Without priorities the options' bonuses do not matter.
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
        self.set_logger(Logger(folder=None, output_formats=[]))
        self.elite = EliteBuffer(options.elite_runs, options.gamma, elite_rng)
        self.demonstrations: DemonstrationBuffer | None = None
        self._demonstrated_level = 0.0
        if options.uses_demonstrations and demonstrations is not None:
            bonus = priorities.demonstration_bonus
            self._keep_demonstrations(demonstrations, bonus, demonstration_rng)
        self.mixer = BatchMixer(
            self.replay_buffer,
            self.demonstrations,
            self.elite,
            (options.n_steps, 1) if options.one_step_weight else (options.n_steps,),
            options.reward_scale,
            self.device,
        )
        self.exploration_rate = options.exploration(0.0)
        self.network, self.target_network = self.policy.online_network, self.policy.target_network
        self._parameters = list(self.network.parameters())
        self._shards = Shards(self._parameters)
        self.average = WeightAverage(self.network, options.average_decay)

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

    # Act, step, store, learn.

    def iterate(self) -> None:
        """Acts, steps and stores once in every game, then makes the gradient steps due.

        Raises:
            TrainingDivergedError: If a loss is not finite.
        """
        if self._last_obs is None:
            assert self.env is not None  # noqa: S101 - the constructor has set it
            self._last_obs = self.env.reset()  # type: ignore[assignment]
        self._iterate(None, None)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 4,
        tb_log_name: str = "DemonstrationQRDQN",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "DemonstrationQRDQN":
        """Iterates under SB3's callbacks, with SB3's arguments; returns the learner itself."""
        total_timesteps, callbacks = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        callbacks.on_training_start(locals(), globals())
        going_on = True
        while going_on and self.num_timesteps < total_timesteps:
            going_on = self._iterate(callbacks, log_interval)
        callbacks.on_training_end()
        return self

    def _iterate(self, callback: BaseCallback | None, log_interval: int | None) -> bool:
        """Makes one iteration; returns False if a callback has ended the training."""
        assert self.env is not None  # noqa: S101 - the constructor has set it
        assert isinstance(self._last_obs, np.ndarray)  # noqa: S101 - the games were reset
        if callback is not None:
            callback.on_rollout_start()
        actions = self._act(self._last_obs)
        new_obs, rewards, dones, infos = self.env.step(actions)
        self.num_timesteps += self.n_envs
        if callback is not None:
            callback.update_locals(locals())
            if not callback.on_step():
                return False
        self._store(self._last_obs, actions, rewards, cast("Any", new_obs), dones, infos)
        self._last_obs = cast("NDArray[np.float32]", new_obs)
        progress = self._progress(self.num_timesteps)
        self._current_progress_remaining = 1.0 - progress
        self.exploration_rate = self.options.exploration(progress)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)
        if callback is not None:
            self._log_episodes(infos, dones, log_interval)
            callback.on_rollout_end()
        if self.num_timesteps > self.options.warmup_steps:
            self.train(self.n_envs, self.options.batch_size)
        return True

    @torch.no_grad()
    def _act(self, observations: NDArray[np.float32]) -> NDArray[np.int64]:
        """Chooses actions by the policy, in warm-up too: it fills the buffer, not chance."""
        scores = self.network.action_scores(torch.from_numpy(observations).to(self.device))
        greedy = scores.argmax(dim=1).cpu().numpy()
        random = self._rng.integers(self.spec.n_actions, size=self.n_envs)
        explores = self._rng.random(self.n_envs) < self.exploration_rate
        return np.where(explores, random, greedy)

    def _store(
        self,
        observations: NDArray[np.float32],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float32],
        new_observations: NDArray[np.float32],
        dones: NDArray[np.bool_],
        infos: list[dict[str, Any]],
    ) -> None:
        ended = np.flatnonzero(dones).tolist()
        successors = new_observations.copy()
        for game in ended:
            successors[game] = infos[game]["terminal_observation"]
            self.episodes.add(infos[game])
        self.replay_buffer.add(observations, successors, actions, rewards, dones, infos)
        if self.options.elite_share.maximum == 0:
            return
        for game in ended:
            length = infos[game]["episode"]["l"]
            kept = length <= self.replay_buffer.buffer_size
            if infos[game]["finished"] and kept and self.elite.admits(length):
                self.elite.add(self.replay_buffer.latest_steps(game, length))

    def _log_episodes(
        self, infos: list[dict[str, Any]], dones: NDArray[np.bool_], log_interval: int | None
    ) -> None:
        """Updates the episode statistics that SB3's callbacks and loggers read."""
        self._update_info_buffer(infos, dones)
        before, self._episode_num = self._episode_num, self._episode_num + int(dones.sum())
        if log_interval and self._episode_num // log_interval > before // log_interval:
            self.dump_logs()

    def train(self, gradient_steps: int, batch_size: int = 256) -> None:
        """Makes the gradient steps due, the replay ratio times the steps played.

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

    def pretrain(self, steps: int) -> Iterator[dict[str, float]]:
        """Learns from demonstrations alone, with full margin weight.

        Args:
            steps: Gradient steps, including those made before.

        Yields:
            Metrics of every gradient step. The pre-training is complete only if it is
            iterated to its end.

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

    def _update(self, batch: Batch, margin_weight: float) -> dict[str, float]:
        targets = self.n_step_targets(batch)
        if self.options.priorities is not None and self.options.priorities.importance == "mean":
            batch = batch._replace(weights=batch.weights.mean().expand_as(batch.weights))
        imitates = bool(batch.imitated.any())
        samples = self._shards.backward(
            lambda shard: self._loss(batch, targets, margin_weight * imitates, shard),
            len(batch.actions),
        )
        per_sample = {name: torch.cat([one[name] for one in samples]) for name in samples[0]}
        errors = per_sample["td_error"]
        agreed = per_sample.pop("agreement").sum().item()
        metrics = {name: values.mean().item() for name, values in per_sample.items()}
        if imitates:
            metrics["agreement"] = agreed / batch.imitated.sum().item()
        else:
            del metrics["margin_loss"]
        if not np.isfinite(metrics["loss"]):
            raise TrainingDivergedError("loss", self.num_timesteps, batch.arrays())
        norm = nn.utils.clip_grad_norm_(self._parameters, self.options.max_grad_norm)
        self.policy.optimizer.step()
        self.mixer.update_priorities(errors)
        self._n_updates += 1
        self.average.update()
        if self._n_updates % self.options.target_period == 0:
            self.target_network.load_state_dict(self.network.state_dict())
        metrics["grad_norm"] = norm.item()
        return metrics

    def _loss(
        self, batch: Batch, targets: list[torch.Tensor], margin_weight: float, shard: slice
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Computes a shard's share of the loss, and metrics per sample."""
        actions, imitated = batch.actions[shard], batch.imitated[shard]
        quantiles = self.network(batch.observations[shard])  # (shard, N, n_actions)
        index = actions[:, None, None].expand(-1, quantiles.shape[1], 1)
        chosen = quantiles.gather(2, index).squeeze(2)  # (shard, N)
        target, *one_step_target = (one[shard] for one in targets)  # one (shard, N) per horizon
        losses = quantile_huber_loss(chosen, target)  # (shard,)
        values = target.mean(dim=1)
        samples = {
            "td_loss": losses,
            "td_error": (values - chosen.mean(dim=1)).abs(),
            "value": values,
        }
        if one_step_target:
            samples["one_step_loss"] = quantile_huber_loss(chosen, one_step_target[0])
            losses = losses + self.options.one_step_weight * samples["one_step_loss"]
        q_values = quantiles.mean(dim=1)  # (shard, n_actions)
        samples["margin_loss"] = imitated * large_margin_loss(
            q_values, actions, self.options.margin
        )
        samples["agreement"] = (q_values.argmax(dim=1) == actions) * imitated
        losses = losses + margin_weight * samples["margin_loss"]
        samples["loss"] = batch.weights[shard] * losses
        loss = samples["loss"].sum() / len(batch.actions)
        return loss, {name: values.detach() for name, values in samples.items()}

    @torch.no_grad()
    def n_step_targets(self, batch: Batch) -> list[torch.Tensor]:
        """Computes R + g^n Z(s_n, argmax Q(s_n, .)), quantiles (batch, N), for every horizon."""

        @torch.no_grad()
        def values_of(shard: slice) -> list[torch.Tensor]:
            seen = [step.next_observations[shard] for step in batch.n_step]
            return [
                double_q_values(self.network.action_scores(one), self.target_network(one))
                for one in seen
            ]

        shards = self._shards.map(values_of, len(batch.actions))
        return [
            step.returns[:, None]
            + step.discounts[:, None] * self._completed(step, torch.cat(parts))
            for step, parts in zip(batch.n_step, zip(*shards, strict=True), strict=True)
        ]

    def _completed(self, step: NStepTransitions, values: torch.Tensor) -> torch.Tensor:
        """Replaces values (batch, N) of truncated steps by the running mean, which it updates."""
        inside = values[~step.truncated]
        if len(inside):
            rate = MEAN_VALUE_RATE if self._mean_value is not None else 1.0
            self._mean_value = rate * inside.mean().item() + (1 - rate) * (self._mean_value or 0.0)
        values[step.truncated] = self._mean_value or 0.0
        return values

    def _beta(self, progress: float) -> float:
        return self.options.priorities.beta(progress) if self.options.priorities else 0.0

    # Agents and weights.

    def agent(self) -> Agent:
        """Returns an agent with the averaged weights and an empty card."""
        return Agent.from_network(self.spec, self.average.network, card={})

    def start_from(self, agent: Agent) -> None:
        """Replaces the initial weights, also those of the target network."""
        self._load_weights(agent.weights)

    def roll_back(self, agent: Agent) -> None:
        """Returns to an agent and continues at half the learning rate.

        The optimizer's moments belong to what went wrong and are reset; experience stays.
        """
        self._load_weights(agent.weights)
        self.policy.optimizer.state.clear()
        self.rate_factor /= 2.0

    def _load_weights(self, weights: Weights) -> None:
        for network in (self.network, self.target_network):
            load_module(network, weights)
        self.average.restart()

    # The rest of Learner's interface.

    @property
    def steps(self) -> int:
        """Decisions made so far, all games together."""
        return self.num_timesteps

    def metrics(self) -> dict[str, float]:
        """Takes out the means over the gradient steps since the last call."""
        return take_metrics(self.logger)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies weights, moments, buffers and games."""
        parts = {
            "games": {} if self._last_obs is None else self._games.state(),
            "experience": self.replay_buffer.state(),
            "elite": self.elite.state(),
            "demonstrations": self.demonstrations.sampler.state() if self.demonstrations else {},
            "optimizer": optimiser_arrays(self.policy.optimizer),
            **{name: module_arrays(network) for name, network in self._networks().items()},
        }
        return {
            name: array for part in parts for name, array in prefixed(part, parts[part]).items()
        }

    def facts(self) -> dict[str, JsonValue]:
        """Returns counters, generators, recent episodes and metrics not yet taken out."""
        counts = self.logger.name_to_count
        return {
            "steps": self.num_timesteps,
            "updates": self._n_updates,
            "average_updates": self.average.n_updates,
            "counters": {name: getattr(self, name) for name in _COUNTERS},
            "generators": [cast("Any", one.bit_generator.state) for one in self._generators],
            "episodes": self.episodes.state(),
            # A list: their order is that of the history.
            "pending_metrics": [
                [name, float(value), counts.get(name, 0)]
                for name, value in self.logger.name_to_value.items()
            ],
        }

    def restore(self, state: TrainingState) -> None:
        """Continues exactly from the state of ``arrays`` and ``facts``."""
        facts = cast("dict[str, Any]", state.facts)
        for name, network in self._networks().items():
            load_module(network, state.part(name))
        self.average.n_updates = facts["average_updates"]
        load_optimiser(self.policy.optimizer, state.part("optimizer"))
        self.replay_buffer.restore(state.part("experience"))
        self.elite.restore(state.part("elite"))
        if self.demonstrations is not None:
            self.demonstrations.sampler.restore(state.part("demonstrations"))
        for generator, saved in zip(self._generators, facts["generators"], strict=True):
            generator.bit_generator.state = saved
        for name in _COUNTERS:
            setattr(self, name, facts["counters"][name])
        self.num_timesteps, self._n_updates = facts["steps"], facts["updates"]
        self.episodes.restore(facts["episodes"])
        for name, value, count in facts["pending_metrics"]:
            self.logger.record(name, value)
            self.logger.name_to_count[name] = count
        if games := state.part("games"):
            self._last_obs = self._games.load_state(games)

    def _networks(self) -> dict[str, nn.Module]:
        networks = self.network, self.target_network, self.average.network
        return dict(zip(("online", "target", "average"), networks, strict=True))

    @property
    def _games(self) -> LearningGames:
        return cast("LearningGames", self.env)
