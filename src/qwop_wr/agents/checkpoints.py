"""Evaluating agents while they learn, keeping the best, and when a state is due."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple, cast

from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import AgentScore, score_agent
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.state import TrainingState, agent_facts, prefixed
from qwop_wr.stopping import stop_requested

N_RANKED = 5
"""Agents kept: one evaluation cannot tell the best of many from the luckiest."""


class RankedAgent(NamedTuple):
    """An agent that was evaluated.

    Attributes:
        rank: Whether it improves on the reference, and its negative mean cost.
        agent: Its card has the step and the score.
    """

    rank: tuple[bool, float]
    agent: Agent
    score: AgentScore


class Checkpoints:
    """Scores agents on one fixed set of starts and keeps the best few.

    An agent that improves on the reference beats one that does not; otherwise
    the mean cost decides, and the earlier one wins a draw.

    Args:
        groups: Environments without automatic reset, which play side by side.
        seeds: The starts.
        history: Records the scores.

    Attributes:
        ranked: The best agents, of different weights, the best first.
        reference: Score of the agent that later ones should improve on, if any.
    """

    def __init__(
        self,
        groups: Sequence[VectorEnv[Any, Any, Any]],
        seeds: Sequence[int],
        history: MetricHistory,
    ) -> None:
        self._groups = groups
        self._seeds = seeds
        self._history = history
        self.reference: AgentScore | None = None
        self.ranked: list[RankedAgent] = []

    @property
    def best(self) -> RankedAgent | None:
        """The best agent so far."""
        return self.ranked[0] if self.ranked else None

    @property
    def agents(self) -> list[Agent]:
        """The best agents, the best first."""
        return [ranked.agent for ranked in self.ranked]

    def consider(self, agent: Agent, step: int, reference: bool = False) -> AgentScore:
        """Evaluates an agent and keeps it if it is among the best.

        Args:
            agent: The kept copy has step and score in its card.
            step: Decisions it has learnt from.
            reference: Whether later agents should improve on this one.
        """
        score = score_agent(agent, self._groups, self._seeds)
        if reference:
            self.reference = score
        if all(agent.fingerprint != known.agent.fingerprint for known in self.ranked):
            card = agent.with_card(steps=step, evaluation={**score.metrics()})
            self.ranked.append(RankedAgent(score.rank(self.reference), card, score))
            self.ranked.sort(key=lambda ranked: ranked.rank, reverse=True)
            del self.ranked[N_RANKED:]
        self._history.record({f"evaluation/{k}": v for k, v in score.metrics().items()}, step)
        return score

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies the weights of the ranked agents."""
        arrays: dict[str, NDArray[Any]] = {}
        for place, ranked in enumerate(self.ranked):
            arrays |= prefixed(f"ranked_{place}", ranked.agent.weights)
        return arrays

    def facts(self) -> dict[str, JsonValue]:
        """Returns ranks, scores and cards."""
        return {
            "reference": asdict(self.reference) if self.reference else None,
            "ranked": [
                {
                    "rank": [*ranked.rank],
                    "score": asdict(ranked.score),
                    **agent_facts(ranked.agent),
                }
                for ranked in self.ranked
            ],
        }

    def restore(self, state: TrainingState) -> None:
        """Continues with the agents of a state that holds ``arrays`` and ``facts``."""
        self.ranked = read_ranked(state)
        if reference := cast("dict[str, Any] | None", state.facts["reference"]):
            self.reference = AgentScore(**reference)


def read_ranked(state: TrainingState) -> list[RankedAgent]:
    """Reads the best agents, the best first, from the state of a training."""
    entries = cast("list[dict[str, Any]]", state.facts["ranked"])
    return [
        RankedAgent(
            (bool(entry["rank"][0]), float(entry["rank"][1])),
            state.agent(f"ranked_{place}", entry),
            AgentScore(**entry["score"]),
        )
        for place, entry in enumerate(entries)
    ]


class SaveSchedule:
    """Decides when the state of a training is due; the limit reached first counts.

    Without any limit a state is due after every evaluation.

    Args:
        every: Decisions between two states.
        minutes: Time between two states [min].
        now: Monotonic clock [s].
    """

    def __init__(
        self,
        every: int | None,
        minutes: float | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every = every
        self._seconds = None if minutes is None else 60.0 * minutes
        self._now = now
        self._last_step, self._last_time = 0, now()

    def due(self, step: int, evaluated: bool = False) -> bool:
        """Returns whether a state is due, also because a stop was requested."""
        if stop_requested():
            return True
        if self._every is None and self._seconds is None:
            return evaluated
        if self._every is not None and step - self._last_step >= self._every:
            return True
        return self._seconds is not None and self._now() - self._last_time >= self._seconds

    def passed(self, step: int) -> None:
        """Restarts the limits at this step."""
        self._last_step, self._last_time = step, self._now()
