"""The interface of every engine: n games that advance together."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qwop_wr.simulator.keys import N_MASKS, KeyMasks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
GameIndices = Sequence[int] | NDArray[np.integer]


class Simulator(ABC):
    """A batch of independent games of QWOP.

    All arrays have the games as their first axis. They are fresh copies: a
    later step does not change what was read before.

    Args:
        n_games: Number of games, at least 1.

    Raises:
        ValueError: If ``n_games`` is not positive.
    """

    engine: ClassVar[str]
    """Name by which ``make_simulator`` knows the engine."""

    version: ClassVar[str]
    """Changes whenever the same keys could lead to another run."""

    platform: str | None = None
    """Browsers whose sine and cosine the games use; None if the engine has its own."""

    def __init__(self, n_games: int) -> None:
        if n_games < 1:
            raise ValueError(f"n_games must be at least 1, got {n_games}")
        self.n_games = n_games

    @abstractmethod
    def reset(self, games: GameIndices | None = None, soft: bool = False) -> None:
        """Begins new episodes; the reset itself runs one tick without keys.

        Args:
            games: Games to reset; all if omitted.
            soft: Restart on the used world, as the game's own restart does,
                instead of loading a fresh page.

        Raises:
            ValueError: If a game index is out of range.
        """

    @abstractmethod
    def step(self, keys: ArrayLike, ticks: int = 1) -> None:
        """Advances every game that has not ended.

        Args:
            keys: Masks of the keys held, uint8, shape (n_games,).
            ticks: Ticks to hold them for; a game that ends stops at once.

        Raises:
            ValueError: If shape, type or range of an argument is wrong.
        """

    @abstractmethod
    def copy_games(
        self, source: "Simulator", source_games: GameIndices, games: GameIndices
    ) -> None:
        """Overwrites games with exact clones, all hidden state included.

        Args:
            source: Simulator of the same engine and platform; may be this one.
            source_games: Games to copy from, shape (k,).
            games: Games to overwrite, shape (k,), each at most once.

        Raises:
            ValueError: If the source is no simulator, engines, platforms or
                lengths differ, an index is out of range or a target repeats.
        """

    @abstractmethod
    def _read(self, quantity: str) -> NDArray[Any]:
        """Returns a fresh array of one of the properties below, given by its name."""

    @property
    def state(self) -> Floats:
        """Parts' x, y, angle, vx, vy, angular velocity, shape (n_games, 12, 6)."""
        return self._read("state")

    @property
    def hurdle(self) -> Floats:
        """The same for hurdle base and top, shape (n_games, 2, 6)."""
        return self._read("hurdle")

    @property
    def score_time(self) -> Floats:
        """The game's clock [s], shape (n_games,)."""
        return self._read("score_time")

    @property
    def score(self) -> Floats:
        """The displayed distance [m], shape (n_games,)."""
        return self._read("score")

    @property
    def ticks(self) -> Integers:
        """Ticks since the reset, its own tick not counted, shape (n_games,)."""
        return self._read("ticks")

    @property
    def fallen(self) -> Booleans:
        """Whether head, arm or forearm has touched the ground, shape (n_games,)."""
        return self._read("fallen")

    @property
    def jumped(self) -> Booleans:
        """Whether the left foot has touched the jump line, shape (n_games,)."""
        return self._read("jumped")

    @property
    def landed(self) -> Booleans:
        """Whether the runner has landed in the sand pit, a success, shape (n_games,)."""
        return self._read("landed")

    @property
    def ended(self) -> Booleans:
        """Whether the game is over, shape (n_games,)."""
        return self._read("ended")

    @property
    def camera_x(self) -> Floats:
        """Camera position [pixels], shape (n_games,)."""
        return self._read("camera_x")

    @property
    def head_torque(self) -> Floats:
        """Torque accumulated on the head, hidden state, shape (n_games,)."""
        return self._read("head_torque")

    @property
    def calf_key(self) -> KeyMasks:
        """Calf key that last set the hip limits: 0 (none yet), O or P, shape (n_games,)."""
        return self._read("calf_key")

    @property
    def foot_contacts(self) -> Booleans:
        """Whether left and right foot touch the ground, shape (n_games, 2)."""
        return self._read("foot_contacts")

    @property
    def touching(self) -> Integers:
        """Touching contacts in the world, shape (n_games,)."""
        return self._read("touching")

    def _checked_keys(self, keys: ArrayLike) -> KeyMasks:
        masks = np.asarray(keys)
        if masks.dtype != np.uint8:
            raise ValueError(f"keys must be of type uint8, got {masks.dtype}")
        if masks.shape != (self.n_games,):
            raise ValueError(f"keys must have shape ({self.n_games},), got {masks.shape}")
        if masks.max() >= N_MASKS:
            raise ValueError(f"a key mask must be 0 to 15, got {masks.max()}")
        return masks

    @staticmethod
    def _checked_ticks(ticks: int) -> int:
        try:
            n_ticks = operator.index(ticks)
        except TypeError:
            raise ValueError(f"ticks must be an integer, got {ticks!r}") from None
        if n_ticks < 0:
            raise ValueError(f"ticks must not be negative, got {n_ticks}")
        return n_ticks

    def _checked_games(self, games: GameIndices | None) -> Integers:
        if games is None:
            return np.arange(self.n_games, dtype=np.int64)
        indices = np.asarray(games)
        if indices.size == 0:
            return np.zeros(0, dtype=np.int64)
        if indices.ndim != 1 or not np.issubdtype(indices.dtype, np.integer):
            raise ValueError(f"games must be a list of indices, got {games!r}")
        wrong = indices[(indices < 0) | (indices >= self.n_games)]
        if wrong.size:
            raise ValueError(f"there is no game {wrong[0]}; games are 0 to {self.n_games - 1}")
        return indices.astype(np.int64)

    def _checked_copy(
        self, source: "Simulator", source_games: GameIndices, games: GameIndices
    ) -> tuple[Integers, Integers]:
        if not isinstance(source, Simulator):
            raise ValueError(f"source must be a simulator, got a {type(source).__name__}")
        if type(source) is not type(self):
            raise ValueError(f"cannot copy games of engine {source.engine!r} to {self.engine!r}")
        if source.platform != self.platform:
            raise ValueError(
                f"cannot copy games of platform {source.platform!r} to {self.platform!r}"
            )
        origins, targets = source._checked_games(source_games), self._checked_games(games)
        if len(origins) != len(targets):
            raise ValueError(f"{len(origins)} source games do not fit {len(targets)} games")
        if len(np.unique(targets)) != len(targets):
            raise ValueError("a game is named twice as the target of a copy")
        return origins, targets
