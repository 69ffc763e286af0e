"""Action sets: which keys an agent may hold, in which order."""

import logging
from collections.abc import Iterable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.keys import O, P, Q, W

logger = logging.getLogger(__name__)


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

``minimal`` holds the nine masks that act differently. ``qwop_gym`` and ``full``
are the reduced and the whole set that circulate since qwop-gym, in its order,
so that agents trained elsewhere keep their action indices.
"""


_FORMER_NAMES: Final[Mapping[str, str]] = {"seeds": "qwop_gym"}
"""Names that action sets and rewards had in earlier files."""


def present_name(name: str, where: str) -> str:
    """Translates a former name of an action set or a reward, and logs it.

    Args:
        name: The name in a file, former or not.
        where: What is read, for the log.

    Returns:
        The present name.
    """
    present = _FORMER_NAMES.get(name, name)
    if present != name:
        logger.warning("%s: %r is called %r now", where, name, present)
    return present
