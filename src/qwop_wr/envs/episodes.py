"""Beginnings of episodes, and the keys played in them, so that they can be replayed."""

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.envs.state import Arrays
from qwop_wr.simulator import Simulator
from qwop_wr.simulator.keys import N_MASKS

_NO_KEYS = np.zeros(1, dtype=np.uint8)


class StartingStates:
    """One game for each number of idle ticks, cloned when an episode begins.

    Cloning costs the same however many ticks are idle, and leaves the other
    games of a batch alone. ``options.idle_ticks`` is the most that an episode begins with.
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
        """Begins new episodes.

        Args:
            simulator: Simulator of the same engine whose games begin anew.
            idle_ticks: Idle ticks already played for each, shape (k,).
            games: Indices of the games, shape (k,).
        """
        simulator.copy_games(self._games, idle_ticks, games)


class PlayedKeys:
    """The keys of every game since its episode began.

    A game follows from its start and its keys to the bit, so these are all that has
    to be kept of it: small, the same for every engine, and harmless in a file.

    Args:
        n_decisions: Most decisions of an episode.
    """

    def __init__(self, n_games: int, n_decisions: int) -> None:
        self._masks = np.zeros((n_games, n_decisions), dtype=np.uint8)
        self._lengths = np.zeros(n_games, dtype=np.int64)

    def begin(self, games: NDArray[np.int64]) -> None:
        """Forgets the episodes of games that begin anew, given by index, shape (k,)."""
        self._masks[games] = 0
        self._lengths[games] = 0

    def add(self, keys: NDArray[np.uint8], playing: NDArray[np.bool_]) -> None:
        """Adds one decision.

        Args:
            keys: Masks that were played, shape (n_games,).
            playing: Games that did play them, shape (n_games,).
        """
        games = np.flatnonzero(playing)
        self._masks[games, self._lengths[games]] = keys[games]
        self._lengths[games] += 1

    def state(self) -> Arrays:
        """Returns copies of ``played_keys`` (n_games, n_decisions) and ``played_decisions``."""
        return {"played_keys": self._masks.copy(), "played_decisions": self._lengths.copy()}

    def load_state(self, arrays: Arrays) -> None:
        """Restores saved keys of the same names, shapes and types.

        Raises:
            ValueError: If keys or numbers of decisions are out of range.
        """
        masks, lengths = arrays["played_keys"], arrays["played_decisions"]
        if masks.max(initial=0) >= N_MASKS:
            raise ValueError("the saved state's 'played_keys' hold a mask above 15")
        if lengths.min() < 0 or lengths.max() > masks.shape[1]:
            raise ValueError("the saved state's 'played_decisions' are longer than an episode")
        self._masks[:], self._lengths[:] = masks, lengths

    def replay(
        self,
        simulator: Simulator,
        starts: StartingStates,
        idle_ticks: NDArray[np.int64],
        ticks_per_action: int,
    ) -> None:
        """Brings the games of a simulator to where they were.

        Every game begins so late that all are there after the same step.

        Args:
            starts: The states that episodes begin from.
            idle_ticks: Idle ticks that each began with, shape (n_games,).
            ticks_per_action: Ticks that a decision is held for.
        """
        longest = int(self._lengths.max())
        offsets = longest - self._lengths
        games = np.arange(len(offsets))
        for step in range(longest + 1):
            beginning = np.flatnonzero(offsets == step)
            if beginning.size:
                starts.begin(simulator, idle_ticks[beginning], beginning)
            if step < longest:
                keys = self._masks[games, np.maximum(step - offsets, 0)]
                simulator.step(keys, ticks_per_action)
