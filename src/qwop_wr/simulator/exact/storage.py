"""The memory of a batch of games."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.base import Floats, Integers
from qwop_wr.simulator.exact.layout import GAME_INTEGERS, GAME_REALS, GROUP_SIZE, LANE_FIELDS
from qwop_wr.simulator.exact.simd import LANES

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
