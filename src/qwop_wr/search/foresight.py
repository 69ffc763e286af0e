"""A policy improved by trying its best actions on exact clones before every decision."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.policy import Policy
from qwop_wr.envs import ACTION_SETS, Observer, QwopVectorEnv, Snapshot
from qwop_wr.search.guide import EndlessTrack
from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.constants import GROUND_Y, UNITS_PER_METRE

_CLONED_AT_ONCE: Final = 16
"""Batches of clones are filled up to a multiple of this."""


class ForesightOptions(BaseModel):
    """How far ahead to look."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    proposals: PositiveInt = 2
    """Actions tried before every decision: those with the best scores."""
    decisions: PositiveInt = 10
    """Decisions played in every trial, all but the first by the policy."""
    value_weight: NonNegativeFloat = 0.8
    """Weight of the value of a trial's last state against metres."""
    least_gain: NonNegativeFloat = 0.1
    """Another action than the policy's own is taken only if it leads so much farther
    [metres]: an action that makes no difference is hard to learn and teaches nothing."""
    fall_cost: NonNegativeFloat = 8.0
    """How far the value of a fall is below that of the median state [metres]."""
    sink_height: float = Field(default=1.3, gt=-1.0, lt=GROUND_Y)
    """Torso height that counts as a fall [units, y points down]."""


class ForesightPolicy(Policy):
    """The rollout algorithm (Tesauro & Galperin, 1996) on exact clones of noisy games.

    Before every decision each of the best-scored actions is played on a clone, then the
    policy plays some decisions; the action with the most metres and the best value at the
    end is taken. Trials are without noise, the games are not: future noise is unknown, so
    that this is a policy, and a better one than the agent's.

    Args:
        agent: The agent whose policy is improved.
        env: The games that are played, without automatic reset.
        options: How far ahead to look.
        judge: Policy whose values are used; the agent's own if omitted.
    """

    def __init__(
        self,
        agent: Agent,
        env: QwopVectorEnv,
        options: ForesightOptions,
        judge: Policy | None = None,
    ) -> None:
        super().__init__(agent.network(), agent.spec.n_observations, agent.spec.reward_scale)
        self._judge = judge or self
        self._env, self._options = env, options
        self._masks = ACTION_SETS[env.options.actions]
        self._k = min(options.proposals, len(self._masks))
        self._observer = Observer(env.options.observation)
        self._track = EndlessTrack(env.options.observation)
        self._clones: dict[int, Simulator] = {}

    def act(
        self,
        observations: NDArray[np.float32],
        deterministic: bool = True,
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.int64]:
        """Chooses one action per game; ``observations`` must be the games' current ones.

        Raises:
            ValueError: If the actions are to be drawn.
        """
        if not deterministic:
            raise ValueError("foresight chooses the best action; it cannot draw one")
        return self.choose(*self.weigh(observations, np.arange(len(observations))))

    def weigh(
        self, observations: NDArray[np.float32], games: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Tries the best-scored actions in some games.

        Args:
            observations: Current ones of these games, shape (n, d).
            games: Their indices, shape (n,), at least one.

        Returns:
            Actions, the best-scored first, shape (n, k); and how far each led [m],
            the value at the end of the trial included, shape (n, k).
        """
        scores = self.action_scores(self._track.hide_finish(observations))
        proposed = np.argsort(-scores, axis=1, kind="stable")[:, : self._k].astype(np.int64)
        surplus = -len(games) % _CLONED_AT_ONCE
        padded = np.pad(proposed, ((0, surplus), (0, 0)), mode="edge")
        outcomes = self._outcomes(padded, np.pad(games, (0, surplus), mode="edge"))
        return proposed, outcomes[: len(games)]

    def choose(
        self, proposed: NDArray[np.int64], outcomes: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Chooses the action that led farthest, or the first if the gain is too small.

        Args:
            proposed: Actions, the agent's own first, shape (n, k).
            outcomes: How far each led [m], shape (n, k).
        """
        ahead = outcomes.copy()
        ahead[:, 0] += self._options.least_gain
        return np.asarray(proposed[np.arange(len(proposed)), ahead.argmax(axis=1)])

    def _outcomes(
        self, proposed: NDArray[np.int64], of_games: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Plays every proposal; returns how well it went, shape (n, k)."""
        options, n = self._options, len(proposed)
        origins = np.repeat(of_games, self._k)  # (n * k,)
        start = Snapshot.of(self._env.simulator)
        if n not in self._clones:
            self._clones[n] = self._env.options.make_games(n * self._k)
        games = self._clones[n]
        games.copy_games(self._env.simulator, origins, np.arange(n * self._k))
        actions, fallen = proposed.ravel(), np.zeros(n * self._k, dtype=np.bool_)
        for decision in range(options.decisions):
            games.step(self._masks[actions], self._env.options.ticks_per_action)
            now = Snapshot.of(games)
            fallen |= (now.ended & ~now.landed) | (now.torso_y > options.sink_height)
            seen = self._track.hide_finish(self._observer.observe(now))
            if decision < options.decisions - 1:
                actions = super().act(seen)
        metres = (now.torso_x - start.torso_x[origins]) / UNITS_PER_METRE
        # Who has finished stands still; without its pace the slower finisher would lead.
        played = now.ticks - start.ticks[origins]
        missing = options.decisions * self._env.options.ticks_per_action - played
        pace = now.torso_x / UNITS_PER_METRE / np.maximum(now.ticks, 1)
        metres = metres + np.where(now.landed, missing * pace, 0.0)
        values = self._judge.values(seen).astype(np.float64)
        values[fallen] = np.median(values) - options.fall_cost
        return np.asarray((metres + options.value_weight * values).reshape(n, self._k))
