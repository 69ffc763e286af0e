"""The vector environment in the form that Stable-Baselines3 trains on."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from qwop_wr.envs.observations import Observations
from qwop_wr.envs.state import Arrays, check_alike
from qwop_wr.envs.vector import Infos, QwopVectorEnv


class QwopVecEnv(VecEnv):
    """Stable-Baselines3's view of a ``QwopVectorEnv``, which still steps all games in one call.

    When an episode ends, its info holds ``terminal_observation``,
    ``TimeLimit.truncated``, ``episode`` (return ``r`` and length ``l`` in
    decisions), ``is_success`` and the episode's ``distance``, ``ticks``,
    ``score_time``, ``finished``, ``fallen`` and ``sunk``. All other infos are
    empty.

    Args:
        games: Environment that resets in the same step.
        bootstrap_finish: Report a finish as a truncation, so that the value
            behind the line is estimated instead of being 0. Otherwise the
            finish is the worst moment of a good run and the agent learns to
            put it off.

    Raises:
        ValueError: If ``games`` does not begin new episodes by itself.
    """

    def __init__(self, games: QwopVectorEnv, bootstrap_finish: bool = True) -> None:
        if games.metadata["autoreset_mode"] is not gymnasium.vector.AutoresetMode.SAME_STEP:
            raise ValueError("QwopVecEnv needs a QwopVectorEnv with autoreset=True")
        self.games = games
        self.bootstrap_finish = bootstrap_finish
        self._actions: NDArray[np.integer[Any]] = np.zeros(games.num_envs, dtype=np.int64)
        self._returns = np.zeros(games.num_envs)
        self._lengths = np.zeros(games.num_envs, dtype=np.int64)
        super().__init__(games.num_envs, games.single_observation_space, games.single_action_space)

    def reset(self) -> Observations:
        """Begins new episodes in all games, with the seeds set before if there are any."""
        observations, _ = self.games.reset(seed=self._seeds)
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0.0
        self._lengths[:] = 0
        return observations

    def step_async(self, actions: NDArray[np.integer[Any]]) -> None:
        """Remembers the actions, shape (n_games,)."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Plays the remembered actions."""
        observations, rewards, terminated, truncated, vector_infos = self.games.step(self._actions)
        dones = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for game in np.flatnonzero(dones).tolist():
            infos[game] = self._episode(game, vector_infos, bool(truncated[game]))
        self._returns[dones] = 0.0
        self._lengths[dones] = 0
        return observations, rewards.astype(np.float32), dones, infos

    def state(self) -> Arrays:
        """Returns a copy of all that determines the next steps.

        Returns:
            The vector environment's arrays by ``games/name``, and ``returns`` and
            ``lengths`` of the episodes under way, shape (n_games,).

        Raises:
            ResetNeeded: If the environment was never reset.
        """
        games = {f"games/{name}": array for name, array in self.games.state().items()}
        return {**games, "returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def load_state(self, arrays: Arrays) -> Observations:
        """Restores a state, to the same bits; see ``QwopVectorEnv.load_state``.

        Raises:
            ValueError: If the arrays do not fit, or the games cannot be reproduced.
        """
        own = {name: array for name, array in arrays.items() if not name.startswith("games/")}
        check_alike(own, {"returns": self._returns, "lengths": self._lengths})
        observations = self.games.load_state(
            {
                name.removeprefix("games/"): array
                for name, array in arrays.items()
                if name.startswith("games/")
            }
        )
        self._returns, self._lengths = own["returns"].copy(), own["lengths"].copy()
        return observations

    def close(self) -> None:
        """Closes the games."""
        self.games.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Draws every game."""
        return self.games.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Reads an attribute of the vector environment, which all games share."""
        return [getattr(self.games, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        """Raises ``NotImplementedError``: the games share their attributes."""
        raise NotImplementedError("the games of a QwopVecEnv share their attributes")

    def env_method(
        self,
        method_name: str,
        *method_args: object,
        indices: VecEnvIndices = None,
        **kwargs: object,
    ) -> list[Any]:
        """Raises ``NotImplementedError``: the games share their methods."""
        raise NotImplementedError("the games of a QwopVecEnv share their methods")

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """Returns whether games are wrapped: only by ``Monitor``, whose infos are built in."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]

    def _episode(self, game: int, vector_infos: Infos, truncated: bool) -> dict[str, Any]:
        info = {
            name: values[game].item()
            for name, values in vector_infos.items()
            if not name.endswith("final_obs")
        }
        info["terminal_observation"] = vector_infos["final_obs"][game]
        info["TimeLimit.truncated"] = truncated or (self.bootstrap_finish and info["finished"])
        info["is_success"] = info["finished"]
        info["episode"] = {"r": float(self._returns[game]), "l": int(self._lengths[game])}
        return info
