"""Saving observations once: what comes next is nearly always the following row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def split_successors(observations: Array, successors: Array) -> dict[str, Array]:
    """Keep only those successors that are not the following row, bit for bit.

    Args:
        observations: What was seen, time first, shape (n, ..., d).
        successors: What came next, of the same shape and type.

    Returns:
        ``observations``; ``odd``, flat indices of the steps with other successors, shape
        (k,); and ``odd_successors``, shape (k, d).
    """
    width = observations.shape[-1]
    bits = np.dtype(f"u{observations.dtype.itemsize}")
    followed = (
        np.ascontiguousarray(observations).view(bits)[1:]
        == np.ascontiguousarray(successors).view(bits)[:-1]
    ).all(axis=-1)  # (n - 1, ...)
    n_last = int(np.prod(observations.shape[1:-1], dtype=np.int64)) if len(observations) else 0
    odd = np.flatnonzero(np.append(~followed.ravel(), np.ones(n_last, dtype=np.bool_)))
    return {
        "observations": observations,
        "odd": odd,
        "odd_successors": successors.reshape(-1, width)[odd],
    }


def joined_successors(arrays: dict[str, Array]) -> Array:
    """Put successors together again.

    Args:
        arrays: From ``split_successors``.

    Returns:
        The successors, shape (n, ..., d).

    Raises:
        IndexError: If an index is out of range.
    """
    observations = arrays["observations"]
    successors = np.empty_like(observations)
    successors[:-1] = observations[1:]
    successors.reshape(-1, observations.shape[-1])[arrays["odd"]] = arrays["odd_successors"]
    return successors
