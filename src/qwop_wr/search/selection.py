"""Which states of a depth survive."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Selector:
    """Keeps the best states of every island, near-duplicates counted once.

    Args:
        n_observations: Length of an observation.
        n_islands: Number of islands, each with an equal share of the width.
        cell: States of an island whose observations round to the same multiples
            of this are duplicates; 0 keeps all.
    """

    def __init__(self, n_observations: int, n_islands: int, cell: float) -> None:
        self._n_islands = n_islands
        self._cell = cell
        # Cells are told apart by a random linear hash modulo 2**64.
        hashing = np.random.default_rng(n_observations)
        self._factors = hashing.integers(1, 2**62, size=n_observations) * 2 + 1

    def select(
        self,
        scores: NDArray[np.float64],
        observations: NDArray[np.float32],
        islands: Integers,
        width: int,
    ) -> Integers:
        """Choose the survivors.

        Args:
            scores: Higher is better, shape (n,).
            observations: Shape (n, d).
            islands: Island of every state, shape (n,).
            width: States kept at most, all islands together.

        Returns:
            Indices of the survivors, island after island, best first.
        """
        share = width // self._n_islands
        order = np.argsort(-scores, kind="stable")
        if self._cell > 0:
            cells = self._cells(observations, islands)[order]
            _, first = np.unique(cells, return_index=True)
            order = order[np.sort(first)]
        if self._n_islands == 1:
            return order[:share]
        return np.concatenate(
            [order[islands[order] == island][:share] for island in range(self._n_islands)]
        )

    def _cells(self, observations: NDArray[np.float32], islands: Integers) -> Integers:
        corners = np.rint(observations / self._cell).astype(np.int64)  # (n, d)
        hashes: Integers = corners @ self._factors + islands
        return hashes
