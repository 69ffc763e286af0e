"""A binary tree of sums: numbers proportional to which one can draw quickly."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]


class SumTree:
    """Non-negative numbers with the sums of all aligned blocks of 2, 4, 8 and so on.

    Every operation takes many entries at once and costs O(log capacity) array
    operations. A parent is never adjusted by a difference but summed anew from its
    two children, so that rounding errors do not grow.

    Args:
        capacity: Number of entries; all begin with 0.
    """

    def __init__(self, capacity: int) -> None:
        self._depth = max(capacity - 1, 0).bit_length()
        self._first_leaf = 1 << self._depth
        self._capacity = capacity
        # Node 1 is the root, 2i and 2i + 1 are the children of i.
        self._nodes = np.zeros(2 * self._first_leaf)

    @property
    def total(self) -> float:
        """Sum of all entries."""
        return float(self._nodes[1])

    @property
    def values(self) -> Doubles:
        """All entries, shape (capacity,); a copy."""
        return self._nodes[self._first_leaf : self._first_leaf + self._capacity].copy()

    def __getitem__(self, indices: Integers) -> Doubles:
        """Read entries."""
        return self._nodes[self._first_leaf + indices]

    def set(self, indices: Integers, values: Doubles) -> None:
        """Replace entries.

        Args:
            indices: Which, 0 to below the capacity, shape (n,); of one that comes
                twice, the last value stays.
            values: Finite and not negative, shape (n,).

        Raises:
            ValueError: If an index or a value is out of range.
        """
        if len(indices) == 0:
            return
        if indices.min() < 0 or indices.max() >= self._capacity:
            raise ValueError(f"an index is not within 0 to {self._capacity - 1}")
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise ValueError("priorities must be finite and not negative")
        nodes = self._nodes
        changed = self._first_leaf + indices
        nodes[changed] = values
        for _ in range(self._depth):
            changed >>= 1
            left = changed << 1
            nodes[changed] = nodes[left] + nodes[left + 1]

    def find(self, masses: Doubles) -> Integers:
        """Find the entries in which running sums reach given masses.

        Args:
            masses: From 0 to below ``total``, shape (n,).

        Returns:
            Indices of entries above 0, shape (n,).
        """
        nodes = self._nodes
        at = np.ones(len(masses), dtype=np.int64)
        rest = masses.copy()
        for _ in range(self._depth):
            at <<= 1
            left = nodes[at]
            # Rounding may leave a mass past the last entry; never go where there is nothing.
            goes_right = (rest >= left) & (nodes[at + 1] > 0)
            rest -= left * goes_right
            at += goes_right
        return at - self._first_leaf

    def check_valid(self) -> None:
        """Make sure that every sum is that of its parts.

        Raises:
            ValueError: If one is not, or an entry is negative or not finite.
        """
        if not (np.isfinite(self._nodes).all() and (self._nodes >= 0).all()):
            raise ValueError("sum tree: an entry is negative or not finite")
        children = self._nodes[2:].reshape(-1, 2)
        if not np.array_equal(self._nodes[1 : self._first_leaf], children.sum(axis=1)):
            raise ValueError("sum tree: a parent is not the sum of its children")
        if self._nodes[self._first_leaf + self._capacity :].any():
            raise ValueError("sum tree: something lies behind its end")
