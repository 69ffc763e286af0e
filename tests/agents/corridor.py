"""A walk that is lost by using one foot twice: a game in the shape of QWOP, in microseconds."""

import json
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

STATE = ("position", "foot", "ticks", "ended", "fallen", "drawn_idle_ticks")
N_OBSERVATIONS = 4
N_ACTIONS = 3
INTERFACE: dict[str, str | int] = {
    "observation": "corridor",
    "actions": "feet",
    "ticks_per_action": 2,
    "n_observations": N_OBSERVATIONS,
    "n_actions": N_ACTIONS,
}


class CorridorVectorEnv(VectorEnv[Any, Any, Any]):
    """Action 0 waits, 1 and 2 step with the left or right foot.

    A step brings one metre. The same foot twice in a row is a fall. The seed
    draws 0 to 3 idle ticks and the foot that was used last.
    """

    def __init__(
        self, n_games: int, autoreset: bool = True, length: int = 20, max_ticks: int = 80
    ) -> None:
        self.num_envs = n_games
        self.single_observation_space = spaces.Box(-1.0, 1.0, (N_OBSERVATIONS,), np.float32)
        self.single_action_space = spaces.Discrete(N_ACTIONS)
        self.length, self.max_ticks, self.autoreset = length, max_ticks, autoreset
        self.position = np.zeros(n_games, dtype=np.int64)
        self.foot = np.ones(n_games, dtype=np.int64)
        self.ticks = np.zeros(n_games, dtype=np.int64)
        self.ended = np.zeros(n_games, dtype=np.bool_)
        self.fallen = np.zeros(n_games, dtype=np.bool_)
        self.rngs = [np.random.default_rng(i) for i in range(n_games)]
        self.last_keys = np.zeros(n_games, dtype=np.uint8)
        self.last_ticks = np.zeros(n_games, dtype=np.int64)
        self.drawn_idle_ticks = np.zeros(n_games, dtype=np.int64)

    @property
    def time_limit(self) -> float:
        return self.max_ticks / 30.0

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        if seed is not None:
            seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
            self.rngs = [np.random.default_rng(s) for s in seeds]
        self._begin(np.arange(self.num_envs))
        return self._observe(), {}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        going = ~self.ended
        stepping = going & (actions > 0)
        self.fallen |= stepping & (actions == self.foot)
        self.foot = np.where(stepping, actions, self.foot)
        gained = (stepping & ~self.fallen).astype(np.int64)
        self.position += gained
        self.last_keys = actions.astype(np.uint8)
        self.last_ticks = np.where(going, 2, 0)
        self.ticks += self.last_ticks
        finished = self.position >= self.length
        terminated = self.fallen | finished
        truncated = ~terminated & (self.ticks >= self.max_ticks)
        rewards = np.where(going, gained - 0.02, 0.0)
        ended_now = going & (terminated | truncated)
        self.ended |= ended_now
        infos = {
            "distance": self.position.astype(np.float64),
            "ticks": self.ticks.copy(),
            "score_time": (self.ticks + 1) / 30.0,
            "finished": finished,
            "fallen": self.fallen.copy(),
            "sunk": np.zeros(self.num_envs, dtype=np.bool_),
            "final_obs": self._observe(),
        }
        if self.autoreset and ended_now.any():
            self._begin(np.flatnonzero(ended_now))
        return self._observe(), rewards, terminated, truncated, infos

    def state(self) -> dict[str, NDArray[Any]]:
        words = [json.dumps(rng.bit_generator.state).encode().ljust(400) for rng in self.rngs]
        return {
            **{name: getattr(self, name).copy() for name in STATE},
            "rngs": np.stack([np.frombuffer(word, dtype=np.uint8) for word in words]),
        }

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        if len(arrays["rngs"]) != self.num_envs:
            raise ValueError("another number of games")
        for name in STATE:
            setattr(self, name, arrays[name].copy())
        for rng, word in zip(self.rngs, arrays["rngs"], strict=True):
            rng.bit_generator.state = json.loads(word.tobytes())
        return self._observe()

    def _begin(self, games: NDArray[np.int64]) -> None:
        for game in games:
            self.drawn_idle_ticks[game] = self.rngs[game].integers(4)
            self.foot[game] = self.rngs[game].integers(1, 3)
        self.ticks[games] = self.drawn_idle_ticks[games]
        self.position[games] = 0
        self.ended[games] = False
        self.fallen[games] = False

    def _observe(self) -> NDArray[np.float32]:
        columns = [self.foot == 1, self.foot == 2, self.position / self.length, self.ticks % 2]
        return np.stack(columns, axis=1).astype(np.float32)


class CorridorVecEnv(VecEnv):
    """The corridor in the form that SB3 learns from; a finish counts as truncation."""

    bootstrap_finish = True

    def __init__(self, n_games: int) -> None:
        self.games = CorridorVectorEnv(n_games)
        self.returns, self.lengths = np.zeros(n_games), np.zeros(n_games, dtype=np.int64)
        super().__init__(
            n_games, self.games.single_observation_space, self.games.single_action_space
        )

    def reset(self) -> NDArray[np.float32]:
        seeds = [seed for seed in self._seeds if seed is not None]
        obs, _ = self.games.reset(seed=seeds or None)
        self._reset_seeds()
        return obs

    def step_async(self, actions: NDArray[Any]) -> None:
        self.actions = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], list[dict[str, Any]]]:
        obs, rewards, terminated, truncated, arrays = self.games.step(self.actions)
        dones = terminated | truncated
        self.returns += rewards
        self.lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for game in np.flatnonzero(dones):
            infos[game] = {
                "terminal_observation": arrays["final_obs"][game],
                "TimeLimit.truncated": bool(truncated[game] or arrays["finished"][game]),
                "episode": {"r": self.returns[game], "l": self.lengths[game]},
                **{k: arrays[k][game] for k in ("distance", "finished", "score_time")},
            }
            self.returns[game] = self.lengths[game] = 0
        return obs, rewards, dones, infos

    def state(self) -> dict[str, NDArray[Any]]:
        own = {"returns": self.returns.copy(), "lengths": self.lengths.copy()}
        return {**self.games.state(), **own}

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        self.returns, self.lengths = arrays["returns"].copy(), arrays["lengths"].copy()
        return self.games.load_state(arrays)

    def close(self) -> None:
        """Nothing to close."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return [getattr(self.games, attr_name, None)] * self.num_envs

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        raise NotImplementedError

    def env_method(
        self,
        method_name: str,
        *method_args: object,
        indices: VecEnvIndices = None,
        **method_kwargs: object,
    ) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        return [False] * self.num_envs
