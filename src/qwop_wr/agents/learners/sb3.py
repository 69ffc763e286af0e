"""Algorithms of stable-baselines3 and sb3-contrib that can be stopped and gone on from."""

import json
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.callbacks import EpisodesCallback
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.learners.learner import Learner, LearningGames
from qwop_wr.agents.learners.options import (
    A2CLearning,
    Learning,
    PPOLearning,
    QRDQNLearning,
    RecurrentPPOLearning,
    ValueLearning,
)
from qwop_wr.agents.learners.values import DoubleDQN, SortingQRDQN, ValuePolicy
from qwop_wr.agents.networks import ACTIVATIONS
from qwop_wr.agents.quantile_policy import QuantilePolicy
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.state import (
    TrainingState,
    global_generators,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
    restore_global_generators,
    under,
)

Progress = Callable[[int], float]
"""Share of the training that is over, by steps made."""

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
    """An algorithm of SB3 at work, one rollout and its updates at a time.

    SB3 draws from the global generators of torch and numpy, which it seeds; their states
    are part of what is kept.

    Args:
        options: How to learn.
        spec: Spec of the agents.
        env: Training games.
        progress: Share of the training that is over, which the schedules follow.
        seed: Seed of everything random.
    """

    def __init__(
        self,
        options: Learning,
        spec: AgentSpec,
        env: LearningGames,
        progress: Progress,
        seed: int,
    ) -> None:
        super().__init__()
        self._options, self._spec, self._env, self._progress = options, spec, env, progress
        self._model = _make_model(options, spec, cast("VecEnv", env), progress, seed)
        # SB3 would measure progress against the end of one call of learn().
        self._model._update_current_progress_remaining = self._follow  # type: ignore[method-assign]
        self._model.set_logger(Logger(folder=None, output_formats=[]))
        self._watch = EpisodesCallback(self.episodes)

    @property
    def steps(self) -> int:
        """Decisions made so far, all games together."""
        return self._model.num_timesteps

    def iterate(self) -> Mapping[str, float]:
        """Play a rollout and make the updates that follow it; see :class:`Learner`."""
        model = self._model
        self._follow(model.num_timesteps)
        if isinstance(model, PPO | A2C | RecurrentPPO):
            schedule = cast("PPOLearning", self._options).entropy
            model.ent_coef = schedule(1.0 - model._current_progress_remaining)
        # To ask for one step more is to ask for one rollout.
        model.learn(1, callback=self._watch, log_interval=None, reset_num_timesteps=False)  # type: ignore[arg-type]
        if not all(torch.isfinite(weights).all() for weights in model.policy.parameters()):
            raise TrainingDivergedError("a weight", model.num_timesteps)
        recorded = model.logger.name_to_value
        return {name: float(value) for name, value in recorded.items() if isinstance(value, Real)}

    def agent(self) -> Agent:
        """Take a snapshot."""
        policy = self._model.policy
        if isinstance(policy, QuantilePolicy | ValuePolicy):
            return Agent.from_network(self._spec, policy.online_network, card={})
        state = policy.state_dict()
        weights = {ours: state[theirs].cpu().numpy() for theirs, ours in self._names().items()}
        return Agent(self._spec, weights)

    def begin_with(self, agent: Agent) -> None:
        """Begin with the weights of an agent."""
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
        """Copy everything large that the next iteration follows from."""
        model = self._model
        assert isinstance(model._last_obs, np.ndarray)  # noqa: S101 - it has played
        rest = {"observations": model._last_obs.copy()}
        if isinstance(model, OffPolicyAlgorithm):
            rest |= under("buffer", _buffer_arrays(model))
        else:
            assert isinstance(model._last_episode_starts, np.ndarray)  # noqa: S101 - it has played
            rest["starts"] = model._last_episode_starts.copy()
        if isinstance(model, RecurrentPPO):
            rest |= under("memory", _memory_arrays(model))
        return {
            **under("policy", module_arrays(model.policy)),
            **under("optimiser", optimiser_arrays(model.policy.optimizer)),
            **under("generator", global_generators()),
            **under("games", self._env.state()),
            **under("rest", rest),
        }

    def facts(self) -> dict[str, JsonValue]:
        """Tell the rest of it."""
        model = self._model
        told: dict[str, JsonValue] = {
            "steps": model.num_timesteps,
            "updates": model._n_updates,
            "episodes": self.episodes.state(),
            "action_generator": json.dumps(model.action_space.np_random.bit_generator.state),
        }
        if isinstance(model, OffPolicyAlgorithm):
            assert model.replay_buffer is not None  # noqa: S101 - SB3 made one
            told["buffer_position"] = model.replay_buffer.pos
            told["buffer_full"] = bool(model.replay_buffer.full)
        if isinstance(model, DQN | SortingQRDQN):
            told["calls"] = model._n_calls
            told["exploration_rate"] = model.exploration_rate
        return told

    def restore(self, state: TrainingState) -> None:
        """Go on to the bit where ``arrays`` and ``facts`` were taken."""
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
        """Our names of the weights by those of SB3's actor-critic policies."""
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
        "tau": options.tau,
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
