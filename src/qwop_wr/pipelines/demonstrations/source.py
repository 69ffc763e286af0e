"""What one source of demonstrations gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qwop_wr.agents.transitions import Transitions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.search.tapes import replay_transitions
from qwop_wr.simulator.tape import Tape


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """Runs of one source.

    Attributes:
        transitions: Their decisions; None if there are no runs.
        facts: Where they come from and what they are, by name.
    """

    transitions: Transitions | None
    facts: Mapping[str, Any]


NOTHING = Demonstrations(None, {})
"""A source that is left out."""


def demonstrations_from_tapes(
    tapes: Sequence[Tape], environment: EnvironmentOptions, **facts: object
) -> Demonstrations:
    """Replay tapes and record their decisions.

    Args:
        tapes: Verified runs of the environment's decisions; may be none.
        environment: Environment whose observations and rewards are recorded.
        **facts: More to say about the source.

    Returns:
        The demonstrations.
    """
    if not tapes:
        return Demonstrations(None, {"episodes": 0, **facts})
    transitions = replay_transitions(tapes, environment)
    times = np.array([tape.score_time for tape in tapes if tape.finished])
    return Demonstrations(
        transitions,
        {
            "episodes": len(tapes),
            "successes": sum(tape.finished for tape in tapes),
            "transitions": len(transitions),
            **describe_times(times),
            **facts,
        },
    )


def describe_times(times: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, float | None]:
    """Sum up finish times.

    Args:
        times: Clock times [s], shape (n,).

    Returns:
        ``best_time`` and ``median_time`` [s]; None if there are none.
    """
    if not len(times):
        return {"best_time": None, "median_time": None}
    return {"best_time": float(times.min()), "median_time": float(np.median(times))}
