"""Evaluating an agent while it learns, and keeping the best."""

from collections.abc import Callable, Sequence
from typing import Any

from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import AgentScore, score_agent
from qwop_wr.agents.metrics import MetricHistory


class Checkpoints:
    """Scores agents on one fixed set of starts and remembers the best.

    An agent that improves on the reference beats one that does not; otherwise
    the mean cost decides, and the earlier one wins a draw.

    Args:
        evaluation_env: Environment without automatic reset.
        seeds: The starts.
        history: Where the scores are recorded.
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
        self._reference: AgentScore | None = None
        self._best_rank: tuple[bool, float] | None = None
        self.best: Agent | None = None
        """Best agent so far."""
        self.best_score: AgentScore | None = None
        """Its score."""

    def restore(self, best: Agent, score: AgentScore) -> None:
        """Go on with the best of a training that was stopped.

        Args:
            best: Its best agent.
            score: That agent's score on the same starts.
        """
        self.best, self.best_score = best, score
        self._best_rank = (False, -score.mean_cost)

    def consider(self, agent: Agent, step: int, reference: bool = False) -> AgentScore:
        """Evaluate an agent and keep it if it is the best.

        Args:
            agent: The agent; its card is given the step and the score.
            step: Decisions it has learnt from.
            reference: Later agents should improve on this one.

        Returns:
            The agent's score.
        """
        score = score_agent(agent, self._env, self._seeds)
        if reference:
            self._reference = score
        improves = self._reference is not None and score.improves_on(self._reference)
        rank = (improves, -score.mean_cost)
        if self._best_rank is None or rank > self._best_rank:
            self.best = agent.with_card(steps=step, evaluation={**score.metrics()})
            self.best_score, self._best_rank = score, rank
        self._history.record({f"evaluation/{k}": v for k, v in score.metrics().items()}, step)
        return score


class EvaluationCallback(BaseCallback):
    """Evaluates a learner every so many steps.

    Args:
        checkpoints: Where to evaluate.
        snapshot: Gives the learner's present agent.
        every: Steps between evaluations.
    """

    def __init__(self, checkpoints: Checkpoints, snapshot: Callable[[], Agent], every: int) -> None:
        super().__init__()
        self._checkpoints = checkpoints
        self._snapshot = snapshot
        self._every = every
        self._evaluated_at = 0

    def _on_rollout_start(self) -> None:
        if self.num_timesteps - self._evaluated_at >= self._every:
            self._evaluate()

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        if self.num_timesteps > self._evaluated_at:
            self._evaluate()

    def _evaluate(self) -> None:
        self._evaluated_at = self.num_timesteps
        self._checkpoints.consider(self._snapshot(), self.num_timesteps)
