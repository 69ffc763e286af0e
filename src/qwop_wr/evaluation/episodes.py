"""The table of evaluated episodes: one row per seed, one column per measure."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SPLIT_MARKS: Final = (10, 20, 50, 80, 100)
"""Distances at which the clock is read [m]."""

SPLIT_COLUMNS: Final = tuple(f"split_{mark}" for mark in SPLIT_MARKS)

COLUMNS: Final = (
    "protocol",
    "agent",
    "seed",
    "finished",
    "end",
    "ticks",
    "score_time",
    "distance",
    "idle_ticks",
    "decisions",
    "knee_near_ground",
    "key_presses_per_second",
    *SPLIT_COLUMNS,
    "trajectory",
)
"""Columns of the table, in order.

- ``protocol``: ``randomised`` or ``native``.
- ``agent``: fingerprint of the agent that ran.
- ``seed``: what the run was drawn from.
- ``finished``: whether it landed in the sand pit.
- ``end``: why the run ended: ``finish``, ``fall`` or ``timeout``.
- ``ticks``: ticks after the reset.
- ``score_time``: the game's clock at the end [s].
- ``distance``: the displayed distance at the end [m].
- ``idle_ticks``: ticks without keys before the first decision, on the clock.
- ``decisions``: actions taken.
- ``knee_near_ground``: share of the decisions after which a knee joint was less than
  0.15 m above the track: 0 for a runner, nearly 1 for one that scrapes along.
- ``key_presses_per_second``: keys pressed down per second of the clock.
- ``split_10`` ... ``split_100``: clock when the mark was passed, to the decision [s];
  NaN if it was not.
- ``trajectory``: SHA-256 of the keys of every tick; equal keys from a hard reset are
  the same run.
"""


def finish_times(episodes: pd.DataFrame) -> NDArray[np.float64]:
    """Times of the episodes that finished.

    Args:
        episodes: Table with :data:`COLUMNS`.

    Returns:
        Displayed times [s] in the table's order, shape (n_finished,).
    """
    finished = episodes["finished"].to_numpy(dtype=bool)
    return episodes["score_time"].to_numpy(dtype=np.float64).compress(finished)


def fastest_finishes(episodes: pd.DataFrame) -> list[int]:
    """Rank the finishes, each trajectory once.

    Args:
        episodes: Table with :data:`COLUMNS`.

    Returns:
        Labels of the rows, the fastest first; of equal ones, the lower seed first.
    """
    finished = episodes.loc[episodes["finished"].to_numpy(dtype=bool)]
    ranked = finished.sort_values(["ticks", "seed"]).drop_duplicates("trajectory")
    return [int(label) for label in ranked.index]


def farthest_run(episodes: pd.DataFrame) -> int:
    """Find the run that got farthest.

    Args:
        episodes: Table with :data:`COLUMNS`, not empty.

    Returns:
        Label of its row; of equal ones, that of the lower seed.
    """
    ranked = episodes.sort_values(["distance", "seed"], ascending=[False, True])
    return int(ranked.index[0])
