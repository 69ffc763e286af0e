"""Algorithms of stable-baselines3 and sb3-contrib as resumable learners."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from sb3_contrib import QRDQN, RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecEnv
from torch import nn
from torch.nn import functional

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.learner import Learner, LearningGames, Progress, take_metrics
from qwop_wr.agents.learners.options import (
    A2CLearning,
    Learning,
    PPOLearning,
    QRDQNLearning,
    RecurrentPPOLearning,
    ValueLearning,
)
from qwop_wr.agents.learners.policies import QuantilePolicy, ValuePolicy
from qwop_wr.agents.losses import double_q_values, quantile_huber_loss
from qwop_wr.agents.metrics import RecentEpisodes
from qwop_wr.agents.networks import ACTIVATIONS
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.state import (
    TrainingDivergedError,
    TrainingState,
    global_generators,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    prefixed,
    restore_global_generators,
)

_BUFFERED: Final = (
    "observations",
    "next_observations",
    "actions",
    "rewards",
    "dones",
    "timeouts",
)
"""Arrays of SB3's replay buffer."""


class SB3Learner(Learner):
    """An algorithm of SB3 or sb3-contrib, one rollout and its updates at a time.

    SB3 draws from the global generators of torch and numpy, which it seeds; their states
    are part of the learner's state.
    """

    def __init__(
        self,
        options: Learning,
        spec: AgentSpec,
        env: LearningGames,
        progress: Progress,
        seed: int,
    ) -> None:
        self.episodes = RecentEpisodes()
        self._options, self._spec, self._env, self._progress = options, spec, env, progress
        self._model = _make_model(options, spec, cast("VecEnv", env), progress, seed)
        # SB3 would measure progress against the end of one call of learn().
        self._model._update_current_progress_remaining = self._follow  # type: ignore[method-assign]
        self._model.set_logger(Logger(folder=None, output_formats=[]))
        self._watch = _EpisodesCallback(self.episodes)

    @property
    def steps(self) -> int:
        """Decisions made so far, all games together."""
        return self._model.num_timesteps

    def iterate(self) -> None:
        """Collects a rollout and makes the updates that follow it."""
        model = self._model
        self._follow(model.num_timesteps)
        if isinstance(model, PPO | A2C | RecurrentPPO):
            schedule = cast("PPOLearning", self._options).entropy
            model.ent_coef = schedule(1.0 - model._current_progress_remaining)
            model.logger.record("train/entropy_weight", model.ent_coef)
        # To ask for one step more is to ask for one rollout.
        model.learn(1, callback=self._watch, log_interval=None, reset_num_timesteps=False)  # type: ignore[arg-type]
        if not all(torch.isfinite(weights).all() for weights in model.policy.parameters()):
            raise TrainingDivergedError("a weight", model.num_timesteps)

    def metrics(self) -> dict[str, float]:
        """Takes out the metrics since the last call."""
        return take_metrics(self._model.logger)

    def agent(self) -> Agent:
        """Returns an agent with the current weights and an empty card."""
        policy = self._model.policy
        if isinstance(policy, QuantilePolicy | ValuePolicy):
            return Agent.from_network(self._spec, policy.online_network, card={})
        state = policy.state_dict()
        weights = {ours: state[theirs].cpu().numpy() for theirs, ours in self._names().items()}
        return Agent(self._spec, weights)

    def start_from(self, agent: Agent) -> None:
        """Replaces the initial weights, also those of a target network."""
        policy = self._model.policy
        if isinstance(policy, QuantilePolicy | ValuePolicy):
            load_module(policy.online_network, agent.weights)
            online, target = _networks(policy)
            target.load_state_dict(online.state_dict())
            return
        own = module_arrays(policy)
        own.update({theirs: agent.weights[ours] for theirs, ours in self._names().items()})
        load_module(policy, own)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies weights, moments, buffer, generators and games."""
        model = self._model
        assert isinstance(model._last_obs, np.ndarray)  # noqa: S101 - it has played
        rest = {"observations": model._last_obs.copy()}
        if isinstance(model, OffPolicyAlgorithm):
            rest |= prefixed("buffer", _buffer_arrays(model))
        else:
            assert isinstance(model._last_episode_starts, np.ndarray)  # noqa: S101 - it has played
            rest["starts"] = model._last_episode_starts.copy()
        if isinstance(model, RecurrentPPO):
            rest |= prefixed("memory", _memory_arrays(model))
        return {
            **prefixed("policy", module_arrays(model.policy)),
            **prefixed("optimiser", optimiser_arrays(model.policy.optimizer)),
            **prefixed("generator", global_generators()),
            **prefixed("games", self._env.state()),
            **prefixed("rest", rest),
        }

    def facts(self) -> dict[str, JsonValue]:
        """Returns counters, recent episodes and SB3's own counters."""
        model = self._model
        facts: dict[str, JsonValue] = {
            "steps": model.num_timesteps,
            "updates": model._n_updates,
            "episodes": self.episodes.state(),
            "action_generator": json.dumps(model.action_space.np_random.bit_generator.state),
        }
        if isinstance(model, OffPolicyAlgorithm):
            assert model.replay_buffer is not None  # noqa: S101 - SB3 made one
            facts["buffer_position"] = model.replay_buffer.pos
            facts["buffer_full"] = bool(model.replay_buffer.full)
        if isinstance(model, DQN | SortingQRDQN):
            facts["calls"] = model._n_calls
            facts["exploration_rate"] = model.exploration_rate
        return facts

    def restore(self, state: TrainingState) -> None:
        """Continues exactly from the state of ``arrays`` and ``facts``."""
        model, facts = self._model, cast("dict[str, Any]", state.facts)
        rest = state.part("rest")
        load_module(model.policy, state.part("policy"))
        load_optimiser(model.policy.optimizer, state.part("optimiser"))
        self._env.load_state(state.part("games"))
        self.episodes.restore(facts["episodes"])
        model.num_timesteps, model._n_updates = facts["steps"], facts["updates"]
        model._last_obs = rest["observations"].copy()
        model.action_space.np_random.bit_generator.state = json.loads(facts["action_generator"])
        if isinstance(model, OffPolicyAlgorithm):
            _load_buffer(model, state.part("rest"), facts)
        else:
            model._last_episode_starts = rest["starts"].copy()
        if isinstance(model, RecurrentPPO):
            _load_memory(model, rest)
        if isinstance(model, DQN | SortingQRDQN):
            model._n_calls, model.exploration_rate = facts["calls"], facts["exploration_rate"]
        restore_global_generators(state.part("generator"))

    def _follow(self, num_timesteps: int, total_timesteps: int = 0) -> None:
        self._model._current_progress_remaining = 1.0 - self._progress(num_timesteps)

    def _names(self) -> dict[str, str]:
        """Maps SB3's names of the weights of actor-critic policies to ours."""
        names = {"action_net": "actor_output", "value_net": "critic_output"}
        for layer in range(len(self._spec.net_arch)):
            # SB3 counts the non-linearities in between.
            names[f"mlp_extractor.policy_net.{2 * layer}"] = f"actor.linear.{layer}"
            names[f"mlp_extractor.value_net.{2 * layer}"] = f"critic.linear.{layer}"
        weights = {
            f"{theirs}.{kind}": f"{ours}.{kind}"
            for theirs, ours in names.items()
            for kind in ("weight", "bias")
        }
        if self._spec.lstm_size is not None:
            for kind in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
                weights[f"lstm_actor.{kind}"] = f"actor_lstm.{kind}"
                weights[f"lstm_critic.{kind}"] = f"critic_lstm.{kind}"
        return weights


class DoubleDQN(DQN):
    """SB3's DQN, except that the online network chooses the next action.

    The target network only values it (https://arxiv.org/abs/1509.06461), so that an action
    is not chosen for the very error that makes it look good.
    """

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Makes gradient steps on the double-DQN loss."""
        _train(self, gradient_steps, batch_size, self._loss)

    def _loss(self, data: ReplayBufferSamples) -> torch.Tensor:
        with torch.no_grad():
            scores = self.q_net(data.next_observations)  # (batch, n_actions)
            later = self.q_net_target(data.next_observations)[:, None]  # (batch, 1, n_actions)
            next_values = double_q_values(scores, later)  # (batch, 1)
            targets = data.rewards + (1 - data.dones) * self.gamma * next_values  # (batch, 1)
        chosen = self.q_net(data.observations).gather(1, data.actions.long())  # (batch, 1)
        return functional.smooth_l1_loss(chosen, targets)


class SortingQRDQN(QRDQN):
    """sb3-contrib's QR-DQN with the same loss, faster where quantiles are many.

    sb3-contrib compares every quantile with every target; sorted targets give the same
    sums in far less time (``losses.sorted_loss``). Target updates are sb3-contrib's.
    """

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Makes gradient steps with the sorted loss."""
        _train(self, gradient_steps, batch_size, self._loss)

    def _loss(self, data: ReplayBufferSamples) -> torch.Tensor:
        with torch.no_grad():
            later = self.quantile_net_target(data.next_observations)  # (batch, N, n_actions)
            next_values = double_q_values(later.mean(dim=1), later)  # (batch, N)
            targets = data.rewards + (1 - data.dones) * self.gamma * next_values
        self.logger.record("train/value", targets.mean().item())
        index = data.actions.long()[:, :, None].expand(-1, self.n_quantiles, 1)
        quantiles = self.quantile_net(data.observations).gather(2, index).squeeze(2)
        # Ours is a mean over the quantiles, theirs a sum.
        return self.n_quantiles * quantile_huber_loss(quantiles, targets).mean()


class _EpisodesCallback(BaseCallback):
    """Adds the training episodes that end to the recent ones."""

    def __init__(self, episodes: RecentEpisodes) -> None:
        super().__init__()
        self._episodes = episodes

    def _on_step(self) -> bool:
        for game in np.flatnonzero(self.locals["dones"]).tolist():
            self._episodes.add(self.locals["infos"][game])
        return True


def _train(
    model: DQN | QRDQN,
    gradient_steps: int,
    batch_size: int,
    loss_of: Callable[[ReplayBufferSamples], torch.Tensor],
) -> None:
    optimizer = model.policy.optimizer
    model._update_learning_rate(optimizer)
    assert model.replay_buffer is not None  # noqa: S101 - SB3 made one
    for _ in range(gradient_steps):
        loss = loss_of(model.replay_buffer.sample(batch_size))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if model.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(model.policy.parameters(), model.max_grad_norm)
        optimizer.step()
    model._n_updates += gradient_steps
    model.logger.record("train/n_updates", model._n_updates)
    model.logger.record("train/loss", loss.item())


def _make_model(
    options: Learning, spec: AgentSpec, env: VecEnv, progress: Progress, seed: int
) -> OnPolicyAlgorithm | OffPolicyAlgorithm:
    def rate(remaining: float) -> float:
        return options.learning_rate(1.0 - remaining)

    shared: dict[str, Any] = {
        "gamma": options.gamma,
        "learning_rate": rate,
        "seed": seed,
        "device": "cpu",
    }
    if isinstance(options, ValueLearning):
        return _value_model(options, spec, env, shared)
    assert isinstance(options, PPOLearning | A2CLearning)  # noqa: S101 - there are no others
    shared |= {
        "n_steps": options.n_steps,
        "gae_lambda": options.gae_lambda,
        "vf_coef": options.value_weight,
        "max_grad_norm": options.max_grad_norm,
    }
    shape: dict[str, Any] = {
        "net_arch": list(spec.net_arch),
        "activation_fn": ACTIVATIONS[spec.activation],
    }
    if isinstance(options, A2CLearning):
        return A2C("MlpPolicy", env, policy_kwargs=shape, **shared)
    shared |= {
        "batch_size": options.batch_size,
        "n_epochs": options.n_epochs,
        "clip_range": options.clip_range,
        "target_kl": options.target_kl,
    }
    shape["optimizer_kwargs"] = {"fused": True, "eps": 1e-5}
    if isinstance(options, RecurrentPPOLearning):
        shape["lstm_hidden_size"] = options.lstm_size
        return RecurrentPPO("MlpLstmPolicy", env, policy_kwargs=shape, **shared)
    return PPO("MlpPolicy", env, policy_kwargs=shape, **shared)


def _value_model(
    options: ValueLearning, spec: AgentSpec, env: VecEnv, shared: dict[str, Any]
) -> OffPolicyAlgorithm:
    shared |= {
        "buffer_size": options.buffer_size,
        "learning_starts": options.learning_starts,
        "batch_size": options.batch_size,
        "train_freq": options.train_freq,
        "gradient_steps": options.gradient_steps,
        "target_update_interval": options.target_update_interval,
        "max_grad_norm": options.max_grad_norm,
    }
    eps = 0.01 / options.batch_size if options.adam_eps is None else options.adam_eps
    shape = {
        "spec": spec,
        "optimizer_class": torch.optim.Adam,
        "optimizer_kwargs": {"fused": True, "eps": eps},
    }
    model: DQN | SortingQRDQN
    if isinstance(options, QRDQNLearning):
        model = SortingQRDQN(QuantilePolicy, env, policy_kwargs=shape, **shared)
    else:
        kind = DoubleDQN if options.algorithm == "double_dqn" else DQN
        model = kind(ValuePolicy, env, policy_kwargs=shape, **shared)
    # SB3's own schedule knows straight lines alone.
    model.exploration_schedule = lambda remaining: options.exploration(1.0 - remaining)
    return model


def _networks(policy: QuantilePolicy | ValuePolicy) -> tuple[torch.nn.Module, torch.nn.Module]:
    if isinstance(policy, QuantilePolicy):
        return policy.quantile_net, policy.quantile_net_target
    return policy.q_net, policy.q_net_target


def _buffer_arrays(model: OffPolicyAlgorithm) -> dict[str, NDArray[Any]]:
    buffer: Any = model.replay_buffer
    filled = buffer.buffer_size if buffer.full else buffer.pos
    return {name: getattr(buffer, name)[:filled].copy() for name in _BUFFERED}


def _load_buffer(
    model: OffPolicyAlgorithm, rest: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> None:
    buffer: Any = model.replay_buffer
    for name in _BUFFERED:
        array = rest[f"buffer/{name}"]
        getattr(buffer, name)[: len(array)] = array
    buffer.pos, buffer.full = facts["buffer_position"], facts["buffer_full"]


def _memory_arrays(model: RecurrentPPO) -> dict[str, NDArray[Any]]:
    memory: Any = model._last_lstm_states
    return {
        f"{part}{index}": tensor.numpy().copy()
        for part in ("pi", "vf")
        for index, tensor in enumerate(getattr(memory, part))
    }


def _load_memory(model: RecurrentPPO, rest: Mapping[str, NDArray[Any]]) -> None:
    tensors = {name: torch.tensor(rest[f"memory/{name}"]) for name in ("pi0", "pi1", "vf0", "vf1")}
    memory: Any = RNNStates((tensors["pi0"], tensors["pi1"]), (tensors["vf0"], tensors["vf1"]))
    model._last_lstm_states = memory
