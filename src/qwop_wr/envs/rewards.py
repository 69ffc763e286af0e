"""What one decision earns, in compiled code."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.compilation import compiled
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.simulator.constants import CLOCK_STEP, UNITS_PER_METRE

Rewards = NDArray[np.float64]
"""One per game, shape (n,)."""

RewardFunction = Callable[
    [NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]], Rewards
]
"""From advance [units], ticks played, finished and failed to rewards, all of shape (n,)."""

QWOP_GYM_CLOCK_RATIO = 10.0
"""The circulating clock shows the game's seconds divided by this."""


@compiled
def time_rewards(
    advance: NDArray[np.float64],
    ticks: NDArray[np.int64],
    failed: NDArray[np.bool_],
    metre_reward: float,
    tick_cost: float,
    fall_cost: float,
) -> Rewards:
    """Pay for progress and charge for time: linear in both, so that faster is always better.

    Args:
        advance: How far the torso moved [units], shape (n,).
        ticks: Ticks that the decision took, shape (n,).
        failed: Whether it ended in a fall or with a sunken torso, shape (n,).
        metre_reward: Reward per metre.
        tick_cost: Subtracted per tick.
        fall_cost: Subtracted on failure.

    Returns:
        Rewards, shape (n,).
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
    """Pay for speed, as qwop-gym does: C_s * ds/dt - C_t * dt, and a bonus at the end.

    Time is that of the circulating clock, a tenth of the game's.

    Args:
        advance: How far the torso moved [units], shape (n,).
        ticks: Ticks that the decision took, 0 for a game that stands still, shape (n,).
        finished: Whether it ended the run with success, shape (n,).
        failed: Whether it ended in a fall or with a sunken torso, shape (n,).
        speed_reward: C_s, per metre and second on the circulating clock.
        time_cost: C_t, per second on the circulating clock, divided by the
            ticks of a full decision already.
        success_reward: Added on success.
        failure_cost: Subtracted on failure.

    Returns:
        Rewards, shape (n,).
    """
    rewards = np.zeros(len(advance))
    for game in range(len(advance)):
        if ticks[game] > 0:
            seconds = ticks[game] * CLOCK_STEP / QWOP_GYM_CLOCK_RATIO
            metres = advance[game] / UNITS_PER_METRE
            rewards[game] = speed_reward * (metres / seconds) - time_cost * seconds
        rewards[game] += success_reward * finished[game] - failure_cost * failed[game]
    return rewards


def reward_function(options: EnvironmentOptions) -> RewardFunction:
    """Choose the reward and fix its coefficients.

    Args:
        options: Options of the environment.

    Returns:
        The function to call once per decision.
    """
    # Partial functions, unlike lambdas, can be sent to another process.
    return partial(_for_time if options.reward == "time" else _for_speed, options)


def _for_time(
    options: EnvironmentOptions,
    advance: NDArray[np.float64],
    ticks: NDArray[np.int64],
    finished: NDArray[np.bool_],
    failed: NDArray[np.bool_],
) -> Rewards:
    return time_rewards(
        advance, ticks, failed, options.metre_reward, options.tick_cost, options.fall_cost
    )


def _for_speed(
    options: EnvironmentOptions,
    advance: NDArray[np.float64],
    ticks: NDArray[np.int64],
    finished: NDArray[np.bool_],
    failed: NDArray[np.bool_],
) -> Rewards:
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
