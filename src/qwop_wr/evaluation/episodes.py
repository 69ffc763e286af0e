"""The table of evaluated episodes: its columns, simple queries, and its provenance."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qwop_wr import __version__
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions

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
- ``seed``: seed of the run.
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
    """Returns the displayed times [s] of the episodes that finished, in the table's order."""
    finished = episodes["finished"].to_numpy(dtype=bool)
    return episodes["score_time"].to_numpy(dtype=np.float64).compress(finished)


def fastest_finishes(episodes: pd.DataFrame) -> list[int]:
    """Returns the rows of the finishes, fastest first, each trajectory once.

    Of equal ones, the lower seed comes first.
    """
    finished = episodes.loc[episodes["finished"].to_numpy(dtype=bool)]
    ranked = finished.sort_values(["ticks", "seed"]).drop_duplicates("trajectory")
    return [int(label) for label in ranked.index]


def farthest_run(episodes: pd.DataFrame) -> int:
    """Returns the row of the run that got farthest; of equal ones, that of the lower seed."""
    ranked = episodes.sort_values(["distance", "seed"], ascending=[False, True])
    return int(ranked.index[0])


MADE_WITH: Final = "made_with"
"""Column with the table's provenance: ``name=value`` pairs, the same in every row."""

_ENVIRONMENT: Final = ("engine", "platform", "ticks_per_action", "actions", "observation")
_PROTOCOL: Final = ("seeds", "first_seed", "idle_ticks", "sticky", "max_ticks")


def describe_making(environment: EnvironmentOptions, options: EvaluationOptions) -> str:
    """Describes everything but the agent that determines the runs of an evaluation.

    Rewards and intervals are not included: they change no run.

    Returns:
        Text such as ``engine=exact engine_version=1 ... sticky=0.01 qwop-wr=1.0``.
    """
    facts = {name: getattr(environment, name) for name in _ENVIRONMENT}
    facts["engine_version"] = environment.make_games().version
    facts |= {name: getattr(options, name) for name in _PROTOCOL}
    facts["qwop-wr"] = __version__
    return " ".join(f"{name}={value}" for name, value in facts.items())


def check_table(table: pd.DataFrame, agent: str, made_with: str, seeds: Sequence[int]) -> None:
    """Checks that a table of one protocol is what an evaluation would make now.

    Args:
        agent: Expected fingerprint.
        made_with: Expected :func:`describe_making`.
        seeds: Expected seeds.

    Raises:
        ValueError: Naming the first difference.
    """
    ran = sorted({str(name) for name in table["agent"]})
    if ran != [agent]:
        raise ValueError(
            f"it is of another agent, {' and '.join(name[:12] for name in ran) or 'none'}, "
            f"not of {agent[:12]}"
        )
    made = sorted({str(text) for text in table.get(MADE_WITH, ["unknown"])})
    if made != [made_with]:
        raise ValueError(_difference(made[0], made_with))
    if table["seed"].tolist() != list(seeds):
        raise ValueError(f"it has {len(table)} rows, but {len(seeds)} seeds were run")


def _difference(made: str, wanted: str) -> str:
    before, now = (dict(pair.partition("=")[::2] for pair in s.split()) for s in (made, wanted))
    for name, value in now.items():
        if before.get(name) != value:
            return f"it was made with {name} = {before.get(name, 'unknown')}, which is now {value}"
    return f"it was made with {made}"
