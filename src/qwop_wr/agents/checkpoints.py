"""Evaluating an agent while it learns, and keeping the best."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import AgentScore, score_agent
from qwop_wr.agents.metrics import MetricHistory

N_RANKED = 5
"""Agents kept: one evaluation cannot tell the best of many from the luckiest."""


class RankedAgent(NamedTuple):
    """An agent that was evaluated.

    Attributes:
        rank: Whether it improves on the reference, and its negative mean cost.
        agent: The agent; its card has the step and the score.
        score: Its score.
    """

    rank: tuple[bool, float]
    agent: Agent
    score: AgentScore


class Checkpoints:
    """Scores agents on one fixed set of starts and remembers the best few.

    An agent that improves on the reference beats one that does not; otherwise
    the mean cost decides, and the earlier one wins a draw.

    Args:
        evaluation_env: Environment without automatic reset.
        seeds: The starts.
        history: Where the scores are recorded.

    Attributes:
        ranked: The best agents, of different weights, the best first.
        reference: Score of the agent that later ones should improve on, if there is one.
    """

    def __init__(
        self,
        evaluation_env: VectorEnv[Any, Any, Any],
        seeds: Sequence[int],
        history: MetricHistory,
    ) -> None:
        self._env = evaluation_env
        self._seeds = seeds
        self._history = history
        self.reference: AgentScore | None = None
        self.ranked: list[RankedAgent] = []

    @property
    def best(self) -> Agent | None:
        """Best agent so far."""
        return self.ranked[0].agent if self.ranked else None

    @property
    def best_score(self) -> AgentScore | None:
        """Its score."""
        return self.ranked[0].score if self.ranked else None

    @property
    def agents(self) -> list[Agent]:
        """The best agents, the best first."""
        return [ranked.agent for ranked in self.ranked]

    def restore(self, best: Agent, score: AgentScore) -> None:
        """Go on with the best of a training that was stopped.

        Args:
            best: Its best agent.
            score: That agent's score on the same starts.
        """
        self.ranked = [RankedAgent((False, -score.mean_cost), best, score)]

    def consider(self, agent: Agent, step: int, reference: bool = False) -> AgentScore:
        """Evaluate an agent and keep it if it is among the best.

        Args:
            agent: The agent; its card is given the step and the score.
            step: Decisions it has learnt from.
            reference: Later agents should improve on this one.

        Returns:
            The agent's score.
        """
        score = score_agent(agent, self._env, self._seeds)
        if reference:
            self.reference = score
        improves = self.reference is not None and score.improves_on(self.reference)
        if all(agent.fingerprint != known.agent.fingerprint for known in self.ranked):
            card = agent.with_card(steps=step, evaluation={**score.metrics()})
            self.ranked.append(RankedAgent((improves, -score.mean_cost), card, score))
            self.ranked.sort(key=lambda ranked: ranked.rank, reverse=True)
            del self.ranked[N_RANKED:]
        self._history.record({f"evaluation/{k}": v for k, v in score.metrics().items()}, step)
        return score


class EvaluationCallback(BaseCallback):
    """Evaluates a learner every so many steps.

    Args:
        checkpoints: Where to evaluate.
        snapshot: Gives the learner's present agent.
        every: Steps between evaluations.
        on_score: Called with every score but the last one and its step.

    Attributes:
        evaluated_at: Step of the last evaluation.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        snapshot: Callable[[], Agent],
        every: int,
        on_score: Callable[[AgentScore, int], None] | None = None,
    ) -> None:
        super().__init__()
        self._checkpoints = checkpoints
        self._snapshot = snapshot
        self._every = every
        self._on_score = on_score
        self.evaluated_at = 0

    def _on_rollout_start(self) -> None:
        if self.num_timesteps - self.evaluated_at >= self._every:
            score = self._evaluate()
            if self._on_score is not None:
                self._on_score(score, self.num_timesteps)

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        if self.num_timesteps > self.evaluated_at:
            self._evaluate()

    def _evaluate(self) -> AgentScore:
        self.evaluated_at = self.num_timesteps
        return self._checkpoints.consider(self._snapshot(), self.num_timesteps)
