"""Many games stepped by one call: a native Gymnasium vector environment."""

from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.chance import Chance, Seed
from qwop_wr.envs.episodes import PlayedKeys, StartingStates
from qwop_wr.envs.observations import Observations, Observer
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.rewards import Outcomes, Rewards, decision_rewards
from qwop_wr.envs.shaping import Shaping, Step
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.envs.state import Arrays, check_alike
from qwop_wr.envs.velocity import VelocityIncentive
from qwop_wr.simulator.base import Booleans
from qwop_wr.simulator.constants import CLOCK_STEP

Infos = dict[str, NDArray[Any]]

RENDER_MODES: Final = ("rgb_array",)


class QwopVectorEnv(VectorEnv[Observations, ArrayLike, NDArray[Any]]):
    """A batch of independent runners; see ``QwopEnv`` for observations and rewards.

    Every step's infos hold arrays of shape (n_games,): ``distance`` [m],
    ``ticks``, ``score_time`` [s], ``finished``, ``fallen`` and ``sunk``, and
    with shaping the sum of each term as ``shaping/<name>``. They are those of
    the episode that was stepped, even if it ended and a new one has begun
    since. ``final_obs``, shape (n_games, d), holds the observations before any
    such beginning, and ``_final_obs`` where that matters.

    Args:
        autoreset: Begin a new episode in the very step that ends one. If not,
            a game that ended stands still, earns nothing and stays ended until
            it is reset, alone by ``reset(options={"reset_mask": ...})``.
        render_mode: ``"rgb_array"`` or nothing.

    Attributes:
        simulator: The games.
        last_keys: Masks that the latest step really played, after sticking, shape (n_games,).
        last_ticks: Ticks for which it played them, shape (n_games,). With
            ``drawn_idle_ticks`` zeros before them, the keys repeated that
            often are the whole run of a game that was not reset since.

    Raises:
        ValueError: If ``n_games`` is not positive or the mode is unknown.
    """

    def __init__(
        self,
        n_games: int,
        options: EnvironmentOptions,
        autoreset: bool = True,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ValueError(f"render_mode must be 'rgb_array' or None, got {render_mode!r}")
        self.simulator = options.make_games(n_games)
        self.num_envs = n_games
        self.options = options
        self.render_mode = render_mode
        self.metadata = {
            "render_modes": list(RENDER_MODES),
            "render_fps": round(1 / (CLOCK_STEP * options.ticks_per_action)),
            "autoreset_mode": AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED,
        }
        self._observer = Observer(options.observation)
        self._masks = ACTION_SETS[options.actions]
        self.single_observation_space = gymnasium.spaces.Box(
            self._observer.lows.astype(np.float32), self._observer.highs.astype(np.float32)
        )
        self.single_action_space = gymnasium.spaces.Discrete(len(self._masks))
        self.observation_space = batch_space(self.single_observation_space, n_games)
        self.action_space = batch_space(self.single_action_space, n_games)
        velocity, shaping = options.velocity, options.shaping
        self._incentive = None if velocity is None else VelocityIncentive(velocity, n_games)
        self._shaping = None if shaping is None else Shaping(shaping, n_games)
        self._bonuses = [one for one in (self._incentive, self._shaping) if one is not None]
        self._autoreset = autoreset
        self._starts = StartingStates(options)
        self._starting_observations = self._observer.observe(self._starts.snapshot)
        self._chance = Chance(n_games, options)
        self._played = PlayedKeys(n_games, -(-options.max_ticks // options.ticks_per_action))
        self._games: Snapshot | None = None
        self._over = np.zeros(n_games, dtype=np.bool_)
        self._held_keys = np.zeros(n_games, dtype=np.uint8)
        self.last_keys = np.zeros(n_games, dtype=np.uint8)
        self.last_ticks = np.zeros(n_games, dtype=np.int64)

    @property
    def drawn_idle_ticks(self) -> NDArray[np.int64]:
        """Ticks without keys that each game's present episode began with, shape (n_games,)."""
        return self._chance.idle_ticks.copy()

    @property
    def time_limit(self) -> float:
        """Clock time from which on a game is truncated [s]."""
        return self.options.max_ticks * CLOCK_STEP

    @property
    def generators(self) -> list[np.random.Generator]:
        """Each game's generator; an entry may be replaced before a reset."""
        return self._chance.generators

    def reset(
        self, *, seed: Seed = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """Begins new episodes.

        Args:
            seed: One for the whole batch, from which the games' seeds are
                spawned; or one per game, whose runs then depend on it alone.
                If omitted, the generators go on.
            options: May hold ``reset_mask``, booleans of shape (n_games,): the
                games to reset. All are if it is omitted.

        Returns:
            Observations, shape (n_games, d), and infos.

        Raises:
            ValueError: If seeds or mask do not fit the games.
        """
        games = self._games_to_reset(options)
        self._chance.seed(seed)
        if self._games is None:
            self._games = Snapshot.of(self.simulator)
        self.last_keys = np.zeros(self.num_envs, dtype=np.uint8)
        self.last_ticks = np.zeros(self.num_envs, dtype=np.int64)
        self._begin(self._games, games)
        observations = self._observer.observe(self._games)
        return observations, self._infos(self._games, Outcomes.of(self._games, self.options))

    def step(self, actions: ArrayLike) -> tuple[Observations, Rewards, Booleans, Booleans, Infos]:
        """Holds the keys of the actions, indices into the action set, for one decision.

        Returns:
            Observations (n_games, d), rewards, terminations, truncations
            (n_games,) and infos.

        Raises:
            ResetNeeded: If the environment was never reset.
            ValueError: If the actions' shape, type or range is wrong.
        """
        if self._games is None:
            raise gymnasium.error.ResetNeeded("call reset before the first step")
        before, over = self._games, self._over
        keys = self._chance.held_on(self._masks[self._checked(actions)], self._held_keys)
        self.simulator.step(keys, self.options.ticks_per_action)
        self._played.add(keys, ~over)
        games = Snapshot.of(self.simulator)
        if over.any():
            games.overwrite(over, before, over)

        outcomes = Outcomes.of(games, self.options)
        self.last_keys, self.last_ticks = keys, games.ticks - before.ticks
        rewards = decision_rewards(
            self.options,
            games.torso_x - before.torso_x,
            self.last_ticks,
            outcomes.finished & ~over,
            outcomes.failed & ~over,
        )
        if self._shaping is not None:
            step = Step(before, games, self._held_keys, keys, self.last_ticks)
            rewards = self._shaping.add(rewards, step)
        if self._incentive is not None:
            advance = games.torso_x - before.torso_x
            rewards = self._incentive.add(rewards, advance, self.last_ticks)
        observations = self._observer.observe(games)
        infos = self._infos(games, outcomes)
        terminated, truncated = outcomes.terminated, outcomes.truncated
        self._games, self._held_keys, self._over = games, keys.copy(), terminated | truncated
        infos["_final_obs"] = self._over.copy()
        infos["final_obs"] = observations.copy()
        if self._autoreset and self._over.any():
            ended = np.flatnonzero(self._over)
            self._begin(games, ended)
            observations[ended] = self._starting_observations[self._chance.idle_ticks[ended]]
        return observations, rewards, terminated, truncated, infos

    def state(self) -> Arrays:
        """Returns copies of all arrays that determine the next steps, by name.

        The games themselves are kept as the keys that led to them. :meth:`load_state` restores them
        in an environment of the same options and number of games.

        Raises:
            ResetNeeded: If the environment was never reset.
            ValueError: If a generator was replaced by one that is not a ``PCG64``.
        """
        if self._games is None:
            raise gymnasium.error.ResetNeeded("call reset before reading the state")
        return {**self._arrays(), "bodies": self._games.state.copy()}

    def load_state(self, arrays: Arrays) -> Observations:
        """Restores a state, to the same bits; no reset is needed before.

        Returns:
            The present observations, shape (n_games, d).

        Raises:
            ValueError: If the arrays are of other options or another number of games, or the
                engine does not reproduce the games. The environment must then be reset.
        """
        bodies = self.simulator.state
        check_alike(arrays, {**self._arrays(), "bodies": bodies})
        self._chance.load_state(arrays)
        self._played.load_state(arrays)
        for bonus in self._bonuses:
            bonus.load_state(arrays)
        self._over, self._held_keys = arrays["over"].copy(), arrays["held_keys"].copy()
        self._played.replay(
            self.simulator, self._starts, self._chance.idle_ticks, self.options.ticks_per_action
        )
        self._games = Snapshot.of(self.simulator)
        if self._games.state.tobytes() != np.ascontiguousarray(arrays["bodies"]).tobytes():
            raise ValueError(
                "the saved games cannot be played again to the bit: they are of another engine, "
                "platform, version or machine, or their options were others"
            )
        self.last_keys, self.last_ticks = self._held_keys.copy(), np.zeros_like(self.last_ticks)
        return self._observer.observe(self._games)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Draws every game as an RGB image; returns None without a render mode.

        Raises:
            ResetNeeded: If the environment was never reset.
        """
        if self.render_mode is None:
            return None
        if self._games is None:
            raise gymnasium.error.ResetNeeded("call reset before render")
        from qwop_wr.envs.rendering import draw_game  # noqa: PLC0415  # only if drawn

        return tuple(
            draw_game(state, hurdle, score, score_time, int(keys))
            for state, hurdle, score, score_time, keys in zip(
                self._games.state,
                self._games.hurdle,
                self._games.score.tolist(),
                self._games.score_time.tolist(),
                self._held_keys,
                strict=True,
            )
        )

    def _arrays(self) -> Arrays:
        return {
            **self._chance.state(),
            **self._played.state(),
            **{name: array for bonus in self._bonuses for name, array in bonus.state().items()},
            "over": self._over.copy(),
            "held_keys": self._held_keys.copy(),
        }

    def _begin(self, snapshot: Snapshot, games: NDArray[np.int64]) -> None:
        self._chance.begin(games)
        self._played.begin(games)
        idle_ticks = self._chance.idle_ticks[games]
        self._starts.begin(self.simulator, idle_ticks, games)
        snapshot.overwrite(games, self._starts.snapshot, idle_ticks)
        self._over[games] = False
        self._held_keys[games] = 0
        for bonus in self._bonuses:
            bonus.begin(games)

    def _checked(self, actions: ArrayLike) -> NDArray[np.integer[Any]]:
        indices = np.asarray(actions)
        if indices.shape != (self.num_envs,):
            raise ValueError(f"actions must have shape ({self.num_envs},), got {indices.shape}")
        if not np.issubdtype(indices.dtype, np.integer):
            raise ValueError(f"actions must be integers, got {indices.dtype}")
        least, most = indices.min(), indices.max()
        if least < 0 or most >= len(self._masks):
            wrong = least if least < 0 else most
            raise ValueError(f"an action must be 0 to {len(self._masks) - 1}, got {wrong}")
        return indices

    def _infos(self, games: Snapshot, outcomes: Outcomes) -> Infos:
        return {
            "distance": games.score.copy(),
            "ticks": games.ticks.copy(),
            "score_time": games.score_time.copy(),
            "finished": outcomes.finished,
            "fallen": outcomes.fallen,
            "sunk": outcomes.sunk,
            **(self._shaping.sums if self._shaping is not None else {}),
        }

    def _games_to_reset(self, options: dict[str, Any] | None) -> NDArray[np.int64]:
        if not options or "reset_mask" not in options:
            return np.arange(self.num_envs)
        mask = np.asarray(options["reset_mask"])
        if mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ValueError(
                f"reset_mask must be booleans of shape ({self.num_envs},), "
                f"got {mask.dtype} of shape {mask.shape}"
            )
        if self._games is None and not mask.all():
            raise gymnasium.error.ResetNeeded("reset all games before a part of them")
        return np.flatnonzero(mask)


def make_vector(
    num_envs: int, render_mode: str | None = None, autoreset: bool = True, **options: object
) -> QwopVectorEnv:
    """Makes a vector environment for ``gymnasium.make_vec``.

    The options are the fields of ``EnvironmentOptions``.

    Raises:
        ValueError: If an option is unknown or wrong.
    """
    return QwopVectorEnv(
        num_envs, EnvironmentOptions.from_keywords(options), autoreset, render_mode
    )
