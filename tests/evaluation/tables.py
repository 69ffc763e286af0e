"""Episode tables written by hand, for tests that need no game."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qwop_wr.evaluation.episodes import COLUMNS, SPLIT_COLUMNS, SPLIT_MARKS


def episode_table(
    times: Sequence[float | None],
    distances: Sequence[float] | None = None,
    trajectories: Sequence[str] | None = None,
    protocol: str = "randomised",
) -> pd.DataFrame:
    """Make one row per time; None is a fall."""
    n = len(times)
    finished = np.array([time is not None for time in times])
    clock = np.array([20.0 if time is None else time for time in times])
    far = np.where(finished, 100.4, 30.0 if distances is None else np.array(distances))
    table = pd.DataFrame(
        {
            "protocol": protocol,
            "agent": "a" * 64,
            "seed": np.arange(n),
            "finished": finished,
            "end": np.where(finished, "finish", "fall"),
            "ticks": np.round(clock * 30).astype(int) - 1,
            "score_time": clock,
            "distance": far,
            "idle_ticks": np.arange(n) % 5,
            "decisions": 300,
            "knee_near_ground": 0.0,
            "key_presses_per_second": 4.0,
            "trajectory": [str(row) for row in range(n)] if trajectories is None else trajectories,
        }
    )
    for mark, column in zip(SPLIT_MARKS, SPLIT_COLUMNS, strict=True):
        table[column] = np.where(far >= mark, clock * mark / 100, np.nan)
    return table[list(COLUMNS)]


def gate(
    incoming: tuple[float, float | None, float] | None,
    outgoing: tuple[float, float | None, float],
    promoted: bool,
) -> dict[str, object]:
    """Make a gate's report as it is read from its JSON file."""

    def score(numbers: tuple[float, float | None, float]) -> dict[str, float | None]:
        names = ("finish_rate", "median_time", "mean_distance")
        return {**dict(zip(names, numbers, strict=True)), "mean_cost": 80.0}

    return {
        "incoming": None if incoming is None else score(incoming),
        "outgoing": score(outgoing),
        "promoted": promoted,
        "n_starts": 32,
    }
