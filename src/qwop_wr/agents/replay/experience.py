"""The learner's own steps: one ring per game, the oldest forgotten first."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from qwop_wr.agents.replay.n_step import NStepSamples, n_step_returns
from qwop_wr.agents.transitions import Transitions


class ExperienceBuffer(ReplayBuffer):
    """SB3's replay storage with n-step samples from a generator of its own.

    Rows are time, columns are games; all rings turn together. A window stops at
    the end of its episode and at the newest row, where it bootstraps early.

    Args:
        buffer_size: Capacity in steps, all games together.
        observation_space: Observations of one game.
        action_space: Actions of one game.
        device: Ignored: samples are numpy arrays.
        n_envs: Number of games.
        optimize_memory_usage: Must stay False; SB3 hands it over.
        n_steps: Longest return.
        gamma: Discount per step.
        rng: Source of the draws.
    """

    def __init__(  # noqa: PLR0913 - SB3 dictates the first six
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: torch.device | str = "cpu",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        *,
        n_steps: int,
        gamma: float,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(
            buffer_size, observation_space, action_space, device, n_envs, optimize_memory_usage
        )
        self._n_steps = n_steps
        self._gamma = gamma
        self._rng = rng

    def sample_n_step(self, batch_size: int) -> NStepSamples:
        """Draw steps uniformly, with their n-step returns.

        Args:
            batch_size: Number of samples.

        Returns:
            The batch, rewards as they were stored.

        Raises:
            ValueError: If nothing has been stored yet.
        """
        n_rows = self.size()
        if n_rows == 0:
            raise ValueError("cannot sample from an empty buffer")
        rows = self._rng.integers(n_rows, size=batch_size)
        games = self._rng.integers(self.n_envs, size=batch_size)
        return self.n_step_samples(rows, games)

    def n_step_samples(
        self, rows: np.ndarray[Any, Any], games: np.ndarray[Any, Any]
    ) -> NStepSamples:
        """Look up chosen steps with their n-step returns.

        Args:
            rows: Rows of the first steps, shape (batch,).
            games: Their games, shape (batch,).

        Returns:
            The batch.
        """
        window = (rows[:, None] + np.arange(self._n_steps)) % self.buffer_size  # (batch, n)
        columns = games[:, None]
        newest = (self.pos - 1) % self.buffer_size
        ends = (self.dones[window, columns] > 0) | (window == newest)
        sums = n_step_returns(self.rewards[window, columns], ends, self._gamma)
        last = window[np.arange(len(rows)), sums.last]  # (batch,)
        ended, truncated = self.dones[last, games] > 0, self.timeouts[last, games] > 0
        return NStepSamples(
            observations=self.observations[rows, games],
            actions=self.actions[rows, games, 0],
            returns=sums.returns,
            next_observations=self.next_observations[last, games],
            discounts=sums.discounts * ~(ended & ~truncated),
            outlived=ended & truncated,
        )

    def latest_steps(self, game: int, length: int) -> Transitions:
        """Copy the newest steps of a game out as one episode.

        Args:
            game: The game.
            length: Number of steps, at most as many as are stored.

        Returns:
            The steps in order.
        """
        rows = np.arange(self.pos - length, self.pos) % self.buffer_size
        ended, truncated = self.dones[rows, game] > 0, self.timeouts[rows, game] > 0
        return Transitions(
            obs=self.observations[rows, game],
            actions=self.actions[rows, game, 0].astype(np.int64),
            rewards=self.rewards[rows, game],
            next_obs=self.next_observations[rows, game],
            dones=ended & ~truncated,
            episode=np.zeros(length, dtype=np.int32),
        )

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        """Draw samples in SB3's own form.

        Args:
            batch_size: Number of samples.
            env: Not supported: observations come normalised from the environment.

        Returns:
            The same samples as tensors; ``dones`` is 0, as the discounts hold it.
        """
        samples = self.sample_n_step(batch_size)
        return ReplayBufferSamples(
            observations=self.to_torch(samples.observations),
            actions=self.to_torch(samples.actions[:, None]),
            next_observations=self.to_torch(samples.next_observations),
            dones=torch.zeros(batch_size, 1),
            rewards=self.to_torch(samples.returns[:, None]),
            discounts=self.to_torch(samples.discounts[:, None]),
        )
