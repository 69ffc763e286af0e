"""Which key sets an agent may choose from, and in what order."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.keys import O, P, Q, W, key_names


def _read_only(masks: Iterable[int]) -> NDArray[np.uint8]:
    array = np.array(list(masks), dtype=np.uint8)
    array.setflags(write=False)
    return array


ACTION_SETS: Final[Mapping[str, NDArray[np.uint8]]] = MappingProxyType(
    {
        "minimal": _read_only(thighs | calves for thighs in (0, Q, W) for calves in (0, O, P)),
        "qwop_gym": _read_only((0, Q, W, O, P, Q | W, Q | P, W | O, O | P)),
        "full": _read_only(
            sum(keys) for held in range(5) for keys in combinations((Q, W, O, P), held)
        ),
    }
)
"""Key mask of each action, by the set's name; the arrays are read-only.

``minimal`` holds the nine masks that act differently. ``qwop_gym`` and
``full`` are the reduced and the whole set that circulate since qwop-gym, in its order,
so that agents trained elsewhere keep their action indices.
"""


def action_names(actions: str) -> tuple[str, ...]:
    """Spell out the keys of every action of a set.

    Args:
        actions: A key of :data:`ACTION_SETS`.

    Returns:
        For instance ``("-", "O", "P", "Q", "QO", ...)``.
    """
    return tuple(key_names(int(mask)) for mask in ACTION_SETS[actions])
