"""PPO for the batch engine, short enough to be read in one sitting.

https://arxiv.org/abs/1707.06347 as stable-baselines3 does it: the same networks, initial
weights, advantages, losses, minibatches, clipping and bootstrapping. Only the loop differs:

- observations, scores and rewards are written into tensors that are made once;
- the actor alone plays; values and probabilities of a rollout are worked out at its end;
- every epoch shuffles once and then cuts slices;
- large batches pass through the networks in blocks that stay in the processor's cache;
- gradients are worked out by hand (``dense.py``), weights are one vector.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import nn

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.dense import DenseStack, FlatWeights
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.learners.options import PPOLearning
from qwop_wr.agents.networks import ActorCritic
from qwop_wr.agents.policy_gradient import Samples, generalised_advantages, policy_loss
from qwop_wr.agents.spec import AgentSpec

BLOCK: Final = 512
"""Samples that pass through the networks at once."""


class VectorPPO:
    """Learns in all games of a vector environment at once.

    Draws come from one generator: no global one is touched.

    Args:
        options: How to learn.
        spec: Spec of a ppo agent.
        env: Games that begin anew in the step that ends them, with ``final_obs``,
            ``distance``, ``finished`` and ``score_time`` in their infos.
        progress: Share of the training that is over, by steps made.
        seed: Seed of everything random.
        bootstrap_finish: Estimate the value behind a finish, as behind a truncation.

    Attributes:
        on_episode: Receives the infos of an episode's last step, and its return as ``reward``.
    """

    def __init__(
        self,
        options: PPOLearning,
        spec: AgentSpec,
        env: VectorEnv[Any, Any, Any],
        progress: Callable[[int], float],
        seed: int,
        bootstrap_finish: bool = True,
    ) -> None:
        self._options, self._spec, self._env, self._progress = options, spec, env, progress
        self.generator = torch.Generator().manual_seed(seed)
        self.steps = self.updates = 0
        self._bootstrap_finish, self.returns = bootstrap_finish, np.zeros(env.num_envs)
        self.on_episode: Callable[[Mapping[str, Any]], None] = lambda _: None
        self.network = _initialised(ActorCritic(spec), self.generator)
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
        self.observations: NDArray[np.float32] = np.array(first, dtype=np.float32)

    def agent(self) -> Agent:
        """Take a snapshot: an agent with the present weights and an empty card."""
        return Agent.from_network(self._spec, self.network, card={})

    @torch.no_grad()
    def iterate(self) -> dict[str, float]:
        """Play a rollout and learn from it.

        Returns:
            Metrics of the update.

        Raises:
            TrainingDivergedError: If a weight is no longer finite.
        """
        samples = self._collect()
        metrics = self._update(samples)
        if not torch.isfinite(self.weights.vector).all():
            raise TrainingDivergedError("a weight", self.steps)
        return metrics

    def _collect(self) -> Samples:
        """Play ``n_steps`` decisions in every game."""
        outlived: list[tuple[int, NDArray[np.intp], NDArray[np.float32]]] = []
        # The largest of scores with Gumbel noise is a draw from their softmax.
        noise = torch.empty_like(self._scores).exponential_(generator=self.generator).log_()
        for step in range(self._options.n_steps):
            self._observations[step] = torch.from_numpy(self.observations)
            scores = self._actor.forward(self._observations[step])[-1]
            self._scores[step] = scores
            self._actions[step] = (scores - noise[step]).argmax(dim=1)
            observations, rewards, terminated, truncated, infos = self._env.step(
                self._actions[step].numpy()
            )
            self.observations = np.asarray(observations, dtype=np.float32)
            self.returns += rewards
            ends = terminated | truncated
            self._rewards[step] = torch.from_numpy(rewards)
            self._ends[step] = torch.from_numpy(ends)
            if ends.any():
                finished = infos["finished"] & self._bootstrap_finish
                games = np.flatnonzero(ends & (truncated | finished))
                outlived.append((step, games, infos["final_obs"][games]))
                ended = {**infos, "reward": self.returns}
                for game in np.flatnonzero(ends).tolist():
                    self.on_episode({name: values[game] for name, values in ended.items()})
                self.returns[ends] = 0.0
        self.steps += self._actions.numel()
        for step, games, final in outlived:
            values = self._critic.forward(torch.from_numpy(final))[-1].squeeze(1)
            self._rewards[step, torch.from_numpy(games)] += self._options.gamma * values
        return self._samples()

    def _samples(self) -> Samples:
        """Add probabilities, advantages and returns to the steps of the rollout."""
        n = self._actions.numel()
        observations = self._observations.view(n, -1)
        blocks = [
            self._critic.forward(observations[first : first + BLOCK])[-1]
            for first in range(0, n, BLOCK)
        ]
        values = torch.cat(blocks).view(self._actions.shape)
        behind = self._critic.forward(torch.from_numpy(self.observations))[-1].squeeze(1)
        options = self._options
        advantages = generalised_advantages(
            self._rewards, values, behind, self._ends, options.gamma, options.gae_lambda
        )
        actions = self._actions.view(n, 1)
        log_probs = self._scores.view(n, -1).log_softmax(dim=1).gather(1, actions).squeeze(1)
        returns = (advantages + values).view(n)
        return Samples(observations, actions, log_probs, advantages.view(n), returns)

    def _update(self, samples: Samples) -> dict[str, float]:
        options, progress = self._options, self._progress(self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate(progress)
        entropy_weight = options.entropy(progress)
        told: list[torch.Tensor] = []
        for batch in self._batches(samples):
            told.append(self._gradient(batch, entropy_weight))
            if options.target_kl is not None and told[-1][3] > 1.5 * options.target_kl:
                break
            self.weights.clip(options.max_grad_norm)
            self.optimizer.step()
        self.updates += 1
        names = ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction")
        means = torch.stack(told).mean(dim=0).tolist()
        rate = options.learning_rate(progress)
        losses = dict(zip(names, means, strict=True))
        return {"learning_rate": rate, "entropy_weight": entropy_weight, **losses}

    def _batches(self, samples: Samples) -> Iterator[Samples]:
        """Shuffle the samples for every epoch and cut them into batches."""
        size = self._options.batch_size
        for _ in range(self._options.n_epochs):
            order = torch.randperm(len(samples.actions), generator=self.generator)
            shuffled = Samples(*(column[order] for column in samples))
            for first in range(0, len(order), size):
                yield Samples(*(column[first : first + size] for column in shuffled))

    def _gradient(self, batch: Samples, entropy_weight: float) -> torch.Tensor:
        """Set the gradient of a batch; returns policy and value loss, entropy, KL and clips."""
        options, n = self._options, len(batch.actions)
        spread, mean = torch.std_mean(batch.advantages)
        batch = batch._replace(advantages=(batch.advantages - mean) / (spread + 1e-8))
        self.weights.gradient.zero_()
        told = torch.zeros(5)
        for first in range(0, n, BLOCK):
            part = Samples(*(column[first : first + BLOCK] for column in batch))
            acted, valued = (net.forward(part.observations) for net in (self._actor, self._critic))
            loss = policy_loss(acted[-1], part, options.clip_range, entropy_weight)
            errors = valued[-1].squeeze(1) - part.returns
            self._actor.backward(acted, loss.gradient / n)
            self._critic.backward(valued, (2 * options.value_weight / n) * errors[:, None])
            told += torch.stack((loss.sums[0], errors.square().sum(), *loss.sums[1:]))
        return told / n


def _initialised(network: ActorCritic, generator: torch.Generator) -> ActorCritic:
    """Draw orthogonal weights; the actor's output begins near zero, so all actions are tried."""
    gains = {network.actor_output: 0.01, network.critic_output: 1.0}
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, gains.get(layer, 2.0**0.5), generator=generator)
            nn.init.zeros_(layer.bias)
    return network
