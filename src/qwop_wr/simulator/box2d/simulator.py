"""A batch of games on Box2D."""

from operator import attrgetter
from typing import Any, ClassVar, Final, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qwop_wr.simulator.anatomy import PART_NAMES
from qwop_wr.simulator.base import GameIndices, Simulator
from qwop_wr.simulator.box2d.game import BODY_NAMES, Game

_N_PARTS: Final = len(PART_NAMES)
_PLACES: Final = {
    **{name: f"rules.{name}" for name in ("fallen", "jumped", "landed")},
    "calf_key": "motors.calf_key",
}
"""Where a game has what is not its own attribute."""


class Box2DSimulator(Simulator):
    """The game on the Box2D 2.3 binding, one world per game.

    It has the original's rules, bodies, joints and uncleared forces, but the
    binding computes in float32 and solves joints and contacts differently from
    the original, so runs part from the game's within a few dozen ticks.

    ``copy_games`` is exact but slow: Box2D hides its solver's impulses, so a
    clone is made by playing the game's keys since its last hard reset (soft
    resets included) in a new world.
    """

    engine: ClassVar[str] = "box2d"
    version: ClassVar[str] = "1"

    def __init__(self, n_games: int) -> None:
        super().__init__(n_games)
        self._games = [Game() for _ in range(n_games)]
        self._bodies = np.empty((n_games, len(BODY_NAMES), 6))
        self._stale = np.ones(n_games, dtype=np.bool_)

    def reset(self, games: GameIndices | None = None, soft: bool = False) -> None:
        """Begins new episodes; see :meth:`Simulator.reset`."""
        indices = self._checked_games(games)
        for index in indices:
            self._games[index].reset(soft)
        self._stale[indices] = True

    def step(self, keys: ArrayLike, ticks: int = 1) -> None:
        """Advances every game that has not ended; see :meth:`Simulator.step`."""
        masks, n_ticks = self._checked_keys(keys), self._checked_ticks(ticks)
        for game, mask in zip(self._games, masks.tolist(), strict=True):
            game.play(mask, n_ticks)
        self._stale[:] = True

    def copy_games(self, source: Simulator, source_games: GameIndices, games: GameIndices) -> None:
        """Overwrites games with exact clones; see :meth:`Simulator.copy_games`."""
        origins, targets = self._checked_copy(source, source_games, games)
        origin_games = cast("Box2DSimulator", source)._games
        clones = [origin_games[origin].clone() for origin in origins]
        for target, clone in zip(targets, clones, strict=True):
            self._games[target] = clone
        self._stale[targets] = True

    def _read(self, quantity: str) -> NDArray[Any]:
        if quantity in ("state", "hurdle"):
            for index in np.flatnonzero(self._stale):
                self._games[index].read_bodies(self._bodies[index])
            self._stale[:] = False
            parts = (
                self._bodies[:, :_N_PARTS] if quantity == "state" else self._bodies[:, _N_PARTS:]
            )
            return parts.copy()
        values = [attrgetter(_PLACES.get(quantity, quantity))(game) for game in self._games]
        return np.array(values, dtype=np.uint8 if quantity == "calf_key" else None)
