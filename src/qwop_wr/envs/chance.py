"""The randomness of an environment: idle ticks at the start and sticky keys."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.state import Arrays, generator_words, generators_from

Seed = int | Sequence[int | None] | None
"""One seed for the batch, or one per game in which ``None`` leaves a game's generator as it is."""


class Chance:
    """Draws for a batch of games, each from a generator of its own.

    A game takes all the draws of an episode when it begins, so that its runs
    depend on its seed and its actions alone, not on its place in the batch or
    on the other games.
    """

    def __init__(self, n_games: int, options: EnvironmentOptions) -> None:
        self.generators = _spawn(np.random.SeedSequence(), n_games)
        self.idle_ticks = np.zeros(n_games, dtype=np.int64)
        self._most_idle_ticks = options.idle_ticks
        self._probability = options.sticky
        n_decisions = -(-options.max_ticks // options.ticks_per_action)
        self._sticks = np.zeros((n_games, n_decisions if options.sticky else 0), dtype=np.bool_)
        self._decisions = np.zeros(n_games, dtype=np.int64)

    def seed(self, seed: Seed) -> None:
        """Replaces the generators.

        Raises:
            ValueError: If a seed is negative or there is not one per game.
        """
        if seed is None:
            return
        seeds = [seed] if isinstance(seed, int | np.integer) else list(seed)
        for value in seeds:
            if value is not None and (not isinstance(value, int | np.integer) or value < 0):
                raise ValueError(f"a seed must be an integer of at least 0, got {value!r}")
        if isinstance(seed, int | np.integer):
            self.generators = _spawn(np.random.SeedSequence(int(seed)), len(self.generators))
            return
        if len(seeds) != len(self.generators):
            raise ValueError(f"{len(seeds)} seeds do not fit {len(self.generators)} games")
        for game, value in enumerate(seeds):
            if value is not None:
                self.generators[game] = np.random.default_rng(value)

    def begin(self, games: NDArray[np.int64]) -> None:
        """Draws for new episodes of games, given by index, shape (k,)."""
        self._decisions[games] = 0
        if self._most_idle_ticks:
            for game in games:
                draw = self.generators[game].integers(self._most_idle_ticks, endpoint=True)
                self.idle_ticks[game] = draw
        if self._probability:
            n_decisions = self._sticks.shape[1]
            for game in games:
                draws = self.generators[game].random(n_decisions)
                self._sticks[game] = draws < self._probability

    def held_on(self, keys: NDArray[np.uint8], held: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns decisions after sticky keys; to be called once per decision.

        All arrays hold masks, shape (n_games,); ``held`` are those of the decision before.
        """
        if not self._probability:
            return keys
        games, last = np.arange(len(keys)), self._sticks.shape[1] - 1
        sticks = self._sticks[games, np.minimum(self._decisions, last)]
        self._decisions += 1
        return np.where(sticks, held, keys)

    def state(self) -> Arrays:
        """Copies generators and draws.

        Returns:
            ``generators``, shape (n_games, 6), ``idle_ticks`` (n_games,), ``sticks``
            (n_games, most decisions, or 0) and ``stick_decisions`` (n_games,).

        Raises:
            ValueError: If a generator is not a ``PCG64``.
        """
        return {
            "generators": generator_words(self.generators),
            "idle_ticks": self.idle_ticks.copy(),
            "sticks": self._sticks.copy(),
            "stick_decisions": self._decisions.copy(),
        }

    def load_state(self, arrays: Arrays) -> None:
        """Restores a state of the same names, shapes and types.

        Raises:
            ValueError: If a value is out of range.
        """
        idle_ticks, decisions = arrays["idle_ticks"], arrays["stick_decisions"]
        if idle_ticks.min() < 0 or idle_ticks.max() > self._most_idle_ticks:
            raise ValueError(
                f"the saved state's 'idle_ticks' must be 0 to {self._most_idle_ticks} here"
            )
        if decisions.min() < 0:
            raise ValueError("the saved state's 'stick_decisions' must not be negative")
        self.generators = generators_from(arrays["generators"])
        self.idle_ticks = idle_ticks.copy()
        self._sticks, self._decisions = arrays["sticks"].copy(), decisions.copy()


def _spawn(sequence: np.random.SeedSequence, n_games: int) -> list[np.random.Generator]:
    return [np.random.default_rng(child) for child in sequence.spawn(n_games)]
