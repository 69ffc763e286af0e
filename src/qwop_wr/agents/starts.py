"""Seeds of the games that agents are compared on."""

import numpy as np


def draw_starts(seed: int, purpose: str, n: int) -> list[int]:
    """Draw game seeds that differ between purposes and never between calls.

    Args:
        seed: Seed of the training.
        purpose: What the games are for, for example ``"gate"``.
        n: Number of games.

    Returns:
        Seeds, each from 0 to 2**31 - 1.
    """
    rng = np.random.default_rng([seed, *purpose.encode()])
    return [int(start) for start in rng.integers(2**31, size=n)]
