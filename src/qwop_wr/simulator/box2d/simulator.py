"""A batch of games on Box2D."""

from typing import ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike

from qwop_wr.simulator.anatomy import PART_NAMES
from qwop_wr.simulator.base import Booleans, Floats, GameIndices, Integers, Simulator
from qwop_wr.simulator.box2d.game import BODY_NAMES, Game
from qwop_wr.simulator.keys import KeyMasks

_N_PARTS = len(PART_NAMES)


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

    @property
    def state(self) -> Floats:
        """Parts' x, y, angle, vx, vy, angular velocity, shape (n_games, 12, 6)."""
        return self._read_bodies()[:, :_N_PARTS].copy()

    @property
    def hurdle(self) -> Floats:
        """The same for hurdle base and top, shape (n_games, 2, 6)."""
        return self._read_bodies()[:, _N_PARTS:].copy()

    @property
    def score_time(self) -> Floats:
        """The game's clock [s], shape (n_games,)."""
        return np.array([game.score_time for game in self._games])

    @property
    def score(self) -> Floats:
        """The displayed distance [m], shape (n_games,)."""
        return np.array([game.score for game in self._games])

    @property
    def ticks(self) -> Integers:
        """Ticks since the reset, its own tick not counted, shape (n_games,)."""
        return np.array([game.ticks for game in self._games], dtype=np.int64)

    @property
    def fallen(self) -> Booleans:
        """Whether head, arm or forearm has touched the ground, shape (n_games,)."""
        return np.array([game.rules.fallen for game in self._games])

    @property
    def jumped(self) -> Booleans:
        """Whether the left foot has touched the jump line, shape (n_games,)."""
        return np.array([game.rules.jumped for game in self._games])

    @property
    def landed(self) -> Booleans:
        """Whether the runner has landed in the sand pit, shape (n_games,)."""
        return np.array([game.rules.landed for game in self._games])

    @property
    def ended(self) -> Booleans:
        """Whether the game is over, shape (n_games,)."""
        return np.array([game.ended for game in self._games])

    @property
    def camera_x(self) -> Floats:
        """Camera position [pixels], shape (n_games,)."""
        return np.array([game.camera_x for game in self._games])

    @property
    def head_torque(self) -> Floats:
        """Torque accumulated on the head, shape (n_games,)."""
        return np.array([game.head_torque for game in self._games])

    @property
    def calf_key(self) -> KeyMasks:
        """Calf key that last set the hip limits: 0, O or P, shape (n_games,)."""
        return np.array([game.motors.calf_key for game in self._games], dtype=np.uint8)

    @property
    def foot_contacts(self) -> Booleans:
        """Whether left and right foot touch the ground, shape (n_games, 2)."""
        return np.array([game.foot_contacts for game in self._games])

    @property
    def touching(self) -> Integers:
        """Touching contacts in the world, shape (n_games,)."""
        return np.array([game.touching for game in self._games], dtype=np.int64)

    def _read_bodies(self) -> Floats:
        for index in np.flatnonzero(self._stale):
            self._games[index].read_bodies(self._bodies[index])
        self._stale[:] = False
        return self._bodies
