"""The game tick by tick, as the page's script and the engine both write it down."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator import Simulator, make_simulator
from qwop_wr.simulator.anatomy import HURDLE, PART_NAMES

_FIELDS: Final = ("x", "y", "angle", "vx", "vy", "angular velocity")
_BODIES: Final = (*PART_NAMES, *(body.name for body in HURDLE))
VALUES: Final = (
    *(f"{field} of {body}" for body in _BODIES for field in _FIELDS),
    "clock",
    "distance",
    "flags",
    "camera",
    "touching contacts",
)
"""The numbers of a row. Flags: 1 fallen, 2 jumped, 4 landed, 8 ended."""

FLAGS_COLUMN: Final = VALUES.index("flags")

Rows = NDArray[np.float64]
"""The game after the hard reset and after every tick, shape (T + 1, 89)."""


def replayed(keys: NDArray[np.uint8], platform: str) -> Rows:
    """Plays keys, a mask per tick, from a hard reset on the exact engine.

    Returns:
        The rows up to the end of the game or of the keys.
    """
    game = make_simulator("exact", platform=platform)
    rows = [row_of(game)]
    for mask in keys:
        if game.ended[0]:
            break
        game.step(np.array([mask], dtype=np.uint8))
        rows.append(row_of(game))
    return np.array(rows)


def row_of(game: Simulator) -> NDArray[np.float64]:
    """Returns the row of a simulator's first game, shape (89,)."""
    flags = game.fallen[0] + 2 * game.jumped[0] + 4 * game.landed[0] + 8 * game.ended[0]
    scalars = (game.score_time[0], game.score[0], flags, game.camera_x[0], game.touching[0])
    return np.concatenate([game.state[0].ravel(), game.hurdle[0].ravel(), scalars])
