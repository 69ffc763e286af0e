"""Recorded steps of many episodes, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Transitions:
    """Steps of N decisions; episodes follow one another without mixing.

    Attributes:
        obs: Observations, shape (N, d).
        actions: Action indices, shape (N,).
        rewards: The environment's own rewards, shape (N,).
        next_obs: Observations after the step, also at an episode's end, shape (N, d).
        dones: True where the step has no successor (a fall), shape (N,). A
            finish or a time limit is False: its value is bootstrapped.
        episode: Number of the episode, never falling, shape (N,).

    Raises:
        ValueError: If a type, shape or value is wrong, naming the array.
    """

    obs: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    next_obs: NDArray[np.float32]
    dones: NDArray[np.bool_]
    episode: NDArray[np.int32]

    def __post_init__(self) -> None:
        self._check_types()
        for name in ("obs", "rewards", "next_obs"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"transitions: {name} holds values that are not finite")
        if (self.actions < 0).any():
            raise ValueError(f"transitions: an action is negative: {self.actions.min()}")
        if (self.episode[1:] < self.episode[:-1]).any() or (self.episode < 0).any():
            raise ValueError("transitions: episode must start at 0 or above and never fall")
        if not self.ends[self.dones].all():
            step = int(np.flatnonzero(self.dones & ~self.ends)[0])
            raise ValueError(f"transitions: dones is True inside an episode, at step {step}")

    def __len__(self) -> int:
        """Number of steps N."""
        return len(self.actions)

    @property
    def ends(self) -> NDArray[np.bool_]:
        """True on the last step of every episode, shape (N,)."""
        return np.append(self.episode[1:] != self.episode[:-1], True)

    @property
    def n_episodes(self) -> int:
        """Number of episodes."""
        return int(self.ends.sum())

    def select(self, episodes: NDArray[np.integer]) -> "Transitions":
        """Returns the given episodes, at least one, renumbered from 0."""
        kept = np.isin(self.episode, episodes)
        if kept.all() and self.episode[-1] + 1 == self.n_episodes:
            return self
        _, renumbered = np.unique(self.episode[kept], return_inverse=True)
        return Transitions(
            obs=self.obs[kept],
            actions=self.actions[kept],
            rewards=self.rewards[kept],
            next_obs=self.next_obs[kept],
            dones=self.dones[kept],
            episode=renumbered.astype(np.int32),
        )

    def _check_types(self) -> None:
        if self.obs.ndim != 2 or min(self.obs.shape) == 0:
            raise ValueError(f"transitions: obs must have shape (N, d), got {self.obs.shape}")
        n, d = self.obs.shape
        expected = {
            "obs": (np.float32, (n, d)),
            "actions": (np.int64, (n,)),
            "rewards": (np.float32, (n,)),
            "next_obs": (np.float32, (n, d)),
            "dones": (np.bool_, (n,)),
            "episode": (np.int32, (n,)),
        }
        for name, (dtype, shape) in expected.items():
            array = getattr(self, name)
            if array.dtype != dtype:
                raise ValueError(
                    f"transitions: {name} must be {np.dtype(dtype)}, got {array.dtype}"
                )
            if array.shape != shape:
                raise ValueError(f"transitions: {name} must have shape {shape}, got {array.shape}")


def joined(parts: Sequence[Transitions]) -> Transitions:
    """Concatenates at least one recording; episodes are renumbered from 0."""
    first = np.concatenate([[True], *(part.ends for part in parts)])[:-1]
    return Transitions(
        obs=np.concatenate([part.obs for part in parts]),
        actions=np.concatenate([part.actions for part in parts]),
        rewards=np.concatenate([part.rewards for part in parts]),
        next_obs=np.concatenate([part.next_obs for part in parts]),
        dones=np.concatenate([part.dones for part in parts]),
        episode=(np.cumsum(first) - 1).astype(np.int32),
    )
