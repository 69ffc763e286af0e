"""The four keys as a bit mask, and what each does to the runner's joints."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Q: Final = 1
W: Final = 2
O: Final = 4  # noqa: E741
P: Final = 8
N_MASKS: Final = 16

KeyMasks = NDArray[np.uint8]
"""Keys held, one mask per game, shape (n_games,)."""


def effective_keys(mask: int) -> int:
    """Reduces a mask to one of the nine that act differently: Q beats W and O beats P.

    Raises:
        ValueError: If the mask is not 0 to 15.
    """
    if not 0 <= mask < N_MASKS:
        raise ValueError(f"key mask must be 0 to 15, got {mask}")
    if mask & Q:
        mask &= ~W
    if mask & O:
        mask &= ~P
    return mask


def key_names(mask: int) -> str:
    """Spells a mask out, for instance ``"QP"``; no keys are ``"-"``."""
    names = "".join(name for bit, name in ((Q, "Q"), (W, "W"), (O, "O"), (P, "P")) if mask & bit)
    return names or "-"
