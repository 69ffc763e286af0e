"""PPO for the batch engine.

https://arxiv.org/abs/1707.06347 as stable-baselines3 does it: the same networks, initial
weights, advantages, losses, minibatches, clipping and bootstrapping. Only the loop differs:

- observations, scores and rewards are written into preallocated tensors;
- the actor alone plays; values and probabilities of a rollout are computed at its end;
- every epoch shuffles once and then takes slices;
- large batches pass through the networks in blocks that stay in the processor's cache;
- gradients are computed by hand (``networks.DenseStack``), weights are one vector.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import nn

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.learner import Learner, Progress
from qwop_wr.agents.learners.options import PPOLearning
from qwop_wr.agents.losses import RolloutSamples, generalised_advantages, policy_loss
from qwop_wr.agents.metrics import RecentEpisodes
from qwop_wr.agents.networks import ActorCritic, DenseStack, FlatWeights
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

BLOCK: Final = 512
"""Samples that pass through the networks at once."""


class VectorPPO(Learner):
    """PPO in all games of a vector environment at once, with a generator of its own.

    Args:
        env: Games that reset in the step that ends them, with ``final_obs``,
            ``distance``, ``finished`` and ``score_time`` in their infos.
        progress: Share of the training that is over, which the schedules follow.
        bootstrap_finish: Estimate the value after a finish, as after a truncation.
    """

    def __init__(
        self,
        options: PPOLearning,
        spec: AgentSpec,
        env: VectorEnv[Any, Any, Any],
        progress: Progress,
        seed: int,
        bootstrap_finish: bool = True,
    ) -> None:
        self._options, self._spec, self._env, self._progress = options, spec, env, progress
        self._bootstrap_finish = bootstrap_finish
        self.episodes = RecentEpisodes()
        self._generator = torch.Generator().manual_seed(seed)
        self._steps = self._updates = 0
        self._metrics: dict[str, float] = {}
        self._returns = np.zeros(env.num_envs)
        self.network = _initialised(ActorCritic(spec), self._generator)
        self.weights = FlatWeights(self.network)
        self._actor = DenseStack(self.network.actor, self.network.actor_output)
        self._critic = DenseStack(self.network.critic, self.network.critic_output)
        self.optimizer = torch.optim.Adam([self.weights.vector], lr=0.0, eps=1e-5, fused=True)
        shape = (options.n_steps, env.num_envs)
        self._observations = torch.empty(*shape, spec.n_observations)
        self._scores = torch.empty(*shape, spec.n_actions)
        self._actions = torch.empty(shape, dtype=torch.int64)
        self._rewards, self._ends = torch.empty(shape), torch.empty(shape)
        first, _ = env.reset(seed=seed)
        self._last_obs: NDArray[np.float32] = np.array(first, dtype=np.float32)

    @torch.no_grad()
    def iterate(self) -> None:
        """Collects a rollout and learns from it.

        Raises:
            TrainingDivergedError: If a weight is no longer finite.
        """
        samples = self._collect()
        self._metrics = self._update(samples)
        if not torch.isfinite(self.weights.vector).all():
            raise TrainingDivergedError("a weight", self._steps)

    def _collect(self) -> RolloutSamples:
        """Acts, steps and stores: ``n_steps`` decisions in every game."""
        bootstrapped: list[tuple[int, NDArray[np.intp], NDArray[np.float32]]] = []
        # The largest of scores with Gumbel noise is a draw from their softmax.
        noise = torch.empty_like(self._scores).exponential_(generator=self._generator).log_()
        for step in range(self._options.n_steps):
            self._observations[step] = torch.from_numpy(self._last_obs)
            scores = self._actor.forward(self._observations[step])[-1]
            self._scores[step] = scores
            self._actions[step] = (scores - noise[step]).argmax(dim=1)
            observations, rewards, terminated, truncated, infos = self._env.step(
                self._actions[step].numpy()
            )
            self._last_obs = np.asarray(observations, dtype=np.float32)
            self._returns += rewards
            ends = terminated | truncated
            self._rewards[step] = torch.from_numpy(rewards)
            self._ends[step] = torch.from_numpy(ends)
            if ends.any():
                finished = infos["finished"] & self._bootstrap_finish
                games = np.flatnonzero(ends & (truncated | finished))
                bootstrapped.append((step, games, infos["final_obs"][games]))
                ended = {**infos, "reward": self._returns}
                for game in np.flatnonzero(ends).tolist():
                    self.episodes.add({name: values[game] for name, values in ended.items()})
                self._returns[ends] = 0.0
        self._steps += self._actions.numel()
        for step, games, final in bootstrapped:
            values = self._critic.forward(torch.from_numpy(final))[-1].squeeze(1)
            self._rewards[step, torch.from_numpy(games)] += self._options.gamma * values
        return self._samples()

    def _samples(self) -> RolloutSamples:
        """Adds probabilities, advantages and returns to the steps of the rollout."""
        n = self._actions.numel()
        observations = self._observations.view(n, -1)
        blocks = [
            self._critic.forward(observations[first : first + BLOCK])[-1]
            for first in range(0, n, BLOCK)
        ]
        values = torch.cat(blocks).view(self._actions.shape)
        last_values = self._critic.forward(torch.from_numpy(self._last_obs))[-1].squeeze(1)
        options = self._options
        advantages = generalised_advantages(
            self._rewards, values, last_values, self._ends, options.gamma, options.gae_lambda
        )
        actions = self._actions.view(n, 1)
        log_probs = self._scores.view(n, -1).log_softmax(dim=1).gather(1, actions).squeeze(1)
        returns = (advantages + values).view(n)
        return RolloutSamples(observations, actions, log_probs, advantages.view(n), returns)

    def _update(self, samples: RolloutSamples) -> dict[str, float]:
        options, progress = self._options, self._progress(self._steps)
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate(progress)
        entropy_weight = options.entropy(progress)
        sums: list[torch.Tensor] = []
        for batch in self._batches(samples):
            sums.append(self._gradient(batch, entropy_weight))
            if options.target_kl is not None and sums[-1][3] > 1.5 * options.target_kl:
                break
            self.weights.clip(options.max_grad_norm)
            self.optimizer.step()
        self._updates += 1
        names = ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction")
        means = torch.stack(sums).mean(dim=0).tolist()
        rate = options.learning_rate(progress)
        metrics = {"learning_rate": rate, "entropy_weight": entropy_weight}
        return metrics | dict(zip(names, means, strict=True))

    def _batches(self, samples: RolloutSamples) -> Iterator[RolloutSamples]:
        size = self._options.batch_size
        for _ in range(self._options.n_epochs):
            order = torch.randperm(len(samples.actions), generator=self._generator)
            shuffled = RolloutSamples(*(column[order] for column in samples))
            for first in range(0, len(order), size):
                yield RolloutSamples(*(column[first : first + size] for column in shuffled))

    def _gradient(self, batch: RolloutSamples, entropy_weight: float) -> torch.Tensor:
        """Sets the gradient of a batch; returns means of losses, entropy, KL and clips."""
        options, n = self._options, len(batch.actions)
        spread, mean = torch.std_mean(batch.advantages)
        batch = batch._replace(advantages=(batch.advantages - mean) / (spread + 1e-8))
        self.weights.gradient.zero_()
        sums = torch.zeros(5)
        for first in range(0, n, BLOCK):
            part = RolloutSamples(*(column[first : first + BLOCK] for column in batch))
            acted, valued = (net.forward(part.observations) for net in (self._actor, self._critic))
            loss = policy_loss(acted[-1], part, options.clip_range, entropy_weight)
            errors = valued[-1].squeeze(1) - part.returns
            self._actor.backward(acted, loss.gradient / n)
            self._critic.backward(valued, (2 * options.value_weight / n) * errors[:, None])
            sums += torch.stack((loss.sums[0], errors.square().sum(), *loss.sums[1:]))
        return sums / n

    # The rest of Learner's interface.

    @property
    def steps(self) -> int:
        """Decisions made so far, all games together."""
        return self._steps

    def metrics(self) -> dict[str, float]:
        """Takes out the metrics of the latest update."""
        metrics, self._metrics = self._metrics, {}
        return {f"train/{name}": value for name, value in metrics.items()}

    def agent(self) -> Agent:
        """Returns an agent with the current weights and an empty card."""
        return Agent.from_network(self._spec, self.network, card={})

    def start_from(self, agent: Agent) -> None:
        """Replaces the initial weights with an agent's."""
        load_module(self.network, agent.weights)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies weights, moments, generator and games."""
        games: Any = self._env
        rest = {
            "generator": self._generator.get_state().numpy().copy(),
            "returns": self._returns.copy(),
        }
        return {
            **prefixed("policy", module_arrays(self.network)),
            **prefixed("optimiser", optimiser_arrays(self.optimizer)),
            **prefixed("games", games.state()),
            **prefixed("rest", rest),
        }

    def facts(self) -> dict[str, JsonValue]:
        """Returns counters and recent episodes."""
        return {
            "steps": self._steps,
            "updates": self._updates,
            "episodes": self.episodes.state(),
        }

    def restore(self, state: TrainingState) -> None:
        """Continues exactly from the state of ``arrays`` and ``facts``."""
        games: Any = self._env
        rest = state.part("rest")
        load_module(self.network, state.part("policy"))
        load_optimiser(self.optimizer, state.part("optimiser"))
        self._last_obs = games.load_state(state.part("games"))
        self._generator.set_state(torch.tensor(rest["generator"]))
        self._returns = rest["returns"].copy()
        self._steps = cast("int", state.facts["steps"])
        self._updates = cast("int", state.facts["updates"])
        self.episodes.restore(cast("list[dict[str, float]]", state.facts["episodes"]))


def _initialised(network: ActorCritic, generator: torch.Generator) -> ActorCritic:
    """Draws orthogonal weights; the actor's output begins near 0 so that all actions are tried."""
    gains = {network.actor_output: 0.01, network.critic_output: 1.0}
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, gains.get(layer, 2.0**0.5), generator=generator)
            nn.init.zeros_(layer.bias)
    return network
