"""Refitting an actor-critic agent, its critic or its actor alone, to given targets."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import ActorCritic
from qwop_wr.agents.shards import Shards, shuffled_batches

FloatArray = NDArray[np.floating]


def lambda_returns(
    rewards: FloatArray,
    next_values: FloatArray,
    cut: NDArray[np.bool_],
    gamma: float,
    trace: float,
) -> FloatArray:
    """Computes TD(lambda) returns (Sutton and Barto, eq. 12.2), shape (T, n).

    Args:
        rewards: Shape (T, n).
        next_values: Value of the state after every step, shape (T, n).
        cut: Whether the trace ends with the step, shape (T, n); the last step is cut in
            any case.
        gamma: Discount per step.
        trace: Lambda: 0 looks one step ahead, 1 to the end.
    """
    returns = np.empty_like(rewards)
    following = next_values[-1]  # (n,)
    for step in reversed(range(len(rewards))):
        mixed = (1.0 - trace) * next_values[step] + trace * following  # (n,)
        following = rewards[step] + gamma * np.where(cut[step], next_values[step], mixed)
        returns[step] = following
    return returns


class CriticFitter:
    """Fits an agent's critic to returns.

    Args:
        agent: A ppo agent, whose critic is the starting point.
        learning_rate: Step size of Adam.
        value_factor: Multiplies the critic's values first, for another discount.
        huber_width: Error up to which the loss is quadratic, in rewards.

    Raises:
        ValueError: If the agent has no critic.
    """

    def __init__(
        self,
        agent: Agent,
        learning_rate: float,
        value_factor: float = 1.0,
        huber_width: float = 0.2,
    ) -> None:
        self._agent = agent
        self._network = _actor_critic(agent)
        self._scale = agent.spec.reward_scale
        self._huber_width = huber_width * self._scale
        with torch.no_grad():
            for parameter in self._network.critic_output.parameters():
                parameter.mul_(value_factor)
        self._parameters = [
            *self._network.critic.parameters(),
            *self._network.critic_output.parameters(),
        ]
        self._optimiser = torch.optim.Adam(self._parameters, lr=learning_rate, fused=True)
        self._shards = Shards(self._parameters)

    def values(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimates returns (n,), in the environment's rewards, of observations (n, d)."""
        inputs = torch.from_numpy(observations)
        values = self._shards.evaluate(
            lambda part: self._network.values(inputs[part]), len(observations)
        )
        return np.asarray(values.numpy() / self._scale, dtype=np.float32)

    def fit(
        self,
        observations: NDArray[np.float32],
        returns: FloatArray,
        rng: np.random.Generator,
        batch_size: int = 1024,
        learning_rate: float | None = None,
    ) -> float:
        """Fits for one pass over the samples; returns the mean loss.

        Args:
            observations: Shape (N, d).
            returns: Targets in the environment's rewards, shape (N,).
            learning_rate: New step size, if it changes.
        """
        if learning_rate is not None:
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate
        targets = torch.from_numpy((returns * self._scale).astype(np.float32))
        inputs = torch.from_numpy(observations)

        def loss_of(rows: NDArray[np.int64]) -> torch.Tensor:
            values = self._network.values(inputs[rows])
            return functional.huber_loss(
                values, targets[rows], delta=self._huber_width, reduction="sum"
            )

        batches = shuffled_batches(len(returns), batch_size, rng)
        return self._shards.descend(loss_of, batches, self._optimiser) / self._huber_width

    def agent(self) -> Agent:
        """Returns a copy of the agent with the current critic."""
        return Agent.from_network(self._agent.spec, self._network, self._agent.card)


def fit_actor(
    agent: Agent,
    observations: NDArray[np.float32],
    actions: NDArray[np.int64],
    rng: np.random.Generator,
    epochs: int,
    learning_rate: float,
    batch_size: int = 1024,
) -> Agent:
    """Fits the actor of a ppo agent to actions by cross-entropy.

    Args:
        observations: Shape (N, d).
        actions: Action to prefer in each, shape (N,).

    Raises:
        ValueError: If the agent has no actor.
    """
    network = _actor_critic(agent)
    parameters = [*network.actor.parameters(), *network.actor_output.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, fused=True)
    inputs, labels = torch.from_numpy(observations), torch.from_numpy(actions)
    shards = Shards(parameters)

    def loss_of(rows: NDArray[np.int64]) -> torch.Tensor:
        scores = network.action_scores(inputs[rows])
        return functional.cross_entropy(scores, labels[rows], reduction="sum")

    for _ in range(epochs):
        shards.descend(loss_of, shuffled_batches(len(actions), batch_size, rng), optimiser)
    return Agent.from_network(agent.spec, network, agent.card)


def _actor_critic(agent: Agent) -> ActorCritic:
    network = agent.network()
    if not isinstance(network, ActorCritic):
        raise ValueError(
            f"only a ppo agent has an actor and a critic to refit, got {agent.spec.algorithm!r}"
        )
    return network
