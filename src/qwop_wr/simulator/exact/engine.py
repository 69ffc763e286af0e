"""The exact engine behind the simulator interface."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qwop_wr.compute import threads_of_own, usable_cores
from qwop_wr.simulator.base import Floats, GameIndices, Integers, Simulator
from qwop_wr.simulator.exact.batch import (
    advance,
    begin,
    compute_sines_cosines,
    copy,
    read_bodies,
    read_contacts,
)
from qwop_wr.simulator.exact.compilation import announced
from qwop_wr.simulator.exact.layout import (
    CALF_KEY,
    CAMERA_X,
    ENDED,
    FALLEN,
    FIRST_PART,
    FLAGS,
    GAME_INTEGERS,
    GAME_REALS,
    GROUP_SIZE,
    HEAD_TORQUE,
    HURDLE_BASE,
    JUMPED,
    LANDED,
    LANE_FIELDS,
    SCORE,
    SCORE_TIME,
    TICKS,
)
from qwop_wr.simulator.exact.simd import LANES
from qwop_wr.simulator.exact.tables import STATE_BODIES, body_number
from qwop_wr.simulator.exact.trigonometry import LARGEST
from qwop_wr.simulator.keys import KeyMasks
from qwop_wr.simulator.platforms import DEFAULT_PLATFORM, PLATFORMS, checked_platform

CACHE_LINE: Final = 64
"""Alignment of the lanes [bytes], so that a vector never straddles two lines."""


def _aligned(size: int) -> Floats:
    spare = CACHE_LINE // 8
    block = np.zeros(size + spare)
    start = (-block.ctypes.data % CACHE_LINE) // 8
    return block[start : start + size]


@dataclass(frozen=True)
class Storage:
    """Three flat arrays; see ``layout`` for what is where.

    Attributes:
        lanes: Vector state, ``[group][field][lane]``.
        reals: Other floats, ``[game][field]``.
        integers: Links, counters and flags, ``[game][field]``.
    """

    lanes: Floats
    reals: Floats
    integers: Integers

    @classmethod
    def for_games(cls, n_games: int) -> "Storage":
        """Allocates zeroed memory, whole groups of games."""
        n_groups = -(-n_games // LANES)
        n_places = n_groups * LANES
        return cls(
            _aligned(n_groups * GROUP_SIZE),
            np.zeros(n_places * GAME_REALS),
            np.zeros(n_places * GAME_INTEGERS, dtype=np.int64),
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Keeps the alignment of the lanes when it is copied or sent to another process."""
        return _restored, (self.lanes, self.reals, self.integers)

    def field(self, number: int) -> Floats:
        """Returns a copy of a field of the lanes, shape (places,)."""
        return self.lanes.reshape(-1, LANE_FIELDS, LANES)[:, number].flatten()

    def real(self, number: int) -> Floats:
        """Returns a view of a real by its offset within a game's, shape (places,)."""
        return self.reals[number::GAME_REALS]

    def integer(self, number: int) -> NDArray[np.int64]:
        """Returns a view of an integer by its offset within a game's, shape (places,)."""
        return self.integers[number::GAME_INTEGERS]


def _restored(lanes: Floats, reals: Floats, integers: Integers) -> Storage:
    aligned = _aligned(len(lanes))
    aligned[:] = lanes
    return Storage(aligned, reals.copy(), integers.copy())


_BODIES: Final = {"state": STATE_BODIES, "hurdle": np.arange(HURDLE_BASE, FIRST_PART)}
_FLAGS: Final = {"fallen": FALLEN, "jumped": JUMPED, "landed": LANDED, "ended": ENDED}
_REALS: Final = {"score_time": SCORE_TIME, "score": SCORE, "camera_x": CAMERA_X}
_INTEGERS: Final = {"ticks": (TICKS, np.int64), "calf_key": (CALF_KEY, np.uint8)}
_FEET: Final = np.array([body_number("left_foot"), body_number("right_foot")])


@functools.cache
def _fresh_game(platform: str) -> Storage:
    """Loads the compiled code and runs the one game that every hard reset copies."""
    with announced():
        storage = Storage.for_games(1)
        arrays = (storage.lanes, storage.reals, storage.integers)
        begin(*arrays, 0, False, PLATFORMS.index(platform))
        advance(*arrays, np.zeros(1, dtype=np.uint8), 1, 0, 1)
    return storage


class ExactSimulator(Simulator):
    """Games that run as in the browser, bit for bit, eight to a vector.

    Games are stepped in groups of eight and groups are shared among threads,
    as many as ``NUMBA_NUM_THREADS`` says, less in a job's worker; neither changes a bit
    of any game.

    Args:
        n_games: Number of games, at least 1; each begins after a hard reset.
        platform: Browsers whose sine and cosine are used, one of ``PLATFORMS``.

    Raises:
        ValueError: If ``n_games`` is not positive or there is no such platform.
    """

    engine: ClassVar[str] = "exact"
    version: ClassVar[str] = "1"

    def __init__(self, n_games: int, platform: str = DEFAULT_PLATFORM) -> None:
        super().__init__(n_games)
        self.platform: str = checked_platform(platform)
        self._storage = Storage.for_games(n_games)
        self.reset()

    def reset(self, games: GameIndices | None = None, soft: bool = False) -> None:
        """Begins new episodes; see ``Simulator.reset``."""
        indices = self._checked_games(games)
        if not soft:
            _copy(
                _fresh_game(self.platform),
                np.zeros(len(indices), dtype=np.int64),
                self._storage,
                indices,
            )
            return
        platform = PLATFORMS.index(self.platform)
        for game in np.unique(indices):
            # The reset's tick runs apart, so that no other game of the group moves.
            alone = Storage.for_games(1)
            first, number = np.zeros(1, dtype=np.int64), np.array([game])
            _copy(self._storage, number, alone, first)
            begin(alone.lanes, alone.reals, alone.integers, 0, True, platform)
            _advance(alone, np.zeros(1, dtype=np.uint8), 1)
            _copy(alone, first, self._storage, number)

    def step(self, keys: ArrayLike, ticks: int = 1) -> None:
        """Advances every game that has not ended; see ``Simulator.step``."""
        _advance(self._storage, self._checked_keys(keys), self._checked_ticks(ticks))

    def copy_games(self, source: Simulator, source_games: GameIndices, games: GameIndices) -> None:
        """Clones games, all hidden state included; see ``Simulator.copy_games``."""
        origins, targets = self._checked_copy(source, source_games, games)
        storage = cast("ExactSimulator", source)._storage
        if source is self and np.intersect1d(origins, targets).size > 0:
            # An early copy may overwrite what a later one reads.
            storage, places = Storage.for_games(len(origins)), np.arange(len(origins))
            _copy(self._storage, origins, storage, places)
            origins = places
        _copy(storage, origins, self._storage, targets)

    def _read(self, quantity: str) -> NDArray[Any]:
        storage = self._storage
        if quantity in _BODIES:
            out = np.empty((self.n_games, len(_BODIES[quantity]), 6))
            read_bodies(storage.lanes, _BODIES[quantity], out)
            return out
        if quantity in ("foot_contacts", "touching"):
            on_ground = np.empty((self.n_games, len(_FEET)), dtype=np.bool_)
            touching = np.empty(self.n_games, dtype=np.int64)
            read_contacts(storage.integers, _FEET, on_ground, touching)
            return on_ground if quantity == "foot_contacts" else touching
        if quantity in _FLAGS:
            return (storage.integer(FLAGS)[: self.n_games] & _FLAGS[quantity]).astype(np.bool_)
        if quantity == "head_torque":
            return storage.field(HEAD_TORQUE)[: self.n_games]
        if quantity in _REALS:
            return storage.real(_REALS[quantity])[: self.n_games].copy()
        number, kind = _INTEGERS[quantity]
        return storage.integer(number)[: self.n_games].astype(kind)


def sines_cosines(
    platform: str, angles: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes sines and cosines to the bits of a platform's browsers.

    Args:
        platform: One of :data:`~qwop_wr.simulator.PLATFORMS`.
        angles: Angles [rad], at most 823,549 in size, any shape.

    Returns:
        Sines and cosines, of the angles' shape.

    Raises:
        ValueError: If there is no such platform or an angle is too large or no number.
    """
    number = PLATFORMS.index(checked_platform(platform))
    wanted = np.asarray(angles, dtype=np.float64)
    if not np.all(np.abs(wanted) <= LARGEST):
        raise ValueError(f"an angle must be a number of at most {LARGEST:.0f} in size")
    padded = np.zeros(-(-wanted.size // LANES) * LANES)
    padded[: wanted.size] = wanted.ravel()
    sines, cosines = np.empty_like(padded), np.empty_like(padded)
    compute_sines_cosines(number, padded, sines, cosines)
    return (
        sines[: wanted.size].reshape(wanted.shape),
        cosines[: wanted.size].reshape(wanted.shape),
    )


def _advance(storage: Storage, keys: KeyMasks, ticks: int) -> None:
    n_groups = -(-len(keys) // LANES)
    arrays = (storage.lanes, storage.reals, storage.integers)
    # Whatever the caller's array is like: another layout would be compiled for anew.
    masks = np.array(keys, dtype=np.uint8, order="C")
    _share(lambda first, last: advance(*arrays, masks, ticks, first, last), n_groups)


def _copy(source: Storage, origins: Integers, target: Storage, targets: Integers) -> None:
    copy(
        source.lanes,
        source.reals,
        source.integers,
        origins,
        target.lanes,
        target.reals,
        target.integers,
        targets,
    )


@functools.lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    # Threads do not survive a fork: a child process, which has another number,
    # makes its own.
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="qwop")


def _share(work: Callable[[int, int], object], n_groups: int) -> None:
    # Threads share the groups: compiled code runs without the interpreter lock.
    n_parts = min(threads_of_own(), n_groups)
    if n_parts < 2:
        work(0, n_groups)
        return
    bounds = [n_groups * part // n_parts for part in range(n_parts + 1)]
    pool = _pool(os.getpid())
    others = [pool.submit(work, bounds[part], bounds[part + 1]) for part in range(1, n_parts)]
    work(bounds[0], bounds[1])
    for other in others:
        other.result()
