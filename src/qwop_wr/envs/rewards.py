"""Outcomes and rewards of a decision."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.compilation import compiled
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.envs.velocity import CLOCK_RATIO
from qwop_wr.simulator.base import Booleans
from qwop_wr.simulator.constants import CLOCK_STEP, UNITS_PER_METRE


class Outcomes(NamedTuple):
    """Outcomes of n games, shape (n,): at most one is true, and while none is the game goes on.

    Attributes:
        finished: The runner has landed in the sand pit, on whatever part.
        fallen: Head, arm or forearm has touched the track.
        sunk: The torso is below the permitted height.
        truncated: The ticks are used up.
    """

    finished: Booleans
    fallen: Booleans
    sunk: Booleans
    truncated: Booleans

    @classmethod
    def of(cls, games: Snapshot, options: EnvironmentOptions) -> "Outcomes":
        """Returns the outcome of every game of a snapshot."""
        finished = games.ended & games.landed
        fallen = games.ended & ~games.landed
        sunk = ~games.ended
        if options.sink_height is None:
            sunk[:] = False
        else:
            sunk &= games.torso_y > options.sink_height
        truncated = (games.ticks >= options.max_ticks) & ~(games.ended | sunk)
        return cls(finished, fallen, sunk, truncated)

    @property
    def failed(self) -> Booleans:
        """Whether the runner has fallen or sunk, shape (n,)."""
        return self.fallen | self.sunk

    @property
    def terminated(self) -> Booleans:
        """Whether the run has ended by itself, shape (n,)."""
        return self.finished | self.fallen | self.sunk


Rewards = NDArray[np.float64]
"""One per game, shape (n,)."""


@compiled
def time_rewards(
    advance: NDArray[np.float64],
    ticks: NDArray[np.int64],
    failed: NDArray[np.bool_],
    metre_reward: float,
    tick_cost: float,
    fall_cost: float,
) -> Rewards:
    """Pays for progress and charges for time: linear in both, so that faster is always better.

    Progress is in units; the other numbers are those of ``EnvironmentOptions``.
    """
    rewards = np.empty(len(advance))
    for game in range(len(advance)):
        metres = advance[game] / UNITS_PER_METRE
        rewards[game] = metre_reward * metres - tick_cost * ticks[game] - fall_cost * failed[game]
    return rewards


@compiled
def qwop_gym_rewards(
    advance: NDArray[np.float64],
    ticks: NDArray[np.int64],
    finished: NDArray[np.bool_],
    failed: NDArray[np.bool_],
    speed_reward: float,
    time_cost: float,
    success_reward: float,
    failure_cost: float,
) -> Rewards:
    """Pays for speed, as qwop-gym does: C_s * ds/dt - C_t * dt, and a bonus at the end.

    Time is that of the circulating clock, a tenth of the game's.

    C_s is the speed reward, C_t the time cost divided by the ticks of a full decision.
    """
    rewards = np.zeros(len(advance))
    for game in range(len(advance)):
        if ticks[game] > 0:
            seconds = ticks[game] * CLOCK_STEP / CLOCK_RATIO
            metres = advance[game] / UNITS_PER_METRE
            rewards[game] = speed_reward * (metres / seconds) - time_cost * seconds
        rewards[game] += success_reward * finished[game] - failure_cost * failed[game]
    return rewards


class RewardRates(NamedTuple):
    """Reward of a running game, linear in progress and time.

    Attributes:
        per_metre: For progress of the torso [1/m].
        per_tick: Subtracted for every tick.
    """

    per_metre: float
    per_tick: float


def reward_rates(options: EnvironmentOptions) -> RewardRates:
    """Returns the rates at which whole decisions that end no run are rewarded.

    Bonuses for learning, ``velocity`` and ``shaping``, do not count.
    """
    if options.reward == "time":
        return RewardRates(options.metre_reward, options.tick_cost)
    tick = CLOCK_STEP / CLOCK_RATIO
    per_decision = options.ticks_per_action
    return RewardRates(
        options.speed_reward / (per_decision * tick), options.time_cost / per_decision * tick
    )


def decision_rewards(
    options: EnvironmentOptions,
    advance: NDArray[np.float64],
    ticks: NDArray[np.int64],
    finished: NDArray[np.bool_],
    failed: NDArray[np.bool_],
) -> Rewards:
    """Returns the rewards of one decision of n games, without bonuses for learning.

    Args:
        advance: Progress of the torso [units], shape (n,).
        ticks: Ticks that it took, 0 for a game that stands still, shape (n,).
        finished: Whether it ended the run with success, shape (n,).
        failed: Whether it ended in a fall or with a sunken torso, shape (n,).
    """
    if options.reward == "time":
        return time_rewards(
            advance, ticks, failed, options.metre_reward, options.tick_cost, options.fall_cost
        )
    return qwop_gym_rewards(
        advance,
        ticks,
        finished,
        failed,
        options.speed_reward,
        options.time_cost / options.ticks_per_action,
        options.success_reward,
        options.failure_cost,
    )
