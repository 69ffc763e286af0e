"""Policies: from observations to actions."""

import numpy as np
import torch
from numpy.typing import NDArray

from qwop_wr.agents.networks import AgentNetwork, Memory, RecurrentActorCritic

Floats = NDArray[np.float32]
Actions = NDArray[np.int64]


class Policy:
    """A trained network that acts in many games at once.

    Args:
        network: Network with its weights; used as it is, in evaluation mode.
        reward_scale: Factor that rewards had in learning.
    """

    def __init__(
        self, network: AgentNetwork, n_observations: int, reward_scale: float = 1.0
    ) -> None:
        self._network = network.eval()
        self._n_observations = n_observations
        self._reward_scale = reward_scale

    def begin(self) -> None:
        """Resets the memory: new episodes begin in all games.

        Matters only for an agent with a memory, which must act in every decision of the
        same games.
        """

    def act(
        self,
        observations: Floats,
        deterministic: bool = True,
        rng: np.random.Generator | None = None,
    ) -> Actions:
        """Chooses one action index per game, shape (n,).

        Args:
            observations: Shape (n, n_observations).
            deterministic: Take the best-scored action; else draw from the softmax of the
                scores, by ``rng``.

        Raises:
            ValueError: If the shape is wrong or ``rng`` is missing.
        """
        scores = self._next_scores(observations)
        if not deterministic:
            if rng is None:
                raise ValueError("a policy that draws its actions needs rng, a numpy Generator")
            # The maximum of logits with Gumbel noise is a draw from their softmax.
            scores = np.add(scores, rng.gumbel(size=scores.shape), dtype=np.float32)
        actions: Actions = scores.argmax(axis=1).astype(np.int64)
        return actions

    def values(self, observations: Floats) -> Floats:
        """Estimates the discounted returns, shape (n,), in the environment's own rewards."""
        with torch.inference_mode():
            values = self._network.values(self._tensor(observations))
        return np.asarray(values.numpy() / self._reward_scale, dtype=np.float32)

    def action_scores(self, observations: Floats) -> Floats:
        """Scores every action, (n, n_actions): logits, or expected returns in scaled rewards."""
        with torch.inference_mode():
            scores = self._network.action_scores(self._tensor(observations))
        return np.asarray(scores.numpy(), dtype=np.float32)

    def _next_scores(self, observations: Floats) -> Floats:
        return self.action_scores(observations)

    def _tensor(self, observations: Floats) -> torch.Tensor:
        array = np.ascontiguousarray(observations, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self._n_observations:
            raise ValueError(
                f"observations must have shape (n, {self._n_observations}), got {array.shape}"
            )
        return torch.from_numpy(array)


class RecurrentPolicy(Policy):
    """A policy with a memory; its scores and values are those of an episode's beginning."""

    def __init__(self, network: RecurrentActorCritic, n_observations: int) -> None:
        super().__init__(network, n_observations)
        self._recurrent = network
        self._memory: Memory | None = None

    def begin(self) -> None:
        """Resets the memory."""
        self._memory = None

    def _next_scores(self, observations: Floats) -> Floats:
        with torch.inference_mode():
            scores, self._memory = self._recurrent.remember(
                self._tensor(observations), self._memory
            )
        return np.asarray(scores.numpy(), dtype=np.float32)
