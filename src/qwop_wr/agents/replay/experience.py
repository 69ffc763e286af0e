"""The learner's own steps: one ring per game, the oldest forgotten first."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer

from qwop_wr.agents.replay.sampling import (
    Draw,
    Floats,
    Integers,
    NStepSamples,
    Sampler,
    n_step_returns,
)
from qwop_wr.agents.transitions import Transitions

_STORED = ("actions", "rewards", "dones", "timeouts")


class ExperienceBuffer(ReplayBuffer):
    """SB3's replay storage with n-step samples, drawn by a sampler.

    Rows are time, columns are games; all rings turn together. Step ``row * n_envs +
    game`` is what a game did at a time. A window stops at the end of its episode, at
    the newest row and wherever an episode was left unfinished; there it bootstraps early.

    Args:
        buffer_size: Capacity in steps, all games together.
        device: Ignored: samples are numpy arrays.
        optimize_memory_usage: Must stay False; SB3 passes it.
        bonus: Added to the errors of the steps where priorities count.
        sampler: Draws the steps.
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
        gamma: float,
        bonus: float,
        sampler: Sampler,
    ) -> None:
        super().__init__(
            buffer_size, observation_space, action_space, device, n_envs, optimize_memory_usage
        )
        self._gamma = gamma
        self._bonus = bonus
        self._sampler = sampler
        self._imitated = np.zeros((self.buffer_size, n_envs), dtype=np.bool_)
        self._broken_off = np.zeros((self.buffer_size, n_envs), dtype=np.bool_)

    def add(
        self,
        obs: NDArray[Any],
        next_obs: NDArray[Any],
        action: NDArray[Any],
        reward: NDArray[Any],
        done: NDArray[Any],
        infos: list[dict[str, Any]],
    ) -> None:
        """Stores a step of every game."""
        row = self.pos
        super().add(obs, next_obs, action, reward, done, infos)
        self._imitated[row] = self._broken_off[row] = False
        self._sampler.add(row * self.n_envs + np.arange(self.n_envs), self._bonus)

    def add_demonstrations(self, demonstrations: Transitions, bonus: float) -> None:
        """Stores demonstrations like own steps, to be overwritten like them.

        They are cut into as many equally long pieces as there are games; the remainder is
        left out. ``bonus`` is added to their errors where priorities count.

        Raises:
            ValueError: If the buffer is not empty or too small.
        """
        n_rows = len(demonstrations) // self.n_envs
        if self.size() or not 0 < n_rows <= self.buffer_size:
            raise ValueError(
                f"{len(demonstrations)} demonstrated steps do not fit into an empty buffer of "
                f"{self.buffer_size * self.n_envs} with {self.n_envs} games"
            )

        def by_game(array: NDArray[Any]) -> NDArray[Any]:
            pieces = array[: n_rows * self.n_envs].reshape(self.n_envs, n_rows, *array.shape[1:])
            return pieces.swapaxes(0, 1)  # (n_rows, n_envs, ...)

        ends = by_game(demonstrations.ends)
        self.observations[:n_rows] = by_game(demonstrations.obs)
        self.next_observations[:n_rows] = by_game(demonstrations.next_obs)
        self.actions[:n_rows] = by_game(demonstrations.actions)[..., None]
        self.rewards[:n_rows] = by_game(demonstrations.rewards)
        self.dones[:n_rows] = ends
        self.timeouts[:n_rows] = ends & ~by_game(demonstrations.dones)
        self._imitated[:n_rows] = True
        self._broken_off[n_rows - 1] = True
        self.pos = n_rows % self.buffer_size
        self.full = n_rows == self.buffer_size
        self._sampler.add(np.arange(n_rows * self.n_envs), bonus)

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps; importance weights correct the share ``beta`` of the priorities' bias.

        Raises:
            ValueError: If nothing has been stored yet.
        """
        if self.size() == 0:
            raise ValueError("cannot sample from an empty buffer")
        return self._sampler.draw(batch_size, beta)

    def update_priorities(self, steps: Integers, errors: Floats) -> None:
        """Updates the priorities of drawn steps by their absolute errors, shape (batch,)."""
        self._sampler.update(steps, errors)

    def n_step_samples(self, steps: Integers, n_steps: int) -> NStepSamples:
        """Looks up steps, shape (batch,), with their returns over up to ``n_steps``."""
        rows, games = np.divmod(steps, self.n_envs)
        window = (rows[:, None] + np.arange(n_steps)) % self.buffer_size  # (batch, n)
        columns = games[:, None]
        newest = (self.pos - 1) % self.buffer_size
        cut = self._broken_off[window, columns] | (window == newest)
        ends = (self.dones[window, columns] > 0) | cut
        sums = n_step_returns(self.rewards[window, columns], ends, self._gamma)
        last = window[np.arange(len(rows)), sums.last]  # (batch,)
        ended, truncated = self.dones[last, games] > 0, self.timeouts[last, games] > 0
        return NStepSamples(
            observations=self.observations[rows, games],
            actions=self.actions[rows, games, 0],
            returns=sums.returns,
            next_observations=self.next_observations[last, games],
            discounts=sums.discounts * ~(ended & ~truncated),
            truncated=ended & truncated,
            imitated=self._imitated[rows, games],
        )

    def latest_steps(self, game: int, length: int) -> Transitions:
        """Copies the newest ``length`` steps of a game, in order, as one episode."""
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

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies everything that the next samples depend on, of the rows in use alone.

        Names of the sampler's arrays begin with ``sampler.``.
        """
        n_rows = self.size()
        arrays = {name: getattr(self, name)[:n_rows].copy() for name in _STORED}
        arrays |= split_successors(
            self.observations[:n_rows].copy(), self.next_observations[:n_rows]
        )
        arrays["imitated"] = self._imitated[:n_rows].copy()
        arrays["broken_off"] = self._broken_off[:n_rows].copy()
        arrays["position"] = np.array([self.pos, int(self.full)])
        return {**arrays, **{f"sampler.{k}": v for k, v in self._sampler.state().items()}}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Restores the state of a buffer of the same size and games.

        Raises:
            ValueError: If the buffers differ in size or games.
        """
        n_rows, position = len(state["rewards"]), int(state["position"][0])
        full = bool(state["position"][1])
        if n_rows > self.buffer_size or state["rewards"].shape[1] != self.n_envs:
            raise ValueError(
                f"a buffer of {self.buffer_size} rows for {self.n_envs} games cannot take over "
                f"{state['rewards'].shape}"
            )
        if full != (n_rows == self.buffer_size) or (not full and position != n_rows):
            raise ValueError(f"a buffer of {n_rows} rows cannot be at {position}")
        for name in _STORED:
            getattr(self, name)[:n_rows] = state[name]
        self.observations[:n_rows] = state["observations"]
        self.next_observations[:n_rows] = joined_successors(state)
        self._imitated[:n_rows] = state["imitated"]
        self._broken_off[:n_rows] = state["broken_off"]
        self.pos, self.full = position, full
        sampler = {
            k.removeprefix("sampler."): v for k, v in state.items() if k.startswith("sampler.")
        }
        self._sampler.restore(sampler)


Array = NDArray[Any]


def split_successors(observations: Array, successors: Array) -> dict[str, Array]:
    """Keeps only those successors that are not the following row, bit for bit.

    Args:
        observations: Time first, shape (n, ..., d).
        successors: The next observations, of the same shape and type.

    Returns:
        ``observations``; ``odd``, flat indices of the steps with other successors, shape
        (k,); and ``odd_successors``, shape (k, d).
    """
    width = observations.shape[-1]
    bits = np.dtype(f"u{observations.dtype.itemsize}")
    followed = (
        np.ascontiguousarray(observations).view(bits)[1:]
        == np.ascontiguousarray(successors).view(bits)[:-1]
    ).all(axis=-1)  # (n - 1, ...)
    n_last = int(np.prod(observations.shape[1:-1], dtype=np.int64)) if len(observations) else 0
    odd = np.flatnonzero(np.append(~followed.ravel(), np.ones(n_last, dtype=np.bool_)))
    return {
        "observations": observations,
        "odd": odd,
        "odd_successors": successors.reshape(-1, width)[odd],
    }


def joined_successors(arrays: dict[str, Array]) -> Array:
    """Restores the successors, shape (n, ..., d), from ``split_successors``.

    Raises:
        IndexError: If an index is out of range.
    """
    observations = arrays["observations"]
    successors = np.empty_like(observations)
    successors[:-1] = observations[1:]
    successors.reshape(-1, observations.shape[-1])[arrays["odd"]] = arrays["odd_successors"]
    return successors
