"""The moments at which an episode may hand over to the agent."""

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator.base import Simulator

_NO_KEYS = np.zeros(1, dtype=np.uint8)


class StartingStates:
    """One game for each number of idle ticks, to be cloned when an episode begins.

    Cloning costs the same however many ticks are idle, and leaves the other
    games of a batch alone.

    Args:
        options: How the game is played; ``idle_ticks`` is the most that an episode begins with.
    """

    def __init__(self, options: EnvironmentOptions) -> None:
        n_starts = options.idle_ticks + 1
        self._games, idler = options.make_games(n_starts), options.make_games()
        for ticks in range(n_starts):
            self._games.copy_games(idler, [0], [ticks])
            idler.step(_NO_KEYS)
        self.snapshot = Snapshot.of(self._games)

    def begin(
        self, simulator: Simulator, idle_ticks: NDArray[np.int64], games: NDArray[np.int64]
    ) -> None:
        """Begin new episodes.

        Args:
            simulator: Simulator of the same engine whose games begin anew.
            idle_ticks: Idle ticks already played for each, shape (k,).
            games: Which games, shape (k,).
        """
        simulator.copy_games(self._games, idle_ticks, games)
