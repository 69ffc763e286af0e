"""What is read off all games after every decision, beside how they end."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from qwop_wr.envs import QwopVectorEnv
from qwop_wr.envs.shaping import KNEE_LIMIT, knee_heights
from qwop_wr.evaluation.episodes import SPLIT_MARKS

Floats = NDArray[np.float64]


class Observer(Protocol):
    """Reads a batch of games after a decision."""

    def observe(self, env: QwopVectorEnv, running: NDArray[np.bool_]) -> None:
        """Read the games.

        Args:
            env: The games.
            running: Whether each was still running in this decision, shape (n,).
        """


class SplitClock:
    """Reads the clock of every game after the decision in which it passed a mark.

    Args:
        n_games: Number of games.

    Attributes:
        clocks: Clock at each mark, NaN until it is passed [s], shape (n, marks).
    """

    def __init__(self, n_games: int) -> None:
        self.clocks: Floats = np.full((n_games, len(SPLIT_MARKS)), np.nan)

    def observe(self, env: QwopVectorEnv, running: NDArray[np.bool_]) -> None:
        """Read the clocks; see :class:`Observer`."""
        passed = env.simulator.score[:, None] >= np.array(SPLIT_MARKS)
        fresh = passed & running[:, None] & np.isnan(self.clocks)
        self.clocks = np.where(fresh, env.simulator.score_time[:, None], self.clocks)


class KneeWatch:
    """Counts the decisions after which a knee was near the ground.

    Args:
        n_games: Number of games.

    Attributes:
        near: Decisions with a knee below :data:`KNEE_LIMIT`, shape (n,).
        decisions: All decisions of each game, shape (n,).
    """

    def __init__(self, n_games: int) -> None:
        self.near = np.zeros(n_games, dtype=np.int64)
        self.decisions = np.zeros(n_games, dtype=np.int64)

    def observe(self, env: QwopVectorEnv, running: NDArray[np.bool_]) -> None:
        """Look at the knees; see :class:`Observer`."""
        lowest = knee_heights(env.simulator.state).min(axis=1)
        self.near += running & (lowest < KNEE_LIMIT)
        self.decisions += running

    @property
    def fraction(self) -> Floats:
        """Share of the decisions, shape (n,)."""
        return self.near / np.maximum(self.decisions, 1)


class Observers:
    """Shows a rollout's games to several observers; itself a rollout's observer.

    Args:
        env: The games.
        observers: Who looks at them.
    """

    def __init__(self, env: QwopVectorEnv, observers: Sequence[Observer]) -> None:
        self._env = env
        self._observers = observers

    def __call__(self, env: VectorEnv[Any, Any, Any], steps: int) -> None:
        """Pass the games on after a step."""
        # The simulator goes on with games that were stopped for their length.
        running = self._env.last_ticks > 0
        for observer in self._observers:
            observer.observe(self._env, running)
