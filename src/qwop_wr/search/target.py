"""A run that searches have to keep up with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwop_wr.search.beam import Depth
from qwop_wr.simulator.constants import UNITS_PER_METRE


@dataclass(frozen=True, eq=False)
class Target:
    """Where a run was, and how far behind it a search may be.

    Attributes:
        metres: Position of the torso before every tick [m], shape (ticks,).
        lag: A search is behind if its foremost state is so many ticks behind.
    """

    metres: NDArray[np.float64]
    lag: int

    def watcher(self) -> "KeepingUp":
        """Make what looks at one search."""
        return KeepingUp(self)


class KeepingUp:
    """Looks at a search, as its ``watch``, and tells whether it is behind the target.

    Args:
        target: The target.

    Attributes:
        is_behind: Whether every state kept at the latest depth is too far behind.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.is_behind = False

    def __call__(self, depth: Depth) -> None:
        """Look at a depth; see ``Watcher``."""
        if not len(depth.kept):
            return
        metres = depth.simulator.state[depth.kept, 0, 0] / UNITS_PER_METRE
        then = depth.simulator.ticks[depth.kept] - self._target.lag
        expected = self._target.metres[then.clip(0, len(self._target.metres) - 1)]
        self.is_behind = bool((metres < expected).all())
