"""Who descends from whom, so that a run can be read off its last state."""

import numpy as np
from numpy.typing import NDArray


class Lineage:
    """Parents and actions of the states that each depth kept.

    Args:
        starts: Index of the start that each state of depth 0 comes from, shape (n,).
    """

    def __init__(self, starts: NDArray[np.int64]) -> None:
        self._starts = starts
        self._parents: list[NDArray[np.int32]] = []
        self._actions: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        """Number of depths recorded."""
        return len(self._parents)

    def append(self, parents: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
        """Record a depth.

        Args:
            parents: Each kept state's parent, by its place in the depth before, shape (n,).
            actions: Action that led from there to the state, shape (n,).
        """
        self._parents.append(parents.astype(np.int32))
        self._actions.append(actions.astype(np.uint8))

    def trace(self, place: int) -> tuple[int, list[int]]:
        """Follow a state of the latest depth back to its start.

        Args:
            place: The state's place in the latest depth.

        Returns:
            Index of the start, and the actions from there to the state.
        """
        actions = []
        for parents, taken in zip(reversed(self._parents), reversed(self._actions), strict=True):
            actions.append(int(taken[place]))
            place = int(parents[place])
        return int(self._starts[place]), actions[::-1]
