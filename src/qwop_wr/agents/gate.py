"""Comparing agents on the same starts, and deciding who is handed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import ArrayLike, NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import play_episodes

Costs = NDArray[np.float64]

UNFINISHED_TIME = 100.0
"""Clock time at which a run counts as given up [s]: 3,000 ticks."""
TRACK_LENGTH = 100.0
"""Length of the track [m]."""


@dataclass(frozen=True)
class AgentScore:
    """What a number of episodes say about an agent.

    Attributes:
        finish_rate: Share of the episodes that finished.
        median_time: Median clock time of the finished ones [s]; None if none did.
        mean_distance: Mean distance of all [m].
        mean_cost: Mean cost of an episode [s], see :func:`run_costs`. One number to
            rank agents by, while the other three decide.
        best_time: Clock time of the fastest [s]; None if none finished.
    """

    finish_rate: float
    median_time: float | None
    mean_distance: float
    mean_cost: float
    best_time: float | None = None

    def improves_on(self, other: "AgentScore") -> bool:
        """Tell whether nothing is worse and something is better (Pareto).

        Args:
            other: Score on the same starts.

        Returns:
            True if finish rate, median time and mean distance are all at least
            as good and one is better.
        """
        own, others = self._goods(), other._goods()
        return own != others and all(a >= b for a, b in zip(own, others, strict=True))

    def metrics(self) -> dict[str, float]:
        """List the numbers by name; a median that does not exist is left out.

        Returns:
            Values by field name.
        """
        return {name: value for name, value in vars(self).items() if value is not None}

    def _goods(self) -> tuple[float, float, float]:
        time = np.inf if self.median_time is None else self.median_time
        return self.finish_rate, -time, self.mean_distance


@dataclass(frozen=True)
class GateReport:
    """Why an agent was or was not handed on.

    Attributes:
        incoming: Score of the agent that the stage was given, if any.
        outgoing: Score of the best agent that the stage made, on the same starts.
        promoted: Whether the stage's agent replaces the incoming one.
        n_starts: Number of starts that both played.
    """

    incoming: AgentScore | None
    outgoing: AgentScore
    promoted: bool
    n_starts: int


def run_costs(finished: ArrayLike, score_time: ArrayLike, distance: ArrayLike) -> Costs:
    """Put runs that finished and runs that did not on one scale of seconds.

    Args:
        finished: Whether each run reached the end, shape (n,).
        score_time: Clock times at their ends [s], shape (n,).
        distance: Their distances [m], shape (n,).

    Returns:
        Clock time of a finish; else 100 s and one more for every metre missing
        [s], shape (n,).
    """
    missing = np.maximum(TRACK_LENGTH - np.asarray(distance), 0.0)
    return np.where(finished, score_time, UNFINISHED_TIME + missing)


def score_agent(
    agent: Agent, evaluation_env: VectorEnv[Any, Any, Any], seeds: Sequence[int]
) -> AgentScore:
    """Play one deterministic episode per seed and sum up.

    Args:
        agent: The agent.
        evaluation_env: Environment without automatic reset.
        seeds: Starts.

    Returns:
        The score.
    """
    episodes = play_episodes(agent.policy(), evaluation_env, seeds)
    finished = episodes.finished
    cost = run_costs(finished, episodes.score_time, episodes.distance)
    return AgentScore(
        finish_rate=float(finished.mean()),
        median_time=float(np.median(episodes.score_time[finished])) if finished.any() else None,
        mean_distance=float(episodes.distance.mean()),
        mean_cost=float(cost.mean()),
        best_time=float(episodes.score_time[finished].min()) if finished.any() else None,
    )


def pass_gate(
    incoming: Agent | None,
    candidate: Agent,
    evaluation_env: VectorEnv[Any, Any, Any],
    seeds: Sequence[int],
) -> tuple[Agent, GateReport]:
    """Let the candidate through only if it loses nothing and gains something.

    Args:
        incoming: Agent to beat; without one the candidate passes.
        candidate: Agent that wants to replace it.
        evaluation_env: Environment without automatic reset.
        seeds: Starts that neither was chosen on.

    Returns:
        The agent to hand on, and the report.
    """
    outgoing = score_agent(candidate, evaluation_env, seeds)
    if incoming is None:
        return candidate, GateReport(None, outgoing, promoted=True, n_starts=len(seeds))
    if incoming.fingerprint == candidate.fingerprint:
        return incoming, GateReport(outgoing, outgoing, promoted=False, n_starts=len(seeds))
    before = score_agent(incoming, evaluation_env, seeds)
    promoted = outgoing.improves_on(before)
    report = GateReport(before, outgoing, promoted, n_starts=len(seeds))
    return (candidate if promoted else incoming), report
