"""A judge's values follow the agent that it judges.

A guide values a state for searches that go on from there. The agent under the coach goes on
less well, and gains nothing from actions that only a search could make use of. So the values
are fitted to what becomes of the agent's own games (docs/training.md).
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.refit import CriticFitter, lambda_returns
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.envs.rewards import reward_rates
from qwop_wr.options import Options
from qwop_wr.search.foresight import View
from qwop_wr.search.guide import EndlessTrack
from qwop_wr.search.refinement import value_gamma
from qwop_wr.simulator.base import Booleans
from qwop_wr.simulator.constants import UNITS_PER_METRE

LAST_METRE: Final = 95.0
"""States beyond are left out [m]: they see the finish."""
_BLOCK: Final = 64
"""Decisions of all games that are valued at once: to join them all would take much memory."""


class JudgeOptions(Options):
    """How a judge's values follow an agent."""

    epochs: NonNegativeInt = 1
    """Passes over the states of a round's games; 0 leaves the values as they are."""
    learning_rate: float = Field(default=3e-4, gt=0, allow_inf_nan=False)
    """Step size of Adam."""
    trace: float = Field(default=0.99, ge=0, le=1)
    """Lambda of the returns."""
    huber_width: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """Error up to which the loss is quadratic [m]: a rare fall has to show in the values."""


class Returns(NamedTuple):
    """Observations, arrays (m, d) of N rows together, and the returns after them, shape (N,)."""

    observations: list[NDArray[np.float32]]
    returns: NDArray[np.float32]


class Play:
    """Decisions of n games, as they were played.

    Args:
        observation: Kind of observation, a key of ``OBSERVATIONS``.
    """

    def __init__(self, observation: str) -> None:
        self._track = EndlessTrack(observation)
        self._observations: list[NDArray[np.float32]] = []
        self._metres: list[NDArray[np.float64]] = []
        self._running: list[Booleans] = []
        self._fallen: list[Booleans] = []

    def watch(self, view: View, running: Booleans) -> None:
        """Notes the games before a decision, and which still run, shape (n,)."""
        self._observations.append(self._track.hide_finish(view.observations))
        self._metres.append(view.now.torso_x / UNITS_PER_METRE)
        self._running.append(running.copy())
        self._fallen.append(view.fallen)

    def returns(
        self,
        critic: CriticFitter,
        environment: EnvironmentOptions,
        gamma: float,
        fall_cost: float,
        trace: float,
    ) -> Returns:
        """Computes TD(lambda) returns of all decisions, as if the track had no end.

        The observations are handed out and kept no longer: they take much memory.

        Args:
            critic: Values the states.
            gamma: Discount per decision.
            fall_cost: How far the value of a fall is below that of the median state [m].
            trace: Lambda.
        """
        seen, metres = self._observations, np.stack(self._metres)  # (T + 1, n)
        blocks = range(0, len(seen), _BLOCK)
        values = [critic.values(np.concatenate(seen[first : first + _BLOCK])) for first in blocks]
        valued = np.concatenate(values).reshape(metres.shape)
        fallen, far = np.stack(self._fallen), metres > LAST_METRE
        over = np.logical_or.accumulate(fallen | far | ~np.stack(self._running), axis=0)
        counted, rates = ~over[:-1], reward_rates(environment)
        next_values = valued[1:].copy()
        next_values[fallen[1:]] = np.median(valued[:-1][counted]) - rates.per_metre * fall_cost
        decision_cost = rates.per_tick * environment.ticks_per_action
        rewards = rates.per_metre * np.diff(metres, axis=0) - decision_cost
        found = lambda_returns(rewards, next_values, over[1:], gamma, trace)
        kept = [rows[here] for rows, here in zip(seen, counted, strict=False)]
        self._observations.clear()
        return Returns(kept, found[counted].astype(np.float32))


def follow(
    judge: Agent,
    plays: Sequence[Play],
    environment: EnvironmentOptions,
    fall_cost: float,
    options: JudgeOptions,
    rng: np.random.Generator,
) -> Agent:
    """Fits a judge's values to what became of an agent's games.

    Args:
        judge: A ppo agent whose discount its card tells; other agents' values stay as they are.
        plays: Groups of games.
        fall_cost: How far the value of a fall is below that of the median state [m].

    Raises:
        FloatingPointError: If a loss is not finite.
    """
    gamma = value_gamma(judge)
    if not options.epochs or judge.spec.algorithm != "ppo" or math.isnan(gamma):
        return judge
    critic = CriticFitter(judge, options.learning_rate, huber_width=options.huber_width)
    found = [play.returns(critic, environment, gamma, fall_cost, options.trace) for play in plays]
    observations = np.concatenate([rows for part in found for rows in part.observations])
    returns = np.concatenate([part.returns for part in found])
    del found  # as large as the observations
    for _ in range(options.epochs):
        if not np.isfinite(critic.fit(observations, returns, rng)):
            raise FloatingPointError("a loss is not finite")
    return critic.agent()
